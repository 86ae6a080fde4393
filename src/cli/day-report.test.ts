// The report of a simulated day, cleared by the plain reference.

import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { clearInClear } from "../market/oracle.ts";
import { PriceGrid } from "../market/price-grid.ts";
import { summerDay } from "../sim/community/community.ts";
import { supplierDay, tradedWh, tradesOf } from "../sim/day-summary.ts";
import type { DayPeriod } from "./day-report.ts";
import { dayChart, dayHeading, dayTable, whoSawWhat } from "./day-report.ts";

const DAY = summerDay({ seed: 5 });
const GRID = new PriceGrid("0", "0.01", 12);
const formatPrice = (tick: number): string => GRID.format(tick);
const VOID = "2026-06-30T00:15:00Z";
const PERIODS = DAY.periods.map(
  ({ startUtc, orders }): DayPeriod => ({
    startUtc,
    orders,
    outcome: clearInClear(
      orders,
      {
        priceBits: 12,
        priceRule: "midpoint",
        rationing: "pro-rata",
        supplierCount: 3,
        revealedSuppliers: [true, true, false],
      },
      Uint32Array.from(orders.keys()),
    ),
    isVoid: startUtc === VOID,
    counted: orders.length,
  }),
);
const PLAIN = { color: false };
const ELEVEN = "2026-06-30T11:00:00Z";

function views(color: boolean, meter = "meter-001", supplier = 0): string[] {
  const receivedHex = Array.from({ length: 30 }, (_, i) => i.toString(16).padStart(16, "0"));
  const evaluator = { name: "cooperative", meter: "meter-001", startUtc: ELEVEN, receivedHex };
  const { suppliers } = DAY;
  return whoSawWhat({
    periods: PERIODS,
    suppliers,
    formatPrice,
    meter,
    supplier,
    evaluator,
    color,
  });
}

function everything(color: boolean): string[] {
  return [
    ...dayHeading(DAY, { color }),
    ...dayTable(PERIODS, formatPrice, { color }),
    ...dayTable(PERIODS, formatPrice, { color, full: true }),
    ...dayChart(PERIODS, formatPrice, { color, width: 100 }),
    ...views(color),
  ];
}

test("no line is wider than 100 columns, and colour changes nothing but the colour", () => {
  const plain = everything(false);
  for (const line of plain) expect(line.length).toBeLessThanOrEqual(100);
  const colored = everything(true).join("\n");
  expect(colored).not.toBe(plain.join("\n"));
  expect(stripVTControlCharacters(colored)).toBe(plain.join("\n"));
});

test("the table has a row per hour, or per period when full, and one for the day", () => {
  const times = (lines: string[]): string[] =>
    lines.filter((line) => /^[0-9]/.test(line)).map((line) => line.slice(0, 5));
  const byHour = dayTable(PERIODS, formatPrice, PLAIN);
  expect(times(byHour)).toHaveLength(24);
  const full = dayTable(PERIODS, formatPrice, { ...PLAIN, full: true });
  expect(times(full)).toEqual(PERIODS.map(({ startUtc }) => startUtc.slice(11, 16)));
  const totalKwh = PERIODS.reduce((total, period) => total + tradedWh(period), 0) / 1000;
  for (const lines of [byHour, full]) {
    expect(lines.find((line) => line.startsWith("day"))).toContain(` ${totalKwh.toFixed(2)} `);
  }
  expect(dayTable([], formatPrice, PLAIN)).toEqual(["no periods"]);
});

test("a row shows its orders, price, energy and what is public of it", () => {
  const full = dayTable(PERIODS, formatPrice, { ...PLAIN, full: true });
  const period = PERIODS.find(({ startUtc }) => startUtc === ELEVEN)!;
  const count = (side: string): number => period.orders.filter((o) => o.side === side).length;
  const row = full.find((line) => line.startsWith("11:00"))!.replace(/[▏▎▍▌▋▊▉█]+/, "");
  expect(row.split(/ +/)).toEqual([
    "11:00",
    String(count("buy")),
    String(count("sell")),
    String(count("idle")),
    formatPrice(period.outcome.priceTick!),
    (tradedWh(period) / 1000).toFixed(2),
    "60",
    "0",
  ]);
  expect(full.find((line) => line.startsWith("00:00"))).toMatch(/ 60 +0 +0 +no trade +60 +0$/);
  expect(full.find((line) => line.startsWith("00:15"))).toMatch(/no trade +60 +1$/);
});

test("a household sees each of its own trades", () => {
  const seller = DAY.households.find(({ roof }) => (roof?.peakKw ?? 0) > 5)!.meter;
  const text = views(false, seller).join("\n");
  const trades = tradesOf(PERIODS, seller);
  expect(trades.some(({ side }) => side === "sell")).toBe(true);
  for (const { startUtc, side, tradedWh: wh, priceTick } of trades) {
    const done = side === "buy" ? "bought" : "sold  ";
    const [time, price] = [startUtc.slice(11, 16), formatPrice(priceTick)];
    expect(text).toMatch(new RegExp(`${time} ${done} +${wh.toFixed(1)} Wh at ${price}`));
  }
  expect(text.match(/ Wh at /g)).toHaveLength(trades.length);
});

test("a supplier sees its sums, or that there are none", () => {
  const { boughtWh, soldWh, peak } = supplierDay(PERIODS, 0);
  const text = views(false).join("\n");
  const [bought, sold] = [(boughtWh / 1000).toFixed(2), (soldWh / 1000).toFixed(2)];
  expect(text).toContain(`customers bought ${bought} kWh, sold ${sold} kWh`);
  expect(text).toContain(`busiest at ${peak?.startUtc.slice(11, 16)}`);
  expect(views(false, "meter-001", 2).join("\n")).toContain("too few customers");
});

test("an evaluator sees what it received, beside the order that it cannot see", () => {
  const text = views(false).join("\n");
  expect(text).toContain("0000000000000000");
  expect(text).toContain("0000000000000013");
  expect(text).toContain("... and 10 more like these");
  const order = PERIODS.find(({ startUtc }) => startUtc === ELEVEN)!.orders[0]!;
  const limit = formatPrice(order.limitTick ?? 0);
  const clear = `(${order.side} ${order.energyWh} Wh, limit ${limit} ct/kWh)`;
  expect(text).toContain(clear);
});
