// The household's history as comma-separated values: one line per period, the last order and what came of it.
import { exactWh } from "../../../src/market/energy-text.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { textOfPeriod } from "../../../src/wire/records.ts";
import type { StoredOrder, StoredOutcome } from "./database.ts";

const COLUMNS = [
  "period_start",
  "side",
  "energy_wh",
  "limit_price_ct_per_kwh",
  "receipts",
  "state",
  "price_ct_per_kwh",
  "traded_wh",
] as const;

export function historyCsv(
  {
    orders,
    outcomes,
  }: { readonly orders: readonly StoredOrder[]; readonly outcomes: readonly StoredOutcome[] },
  { parameters }: Pick<MarketDocument, "parameters">,
): string {
  const { grid } = parameters;
  const price = (tick: number | null) => (tick === null ? "" : grid.format(tick));
  const known = new Map(outcomes.map((outcome) => [outcome.periodStart, outcome]));
  const last = new Map(orders.map((order) => [order.periodStart, order]));
  const lines = [...last.values()].map((order) => {
    const outcome = known.get(order.periodStart);
    const traded = outcome?.tradedUnits ?? null;
    return [
      textOfPeriod(order.periodStart),
      order.side,
      order.energyWh,
      price(order.limitTick),
      order.receipts.length,
      outcome?.state ?? "pending",
      price(outcome?.priceTick ?? null),
      traded === null ? "" : exactWh(traded),
    ].join(",");
  });
  return `${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`;
}
