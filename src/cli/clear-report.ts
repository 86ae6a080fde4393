// What `hushwatt clear` reports of one cleared period: JSON for programs, text for people. Pure
// formatting: returns strings, prints nothing, and assumes an outcome that belongs to the orders.

import { createColors } from "picocolors";
import { exactWh } from "../market/energy-text.ts";
import type { Order, Outcome } from "../market/order.ts";
import { UNITS_PER_WH } from "../market/order.ts";
import type { MarketParameters } from "../market/parameters.ts";
import type { Setting } from "../wire/setting.ts";
import { bytes, clipped, counted, duration, table, wrapped } from "./text-layout.ts";

export interface ClearReport {
  readonly market: MarketParameters;
  /** What `supplier` of an order points into. */
  readonly suppliers: readonly string[];
  readonly orders: readonly Order[];
  readonly outcome: Outcome;
  /** "plain" or the name of an engine that computes on shares. */
  readonly engine: string;
  readonly evaluators: number;
  /** Who computed; null for the plain engine. */
  readonly setting: Setting | null;
  /** The public coin of the priority order, in hexadecimal; null if that order is hidden. */
  readonly coin: string | null;
  readonly timingsMs: {
    readonly share: number;
    readonly offline: number;
    readonly online: number;
    readonly total: number;
  };
  readonly traffic: { readonly bytesSentPerEvaluator: number; readonly rounds: number };
}

export interface TextOptions {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** All households instead of the first 40. */
  readonly full: boolean;
}

/** Orders that make one piece of the JSON text. */
const ORDERS_PER_PIECE = 4096;
const HOUSEHOLDS_SHOWN = 40;

/**
 * The report as JSON text. Energies are in Wh, traded ones exact in steps of 2^-10 Wh; prices are
 * exact decimals in ct/kWh. Null: the price when nothing trades, the limit of an idle household
 * without one, the sums of a supplier with fewer customers than the market's minimum group.
 */
export function clearReportJson(report: ClearReport): string {
  return [...clearReportJsonPieces(report)].join("");
}

/** The text of clearReportJson in pieces, for reports too large to hold at once. */
export function* clearReportJsonPieces(report: ClearReport): Generator<string, void, undefined> {
  const { market, orders, outcome } = report;
  const price = outcome.priceTick === null ? "null" : market.grid.format(outcome.priceTick);
  yield `{\n  "traded": ${outcome.traded},\n  "price_ct_per_kwh": ${price},\n  "orders": [`;
  for (let start = 0; start < orders.length; start += ORDERS_PER_PIECE) {
    const piece = orders.slice(start, start + ORDERS_PER_PIECE).map((order, offset) => {
      const comma = start + offset === 0 ? "" : ",";
      return `${comma}\n    ${orderJson(order, market, outcome.tradedUnits[start + offset] ?? 0)}`;
    });
    yield piece.join("");
  }
  const { share, offline, online, total } = report.timingsMs;
  const rest = {
    engine: report.engine,
    evaluators: report.evaluators,
    timings_ms: {
      share: tenths(share),
      offline: tenths(offline),
      online: tenths(online),
      total: tenths(total),
    },
    traffic: {
      bytes_sent_per_evaluator: report.traffic.bytesSentPerEvaluator,
      rounds: report.traffic.rounds,
    },
  };
  const suppliers = report.suppliers.map((name, k) => `\n    ${supplierJson(name, outcome, k)}`);
  yield `${orders.length > 0 ? "\n  " : ""}],\n  "suppliers": [${suppliers.join(",")}`;
  yield `${suppliers.length > 0 ? "\n  " : ""}],\n${JSON.stringify(rest, null, 2).slice(2)}\n`;
}

function orderJson(order: Order, market: MarketParameters, tradedUnits: number): string {
  const limit = order.limitTick === null ? "null" : market.grid.format(order.limitTick);
  const asked = `"energy_wh": ${order.energyWh}, "limit_price_ct_per_kwh": ${limit}`;
  const who = `"meter": ${JSON.stringify(order.meter)}, "side": "${order.side}"`;
  return `{${who}, ${asked}, "traded_wh": ${exactWh(tradedUnits)}}`;
}

