// What a rehearsal finds out, from its meters and suppliers, each for itself.
import type { HistoryEntry } from "./meter/history.ts";
import type { KeptBill } from "./meter/kept-bill.ts";
import type { AggregateRow } from "./supplier/aggregate-file.ts";
import type { ClosedMonth } from "./supplier/payables-file.ts";

export interface RehearsalProgress {
  /** Orders that all evaluators have confirmed. */
  readonly confirmed: number;
  /** Periods of which every meter knows its outcome. */
  readonly decided: number;
  /** Readings that all evaluators have confirmed, and bills that meters have checked. */
  readonly read: number;
  readonly bills: number;
}

/** What the closed month of the span came to; its periods are one month's. */
export interface RehearsedMonth {
  readonly month: string;
  /** By meter; null where it could not find out. */
  readonly bills: readonly (KeptBill | null)[];
  /** By supplier; null where it could not find out. */
  readonly suppliers: readonly (ClosedMonth | null)[];
  /** Readings that were confirmed by all evaluators. */
  readonly read: number;
}

/** What everybody found out in a period. */
export interface RehearsedPeriod {
  readonly start: number;
  /** By meter; null where it has no order. */
  readonly meters: readonly (HistoryEntry | null)[];
  /** By supplier; null where it could not find out. */
  readonly suppliers: readonly (AggregateRow | null)[];
}
