// Orders prepared while their gate is open: the outcome is what the plain engine says, whichever orders came when, were
// replaced, or had not reached everybody; and what fails meanwhile is done when the gate is closed.
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { gateClosureOf } from "../../market/market-document.ts";
import type { Order } from "../../market/order.ts";
import { systemClock } from "../../platform/clock.ts";
import type { SettingChoice } from "../../wire/setting.ts";
import { plainly, someOrders, tradedUnits } from "./clearings.test-helper.ts";
import { TestMarket } from "./periods.test-helper.ts";

const PERIOD_S = 16;
const LAST_MOMENT_MS = 300;

/** They mostly wait for gates to close: side by side. */
const concurrently =
  (setting: SettingChoice, test: (market: TestMarket) => Promise<void>) => async () => {
    const market = await TestMarket.start({ setting, periodS: PERIOD_S, leastPrepared: 1 });
    try {
      await test(market);
    } finally {
      await market.stop();
    }
  };

/** Waits until all have prepared so many orders. */
async function untilPrepared(own: TestMarket, count: number): Promise<void> {
  const gateMs = gateClosureOf(own.document, own.document.firstPeriod) * 1000;
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  while (own.evaluators.some(({ prepared }) => sum(prepared) < count)) {
    if (Date.now() > gateMs) throw new Error("the gate has closed");
    await systemClock.sleep(20);
  }
}

const SETTINGS: readonly SettingChoice[] = [
  { engine: "replicated" },
  { engine: "replicated", security: "malicious" },
  { engine: "replicated", algorithm: "sort" },
  { engine: "shamir", parties: 5, threshold: 1 },
  { engine: "shamir", parties: 3, security: "malicious" },
];

describe.concurrent("orders prepared while their gate is open", () => {
  for (const setting of SETTINGS) {
    const test = async (own: TestMarket) => {
      const start = own.document.firstPeriod;
      const orders = someOrders(18);
      const [early, late] = [orders.slice(0, 9), orders.slice(9)];
      for (const order of early) await own.order(start, order);
      await untilPrepared(own, 9);
      // Two are replaced after they were prepared, and one that never reaches everybody leaves the former.
      const replaced: Order[] = early.slice(0, 2).map((order) => ({ ...order, energyWh: 7 }));
      for (const order of [...replaced, ...late.slice(0, 6)]) await own.order(start, order);
      await own.order(start, { ...early[2]!, energyWh: 1 }, [0, 1]);
      await untilPrepared(own, 17);
      // And some at the last moment.
      const gateMs = gateClosureOf(own.document, start) * 1000;
      await systemClock.sleep(Math.max(0, gateMs - LAST_MOMENT_MS - Date.now()));
      for (const order of late.slice(6)) await own.order(start, order);
      const decision = await own.decision(start);
      expect(decision).toMatchObject({ outcome: "cleared", traded: true, rejected: [] });
      const counted = [...replaced, ...orders.slice(2)];
      expect(decision.agreed?.count).toBe(counted.length);
      const expected = await plainly(own, start, counted);
      expect(decision.priceTick).toBe(expected.priceTick);
      expect(await tradedUnits(own, start, counted)).toEqual(expected.tradedUnits);
      for (const { failures } of own.evaluators) expect(failures).toEqual([]);
    };
    const name = Object.values(setting).join(" ");
    it(`${name}: clear as all at once, the last one of each meter`, concurrently(setting, test));
  }

  const again = async (own: TestMarket) => {
    const start = own.document.firstPeriod;
    const orders = someOrders(12);
    for (const order of orders) await own.order(start, order);
    await untilPrepared(own, 12);
    await own.evaluators[1]!.stop();
    await own.evaluators[1]!.start();
    const decision = await own.decision(start);
    expect(decision).toMatchObject({ outcome: "cleared", traded: true, rejected: [] });
    expect(await tradedUnits(own, start, orders)).toEqual(
      (await plainly(own, start, orders)).tradedUnits,
    );
  };
  it("are prepared anew when an evaluator has restarted", concurrently(SETTINGS[0]!, again));

  const refusing = async (own: TestMarket) => {
    const start = own.document.firstPeriod;
    const orders = someOrders(8);
    for (const order of orders) await own.order(start, order);
    const liar: Order = { ...orders[0]!, meter: randomBytes(16).toString("hex") };
    await own.order(start, liar, undefined, (streams) => {
      // Component 2 is another one at both that hold it: the first bit is none.
      for (const component of [streams[1]![1]!, streams[2]![0]!]) component[1]! ^= 1;
    });
    await untilPrepared(own, 9);
    const decision = await own.decision(start);
    const { position } = (await own.evaluators[0]!.store.agreedOrder(start, liar.meter))!;
    expect(decision).toMatchObject({ outcome: "cleared", rejected: [position] });
    const expected = await plainly(own, start, [...orders, { ...liar, energyWh: 0 }]);
    expect(await tradedUnits(own, start, orders)).toEqual(
      expected.tradedUnits.slice(0, orders.length),
    );
  };
  it("are refused each by itself", concurrently(SETTINGS[0]!, refusing));

  const lying = async (own: TestMarket) => {
    const start = own.document.firstPeriod;
    const orders = someOrders(8);
    for (const order of orders.slice(1)) await own.order(start, order);
    await own.order(start, orders[0]!, undefined, (streams) => {
      // The two that hold component 2 have different ones.
      streams[1]![1]![1]! ^= 1;
    });
    const decision = await own.decision(start);
    expect(decision).toMatchObject({ outcome: "void", reason: "abort" });
    for (const { failures } of own.evaluators) {
      // Once while the gate was open; that does not count as an attempt to clear.
      expect(failures.filter((text) => text.startsWith("preparing: "))).toHaveLength(1);
      expect(failures.filter((text) => text.includes("do not fit together"))).toHaveLength(3);
    }
  };
  it(
    "are not prepared again when shares of one do not fit together, with malicious security",
    concurrently(SETTINGS[1]!, lying),
  );
});
