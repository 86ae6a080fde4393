// A cleared day as text: tables, charts and what each role saw of it. Pure: lines are returned,
// none wider than 100 columns, with colour only when asked for. Times are UTC, prices ct/kWh.

import { createColors } from "picocolors";
import type { CommunityDay } from "../sim/community/community.ts";
import type { DayPeriod, DayStretch } from "../sim/day-summary.ts";
import { hourly, stretchOf, supplierDay, tradedWh, tradesOf } from "../sim/day-summary.ts";
import { twoPanelChart } from "./chart.ts";

export type { DayPeriod } from "../sim/day-summary.ts";

/** The price of a tick as a plain decimal in ct/kWh, such as PriceGrid.format gives. */
export type FormatPrice = (tick: number) => string;

const TABLE_BAR_COLUMNS = 16;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const TRADES_PER_LINE = 3;
const HEX_PER_LINE = 5;
const HEX_DIGITS = 16;
const MOST_HEX_SHOWN = 20;

/** Who lives in the community and what the sun gave it. */
export function dayHeading(day: CommunityDay, options: { readonly color: boolean }): string[] {
  const colors = createColors(options.color);
  const kwh = (of: "loadWh" | "solarWh"): string =>
    (sum(day.households.flatMap((household) => household[of])) / 1000).toFixed(0);
  const roofs = day.households.flatMap(({ roof }) => roof ?? []);
  const cars = day.households.filter(({ hasElectricCar }) => hasElectricCar).length;
  const peakKw = sum(roofs.map((roof) => roof.peakKw)).toFixed(0);
  const longestName = Math.max(...day.suppliers.map(({ name }) => name.length));
  const homes = counted(day.households.length, "household");
  return [
    colors.bold(`A simulated summer day: ${day.startUtc.slice(0, 10)}, ${homes}`),
    `${roofs.length} with solar panels (${peakKw} kW peak), ${cars} with an electric car`,
    `consumption ${kwh("loadWh")} kWh, solar yield ${kwh("solarWh")} kWh`,
    ...day.suppliers.map((supplier, k) => {
      const customers = day.households.filter((household) => household.supplier === k).length;
      const name = supplier.name.padEnd(longestName);
      const retail = supplier.retailCtPerKwh.toFixed(1);
      const feedIn = supplier.feedInCtPerKwh.toFixed(1);
      const tariffs = `sells at ${retail} ct/kWh, pays ${feedIn}`;
      return `${name}  ${tariffs}; ${counted(customers, "customer")}`;
    }),
  ];
}

/**
 * One row per hour (counts add up over its periods), or with `full` one per period, and a last row
 * for the day. Which side an order is on is known to the simulation only.
 */
export function dayTable(
  periods: readonly DayPeriod[],
  formatPrice: FormatPrice,
  options: { readonly full?: boolean; readonly color: boolean },
): string[] {
  if (periods.length === 0) return ["no periods"];
  const colors = createColors(options.color);
  const rows = options.full ? periods.map((period) => stretchOf([period])) : hourly(periods);
  const mostWh = Math.max(...rows.map((row) => row.tradedWh));
  const head = [
    tableLine(["", "orders submitted*", "price", "traded", "", "public record"]),
    tableLine([
      "UTC",
      cells(["buy", "sell", "idle"], 6),
      "ct/kWh",
      "kWh",
      "",
      cells(["orders", "void"], 9),
    ]),
  ];
  const body = rows.map((row) => {
    const text = tableRow(row.startUtc.slice(11, 16), row, formatPrice, mostWh);
    return row.periodsTraded > 0 ? text : colors.dim(text);
  });
  return [
    ...head.map((line) => colors.bold(line)),
    ...body,
    colors.bold(tableRow("day", stretchOf(periods), formatPrice, null)),
    colors.dim(
      "* known to the simulation only: in the market all orders look alike, idle ones too",
    ),
  ];
}

function tableRow(
  label: string,
  row: DayStretch,
  formatPrice: FormatPrice,
  mostWh: number | null,
): string {
  const { buying, selling, idle, lowestTick, highestTick } = row;
  const low = lowestTick === null ? "" : formatPrice(lowestTick);
  const high = highestTick === null ? "" : formatPrice(highestTick);
  const price = low === "" ? "no trade" : low === high ? low : `${low} .. ${high}`;
  const traded = row.periodsTraded === 0 ? "" : (row.tradedWh / 1000).toFixed(2);
  const drawn = mostWh === null || mostWh === 0 ? "" : bar(row.tradedWh / mostWh);
  return tableLine([
    label,
    cells([buying, selling, idle], 6),
    price,
    traded,
    drawn,
    cells([row.counted, row.voidPeriods], 9),
  ]);
}

/** Time, orders, price, energy, its bar and what the public record says in their columns. */
function tableLine(columns: readonly [string, string, string, string, string, string]): string {
  const [time, orders, price, traded, drawn, record] = columns;
  const left = time.padEnd(8) + orders.padStart(18) + price.padStart(20) + traded.padStart(9);
  return `${left}  ${drawn.padEnd(TABLE_BAR_COLUMNS + 1)}${record.padStart(18)}`;
}

/** The day's prices and traded energy over the time of day, in the columns the terminal has. */
export function dayChart(
  periods: readonly DayPeriod[],
  formatPrice: FormatPrice,
  options: { readonly width: number; readonly color: boolean },
): string[] {
  const first = periods[0];
  if (first === undefined) return ["no periods"];
  const start = new Date(first.startUtc);
  const second = periods[1];
  const periodMinutes =
    second === undefined ? 15 : (Date.parse(second.startUtc) - start.getTime()) / 60_000;
  const points = periods.map((period) => {
    const tick = period.outcome.priceTick;
    const line = tick === null ? null : Number(formatPrice(tick));
    return { line, bar: tradedWh(period) / 1000 };
  });
  return twoPanelChart(points, {
    ...options,
    lineTitle: "Clearing price, ct/kWh",
    barTitle: `Traded, kWh per ${periodMinutes} minutes`,
    startMinute: start.getUTCHours() * 60 + start.getUTCMinutes(),
    minutes: periodMinutes * periods.length,
  });
}

