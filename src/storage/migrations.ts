// The versions of an evaluator's database. A version is never changed once it has been released: a change is a new one.
import { type Kysely, sql, type Transaction } from "kysely";
import { StoreError } from "./store-error.ts";
import type { Kind, Tables } from "./tables.ts";

type Migration = (db: Transaction<Tables>, kind: Kind) => Promise<void>;

const first: Migration = async (db, kind) => {
  const bytes = kind === "sqlite" ? sql`blob` : sql`bytea`;
  await sql`create table period (
    start bigint primary key, state text not null, ballot bigint not null default 0,
    agreed text, prepared text, decision text, forgotten integer not null default 0)`.execute(db);
  await sql`create table meter_order (
    period bigint not null, meter ${bytes} not null, sequence bigint not null, order_id ${bytes} not null,
    supplier integer not null, body ${bytes}, evidence text not null, received_ms bigint not null,
    primary key (period, meter, sequence))`.execute(db);
  await sql`create table agreed_order (
    period bigint not null, position integer not null, meter ${bytes} not null, sequence bigint not null,
    order_id ${bytes} not null, supplier integer not null, primary key (period, position))`.execute(
    db,
  );
  await sql`create unique index agreed_meter on agreed_order (period, meter)`.execute(db);
  await sql`create table result (
    period bigint primary key, attempt bigint not null, orders integer not null, share_bytes integer not null,
    supplier_shares ${bytes} not null)`.execute(db);
  await sql`create table result_piece (
    period bigint not null, piece integer not null, order_shares ${bytes} not null,
    primary key (period, piece))`.execute(db);
  await sql`create table lease (
    name text primary key, holder text not null, fence bigint not null, expires_ms bigint not null)`.execute(
    db,
  );
};

/** Readings, settlements and bills. */
const settlement: Migration = async (db, kind) => {
  const bytes = kind === "sqlite" ? sql`blob` : sql`bytea`;
  await sql`create table meter_reading (
    period bigint not null, meter ${bytes} not null, sequence bigint not null, order_id ${bytes} not null,
    supplier integer not null, body ${bytes}, evidence text not null, received_ms bigint not null,
    primary key (period, meter, sequence))`.execute(db);
  await sql`create table reading_month (start bigint primary key, state text not null)`.execute(db);
  await sql`create table agreed_reading (
    period bigint not null, revision integer not null, position integer not null, meter ${bytes} not null,
    sequence bigint not null, order_id ${bytes} not null, supplier integer not null,
    primary key (period, revision, position))`.execute(db);
  await sql`create unique index read_meter on agreed_reading (period, revision, meter)`.execute(db);
  await sql`create table matter (
    kind text not null, start bigint not null, revision integer not null, ballot bigint not null default 0,
    prepared text, decision text, primary key (kind, start, revision))`.execute(db);
  await sql`create table kept_share (
    name text not null, start bigint not null, revision integer not null, attempt bigint not null,
    piece integer not null, shares ${bytes} not null, primary key (name, start, revision, piece))`.execute(
    db,
  );
  await sql`create table bill (
    month bigint not null, meter ${bytes} not null, supplier integer not null, periods integer not null,
    estimated integer not null, components ${bytes} not null, payable ${bytes} not null,
    primary key (month, meter))`.execute(db);
  await sql`create index bill_supplier on bill (month, supplier)`.execute(db);
};

const MIGRATIONS: readonly Migration[] = [first, settlement];

/** Any number: the lock under which processes migrate one after the other. */
const LOCK = 4_871_023;

/** Brings a database to this program's version. Processes that start at the same time wait for each other. */
export async function migrate(db: Kysely<Tables>, kind: Kind): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (kind === "postgres") await sql`select pg_advisory_xact_lock(${LOCK})`.execute(tx);
    await sql`create table if not exists hushwatt_version (version integer not null)`.execute(tx);
    const rows = await tx.selectFrom("hushwatt_version").select("version").execute();
    const version = rows[0]?.version ?? 0;
    if (version > MIGRATIONS.length) {
      throw new StoreError(
        `the database has version ${version}, this program knows up to ${MIGRATIONS.length}: use a newer one`,
      );
    }
    for (const migration of MIGRATIONS.slice(version)) await migration(tx, kind);
    if (version === MIGRATIONS.length) return;
    await tx.deleteFrom("hushwatt_version").execute();
    await tx.insertInto("hushwatt_version").values({ version: MIGRATIONS.length }).execute();
  });
}
