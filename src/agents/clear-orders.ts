// Clears one period's orders the way a market file says: by three evaluator processes on shares, or in clear by
// the plain engine as the reference.
import { clearInPlain } from "../client/clear-in-plain.ts";
import type { ClearRequest } from "../client/clearing-client.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Order, Outcome } from "../market/order.ts";
import { orderLayout } from "../market/order-layout.ts";
import type { MarketParameters } from "../market/parameters.ts";
import { permutationFrom } from "../mpc/permutation.ts";
import { systemClock } from "../platform/clock.ts";
import { LocalMarket } from "./local-market.ts";

export const ENGINES = ["replicated", "plain"] as const;
export type EngineName = (typeof ENGINES)[number];

export interface ClearedOrders {
  readonly outcome: Outcome;
  readonly evaluators: number;
  /** The public coin that decided the priority order, 64 hexadecimal digits. */
  readonly coin: string;
  readonly timingsMs: { share: number; offline: number; online: number; total: number };
  readonly traffic: { bytesSentPerEvaluator: number; rounds: number };
}

/** What the evaluators are told of a market: its rules, and which suppliers may learn their sums. */
export function clearRequest(
  market: MarketParameters,
  supplierCount: number,
  orders: readonly Order[],
): ClearRequest {
  const customers = new Array<number>(supplierCount).fill(0);
  for (const order of orders) customers[order.supplier]! += 1;
  return {
    priceBits: market.grid.bits,
    energyBits: market.energyBits,
    priceRule: market.priceRule,
    rationing: market.rationing,
    revealedSuppliers: customers.map((count) => count >= market.minimumGroup),
  };
}

/**
 * Clears `orders` with the engine of that name; `onProgress` hears what is being done. With the plain engine `coin`
 * repeats an earlier clearing's priority order, so that its results can be checked in clear.
 */
export async function clearOrders(
  engine: EngineName,
  market: MarketParameters,
  supplierCount: number,
  orders: readonly Order[],
  onProgress: (doing: string) => void,
  coin: string = Buffer.from(nodePrimitives.randomBytes(32)).toString("hex"),
): Promise<ClearedOrders> {
  const request = clearRequest(market, supplierCount, orders);
  const begin = systemClock.nowMs();
  if (engine === "plain") {
    onProgress("clearing in clear");
    const outcome = await clearPlainly(request, orders, coin);
    const total = systemClock.nowMs() - begin;
    return {
      outcome,
      evaluators: 1,
      coin,
      timingsMs: { share: 0, offline: 0, online: total, total },
      traffic: { bytesSentPerEvaluator: 0, rounds: 0 },
    };
  }
  onProgress("starting three evaluators");
  const local = await LocalMarket.start();
  try {
    const clearing = systemClock.nowMs();
    const cleared = await local.clear(request, orders, ({ phase }) => onProgress(PHASES[phase]));
    return {
      outcome: cleared.outcome,
      evaluators: 3,
      coin: cleared.coin,
      timingsMs: {
        share: cleared.shareMs,
        offline: cleared.offlineMs,
        online: cleared.onlineMs,
        total: systemClock.nowMs() - clearing,
      },
      traffic: {
        bytesSentPerEvaluator: cleared.bytesSentPerEvaluator,
        rounds: cleared.rounds,
      },
    };
  } finally {
    await local.stop();
  }
}

const PHASES = {
  share: "splitting orders into shares",
  offline: "checking and preparing orders",
  online: "clearing",
} as const;

function clearPlainly(
  request: ClearRequest,
  orders: readonly Order[],
  coin: string,
): Promise<Outcome> {
  const { priceBits, energyBits, revealedSuppliers } = request;
  const layout = orderLayout(priceBits, energyBits, revealedSuppliers.length);
  const arrangement = permutationFrom(nodePrimitives, Buffer.from(coin, "hex"), orders.length);
  return clearInPlain(new Field(), nodePrimitives, layout, request, orders, arrangement);
}
