// What is known of rows that meters have sent, in SQL: which there are of a period, and their bodies.
import { type Kysely, sql } from "kysely";
import type { OrderEntry } from "./evaluator-store.ts";
import { bytes, hex, tableOf, typed, withOrders } from "./order-names.ts";
import type { Kind, RowTable, Tables } from "./tables.ts";

/** Orders read by one statement with their bodies. */
const BODIES_AT_ONCE = 500;
/** Entries of a period read by one statement, about. */
const ENTRIES_AT_ONCE = 2_000;
const METER_BYTES = 16;

const entryOf = (row: {
  meter: Uint8Array;
  sequence: number;
  order_id: Uint8Array;
  supplier: number;
}): OrderEntry => ({
  meter: hex(row.meter),
  sequence: row.sequence,
  orderId: hex(row.order_id),
  supplier: row.supplier,
});

const ENTRY = ["meter", "sequence", "order_id", "supplier"] as const;

/** See EvaluatorStore. */
export async function lastOrder(
  db: Kysely<Tables>,
  table: RowTable,
  periodStart: number,
  meter: string,
): Promise<OrderEntry | null> {
  const row = await db
    .selectFrom(typed(table))
    .select(ENTRY)
    .where("period", "=", periodStart)
    .where("meter", "=", bytes(meter))
    .orderBy("sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : entryOf(row);
}

/** See EvaluatorStore. */
export async function orderCount(
  db: Kysely<Tables>,
  table: RowTable,
  periodStart: number,
): Promise<number> {
  const { count } = await db
    .selectFrom(typed(table))
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("period", "=", periodStart)
    .executeTakeFirstOrThrow();
  // A server says it as text.
  return Number(count);
}

/** See EvaluatorStore. */
export async function orderEntries(
  db: Kysely<Tables>,
  table: RowTable,
  periodStart: number,
): Promise<readonly OrderEntry[]> {
  const count = await orderCount(db, table, periodStart);
  const all: OrderEntry[] = [];
  for (const [first, last] of rangesOfMeters(Math.ceil(count / ENTRIES_AT_ONCE))) {
    // Bounded on both sides: a limit alone lets a database that has no statistics yet sort all the rest for each piece.
    const rows = await db
      .selectFrom(typed(table))
      .select(ENTRY)
      .where("period", "=", periodStart)
      .where("meter", ">=", first)
      .where("meter", "<=", last)
      .orderBy("meter")
      .orderBy("sequence", "desc")
      .execute();
    for (const row of rows) all.push(entryOf(row));
  }
  return all;
}

/** All ids of meters, in at least so many ranges of the same size: ids are random, so each has as many meters. */
function* rangesOfMeters(least: number): Generator<readonly [first: Buffer, last: Buffer]> {
  const bits = Math.min(16, Math.ceil(Math.log2(Math.max(1, least))));
  const step = 2 ** (16 - bits);
  for (let prefix = 0; prefix < 0x1_0000; prefix += step) {
    const [first, last] = [Buffer.alloc(METER_BYTES, 0), Buffer.alloc(METER_BYTES, 0xff)];
    first.writeUInt16BE(prefix);
    last.writeUInt16BE(prefix + step - 1);
    yield [first, last];
  }
}

/** See EvaluatorStore. */
export async function orderBodies(
  db: Kysely<Tables>,
  kind: Kind,
  table: RowTable,
  periodStart: number,
  entries: readonly Pick<OrderEntry, "meter" | "sequence">[],
  onBody: (index: number, body: Uint8Array) => void,
): Promise<void> {
  for (let at = 0; at < entries.length; at += BODIES_AT_ONCE) {
    const some = entries.slice(at, at + BODIES_AT_ONCE);
    const names = some.map(({ meter, sequence }) => ({
      meter,
      sequence,
      orderId: "",
      supplier: 0,
    }));
    const theirs = sql`period = ${periodStart} and ${sql.table(table)}.meter = asked.meter
      and ${sql.table(table)}.sequence = asked.sequence and body is not null`;
    const { rows } = await sql<{ place: number; body: Uint8Array }>`
      select place, body from ${tableOf(kind, names)} as asked ${withOrders(kind, table, theirs)}
      order by place`.execute(db);
    for (const { place, body } of rows) onBody(at + place, body);
  }
}
