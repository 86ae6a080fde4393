// Whole clearings by any setting in one process: orders split as clients split them, computed at evaluators that run
// the service's own session over in-memory links, and put together as clients put them together.
import { ClientDealing } from "../../src/client/dealer-orders.ts";
import { sharingOf } from "../../src/client/sharing.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { runClearing, type SessionResult } from "../../src/evaluator/clearing-session.ts";
import { intakeOf } from "../../src/evaluator/engine-sessions.ts";
import { Field } from "../../src/field/field.ts";
import { type Order, type Outcome, tradedFromAbove } from "../../src/market/order.ts";
import { orderLayout } from "../../src/market/order-layout.ts";
import type { PriceRule, Rationing } from "../../src/market/parameters.ts";
import { DealerInProcess } from "../../src/mpc/dealer-parties.test-helper.ts";
import { closePeers, meshedPeers } from "../../src/mpc/parties.test-helper.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { ClearCommand } from "../../src/wire/session-messages.ts";
import type { Setting } from "../../src/wire/setting.ts";

export interface Market {
  readonly priceBits: number;
  readonly energyBits: number;
  readonly priceRule: PriceRule;
  readonly rationing: Rationing;
  readonly revealedSuppliers: readonly boolean[];
  readonly orders: readonly Order[];
}

export interface Cleared {
  readonly outcome: Outcome;
  readonly rejected: SessionResult["rejected"];
  /** What the priority order was made from; null if that order is hidden. */
  readonly coin: Uint8Array | null;
}

export const layoutOf = ({ priceBits, energyBits, revealedSuppliers }: Market) =>
  orderLayout(priceBits, energyBits, revealedSuppliers.length);

/** Clears a market at the evaluators of the numbers `active`. */
export async function clearAt(
  setting: Setting,
  active: readonly number[],
  market: Market,
): Promise<Cleared> {
  const dealer = setting.engine === "dealer" ? new DealerInProcess() : null;
  const peers = meshedPeers(active.length);
  try {
    const tools = { field: new Field(), primitives: nodePrimitives };
    const dealing =
      dealer && (await ClientDealing.open(tools.field, dealer.call("operator"), setting.parties));
    const sharing = sharingOf(tools, setting, layoutOf(market), dealing);
    const received = await sharing.split(market.orders);
    const command = commandOf(setting, market, dealing);
    const results = await Promise.all(
      peers.map((own, rank) => {
        const evaluator = active[rank]!;
        const reachDealer = async () => {
          if (dealer === null) throw new Error("there is no dealer");
          return dealer.call({ evaluator });
        };
        const count = market.orders.length;
        const inside = { field: new Field(), primitives: nodePrimitives };
        const intake = intakeOf(inside, setting, evaluator, count, layoutOf(market));
        intake.streams.forEach((stream, index) => {
          stream.write(received[evaluator]![index]!, 0);
        });
        const session = { ...inside, clock: systemClock, onPhase: () => {}, reachDealer };
        return runClearing(session, { peers: own, active }, command, intake, true);
      }),
    );
    const combine = async (shares: readonly Uint8Array[]) =>
      tools.field.toNumbers(await sharing.combine(active, shares));
    return await putTogether(market, sharing.resultBytes, results, combine);
  } finally {
    closePeers(peers);
    dealer?.close();
  }
}

export function commandOf(
  setting: Setting,
  market: Market,
  dealing: ClientDealing | null,
): ClearCommand {
  const { priceBits, energyBits, priceRule, rationing, revealedSuppliers, orders } = market;
  return {
    type: "clear",
    count: orders.length,
    priceBits,
    energyBits,
    priceRule,
    rationing,
    revealedSuppliers: [...revealedSuppliers],
    setting,
    // The evaluators' links lead to the dealer wherever it is said to be.
    dealing: dealing && { host: "localhost", port: 1, id: dealing.id },
  };
}

/** What clients make of the evaluators' answers, which must agree in all that is public. */
export async function putTogether(
  { orders, revealedSuppliers }: Market,
  resultBytes: number,
  results: readonly SessionResult[],
  combine: (shares: readonly Uint8Array[]) => Promise<Float64Array>,
): Promise<Cleared> {
  const publicOf = ({ traded, priceTick, coin, rejected }: SessionResult) =>
    JSON.stringify([traded, priceTick, coin && [...coin], rejected]);
  const [first] = results;
  if (results.some((own) => publicOf(own) !== publicOf(first!)))
    throw new Error("the evaluators say different things");
  const { traded, priceTick, coin, rejected } = first!;
  const above = await combine(results.map((own) => own.orderShares));
  const suppliers: Outcome["suppliers"][number][] = [];
  let at = 0;
  for (const may of revealedSuppliers) {
    if (!may) {
      suppliers.push(null);
      continue;
    }
    const end = at + 2 * resultBytes;
    const shares = results.map((own) => own.supplierShares.slice(at, end));
    const [boughtUnits, soldUnits] = await combine(shares);
    suppliers.push({ boughtUnits: boughtUnits!, soldUnits: soldUnits! });
    at = end;
  }
  if (results.some((own) => own.supplierShares.length !== at))
    throw new Error("sums of suppliers that may not learn theirs");
  const tradedUnits = above.map((units, i) => tradedFromAbove(orders[i]!, units));
  return { outcome: { traded, priceTick, tradedUnits, suppliers }, rejected, coin };
}
