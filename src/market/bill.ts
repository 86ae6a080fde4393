// A household's bill of a month, in clear: at its own meter, from the totals that evaluators revealed to it, and once
// more from what the meter itself remembers, to compare. A supplier has the total alone.
// Money is exact in units of 10^-3 ct/kWh times 2^-10 Wh until the total is rounded, once, to the cent, half away from
// zero: rounding never costs anybody, or earns, more than half a cent a month.
import { unitsOfCent } from "./money.ts";
import { readingOf } from "./reading.ts";
import type { PeriodPrices } from "./settlement.ts";
import {
  type Amounts,
  amountsOf,
  NOTHING_DUE,
  sumOfAmounts,
  totalOf,
  withoutMarket,
} from "./settlement-oracle.ts";

export interface Bill {
  /** Exact, in money units; below 0 what the household receives. */
  readonly components: Amounts;
  readonly totalUnits: bigint;
  /** What is paid. */
  readonly totalCents: number;
  /** VAT contained in it: in what the supplier delivered and in grid fees. Local energy and surplus carry none. */
  readonly vatCents: number;
  /** What the month would have cost without the market; null for those who do not know what was metered. */
  readonly withoutMarketCents: number | null;
}

/** `vatBasisPoints` as of the market's settlement rules. */
export function billOf(
  components: Amounts,
  vatBasisPoints: number,
  withoutMarketUnits: bigint | null = null,
): Bill {
  const totalUnits = totalOf(components);
  const gross = components.shortage + components.fees;
  const vat = BigInt(vatBasisPoints);
  return {
    components,
    totalUnits,
    totalCents: roundedCents(totalUnits, 1n),
    vatCents: roundedCents(gross * vat, 10_000n + vat),
    withoutMarketCents: withoutMarketUnits === null ? null : roundedCents(withoutMarketUnits, 1n),
  };
}

/** Money units over `divisor` in cents, half away from zero. */
export function roundedCents(units: bigint, divisor = 1n): number {
  const cent = unitsOfCent * divisor;
  const size = units < 0n ? -units : units;
  const cents = Number((2n * size + cent) / (2n * cent));
  return units < 0n && cents !== 0 ? -cents : cents;
}

/** What a household remembers of a period of its own. */
export interface PeriodHistory {
  /** Seconds since 1970 UTC. */
  readonly periodStart: number;
  readonly boughtUnits: number;
  readonly soldUnits: number;
  /** The reading that it sent last; null when none counts: the period is estimated. */
  readonly metered: { readonly importedWh: number; readonly exportedWh: number } | null;
  readonly prices: PeriodPrices;
}

export interface RecomputedBill {
  readonly bill: Bill;
  /** How many periods it covers, and how many of them with an estimate. */
  readonly periods: number;
  readonly estimated: number;
}

/** The bill that a household's own history comes to. `supplier` is its supplier's number. */
export function recomputeBill(
  history: readonly PeriodHistory[],
  supplier: number,
  rules: { readonly estimateWh: number; readonly vatBasisPoints: number },
): RecomputedBill {
  let components = NOTHING_DUE;
  let without = 0n;
  let estimated = 0;
  for (const { boughtUnits, soldUnits, metered, prices } of history) {
    const reading = metered === null ? null : readingOf(metered, boughtUnits - soldUnits);
    const own = { supplier, boughtUnits, soldUnits, reading };
    components = sumOfAmounts(components, amountsOf(own, prices, rules.estimateWh));
    without += withoutMarket(own, prices, rules.estimateWh);
    if (metered === null) estimated += 1;
  }
  return {
    bill: billOf(components, rules.vatBasisPoints, without),
    periods: history.length,
    estimated,
  };
}

/** What evaluators state and what the household's own history comes to. */
export interface StatedBill {
  readonly components: Amounts;
  readonly periods: number;
  readonly estimated: number;
}

const NAMES = {
  traded: "energy traded locally",
  fees: "grid fees",
  shortage: "energy from the supplier",
  surplus: "energy to the supplier",
} as const;

export interface BillDifference {
  readonly what: "periods" | "estimated" | keyof Amounts;
  /** In words, e.g. "grid fees". */
  readonly name: string;
  /** Money units for amounts, else a count. */
  readonly stated: bigint;
  readonly expected: bigint;
}

/** What differs between a stated bill and the household's own, to the unit; empty when all agrees. */
export function billDifferences(
  stated: StatedBill,
  { bill, periods, estimated }: RecomputedBill,
): BillDifference[] {
  const count = (what: "periods" | "estimated", name: string, expected: number) =>
    ({ what, name, stated: BigInt(stated[what]), expected: BigInt(expected) }) as const;
  const all: BillDifference[] = [
    count("periods", "periods covered", periods),
    count("estimated", "periods with an estimate", estimated),
    ...(["traded", "fees", "shortage", "surplus"] as const).map((what) => ({
      what,
      name: NAMES[what],
      stated: stated.components[what],
      expected: bill.components[what],
    })),
  ];
  return all.filter((one) => one.stated !== one.expected);
}
