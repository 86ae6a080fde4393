// Periods as evaluators decide them, over real links and stores: cleared as the plain engine clears, decided once, and
// void when they cannot be.
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { clearInPlain } from "../../client/clear-in-plain.ts";
import { sharingOf } from "../../client/sharing.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { Field } from "../../field/field.ts";
import { type Order, tradedFromAbove } from "../../market/order.ts";
import { permutationFrom } from "../../mpc/permutation.ts";
import { fromHex } from "../../wire/hex.ts";
import type { SettingChoice } from "../../wire/setting.ts";
import { layoutOf, periodCommand } from "./period-orders.ts";
import { TestMarket, type TestMarketOptions } from "./periods.test-helper.ts";

let market: TestMarket | null = null;
afterEach(async () => {
  await market?.stop();
  market = null;
});

async function started(options: TestMarketOptions): Promise<TestMarket> {
  market = await TestMarket.start(options);
  return market;
}

const meter = () => randomBytes(16).toString("hex");

function someOrders(count: number): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    meter: meter(),
    side: i % 5 === 4 ? "idle" : i % 2 === 0 ? "sell" : "buy",
    energyWh: i % 5 === 4 ? 0 : 100 + 37 * i,
    limitTick: i % 5 === 4 ? null : i % 2 === 0 ? 800 + 20 * i : 2600 - 30 * i,
    supplier: i % 4 === 0 ? 0 : 1,
  }));
}

/** What every meter of a cleared period has traded, put together from the evaluators' shares. */
async function tradedUnits(of: TestMarket, start: number, orders: readonly Order[]) {
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
async function plainly(of: TestMarket, start: number, orders: readonly Order[]) {
  const decision = await of.decision(start);
  const sorted = orders.toSorted((a, b) => (a.meter < b.meter ? -1 : 1));
  const entries = sorted.map(({ meter, supplier }) => ({
    meter,
    supplier,
    sequence: 1,
    orderId: "",
  }));
  const { setting, ...command } = periodCommand(of.document, entries);
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

const SETTINGS: readonly SettingChoice[] = [
  { engine: "replicated" },
  { engine: "replicated", security: "malicious" },
  { engine: "shamir", parties: 5, threshold: 1 },
  { engine: "shamir", parties: 3, security: "malicious" },
];

describe.each(SETTINGS)("a period of $engine $parties $security", (setting) => {
  it("is cleared as the plain engine clears it, one after the other", async () => {
    const own = await started({ setting, periodS: 2 });
    const first = own.document.firstPeriod;
    const orders = someOrders(12);
    for (const order of orders) await own.order(first, order);
    const decision = await own.decision(first);
    expect(decision).toMatchObject({ outcome: "cleared", traded: true, rejected: [] });
    expect(decision.agreed?.count).toBe(orders.length);
    // Supplier 0 has three customers and as many are needed.
    expect(decision.revealedSuppliers).toEqual([true, true]);
    const expected = await plainly(own, first, orders);
    expect(decision.priceTick).toBe(expected.priceTick);
    expect(await tradedUnits(own, first, orders)).toEqual(expected.tradedUnits);
    // The next one has no orders.
    const next = await own.decision(first + 2);
    expect(next).toMatchObject({ outcome: "cleared", traded: false, priceTick: null });
    for (const { failures } of own.evaluators) expect(failures).toEqual([]);
  });
});

describe("orders", () => {
  it("count when all evaluators hold them, the last such one of each meter, with its meter's supplier", async () => {
    const own = await started({ setting: { engine: "replicated" }, periodS: 3 });
    const start = own.document.firstPeriod;
    const [kept, replaced, partly, wrong, other] = someOrders(5) as [
      Order,
      Order,
      Order,
      Order,
      Order,
    ];
    const keptId = await own.order(start, kept);
    await own.order(start, replaced);
    const secondId = await own.order(start, { ...replaced, energyWh: 5 });
    const before = await own.order(start, other);
    await own.order(start, { ...other, energyWh: 0 }, [0, 2]);
    await own.order(start, partly, [0, 1]);
    const decision = await own.decision(start);
    expect(decision.agreed?.count).toBe(3);
    const { store } = own.evaluators[1]!;
    expect((await store.agreedOrder(start, kept.meter))?.orderId).toBe(keptId);
    expect((await store.agreedOrder(start, replaced.meter))?.orderId).toBe(secondId);
    expect((await store.agreedOrder(start, other.meter))?.orderId).toBe(before);
    expect(await store.agreedOrder(start, partly.meter)).toBeNull();
    expect(await store.agreedOrder(start, wrong.meter)).toBeNull();
  });
});

describe("evaluators that fail", () => {
  it("a missing one makes periods void, and it hears of them when it is back", async () => {
    const own = await started({ setting: { engine: "replicated" }, periodS: 2 });
    const start = own.document.firstPeriod;
    await own.evaluators[2]!.stop();
    for (const order of someOrders(6)) await own.order(start, order);
    const others = own.evaluators.slice(0, 2);
    expect(await own.decision(start, others)).toMatchObject({
      outcome: "void",
      reason: "no-quorum",
      members: [0, 1],
    });
    await own.evaluators[2]!.start();
    expect((await own.decision(start)).outcome).toBe("void");
    // Soon they clear again.
    let later = start + 2;
    while ((await own.decision(later)).outcome === "void") later += 2;
    expect((await own.decision(later)).members).toEqual([0, 1, 2]);
  });

  it("a Shamir market goes on without two of five, and they catch up", async () => {
    const setting = { engine: "shamir", parties: 5, threshold: 1 } as const;
    const own = await started({ setting, periodS: 3 });
    const start = own.document.firstPeriod;
    const orders = someOrders(8);
    for (const order of orders) await own.order(start, order);
    await own.evaluators[0]!.stop();
    await own.evaluators[3]!.stop();
    const others = [1, 2, 4].map((i) => own.evaluators[i]!);
    expect(await own.decision(start, others)).toMatchObject({ outcome: "cleared", traded: true });
    await own.evaluators[0]!.start();
    await own.evaluators[3]!.start();
    const decision = await own.decision(start);
    expect(decision.members).toEqual([1, 2, 4]);
    expect(await tradedUnits(own, start, orders)).toEqual(
      (await plainly(own, start, orders)).tradedUnits,
    );
  });
});
