// A meter's history as a table. Only its own household may see it: it has the orders in clear.
import { failedChecks, type HistoryEntry } from "../agents/meter/history.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { UNITS_PER_WH } from "../market/order.ts";
import { textOfPeriod } from "../wire/records.ts";
import { counted, table } from "./text-layout.ts";

const HEAD = [
  "period",
  "side",
  "Wh",
  "limit",
  "confirmed",
  "outcome",
  "price",
  "traded Wh",
  "checks",
];
const ALIGN = [
  "left",
  "left",
  "right",
  "right",
  "right",
  "left",
  "right",
  "right",
  "left",
] as const;

/** One line per period, and what was wrong in full below. */
export function historyReport(
  entries: readonly HistoryEntry[],
  { parameters, evaluators }: Pick<MarketDocument, "parameters" | "evaluators">,
  width: number,
): string[] {
  if (entries.length === 0) return ["no orders yet"];
  const price = (tick: number | null): string =>
    tick === null ? "" : parameters.grid.format(tick);
  const rows = entries.map(({ order, outcome }) => [
    textOfPeriod(order.periodStart),
    order.side,
    order.side === "idle" ? "" : String(order.energyWh),
    price(order.limitTick),
    `${order.receipts.length} of ${evaluators.length}`,
    outcome?.state ?? "",
    price(outcome?.priceTick ?? null),
    outcome?.tradedUnits == null ? "" : (outcome.tradedUnits / UNITS_PER_WH).toFixed(3),
    outcome === null ? "" : failedChecks(outcome).length === 0 ? "passed" : "FAILED",
  ]);
  const why = entries.flatMap(({ order, outcome }) =>
    (outcome === null ? [] : failedChecks(outcome)).map(
      (failed) => `${textOfPeriod(order.periodStart)}: ${failed}`,
    ),
  );
  const last = `${counted(entries.length, "period")}; limits and prices in ct/kWh`;
  return [...table(HEAD, rows, ALIGN, width), last, ...why];
}