/**
 * Whose views to show. The roles must exist: `meter` among the orders, `supplier` in `suppliers`.
 */
export interface WhoSawWhat {
  readonly periods: readonly DayPeriod[];
  readonly suppliers: readonly { readonly name: string }[];
  readonly formatPrice: FormatPrice;
  readonly meter: string;
  readonly supplier: number;
  readonly evaluator: {
    readonly name: string;
    /** Whose order for which period the excerpt belongs to. */
    readonly meter: string;
    readonly startUtc: string;
    /** What this evaluator received, or an excerpt: field elements or bytes in hexadecimal. */
    readonly receivedHex: readonly string[];
  };
  readonly color: boolean;
}

/** Three sections: what one household, one supplier and one evaluator got to see of the day. */
export function whoSawWhat(view: WhoSawWhat): string[] {
  const { heading } = paints(view.color);
  const supplierName = view.suppliers[view.supplier]?.name ?? "";
  return [
    heading(`Household ${view.meter}`, "its own trades, and nobody else's"),
    ...householdView(view),
    "",
    heading(`Supplier ${supplierName}`, "the sums of its customers, and no single one"),
    ...supplierView(view),
    "",
    heading(`Evaluator ${view.evaluator.name}`, "random numbers"),
    ...evaluatorView(view),
  ];
}

function householdView({ periods, meter, formatPrice }: WhoSawWhat): string[] {
  const trades = tradesOf(periods, meter);
  if (trades.length === 0) return ["  traded nothing that day"];
  const total = (side: "buy" | "sell"): string =>
    kwh(sum(trades.flatMap((trade) => (trade.side === side ? trade.tradedWh : []))));
  const widest = Math.max(...trades.map(({ tradedWh: wh }) => wh.toFixed(1).length));
  const entries = trades.map(({ startUtc, side, tradedWh: wh, priceTick }) => {
    const done = side === "buy" ? "bought" : "sold  ";
    const energy = wh.toFixed(1).padStart(widest);
    return `${startUtc.slice(11, 16)} ${done} ${energy} Wh at ${formatPrice(priceTick)}`;
  });
  const count = counted(trades.length, "period");
  return [
    `  traded in ${count}: bought ${total("buy")}, sold ${total("sell")} (prices in ct/kWh)`,
    ...inColumns(entries, TRADES_PER_LINE),
  ];
}

function supplierView({ periods, supplier }: WhoSawWhat): string[] {
  const day = supplierDay(periods, supplier);
  if (day.withheld === periods.length) {
    return ["  no sums: it has too few customers for a sum to hide each of them"];
  }
  const { peak } = day;
  return [
    `  over the day      customers bought ${kwh(day.boughtWh)}, sold ${kwh(day.soldWh)}`,
    peak === null
      ? "  its customers traded nothing"
      : `  busiest at ${peak.startUtc.slice(11, 16)}  ` +
        `customers bought ${kwh(peak.boughtWh)}, sold ${kwh(peak.soldWh)}`,
  ];
}

function evaluatorView({ periods, evaluator, formatPrice, color }: WhoSawWhat): string[] {
  const { dim } = paints(color);
  const { meter, startUtc, receivedHex } = evaluator;
  const pieces = receivedHex.flatMap((hex) => hex.match(/.{1,16}/g) ?? []);
  const shown = pieces.slice(0, MOST_HEX_SHOWN).map((hex) => hex.padEnd(HEX_DIGITS));
  const left = pieces.length - shown.length;
  const period = periods.find((candidate) => candidate.startUtc === startUtc);
  const order = period?.orders.find((candidate) => candidate.meter === meter);
  const clear =
    order === undefined || order.side === "idle"
      ? "idle"
      : `${order.side} ${order.energyWh} Wh, limit ${formatPrice(order.limitTick ?? 0)} ct/kWh`;
  return [
    `  received for the order of ${meter} at ${startUtc.slice(11, 16)}:`,
    ...inColumns(shown, HEX_PER_LINE).map(dim),
    ...(left > 0 ? [dim(`  ... and ${left} more like these`)] : []),
    "  It looks random because it is: drawn afresh for every order, and by itself as likely for",
    `  any other order. Only the household knows what it asked for (${clear}).`,
  ];
}

function inColumns(entries: readonly string[], perLine: number): string[] {
  const lines = Math.ceil(entries.length / perLine);
  // Down the columns, as times are read.
  return Array.from({ length: lines }, (_, line) =>
    `  ${entries.filter((_entry, i) => i % lines === line).join("  ")}`.trimEnd(),
  );
}

function paints(color: boolean) {
  const colors = createColors(color);
  const heading = (who: string, what: string): string => `${colors.bold(who)} saw ${what}:`;
  return { heading, dim: (text: string): string => colors.dim(text) };
}

/** A horizontal bar for a share of 0 .. 1. */
function bar(share: number): string {
  const eighths = share > 0 ? Math.max(1, Math.round(share * TABLE_BAR_COLUMNS * 8)) : 0;
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

function cells(values: readonly (string | number)[], width: number): string {
  return values.map((value) => String(value).padStart(width)).join("");
}

function kwh(wh: number): string {
  return `${(wh / 1000).toFixed(2)} kWh`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
