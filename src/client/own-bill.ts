// What a household's own history says that it owes: its trades, its readings, the public prices. A month's is compared
// with what evaluators state; a day's says what the day came to.
import { type PeriodHistory, type RecomputedBill, recomputeBill } from "../market/bill.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { readingOf } from "../market/reading.ts";
import { meteredUnits } from "../market/settlement-oracle.ts";
import { periodPrices } from "../market/tariffs.ts";
import { assert } from "../platform/assert.ts";
import type { MeterOutcome } from "./meter-outcome.ts";
import type { Metered } from "./prepared-reading.ts";

/** Energies of a span; those of estimated periods with the estimate. */
export interface OwnEnergies {
  /** Locally, in units of 2^-10 Wh. */
  readonly boughtUnits: number;
  readonly soldUnits: number;
  readonly importedUnits: number;
  readonly exportedUnits: number;
  /** From and to the supplier. */
  readonly shortageUnits: number;
  readonly surplusUnits: number;
}

export interface OwnBill extends RecomputedBill {
  readonly energies: OwnEnergies;
}

/** What a household remembers of a period. */
export interface OwnPeriod {
  readonly periodStart: number;
  /** What came of its order; null without an order, or while that is not known. */
  readonly outcome: (Pick<MeterOutcome, "priceTick"> & { readonly state: string }) | null;
  /** Bought less sold; 0 where it is not known. */
  readonly netUnits: number;
  /** The reading that counts; null when none does. */
  readonly metered: Metered | null;
}

/** Bought less sold in a period; null when it is not known. */
export function netUnitsOf({
  order,
  outcome,
}: {
  readonly order: { readonly side: string };
  readonly outcome: { readonly tradedUnits: number | null } | null;
}): number | null {
  if (outcome === null) return null;
  if (outcome.tradedUnits === null) return null;
  return order.side === "sell" ? -outcome.tradedUnits : outcome.tradedUnits;
}

/** The bill of these periods. Those that have neither a reading nor an order that counted are not in it. */
export function ownBillOf(
  market: MarketDocument,
  supplier: number,
  periods: readonly OwnPeriod[],
): OwnBill {
  const { settlement } = market;
  assert(settlement !== null, "a market with settlement");
  const history = periods.flatMap((period) => historyOf(market, period) ?? []);
  const energies = energiesOf(history, supplier, settlement.estimateWh);
  return { ...recomputeBill(history, supplier, settlement), energies };
}

function historyOf(
  market: MarketDocument,
  { periodStart, outcome, netUnits, metered }: OwnPeriod,
): PeriodHistory | null {
  // A period is settled even without a reading where the order was in the set that counted.
  const isOrdered = outcome?.state === "cleared" || outcome?.state === "rejected";
  if (metered === null && !isOrdered) return null;
  const prices = periodPrices(market, periodStart, outcome?.priceTick ?? null);
  const trade = { boughtUnits: Math.max(0, netUnits), soldUnits: Math.max(0, -netUnits) };
  return { periodStart, ...trade, metered, prices };
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
