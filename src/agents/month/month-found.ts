// What a rehearsed month came to, as its households and suppliers found out, each for itself.
import type { MeterBill } from "../../client/meter-bill.ts";
import type { Metered } from "../../client/prepared-reading.ts";
import type { SupplierMonth } from "../../client/supplier-settlement.ts";
import type { Decision } from "../../wire/records.ts";

/** What all households found out in a period. */
export interface FoundPeriod {
  readonly start: number;
  readonly decision: Decision;
  /** By household: whether all evaluators confirmed its order. */
  readonly confirmed: readonly boolean[];
  /** By household: bought less sold, in units of 2^-10 Wh. */
  readonly netUnits: Float64Array;
}

export interface MonthFound {
  readonly month: string;
  readonly periods: readonly FoundPeriod[];
  /** By household and period: the last reading that all evaluators confirmed before the month was closed. */
  readonly readings: readonly (readonly (Metered | null)[])[];
  readonly bills: readonly MeterBill[];
  readonly suppliers: readonly SupplierMonth[];
  readonly counts: MonthCounts;
  /** What went wrong on the way, in words; it need not make a bill wrong. */
  readonly troubles: readonly string[];
}

export interface MonthCounts {
  orders: number;
  readings: number;
  /** Of them those that were there late, and those that corrected another. */
  late: number;
  corrections: number;
}

export interface MonthProgress extends MonthCounts {
  /** Periods of which all households know what they traded. */
  readonly decided: number;
  readonly bills: number;
}
