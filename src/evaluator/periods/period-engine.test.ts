// Periods as evaluators decide them, over real links and stores: cleared as the plain engine clears, decided once, and
// void when they cannot be.
import { afterEach, describe, expect, it } from "vitest";
import type { Order } from "../../market/order.ts";
import type { SettingChoice } from "../../wire/setting.ts";
import { plainly, someOrders, tradedUnits } from "./clearings.test-helper.ts";
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
