// What a meter's own history says that it owes for a month: its trades, its readings, the public prices.
import { type PeriodHistory, recomputeBill } from "../../market/bill.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { readingOf } from "../../market/reading.ts";
import { meteredUnits } from "../../market/settlement-oracle.ts";
import { periodPrices, periodsOfMonth } from "../../market/tariffs.ts";
import { assert } from "../../platform/assert.ts";
import type { HistoryEntry, MeterHistory, StoredOutcome } from "./history.ts";
import type { OwnBill, OwnEnergies } from "./kept-bill.ts";
import type { StoredReading } from "./reading-history.ts";

/** Bought less sold in a period; null when it is not known. */
export function netUnitsOf({ order, outcome }: HistoryEntry): number | null {
  if (outcome === null) return null;
  if (outcome.tradedUnits === null) return null;
  return order.side === "sell" ? -outcome.tradedUnits : outcome.tradedUnits;
}

/** Whether the meter's order was in the set that counted: then the period is settled even without a reading. */
const ordered = ({ state }: StoredOutcome): boolean => state === "cleared" || state === "rejected";

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
  const { settlement } = market;
  assert(settlement !== null, "a market with settlement");
  const periods = ownPeriods(market, history, month, counted);
  const energies = energiesOf(periods, supplier, settlement.estimateWh);
  return { ...recomputeBill(periods, supplier, settlement), energies };
}

function ownPeriods(
  market: MarketDocument,
  history: MeterHistory,
  month: string,
  counted: ReadonlyMap<number, string | null>,
): PeriodHistory[] {
  const { from, to } = periodsOfMonth(market, month);
  const entries = new Map(
    history.entries(from, to).map((entry) => [entry.order.periodStart, entry]),
  );
  const starts = [...new Set([...entries.keys(), ...history.readings.periods(from, to)])];
  return starts
    .toSorted((a, b) => a - b)
    .flatMap((start): PeriodHistory[] => {
      const entry = entries.get(start) ?? null;
      const outcome = entry?.outcome ?? null;
      const reading = countedOf(market, history.readings.all(start), counted.get(start));
      if (reading === null && (outcome === null || !ordered(outcome))) return [];
      const net = entry === null ? 0 : (netUnitsOf(entry) ?? 0);
      const metered =
        reading === null
          ? null
          : { importedWh: reading.importedWh, exportedWh: reading.exportedWh };
      const prices = periodPrices(market, start, outcome?.priceTick ?? null);
      const trade = { boughtUnits: Math.max(0, net), soldUnits: Math.max(0, -net) };
      return [{ periodStart: start, ...trade, metered, prices }];
    });
}

function energiesOf(
  periods: readonly PeriodHistory[],
  supplier: number,
  estimateWh: number,
): OwnEnergies {
  const all = periods.map(({ boughtUnits, soldUnits, metered }) => {
    const reading = metered === null ? null : readingOf(metered, boughtUnits - soldUnits);
    const energies = meteredUnits({ supplier, boughtUnits, soldUnits, reading }, estimateWh);
    return { boughtUnits, soldUnits, ...energies };
  });
  const sumOf = (name: keyof (typeof all)[number]) => all.reduce((sum, one) => sum + one[name], 0);
  return {
    boughtUnits: sumOf("boughtUnits"),
    soldUnits: sumOf("soldUnits"),
    importedUnits: sumOf("imported"),
    exportedUnits: sumOf("exported"),
    shortageUnits: sumOf("shortage"),
    surplusUnits: sumOf("surplus"),
  };
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
