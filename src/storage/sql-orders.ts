// Rows that meters send in SQL: orders, and readings after delivery. Accepted in batches, each row decided by itself,
// no order into a period that is closed. How it is with readings is in sql-readings.ts,
// what can be asked about rows in sql-order-lists.ts.
import { type Kysely, sql, type Transaction } from "kysely";
import { nextTurn } from "../platform/turn.ts";
import type { AddOrderResult, NewOrder } from "./evaluator-store.ts";
import { bytes, hex, tableOfMeters, typed, withOrders } from "./order-names.ts";
import { keepOpen, lockMeters, OPEN } from "./postgres-locks.ts";
import type { Kind, RowTable, Tables } from "./tables.ts";

interface Known {
  readonly sequence: number;
  readonly orderId: string;
}

/** Orders written by one statement. */
const ORDERS_AT_ONCE = 250;

/** See EvaluatorStore. */
export function addOrders(
  db: Kysely<Tables>,
  kind: Kind,
  batch: readonly NewOrder[],
  mostVersions: number,
): Promise<readonly AddOrderResult[]> {
  return addRows(db, kind, "meter_order", batch, mostVersions, async (tx) => {
    const open = await openPeriods(tx, kind, batch);
    return ({ periodStart }) => open.has(periodStart);
  });
}

/** Adds rows in one transaction; `openFor` says of which of them more are taken until it ends. */
export function addRows<Row extends NewOrder>(
  db: Kysely<Tables>,
  kind: Kind,
  table: RowTable,
  batch: readonly Row[],
  mostVersions: number,
  openFor: (tx: Transaction<Tables>) => Promise<(row: Row) => boolean>,
): Promise<readonly AddOrderResult[]> {
  return db.transaction().execute(async (tx) => {
    const isOpen = await openFor(tx);
    if (kind === "postgres") {
      await lockMeters(
        tx,
        batch.map(({ meter }) => meter),
      );
    }
    const known = await knownOrders(tx, kind, table, batch);
    const accepted: Row[] = [];
    const results = batch.map((order): AddOrderResult => {
      const name = `${order.periodStart} ${order.meter}`;
      const own = known.get(name) ?? [];
      const result = verdict(order, own, isOpen(order), mostVersions);
      if (result === "accepted") {
        accepted.push(order);
        known.set(name, [...own, order]);
      }
      return result;
    });
    for (let at = 0; at < accepted.length; at += ORDERS_AT_ONCE) {
      await insert(tx, kind, table, accepted.slice(at, at + ORDERS_AT_ONCE));
      await nextTurn();
    }
    return results;
  });
}

function verdict(
  order: NewOrder,
  known: readonly Known[],
  open: boolean,
  mostVersions: number,
): AddOrderResult {
  const same = known.find(({ sequence }) => sequence === order.sequence);
  if (same?.orderId === order.orderId) return "known";
  if (!open) return "closed";
  if (same !== undefined) return "conflict";
  if (known.some(({ sequence }) => sequence > order.sequence)) return "stale";
  return known.length >= mostVersions ? "too-many" : "accepted";
}

/** The periods of a batch that are open, and stay so until the transaction ends. */
async function openPeriods(
  tx: Transaction<Tables>,
  kind: Kind,
  batch: readonly NewOrder[],
): Promise<ReadonlySet<number>> {
  const starts = [...new Set(batch.map(({ periodStart }) => periodStart))].sort((a, b) => a - b);
  if (kind === "postgres") await keepOpen(tx, OPEN.period, starts);
  const open = new Set<number>();
  for (const start of starts) {
    await sql`insert into period (start, state) values (${start}, 'open') on conflict (start) do nothing`.execute(
      tx,
    );
    const { rows } = await sql<{ state: string }>`
      select state from period where start = ${start}`.execute(tx);
    if (rows[0]?.state === "open") open.add(start);
  }
  return open;
}

/** What the meters of a batch have ordered for their periods. */
async function knownOrders(
  tx: Transaction<Tables>,
  kind: Kind,
  table: RowTable,
  batch: readonly NewOrder[],
): Promise<Map<string, readonly Known[]>> {
  const known = new Map<string, readonly Known[]>();
  for (const [start, own] of Map.groupBy(batch, ({ periodStart }) => periodStart)) {
    const meters = [...new Set(own.map(({ meter }) => meter))];
    const theirs = sql`period = ${start} and ${sql.table(table)}.meter = asked.meter`;
    const { rows } = await sql<{ place: number; sequence: number; order_id: Uint8Array }>`
      select place, sequence, order_id from ${tableOfMeters(kind, meters)} as asked
      ${withOrders(kind, table, theirs)}`.execute(tx);
    for (const { place, sequence, order_id } of rows) {
      const name = `${start} ${meters[place]}`;
      const order = { sequence, orderId: hex(order_id) };
      known.set(name, [...(known.get(name) ?? []), order]);
    }
  }
  return known;
}

async function insert(
  tx: Transaction<Tables>,
  kind: Kind,
  table: RowTable,
  orders: readonly NewOrder[],
): Promise<void> {
  if (kind === "postgres") {
    await sql`insert into ${sql.table(table)} (period, meter, sequence, order_id, supplier, body, evidence, received_ms)
      select period, decode(meter, 'hex'), sequence, decode(order_id, 'hex'), supplier, body, evidence, received_ms
      from unnest(${orders.map(({ periodStart }) => periodStart)}::bigint[],
        ${orders.map(({ meter }) => meter)}::text[], ${orders.map(({ sequence }) => sequence)}::bigint[],
        ${orders.map(({ orderId }) => orderId)}::text[], ${orders.map(({ supplier }) => supplier)}::integer[],
        ${orders.map(({ body }) => Buffer.from(body))}::bytea[], ${orders.map(({ evidence }) => evidence)}::text[],
        ${orders.map(({ receivedMs }) => Math.floor(receivedMs))}::bigint[])
      as orders (period, meter, sequence, order_id, supplier, body, evidence, received_ms)`.execute(
      tx,
    );
    return;
  }
  const rows = orders.map((order) => ({
    period: order.periodStart,
    meter: bytes(order.meter),
    sequence: order.sequence,
    order_id: bytes(order.orderId),
    supplier: order.supplier,
    body: order.body,
    evidence: order.evidence,
    received_ms: Math.floor(order.receivedMs),
  }));
  await tx.insertInto(typed(table)).values(rows).execute();
}

/** See EvaluatorStore. */
export async function forgetOrders(db: Kysely<Tables>, start: number): Promise<number> {
  const periods = await db
    .selectFrom("period")
    .select("start")
    .where("start", "<", start)
    .where("decision", "is not", null)
    .where("forgotten", "=", 0)
    .execute();
  let forgotten = 0;
  for (const period of periods) {
    // A transaction each: orders are added in between.
    forgotten += await db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable("meter_order")
        .set({ body: null })
        .where("period", "=", period.start)
        .where("body", "is not", null)
        .executeTakeFirstOrThrow();
      await tx
        .updateTable("period")
        .set({ forgotten: 1 })
        .where("start", "=", period.start)
        .execute();
      return Number(numUpdatedRows);
    });
  }
  return forgotten;
}
