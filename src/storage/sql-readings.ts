// Readings in SQL: rows as orders are (sql-orders.ts), taken until their month is closed.
import { type Kysely, sql, type Transaction } from "kysely";
import type { AddOrderResult, Lease } from "./evaluator-store.ts";
import { keepOpen, lockOpen, OPEN } from "./postgres-locks.ts";
import type { NewReading } from "./settlement-store.ts";
import { requireLease } from "./sql-leases.ts";
import { addRows } from "./sql-orders.ts";
import type { Kind, Tables } from "./tables.ts";

/** See SettlementStore. */
export function addReadings(
  db: Kysely<Tables>,
  kind: Kind,
  batch: readonly NewReading[],
  mostVersions: number,
): Promise<readonly AddOrderResult[]> {
  return addRows(db, kind, "meter_reading", batch, mostVersions, async (tx) => {
    const closed = await closedMonths(tx, kind, batch);
    return ({ month }) => !closed.has(month);
  });
}

/** The months of a batch that are closed; the others stay open until the transaction ends. */
async function closedMonths(
  tx: Transaction<Tables>,
  kind: Kind,
  batch: readonly NewReading[],
): Promise<ReadonlySet<number>> {
  const months = [...new Set(batch.map(({ month }) => month))].sort((a, b) => a - b);
  if (kind === "postgres") await keepOpen(tx, OPEN.month, months);
  const closed = new Set<number>();
  for (const month of months) {
    const row = await tx
      .selectFrom("reading_month")
      .select("state")
      .where("start", "=", month)
      .executeTakeFirst();
    if (row?.state === "closed") closed.add(month);
  }
  return closed;
}

/** See SettlementStore. */
export function closeReadings(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  month: number,
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await requireLease(tx, kind, lease);
    if (kind === "postgres") await lockOpen(tx, OPEN.month, month);
    await sql`insert into reading_month (start, state) values (${month}, 'closed')
      on conflict (start) do nothing`.execute(tx);
  });
}

/** See SettlementStore. */
export async function changedPeriods(
  db: Kysely<Tables>,
  from: number,
  to: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ period: number }>`
    select distinct period from meter_reading as own where period >= ${from} and period < ${to}
    and not exists (select 1 from agreed_reading as counted where counted.period = own.period
      and counted.revision = 0 and counted.meter = own.meter and counted.sequence >= own.sequence)
    order by period`.execute(db);
  return rows.map(({ period }) => period);
}
