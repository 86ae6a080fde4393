// Bills of closed months, and what is deleted when a month is closed.
import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import { nextTurn } from "../platform/turn.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import type { Lease } from "./evaluator-store.ts";
import type { BillRow } from "./settlement-store.ts";
import { requireLease } from "./sql-leases.ts";
import type { BillTable, Kind, Tables } from "./tables.ts";

const BILLS_AT_ONCE = 200;

export async function deleteBills(tx: Transaction<Tables>, month: number): Promise<void> {
  await tx.deleteFrom("bill").where("month", "=", month).execute();
}

export async function saveBills(
  tx: Transaction<Tables>,
  month: number,
  bills: readonly BillRow[],
): Promise<void> {
  for (let at = 0; at < bills.length; at += BILLS_AT_ONCE) {
    const rows = bills.slice(at, at + BILLS_AT_ONCE).map((bill) => ({
      ...bill,
      month,
      meter: Buffer.from(fromHex(bill.meter)),
      components: Buffer.from(bill.components),
      payable: Buffer.from(bill.payable),
    }));
    await tx.insertInto("bill").values(rows).execute();
    await nextTurn();
  }
}

const billOf = ({
  meter,
  supplier,
  periods,
  estimated,
  components,
  payable,
}: Selectable<BillTable>) => ({
  meter: toHex(meter),
  supplier,
  periods,
  estimated,
  components: new Uint8Array(components),
  payable: new Uint8Array(payable),
});

/** See SettlementStore. */
export async function bill(
  db: Kysely<Tables>,
  month: number,
  meter: string,
): Promise<BillRow | null> {
  const row = await db
    .selectFrom("bill")
    .selectAll()
    .where("month", "=", month)
    .where("meter", "=", Buffer.from(fromHex(meter)))
    .executeTakeFirst();
  return row === undefined ? null : billOf(row);
}

/** See SettlementStore. */
export async function bills(
  db: Kysely<Tables>,
  month: number,
  supplier: number,
): Promise<readonly BillRow[]> {
  const rows = await db
    .selectFrom("bill")
    .selectAll()
    .where("month", "=", month)
    .where("supplier", "=", supplier)
    .orderBy("meter")
    .execute();
  return rows.map(billOf);
}

/** See SettlementStore. */
export async function forgetSettled(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  from: number,
  to: number,
): Promise<number> {
  const periods = await sql<{ period: number }>`
    select distinct period from meter_reading
    where period >= ${from} and period < ${to} and body is not null`.execute(db);
  let forgotten = 0;
  for (const { period } of periods.rows) {
    // A transaction each: others write in between.
    forgotten += await db.transaction().execute(async (tx) => {
      await requireLease(tx, kind, lease);
      const { numUpdatedRows } = await tx
        .updateTable("meter_reading")
        .set({ body: null })
        .where("period", "=", period)
        .where("body", "is not", null)
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    });
  }
  await db.transaction().execute(async (tx) => {
    await requireLease(tx, kind, lease);
    await tx.deleteFrom("kept_share").where("start", ">=", from).where("start", "<", to).execute();
  });
  return forgotten;
}
