// The agreed sets of a period, of orders and of readings, and this evaluator's shares of its results.
import { type Kysely, sql, type Transaction } from "kysely";
import { assert } from "../platform/assert.ts";
import { nextTurn } from "../platform/turn.ts";
import { fromHex } from "../wire/hex.ts";
import type { OrderEntry, ResultRow } from "./evaluator-store.ts";
import { tableOf } from "./order-names.ts";
import { deleteShares, saveShares } from "./sql-kept-shares.ts";
import type { AgreedTable, Kind, Tables } from "./tables.ts";

const ENTRIES_AT_ONCE = 2_000;
/** Reading one share reads a piece of so many. */
const PIECE_SHARES = 1_024;
const PIECES_AT_ONCE = 32;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Whatever kind of bytes the database gives. */
const plain = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? null : new Uint8Array(bytes);

/** See EvaluatorStore. */
export async function agreedOrder(db: Kysely<Tables>, start: number, meter: string) {
  const row = await db
    .selectFrom("agreed_order")
    .select(["position", "order_id"])
    .where("period", "=", start)
    .where("meter", "=", Buffer.from(fromHex(meter)))
    .executeTakeFirst();
  return placeOf(row);
}

/** See SettlementStore. */
export async function agreedReading(
  db: Kysely<Tables>,
  start: number,
  revision: number,
  meter: string,
) {
  const row = await db
    .selectFrom("agreed_reading")
    .select(["position", "order_id"])
    .where("period", "=", start)
    .where("revision", "=", revision)
    .where("meter", "=", Buffer.from(fromHex(meter)))
    .executeTakeFirst();
  return placeOf(row);
}

const placeOf = (row: { position: number; order_id: Uint8Array } | undefined) =>
  row === undefined ? null : { position: row.position, orderId: hex(row.order_id) };

const ENTRY = ["meter", "sequence", "order_id", "supplier"] as const;

/** See EvaluatorStore. */
export function agreedEntries(db: Kysely<Tables>, start: number): Promise<readonly OrderEntry[]> {
  const all = db.selectFrom("agreed_order").select(ENTRY).where("period", "=", start);
  return inPieces((from, to) =>
    all.where("position", ">=", from).where("position", "<", to).orderBy("position").execute(),
  );
}

/** See SettlementStore. */
export function agreedReadings(
  db: Kysely<Tables>,
  start: number,
  revision: number,
): Promise<readonly OrderEntry[]> {
  const all = db
    .selectFrom("agreed_reading")
    .select(ENTRY)
    .where("period", "=", start)
    .where("revision", "=", revision);
  return inPieces((from, to) =>
    all.where("position", ">=", from).where("position", "<", to).orderBy("position").execute(),
  );
}

async function inPieces(
  read: (from: number, to: number) => Promise<readonly Omit<AgreedTable, "period" | "position">[]>,
): Promise<readonly OrderEntry[]> {
  const all: OrderEntry[] = [];
  for (;;) {
    const rows = await read(all.length, all.length + ENTRIES_AT_ONCE);
    for (const { meter, sequence, order_id, supplier } of rows) {
      all.push({ meter: hex(meter), sequence, orderId: hex(order_id), supplier });
    }
    if (rows.length < ENTRIES_AT_ONCE) return all;
  }
}

/** Replaces the readings that count in a revision. */
export async function saveAgreedReadings(
  tx: Transaction<Tables>,
  kind: Kind,
  start: number,
  revision: number,
  entries: readonly OrderEntry[],
): Promise<void> {
  await deleteAgreedReadings(tx, start, revision);
  for (let at = 0; at < entries.length; at += ENTRIES_AT_ONCE) {
    const names = tableOf(kind, entries.slice(at, at + ENTRIES_AT_ONCE));
    await sql`insert into agreed_reading (period, revision, position, meter, sequence, order_id, supplier)
      select ${start}, ${revision}, ${at} + place, meter, sequence, order_id, supplier from ${names} as names`.execute(
      tx,
    );
    await nextTurn();
  }
}

export async function deleteAgreedReadings(
  tx: Transaction<Tables>,
  start: number,
  revision: number,
): Promise<void> {
  await tx
    .deleteFrom("agreed_reading")
    .where("period", "=", start)
    .where("revision", "=", revision)
    .execute();
}

/** See EvaluatorStore. */
export async function orderShare(
  db: Kysely<Tables>,
  start: number,
  attempt: number,
  position: number,
): Promise<Uint8Array | null> {
  const piece = Math.floor(position / PIECE_SHARES);
  // Positions of substr count from 1.
  const { rows } = await sql<{ share: Uint8Array }>`
    select substr(result_piece.order_shares, ${position % PIECE_SHARES} * share_bytes + 1, share_bytes) as share
    from result join result_piece on result_piece.period = result.period
    where result.period = ${start} and attempt = ${attempt} and orders > ${position} and piece = ${piece}`.execute(
    db,
  );
  return plain(rows[0]?.share);
}

/** Replaces the results of a period; there is a share for each of `orders` orders. */
export async function saveResults(
  tx: Transaction<Tables>,
  start: number,
  orders: number,
  { attempt, orderShares, supplierShares, tradeShares }: ResultRow,
): Promise<void> {
  const shareBytes = orders === 0 ? 0 : orderShares.length / orders;
  assert(Number.isInteger(shareBytes), "there is one share per order, all of the same length");
  await deleteResultsBut(tx, start, null);
  const result = { period: start, attempt, orders, share_bytes: shareBytes };
  await tx
    .insertInto("result")
    .values({ ...result, supplier_shares: Buffer.from(supplierShares) })
    .execute();
  const pieceBytes = PIECE_SHARES * shareBytes;
  const pieces = Array.from({ length: Math.ceil(orders / PIECE_SHARES) }, (_, piece) => ({
    period: start,
    piece,
    order_shares: Buffer.from(orderShares.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)),
  }));
  for (let at = 0; at < pieces.length; at += PIECES_AT_ONCE) {
    const some = pieces.slice(at, at + PIECES_AT_ONCE);
    await tx.insertInto("result_piece").values(some).execute();
  }
  if (tradeShares) await saveShares(tx, tradesOf(start), attempt, tradeShares);
}

const tradesOf = (start: number) => ({ name: "trades", start, revision: 0 }) as const;

/** Deletes the results of a period's other attempts; with null, those of all. */
export async function deleteResultsBut(
  tx: Transaction<Tables>,
  start: number,
  attempt: number | null,
): Promise<void> {
  let query = tx.deleteFrom("result").where("period", "=", start);
  if (attempt !== null) query = query.where("attempt", "!=", attempt);
  const { numDeletedRows } = await query.executeTakeFirstOrThrow();
  if (Number(numDeletedRows) === 0) return;
  await tx.deleteFrom("result_piece").where("period", "=", start).execute();
  await deleteShares(tx, tradesOf(start));
}

/** See EvaluatorStore. */
export async function supplierShares(
  db: Kysely<Tables>,
  start: number,
  attempt: number,
): Promise<Uint8Array | null> {
  const row = await db
    .selectFrom("result")
    .select("supplier_shares")
    .where("period", "=", start)
    .where("attempt", "=", attempt)
    .executeTakeFirst();
  return plain(row?.supplier_shares);
}
