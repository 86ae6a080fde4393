// What this browser remembers of periods, as bills are computed from: orders, outcomes, and the readings that count.

import { netUnitsOf, type OwnPeriod } from "../../../src/client/own-bill.ts";
import type { Metered } from "../../../src/client/prepared-reading.ts";
import { gateClosureOf, type MarketDocument } from "../../../src/market/market-document.ts";
import { monthOf, periodsOfMonth } from "../../../src/market/tariffs.ts";
import type { Entry, Trouble } from "./gateway.ts";
import type { MeteredPeriod, StoredCounting, StoredReading } from "./readings-store.ts";

/** What is known of what was metered in a period. */
export interface MeteredEntry {
  readonly wanted: MeteredPeriod | null;
  /** In the order of their sequence numbers. */
  readonly readings: readonly StoredReading[];
  readonly counting: StoredCounting | null;
  /** By evaluator, why it has not confirmed the last reading yet. */
  readonly troubles: ReadonlyMap<number, Trouble>;
}

/** What a household remembers, by start of the period. */
export interface OwnHistory {
  readonly orders: ReadonlyMap<number, Entry>;
  readonly metered: ReadonlyMap<number, MeteredEntry>;
}

/** The months from the first to the last of these periods, newest first. */
export function knownMonths(market: MarketDocument, starts: readonly number[]): string[] {
  const last = starts.reduce((most, start) => Math.max(most, start), Number.NEGATIVE_INFINITY);
  let start = starts.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  const months: string[] = [];
  while (start <= last) {
    const month = monthOf(market, start);
    months.push(month);
    start = periodsOfMonth(market, month).to;
  }
  return months.toReversed();
}

/** The periods of a span as the household remembers them, in their order. */
export function ownPeriods(
  { orders, metered }: OwnHistory,
  { evaluators }: MarketDocument,
  from: number,
  to: number,
): OwnPeriod[] {
  const starts = [...new Set([...orders.keys(), ...metered.keys()])];
  return starts
    .filter((start) => start >= from && start < to)
    .toSorted((a, b) => a - b)
    .map((periodStart) => {
      const order = orders.get(periodStart);
      const entry = metered.get(periodStart);
      return {
        periodStart,
        outcome: order?.outcome ?? null,
        netUnits: order === undefined ? 0 : (netUnitsOf(order) ?? 0),
        metered: entry === undefined ? null : countedOf(entry, evaluators.length),
      };
    });
}

/** The reading that counts by what is known: the one that was proven to, else the last that all have confirmed. */
function countedOf({ readings, counting }: MeteredEntry, all: number): Metered | null {
  const confirmed = readings.findLast(({ receipts }) => receipts.length === all) ?? null;
  if (counting === null) return confirmed;
  const proven =
    counting.state === "counted"
      ? (readings.find(({ readingId }) => readingId === counting.readingId) ?? null)
      : null;
  if (counting.isFinal) return proven;
  // A later one that all have confirmed counts when the month is closed.
  const isLater = confirmed !== null && confirmed.sequence > (proven?.sequence ?? 0);
  return isLater && counting.state !== "rejected" ? confirmed : proven;
}

/** Orders of the span whose gate has closed and of which nothing is known yet. */
export function unknownOutcomes(
  { orders }: OwnHistory,
  market: MarketDocument,
  from: number,
  to: number,
  now: number,
): number {
  const open = ({ order, outcome }: Entry) =>
    outcome === null &&
    order.periodStart >= from &&
    order.periodStart < to &&
    gateClosureOf(market, order.periodStart) <= now;
  return [...orders.values()].filter(open).length;
}
