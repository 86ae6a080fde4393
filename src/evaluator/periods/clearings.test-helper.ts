// Orders of a small market, and what became of them by the evaluators' shares and by the plain engine; for tests of how
// periods are cleared.
import { randomBytes } from "node:crypto";
import { clearInPlain } from "../../client/clear-in-plain.ts";
import { sharingOf } from "../../client/sharing.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { Field } from "../../field/field.ts";
import { type Order, tradedFromAbove } from "../../market/order.ts";
import { permutationFrom } from "../../mpc/permutation.ts";
import { fromHex } from "../../wire/hex.ts";
import { layoutOf, periodCommand, revealedSuppliers } from "./period-orders.ts";
import type { TestMarket } from "./periods.test-helper.ts";

const meter = () => randomBytes(16).toString("hex");

export function someOrders(count: number): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    meter: meter(),
    side: i % 5 === 4 ? "idle" : i % 2 === 0 ? "sell" : "buy",
    energyWh: i % 5 === 4 ? 0 : 100 + 37 * i,
    limitTick: i % 5 === 4 ? null : i % 2 === 0 ? 800 + 20 * i : 2600 - 30 * i,
    supplier: i % 4 === 0 ? 0 : 1,
  }));
}

/** What every meter of a cleared period has traded, put together from the evaluators' shares. */
export async function tradedUnits(of: TestMarket, start: number, orders: readonly Order[]) {
  const decision = await of.decision(start);
  const field = new Field();
  const sharing = sharingOf(
    { field, primitives: nodePrimitives },
    of.document.setting,
    layoutOf(of.document),
    null,
  );
  const traded: number[] = [];
  for (const order of orders) {
    const place = await of.evaluators[decision.active[0]!]!.store.agreedOrder(start, order.meter);
    const shares = await Promise.all(
      decision.active.map(async (i) => {
        const { store } = of.evaluators[i]!;
        return (await store.orderShare(start, decision.attempt, place!.position))!;
      }),
    );
    const above = field.toNumbers(await sharing.combine(decision.active, shares))[0]!;
    traded.push(tradedFromAbove(order, above));
  }
  return traded;
}

/** The same by the plain engine, with the same coin and the orders by meter. */
export async function plainly(of: TestMarket, start: number, orders: readonly Order[]) {
  const decision = await of.decision(start);
  const sorted = orders.toSorted((a, b) => (a.meter < b.meter ? -1 : 1));
  const { setting, ...command } = periodCommand(
    of.document,
    revealedSuppliers(of.document, sorted),
  );
  const outcome = await clearInPlain(
    new Field(),
    nodePrimitives,
    layoutOf(of.document),
    { ...command, algorithm: setting.algorithm, priorityOrder: setting.priorityOrder },
    sorted,
    permutationFrom(nodePrimitives, fromHex(decision.coin!), orders.length),
  );
  return {
    priceTick: outcome.priceTick,
    tradedUnits: orders.map((order) => outcome.tradedUnits[sorted.indexOf(order)]!),
  };
}
