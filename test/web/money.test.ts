// What trading comes to, a forecast from a few numbers, and a forecast's file: the parts of the household's pages
// that compute.
import { expect, it } from "vitest";
import { UNITS_PER_WH } from "../../src/market/order.ts";
import { expectedOf, netOf } from "../../web/src/household/forecast.ts";
import { sumsOf, type Trade } from "../../web/src/household/money.ts";

const trade = (side: Trade["side"], wh: number, priceCt: number): Trade => ({
  start: 0,
  side,
  tradedUnits: wh * UNITS_PER_WH,
  priceCt,
});

it("adds up what is paid, earned and saved", () => {
  const trades = [trade("buy", 500, 20), trade("buy", 250, 16), trade("sell", 1000, 12)];
  const sums = sumsOf(trades, () => ({ retailCt: 30, feedInCt: 7, localFeeCt: 2 }));
  expect(sums.boughtUnits).toBe(750 * UNITS_PER_WH);
  expect(sums.soldUnits).toBe(1000 * UNITS_PER_WH);
  expect(sums.paidCt).toBeCloseTo(14);
  expect(sums.earnedCt).toBeCloseTo(12);
  // 0.75 kWh at 30 ct would be 22.5 ct; 1 kWh at 7 ct 7 ct.
  // The grid fee is 1.5 ct.
  expect(sums.savedCt).toBeCloseTo(22.5 - 14 - 1.5 + (12 - 7));
});

it("says nothing of savings while a price of the supplier that matters is not known", () => {
  const unknown = () => ({ retailCt: null, feedInCt: 7, localFeeCt: 0 });
  expect(sumsOf([trade("buy", 500, 20)], unknown).savedCt).toBeNull();
  expect(sumsOf([trade("sell", 500, 20)], unknown).savedCt).toBeCloseTo(6.5);
  expect(sumsOf([], unknown).savedCt).toBe(0);
});

it("expects a roof to yield most at noon, nothing at night, and a household to use what it says", () => {
  const shape = {
    annualKwh: 3650,
    peakKw: 5,
    facing: "south",
    sky: "clear",
    latitudeDegrees: 50.9,
    longitudeDegrees: 4.7,
  } as const;
  const day = Date.parse("2026-06-18T00:00:00Z") / 1000;
  const quarters = Array.from({ length: 96 }, (_, i) => expectedOf(shape, day + i * 900, 900));
  const solar = quarters.map(({ solarWh }) => solarWh);
  expect(solar[4]).toBe(0);
  expect(solar.indexOf(Math.max(...solar))).toBeGreaterThan(40);
  expect(solar.indexOf(Math.max(...solar))).toBeLessThan(56);
  const used = quarters.reduce((sum, { loadWh }) => sum + loadWh, 0);
  expect(used).toBeGreaterThan(6_000);
  expect(used).toBeLessThan(12_000);
  // Longer periods hold what their quarters hold.
  const hour = expectedOf(shape, day + 40 * 900, 3600);
  const four = quarters.slice(40, 44).reduce((sum, { solarWh }) => sum + solarWh, 0);
  expect(hour.solarWh).toBeCloseTo(four, 5);
  expect(netOf({ loadWh: 10.4, solarWh: 100 })).toEqual({ importWh: 0, exportWh: 90 });
  const covered = expectedOf({ ...shape, sky: "covered" }, day + 48 * 900, 900).solarWh;
  expect(covered).toBeLessThan(0.5 * solar[48]!);
});
