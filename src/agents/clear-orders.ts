// Clears one period's orders the way a market file says: by evaluator processes on shares, or in clear by the plain
// engine as the reference.
import { clearInPlain } from "../client/clear-in-plain.ts";
import type { ClearRequest } from "../client/clearing-client.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Order, Outcome } from "../market/order.ts";
import { orderLayout } from "../market/order-layout.ts";
import type { MarketParameters } from "../market/parameters.ts";
import { permutationFrom } from "../mpc/permutation.ts";
import { systemClock } from "../platform/clock.ts";
import type { Setting } from "../wire/setting.ts";
import { LocalMarket } from "./local-market.ts";

export interface ClearedOrders {
  readonly outcome: Outcome;
  readonly evaluators: number;
  /** The public coin that decided the priority order, 64 hexadecimal digits; null if that order is hidden. */
  readonly coin: string | null;
  readonly timingsMs: { share: number; offline: number; online: number; total: number };
  readonly traffic: { bytesSentPerEvaluator: number; rounds: number };
}

/** What the evaluators are told of a market: its rules, who computes, and which suppliers may learn their sums. */
export function clearRequest(
  market: MarketParameters,
  supplierCount: number,
  orders: readonly Order[],
  setting: Setting,
): ClearRequest {
  const customers = new Array<number>(supplierCount).fill(0);
  for (const order of orders) customers[order.supplier]! += 1;
  return {
    priceBits: market.grid.bits,
    energyBits: market.energyBits,
    priceRule: market.priceRule,
    rationing: market.rationing,
    revealedSuppliers: customers.map((count) => count >= market.minimumGroup),
    setting,
  };
}

/** Clears `orders` on shares with evaluators of its own; `onProgress` hears what is being done. */
export async function clearOnShares(
  request: ClearRequest,
  orders: readonly Order[],
  onProgress: (doing: string) => void,
): Promise<ClearedOrders> {
  const { setting } = request;
  onProgress(`starting ${setting.parties} evaluators`);
  const local = await LocalMarket.start({ setting });
  try {
    const clearing = systemClock.nowMs();
    const cleared = await local.clear(request, orders, ({ phase }) => onProgress(PHASES[phase]));
    return {
      outcome: cleared.outcome,
      evaluators: setting.parties,
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
  results: "putting the results together",
} as const;

/**
 * Clears `orders` in clear, with the request's rules and algorithm, whatever engine it names. `coin` repeats an earlier
 * clearing's priority order, so that its results can be checked.
 */
export async function clearPlainly(
  request: ClearRequest,
  orders: readonly Order[],
  onProgress: (doing: string) => void,
  coin: string = Buffer.from(nodePrimitives.randomBytes(32)).toString("hex"),
): Promise<ClearedOrders> {
  onProgress("clearing in clear");
  const begin = systemClock.nowMs();
  const { priceBits, energyBits, revealedSuppliers, setting } = request;
  const { algorithm, priorityOrder } = setting;
  const layout = orderLayout(priceBits, energyBits, revealedSuppliers.length);
  const isPublic = priorityOrder === "public";
  const arrangement = isPublic
    ? permutationFrom(nodePrimitives, Buffer.from(coin, "hex"), orders.length)
    : null;
  const rules = { ...request, algorithm, priorityOrder };
  const field = new Field();
  const outcome = await clearInPlain(field, nodePrimitives, layout, rules, orders, arrangement);
  const total = systemClock.nowMs() - begin;
  return {
    outcome,
    evaluators: 1,
    coin: isPublic ? coin : null,
    timingsMs: { share: 0, offline: 0, online: total, total },
    traffic: { bytesSentPerEvaluator: 0, rounds: 0 },
  };
}
