// Locks of the processes that share a PostgreSQL server; each lasts until the transaction ends. Advisory locks are
// given
// in the order in which they were asked for: a closing period waits for the batches before it and no others, whereas
// shared locks of rows would overtake it for as long as orders come.
import { sql, type Transaction } from "kysely";
import type { Tables } from "./tables.ts";

/** Any numbers: names of kinds of locks. */
const PERIODS = 7_310_441;
const METERS = 7_310_442;
const MONTHS = 7_310_443;
/** Numbers of locks have 32 bits; a start is in seconds. */
const LOCK_NUMBERS = 0x7fff_ffff;

const numberOf = (start: number) => start % LOCK_NUMBERS;

/** What is open for orders, and for readings. */
export const OPEN = { period: PERIODS, month: MONTHS } as const;
type Open = (typeof OPEN)[keyof typeof OPEN];

/** Nobody closes these periods or months; others may keep them open as well. */
export async function keepOpen(
  tx: Transaction<Tables>,
  what: Open,
  starts: readonly number[],
): Promise<void> {
  for (const start of starts) {
    await sql`select pg_advisory_xact_lock_shared(${what}::integer, ${numberOf(start)}::integer)`.execute(
      tx,
    );
  }
}

/** Waits for those who keep a period or month open; nobody else can then. */
export async function lockOpen(tx: Transaction<Tables>, what: Open, start: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(${what}::integer, ${numberOf(start)}::integer)`.execute(
    tx,
  );
}

/**
 * Two processes that add orders of the same meter wait for each other: otherwise both could find theirs new. A
 * server has room for a few thousand locks, so one lock is for all meters whose ids begin with the same byte.
 */
export async function lockMeters(
  tx: Transaction<Tables>,
  meters: readonly string[],
): Promise<void> {
  const groups = new Set(meters.map((meter) => Number.parseInt(meter.slice(0, 2), 16)));
  // Always in the same order, so that nobody waits in a circle.
  const sorted = [...groups].sort((a, b) => a - b);
  await sql`select pg_advisory_xact_lock(${METERS}::integer, meters)
    from unnest(${sorted}::integer[]) with ordinality as groups (meters, place) order by place`.execute(
    tx,
  );
}
