// When a meter sends its order: at a moment drawn anew for each period, long before it asks what to order, so that the
// time of an order says nothing about it.
import { gateClosureOf, type MarketDocument } from "../../market/market-document.ts";
import type { Primitives } from "../../platform/primitives.ts";

/** The end of the window that is left for trying again: a part of a period, in real seconds at least so many. */
const RESERVE = 0.2;
const RESERVE_LEAST_S = 4;
const RANDOM_BYTES = 6;

export interface SubmissionWindow {
  /** In seconds since 1970 UTC, market time. */
  readonly from: number;
  readonly to: number;
}

/**
 * Within which span a meter sends its order for a period: the last `leadPeriods` periods before the gate closes, less
 * a reserve for trying again.
 */
export function submissionWindow(
  market: MarketDocument,
  periodStart: number,
  leadPeriods: number,
): SubmissionWindow {
  const { period_s: length, open_periods } = market.schedule;
  const closure = gateClosureOf(market, periodStart);
  const lead = Math.min(leadPeriods, open_periods) * length;
  const least = RESERVE_LEAST_S * (market.rehearsal?.speed ?? 1);
  const reserve = Math.min(Math.max(RESERVE * length, least), lead / 2);
  return { from: closure - lead, to: closure - reserve };
}

/** A moment in what is left of a window at `now`, evenly drawn; `now` when nothing is left. */
export function submissionTime(
  { from, to }: SubmissionWindow,
  now: number,
  { randomBytes }: Pick<Primitives, "randomBytes">,
): number {
  const begin = Math.max(from, now);
  return begin + Math.max(0, to - begin) * fraction(randomBytes(RANDOM_BYTES));
}

/** Bytes as a number of 0 .. 1, below 1. */
export const fraction = (bytes: Uint8Array): number =>
  bytes.reduceRight((sum, byte) => (sum + byte) / 256, 0);
