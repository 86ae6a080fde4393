// Shares of whole vectors: what was traded in a period, and what is owed for it.
import type { Kysely, Transaction } from "kysely";
import { nextTurn } from "../platform/turn.ts";
import type { Tables } from "./tables.ts";

const PIECE_BYTES = 2 ** 20;

export interface ShareName {
  readonly name: "trades" | "settled";
  readonly start: number;
  readonly revision: number;
}

/** Replaces what is kept under a name. */
export async function saveShares(
  tx: Transaction<Tables>,
  name: ShareName,
  attempt: number,
  shares: Uint8Array,
): Promise<void> {
  await deleteShares(tx, name);
  for (let piece = 0; piece === 0 || piece * PIECE_BYTES < shares.length; piece++) {
    const bytes = shares.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
    const row = { ...name, attempt, piece, shares: Buffer.from(bytes) };
    await tx.insertInto("kept_share").values(row).execute();
    await nextTurn();
  }
}

export async function deleteShares(tx: Transaction<Tables>, name: ShareName): Promise<void> {
  await tx
    .deleteFrom("kept_share")
    .where("name", "=", name.name)
    .where("start", "=", name.start)
    .where("revision", "=", name.revision)
    .execute();
}

/** What is kept under a name of this attempt; null if nothing is. */
export async function readShares(
  db: Kysely<Tables>,
  { name, start, revision }: ShareName,
  attempt: number,
): Promise<Uint8Array | null> {
  const rows = await db
    .selectFrom("kept_share")
    .select("shares")
    .where("name", "=", name)
    .where("start", "=", start)
    .where("revision", "=", revision)
    .where("attempt", "=", attempt)
    .orderBy("piece")
    .execute();
  return rows.length === 0 ? null : new Uint8Array(Buffer.concat(rows.map((row) => row.shares)));
}
