// A simulated day must look like a day: what is asserted here holds for every seed tried.

import { expect, test } from "vitest";
import type { ClearingRules } from "../../market/oracle.ts";
import { clearInClear } from "../../market/oracle.ts";
import type { Order } from "../../market/order.ts";
import type { CommunityDay } from "./community.ts";
import { summerDay } from "./community.ts";
import { sunPosition } from "./solar.ts";

const SEEDS = [0, 1, 2, 3, 5, 8, 13, 21, 2026, 2 ** 32 - 1];
const DAYS = SEEDS.map((seed) => summerDay({ seed }));

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const totalKwh = (day: CommunityDay, of: "loadWh" | "solarWh"): number =>
  sum(day.households.flatMap((household) => household[of])) / 1000;
const meanKwh = (of: "loadWh" | "solarWh"): number =>
  sum(DAYS.map((day) => totalKwh(day, of))) / DAYS.length;
const sells = ({ side }: Order): boolean => side === "sell";

const RULES: ClearingRules = {
  priceBits: 12,
  priceRule: "midpoint",
  rationing: "pro-rata",
  supplierCount: 3,
  revealedSuppliers: [true, true, true],
};

/** The clearing prices in ct/kWh of the periods that begin in the hours from .. to - 1 UTC. */
function pricesCt(day: CommunityDay, from: number, to: number): number[] {
  return day.periods.slice(from * 4, to * 4).flatMap(({ orders }) => {
    const { priceTick } = clearInClear(orders, RULES, Uint32Array.from(orders.keys()));
    return priceTick === null ? [] : priceTick / 100;
  });
}

test("96 consecutive quarter-hours of 60 orders from distinct meters", () => {
  for (const day of DAYS) {
    expect(day.periods).toHaveLength(96);
    const starts = day.periods.map(({ startUtc }) => startUtc);
    expect(starts[0]).toBe("2026-06-30T00:00:00Z");
    expect(starts[95]).toBe("2026-06-30T23:45:00Z");
    const times = starts.map((start) => Date.parse(start));
    for (let t = 1; t < 96; t++) expect(times[t]! - times[t - 1]!).toBe(15 * 60_000);
    const meters = day.households.map(({ meter }) => meter);
    expect(new Set(meters).size).toBe(60);
    for (const { orders } of day.periods) expect(orders.map(({ meter }) => meter)).toEqual(meters);
  }
});

test("orders are what the default market accepts, within the tariffs of their suppliers", () => {
  for (const day of DAYS) {
    for (const order of day.periods.flatMap(({ orders }) => orders)) {
      const { retailCtPerKwh, feedInCtPerKwh } = day.suppliers[order.supplier]!;
      if (order.side === "idle") {
        expect(order).toMatchObject({ energyWh: 0, limitTick: null });
        continue;
      }
      expect(Number.isInteger(order.energyWh) && Number.isInteger(order.limitTick)).toBe(true);
      expect(order.energyWh).toBeGreaterThanOrEqual(5);
      expect(order.energyWh).toBeLessThan(65_536);
      expect(order.limitTick).toBeLessThan(4096);
      const limitCt = (order.limitTick ?? -1) / 100;
      expect(limitCt).toBeGreaterThan(feedInCtPerKwh);
      expect(limitCt).toBeLessThanOrEqual(retailCtPerKwh);
    }
  }
});

test("an order is its household's need less its yield", () => {
  for (const day of DAYS) {
    day.periods.forEach(({ orders }, t) => {
      orders.forEach((order, i) => {
        const { loadWh, solarWh } = day.households[i]!;
        const signedWh = { buy: 1, sell: -1, idle: 0 }[order.side] * order.energyWh;
        const net = loadWh[t]! - solarWh[t]!;
        if (order.side === "idle") expect(Math.abs(net)).toBeLessThan(5);
        else expect(Math.abs(signedWh - net)).toBeLessThanOrEqual(0.5);
      });
    });
  }
});

test("consumption is 8 to 10 kWh per household", () => {
  for (const day of DAYS) {
    expect(totalKwh(day, "loadWh")).toBeGreaterThan(60 * 7.5);
    expect(totalKwh(day, "loadWh")).toBeLessThan(60 * 10);
  }
  expect(meanKwh("loadWh")).toBeGreaterThan(60 * 8);
});

test("solar yield is 150 to 250 kWh on average, and differs from day to day", () => {
  const yields = DAYS.map((day) => totalKwh(day, "solarWh"));
  expect(meanKwh("solarWh")).toBeGreaterThan(150);
  expect(meanKwh("solarWh")).toBeLessThan(250);
  expect(Math.min(...yields)).toBeGreaterThan(100);
  expect(Math.max(...yields)).toBeLessThan(360);
  expect(Math.max(...yields) - Math.min(...yields)).toBeGreaterThan(30);
});

test("surplus only while the sun is up, and only from households with panels", () => {
  const site = { latitudeDegrees: 50.9, longitudeDegrees: 4.7 };
  for (const day of DAYS) {
    expect(day.periods.some(({ orders }) => orders.some(sells))).toBe(true);
    day.periods.forEach(({ orders }, t) => {
      const isLight = sunPosition(site, 181, (t + 0.5) / 4).sinElevation > 0;
      for (const [i, order] of orders.entries()) {
        if (sells(order)) expect(isLight && day.households[i]!.roof !== null).toBe(true);
      }
    });
  }
});

test("no trade at night, cheap around noon, dear in the morning and in the evening", () => {
  for (const day of DAYS) {
    expect(pricesCt(day, 0, 3)).toEqual([]);
    expect(pricesCt(day, 20, 24)).toEqual([]);
    const mean = (prices: number[]): number => sum(prices) / prices.length;
    const [morning, noon, evening] = [
      pricesCt(day, 3, 6),
      pricesCt(day, 10, 14),
      pricesCt(day, 16, 19),
    ];
    expect(noon).toHaveLength(16);
    expect(mean(morning)).toBeGreaterThan(mean(noon) + 3);
    expect(mean(evening)).toBeGreaterThan(mean(noon) + 3);
  }
});

test("every supplier has at least 15 of 60 customers, about half of them have panels", () => {
  for (const { households, suppliers } of DAYS) {
    expect(suppliers).toHaveLength(3);
    suppliers.forEach((_, k) => {
      const customers = households.filter(({ supplier }) => supplier === k);
      expect(customers.length).toBeGreaterThanOrEqual(15);
    });
    const roofs = households.flatMap(({ roof }) => roof ?? []);
    expect(roofs.length).toBe(28);
    for (const { peakKw } of roofs) expect(peakKw >= 2 && peakKw <= 9).toBe(true);
    expect(new Set(roofs.map(({ facing }) => facing)).size).toBe(3);
    for (const { annualKwh } of households) {
      expect(annualKwh >= 1800 && annualKwh <= 6000).toBe(true);
    }
  }
});

test("the same seed gives the same day, another seed another", () => {
  expect(summerDay({ seed: 5 })).toEqual(summerDay({ seed: 5 }));
  expect(summerDay({ seed: 5 }).periods).not.toEqual(summerDay({ seed: 6 }).periods);
});

test("other sizes of community", () => {
  for (const households of [1, 3, 250]) {
    const day = summerDay({ households, seed: 4 });
    for (const { orders } of day.periods) {
      expect(new Set(orders.map(({ meter }) => meter)).size).toBe(households);
    }
  }
  expect(() => summerDay({ households: 0, seed: 1 })).toThrow("households");
  expect(() => summerDay({ seed: -1 })).toThrow("seed");
});
