// The sums of a cleared day, on a small hand-made book and on a simulated day.

import { expect, test } from "vitest";
import type { ClearingRules } from "../market/oracle.ts";
import { clearInClear } from "../market/oracle.ts";
import type { Order } from "../market/order.ts";
import { summerDay } from "./community/community.ts";
import type { DayPeriod } from "./day-summary.ts";
import { hourly, stretchOf, supplierDay, tradedWh, tradesOf } from "./day-summary.ts";

function cleared(startUtc: string, orders: readonly Order[], revealed: boolean[]): DayPeriod {
  const rules: ClearingRules = {
    priceBits: 12,
    priceRule: "midpoint",
    rationing: "pro-rata",
    supplierCount: revealed.length,
    revealedSuppliers: revealed,
  };
  const outcome = clearInClear(orders, rules, Uint32Array.from(orders.keys()));
  return { startUtc, orders, outcome, isVoid: false, counted: orders.length };
}

const order = (
  meter: string,
  side: Order["side"],
  energyWh: number,
  limitTick: number | null,
  supplier: number,
): Order => ({ meter, side, energyWh, limitTick, supplier });

// 1000 Wh for sale from 10.00 ct; only the buyer at 20.00 ct and half of the one at 15.00 ct get
// it.
const BOOK = [
  order("a", "buy", 600, 2000, 0),
  order("b", "buy", 800, 1500, 1),
  order("c", "sell", 1000, 1000, 1),
  order("d", "idle", 0, null, 0),
];
const IDLE = BOOK.map((entry) => order(entry.meter, "idle", 0, null, entry.supplier));
const PERIODS = [
  cleared("2026-06-18T10:00:00Z", BOOK, [true, true]),
  cleared("2026-06-18T10:15:00Z", IDLE, [true, true]),
  cleared("2026-06-18T11:00:00Z", BOOK, [true, false]),
];

test("stretches add up orders and energy, and span the prices", () => {
  const [ten, eleven, ...others] = hourly(PERIODS);
  expect(others).toEqual([]);
  expect(ten).toEqual({
    startUtc: "2026-06-18T10:00:00Z",
    periods: 2,
    buying: 2,
    selling: 1,
    idle: 5,
    periodsTraded: 1,
    lowestTick: 1500,
    highestTick: 1500,
    tradedWh: 1000,
    counted: 8,
    voidPeriods: 0,
  });
  expect(eleven?.periods).toBe(1);
  expect(stretchOf([PERIODS[1]!])).toMatchObject({ lowestTick: null, tradedWh: 0 });
  const failed = { ...PERIODS[1]!, isVoid: true, counted: 0 };
  expect(stretchOf([PERIODS[0]!, failed])).toMatchObject({ counted: 4, voidPeriods: 1 });
});

test("a household's trades are its own", () => {
  const trades = tradesOf(PERIODS, "b");
  expect(trades.map(({ startUtc }) => startUtc.slice(11, 16))).toEqual(["10:00", "11:00"]);
  expect(trades[0]).toMatchObject({ side: "buy", tradedWh: 400, priceTick: 1500 });
  expect(tradesOf(PERIODS, "d")).toEqual([]);
  expect(tradesOf(PERIODS, "nobody")).toEqual([]);
});

test("a supplier's day counts only what it was told", () => {
  expect(supplierDay(PERIODS, 1)).toEqual({
    boughtWh: 400,
    soldWh: 1000,
    withheld: 1,
    peak: { startUtc: "2026-06-18T10:00:00Z", boughtWh: 400, soldWh: 1000 },
  });
  expect(supplierDay([PERIODS[1]!], 0)).toMatchObject({ withheld: 0, peak: null });
});

test("a simulated day: sums agree with each other", () => {
  const day = summerDay({ seed: 3 });
  const periods = day.periods.map((p) => cleared(p.startUtc, p.orders, [true, true, true]));
  const totalWh = periods.reduce((total, period) => total + tradedWh(period), 0);
  const byHour = hourly(periods);
  expect(byHour).toHaveLength(24);
  expect(byHour.reduce((total, hour) => total + hour.tradedWh, 0)).toBeCloseTo(totalWh, 6);
  for (const side of ["boughtWh", "soldWh"] as const) {
    const bySupplier = [0, 1, 2].map((k) => supplierDay(periods, k)[side]);
    expect(bySupplier.reduce((total, wh) => total + wh, 0)).toBeCloseTo(totalWh, 6);
  }
  const byMeter = day.households.flatMap(({ meter }) => tradesOf(periods, meter));
  expect(byMeter.reduce((total, trade) => total + trade.tradedWh, 0)).toBeCloseTo(2 * totalWh, 6);
});