function supplierJson(name: string, outcome: Outcome, index: number): string {
  const sums = outcome.suppliers[index] ?? null;
  const bought = sums === null ? "null" : exactWh(sums.boughtUnits);
  const sold = sums === null ? "null" : exactWh(sums.soldUnits);
  return `{"supplier": ${JSON.stringify(name)}, "bought_wh": ${bought}, "sold_wh": ${sold}}`;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The report for a person; energies are rounded (clearReportJson has them exactly). */
export function clearReportText(report: ClearReport, options: TextOptions): string {
  const colours = createColors(options.colour);
  const heading = (text: string) => colours.bold(text);
  const households = householdLines(report, options);
  const suppliers = supplierLines(report, options.width);
  return [
    heading(clipped(report.market.name, options.width)),
    ...summaryLines(report).map(([label, text]) => `  ${colours.dim(label.padEnd(9))} ${text}`),
    "",
    heading("Suppliers"),
    ...suppliers.map((line, k) => (k === 0 ? colours.dim(line) : line)),
    "",
    heading("Households"),
    ...households.map((line, k) => (k === 0 ? colours.dim(line) : line)),
    "",
    heading("Who saw what"),
    ...wrapped(whoSawWhat(report), options.width),
    "",
  ].join("\n");
}

function summaryLines(report: ClearReport): [label: string, text: string][] {
  const { market, orders, outcome, timingsMs, traffic } = report;
  let boughtUnits = 0;
  const sides = { buy: 0, sell: 0, idle: 0 };
  const served = { fully: 0, partly: 0, none: 0 };
  for (const [i, { side, energyWh }] of orders.entries()) {
    const units = outcome.tradedUnits[i] ?? 0;
    sides[side] += 1;
    if (side === "buy") boughtUnits += units;
    if (side === "idle") continue;
    if (units === 0) served.none += 1;
    else if (units < energyWh * UNITS_PER_WH) served.partly += 1;
    else served.fully += 1;
  }
  const { priceTick } = outcome;
  const price = priceTick === null ? "none: nothing trades" : market.grid.format(priceTick);
  const unit = priceTick === null ? "" : ` ct/kWh (${market.priceRule} price)`;
  const evaluators = counted(report.evaluators, "evaluator");
  const { share, offline, online, total } = timingsMs;
  const computing = `offline ${duration(offline)}, online ${duration(online)}`;
  const sent = `${bytes(traffic.bytesSentPerEvaluator)} sent by each evaluator`;
  return [
    ["Price", price + unit],
    ["Volume", energy(boughtUnits)],
    ["Orders", `${orders.length}: ${sides.buy} buy, ${sides.sell} sell, ${sides.idle} idle`],
    ["Served", `${served.fully} fully, ${served.partly} partly, ${served.none} not at all`],
    ["Engine", `${report.engine}, ${evaluators}${settingText(report.setting)}`],
    ["Time", `${duration(total)} (share ${duration(share)}, ${computing})`],
    ["Traffic", `${sent}, ${counted(traffic.rounds, "round")}`],
    ["Coin", report.coin ?? "none: the priority order is hidden"],
  ];
}

const settingText = (setting: Setting | null) =>
  setting === null
    ? ""
    : `; ${setting.security}, threshold ${setting.threshold}, ${setting.algorithm}`;

function supplierLines(report: ClearReport, width: number): string[] {
  if (report.suppliers.length === 0) return ["  none"];
  const rows = report.suppliers.map((name, k) => {
    const sums = report.outcome.suppliers[k] ?? null;
    if (sums === null) return [name, "withheld", "withheld"];
    return [name, kwh(sums.boughtUnits), kwh(sums.soldUnits)];
  });
  const lines = table(
    ["supplier", "bought kWh", "sold kWh"],
    rows,
    ["left", "right", "right"],
    width,
  );
  if (!rows.some((row) => row[1] === "withheld")) return lines;
  const group = counted(report.market.minimumGroup, "customer");
  return [...lines, `  withheld: fewer than ${group}`];
}

function householdLines(report: ClearReport, { full, width }: TextOptions): string[] {
  const { market, orders, outcome, suppliers } = report;
  if (orders.length === 0) return ["  none"];
  const shown = full ? orders : orders.slice(0, HOUSEHOLDS_SHOWN);
  const whole = shown.every((_, i) => (outcome.tradedUnits[i] ?? 0) % UNITS_PER_WH === 0);
  const rows = shown.map((order, i) => [
    order.meter,
    order.side,
    String(order.energyWh),
    order.limitTick === null ? "-" : market.grid.format(order.limitTick),
    ((outcome.tradedUnits[i] ?? 0) / UNITS_PER_WH).toFixed(whole ? 0 : 3),
    suppliers[order.supplier] ?? "",
  ]);
  const head = ["meter", "side", "asked Wh", "limit ct/kWh", "traded Wh", "supplier"];
  const lines = table(head, rows, ["left", "left", "right", "right", "right", "left"], width);
  const more = orders.length - shown.length;
  return more === 0 ? lines : [...lines, `  ... and ${more} more (use --json or --out for all)`];
}

function whoSawWhat(report: ClearReport): string {
  const { setting } = report;
  if (setting === null) {
    return (
      "Nothing here is private: the plain engine is a single process that reads every order in " +
      "clear and computes on it as it stands. It is a reference to compare with."
    );
  }
  return (
    `Each of the ${report.evaluators} evaluators held shares that look random on their own. ` +
    "Together they opened whether anything trades and the price, but no order and no household's " +
    `result, provided ${whatKeepsItPrivate(setting)}.${whatIsNoticed(setting)} ` +
    "In a live market a household's result goes to its own meter and a supplier's sums go to that " +
    "supplier; here this one command made all the shares and put the results together, so it saw " +
    "everything above."
  );
}

function whatKeepsItPrivate({ engine, threshold }: Setting): string {
  if (engine === "dealer") {
    return "one of them at least keeps its shares to itself, and the dealer pools with nobody";
  }
  return threshold === 1
    ? "no two of them pool their shares"
    : `no more than ${countWord(threshold)} of them pool their shares`;
}

function whatIsNoticed({ engine, threshold, security }: Setting): string {
  if (security !== "malicious") return "";
  const many =
    engine === "dealer" ? "all of them but one" : `up to ${countWord(threshold)} of them`;
  const whose = threshold === 1 ? "A lie of one of them" : `Lies of ${many}`;
  return ` ${whose} would have been noticed before anything was revealed.`;
}

const countWord = (count: number): string => COUNT_WORDS[count] ?? String(count);
const COUNT_WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight"];

function kwh(units: number): string {
  return (units / UNITS_PER_WH / 1000).toFixed(3);
}

/** An amount of energy on its own, in the unit that suits it. */
function energy(units: number): string {
  const wh = units / UNITS_PER_WH;
  if (wh >= 1000) return `${kwh(units)} kWh`;
  return `${wh.toFixed(Number.isInteger(wh) ? 0 : 3)} Wh`;
}
