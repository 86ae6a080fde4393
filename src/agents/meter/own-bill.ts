// What a meter's history says that it owes for a month.
import { netUnitsOf, type OwnBill, type OwnPeriod, ownBillOf } from "../../client/own-bill.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { periodsOfMonth } from "../../market/tariffs.ts";
import type { MeterHistory } from "./history.ts";
import type { StoredReading } from "./reading-history.ts";

/**
 * The bill that the history comes to. A reading counts when all evaluators have confirmed it, unless `counted` knows
 * better: by period, the name of the reading that counted, null where none did.
 */
export function ownBill(
  market: MarketDocument,
  history: MeterHistory,
  supplier: number,
  month: string,
  counted: ReadonlyMap<number, string | null> = new Map(),
): OwnBill {
  return ownBillOf(market, supplier, ownPeriods(market, history, month, counted));
}

function ownPeriods(
  market: MarketDocument,
  history: MeterHistory,
  month: string,
  counted: ReadonlyMap<number, string | null>,
): OwnPeriod[] {
  const { from, to } = periodsOfMonth(market, month);
  const entries = new Map(
    history.entries(from, to).map((entry) => [entry.order.periodStart, entry]),
  );
  const starts = [...new Set([...entries.keys(), ...history.readings.periods(from, to)])];
  return starts
    .toSorted((a, b) => a - b)
    .map((periodStart): OwnPeriod => {
      const entry = entries.get(periodStart) ?? null;
      const metered = countedOf(
        market,
        history.readings.all(periodStart),
        counted.get(periodStart),
      );
      const netUnits = entry === null ? 0 : (netUnitsOf(entry) ?? 0);
      return { periodStart, outcome: entry?.outcome ?? null, netUnits, metered };
    });
}

function countedOf(
  { evaluators }: MarketDocument,
  readings: readonly StoredReading[],
  known: string | null | undefined,
): StoredReading | null {
  if (known === null) return null;
  if (known !== undefined) return readings.find(({ readingId }) => readingId === known) ?? null;
  return readings.find(({ receipts }) => receipts.length === evaluators.length) ?? null;
}

/** Periods of a month with a reading that only some evaluators have confirmed: whether it counted is not known yet. */
export function doubtfulPeriods(
  market: MarketDocument,
  history: MeterHistory,
  month: string,
): number[] {
  const { from, to } = periodsOfMonth(market, month);
  const all = market.evaluators.length;
  return history.readings.periods(from, to).filter((start) => {
    const last = history.readings.last(start);
    return last !== null && last.receipts.length < all;
  });
}
