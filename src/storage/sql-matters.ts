// What is decided about settlements and closings, in SQL: ballots as those of periods (sql-periods.ts).
import { type Kysely, type Selectable, sql, type Transaction, type Updateable } from "kysely";
import { z } from "zod";
import { assert } from "../platform/assert.ts";
import { signaturesSchema } from "../wire/records.ts";
import { closingSchema, settlementSchema } from "../wire/settlement-records.ts";
import type { Lease } from "./evaluator-store.ts";
import type {
  DecidedSettlement,
  MatterKind,
  MatterName,
  MatterRow,
  Matters,
  OwnParts,
  Revision,
  Signed,
} from "./settlement-store.ts";
import { deleteBills, saveBills } from "./sql-bills.ts";
import { deleteShares, saveShares } from "./sql-kept-shares.ts";
import { requireLease } from "./sql-leases.ts";
import { deleteAgreedReadings, saveAgreedReadings } from "./sql-results.ts";
import type { Kind, MatterTable, Tables } from "./tables.ts";

const DECISIONS = { settlement: settlementSchema, closing: closingSchema } as const;

const preparedSchema = z.strictObject({
  ballot: z.int().min(1),
  decision: z.unknown(),
  notes: z.string().nullable(),
});
const signedSchema = z.strictObject({ decision: z.unknown(), signatures: signaturesSchema });

function rowOf<K extends MatterKind>(
  kind: K,
  row: Pick<MatterTable, "ballot" | "prepared" | "decision">,
): MatterRow<Matters[K]> {
  const schema = DECISIONS[kind] as unknown as z.ZodType<Matters[K]>;
  const signed = row.decision === null ? null : signedSchema.parse(JSON.parse(row.decision));
  const decision =
    signed === null
      ? null
      : { decision: schema.parse(signed.decision), signatures: signed.signatures };
  const accepted = row.prepared === null ? null : preparedSchema.parse(JSON.parse(row.prepared));
  const prepared =
    accepted === null
      ? null
      : { ballot: accepted.ballot, decision: schema.parse(accepted.decision) };
  const isThat = decision === null || same(prepared?.decision, decision.decision);
  return {
    ballot: row.ballot,
    prepared,
    notes: isThat ? (accepted?.notes ?? null) : null,
    decision,
  };
}

/** Both come from the same schema: their fields are in the same order. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const named = (db: Kysely<Tables>, { kind, start, revision }: MatterName) =>
  db
    .selectFrom("matter")
    .selectAll()
    .where("kind", "=", kind)
    .where("start", "=", start)
    .where("revision", "=", revision);

/** See SettlementStore. */
export async function matter<K extends MatterKind>(
  db: Kysely<Tables>,
  name: MatterName<K>,
): Promise<MatterRow<Matters[K]> | null> {
  const row = await named(db, name).executeTakeFirst();
  return row === undefined ? null : rowOf(name.kind, row);
}

/** See SettlementStore. */
export async function lastDecidedMatter(
  db: Kysely<Tables>,
  kind: MatterKind,
): Promise<number | null> {
  const row = await db
    .selectFrom("matter")
    .select("start")
    .where("kind", "=", kind)
    .where("revision", "=", 0)
    .where("decision", "is not", null)
    .orderBy("start", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.start ?? null;
}

/** See SettlementStore. */
export async function settlements(
  db: Kysely<Tables>,
  from: number,
  to: number,
): Promise<readonly DecidedSettlement[]> {
  const rows = await db
    .selectFrom("matter")
    .selectAll()
    .where("kind", "=", "settlement")
    .where("start", ">=", from)
    .where("start", "<", to)
    .where("decision", "is not", null)
    .orderBy("start")
    .orderBy("revision")
    .execute();
  return rows.map((row) => {
    const { decision, notes } = rowOf("settlement", row);
    return { start: row.start, revision: row.revision, signed: decision!, notes };
  });
}

/** See SettlementStore. */
export async function revisions(
  db: Kysely<Tables>,
  from: number,
  to: number,
): Promise<readonly Revision[]> {
  const rows = await db
    .selectFrom("matter")
    .select("start")
    .select(({ eb }) => eb.case().when("decision", "is", null).then(0).else(1).end().as("decided"))
    .where("kind", "=", "settlement")
    .where("revision", "=", 1)
    .where("start", ">=", from)
    .where("start", "<", to)
    .orderBy("start")
    .execute();
  return rows.map(({ start, decided }) => ({ start, isDecided: decided === 1 }));
}

/** Runs a leader's change of one matter: its row exists, and is this transaction's until it ends. */
function change(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  name: MatterName,
  work: (tx: Transaction<Tables>, row: Selectable<MatterTable>) => Promise<void>,
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await requireLease(tx, kind, lease);
    await sql`insert into matter (kind, start, revision) values (${name.kind}, ${name.start}, ${name.revision})
      on conflict (kind, start, revision) do nothing`.execute(tx);
    const query = named(tx, name);
    const locked = kind === "postgres" ? query.forUpdate() : query;
    await work(tx, await locked.executeTakeFirstOrThrow());
  });
}

const update = (tx: Transaction<Tables>, name: MatterName, values: Updateable<MatterTable>) =>
  tx
    .updateTable("matter")
    .set(values)
    .where("kind", "=", name.kind)
    .where("start", "=", name.start)
    .where("revision", "=", name.revision)
    .execute();

/** See SettlementStore. */
export function promiseMatter(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  name: MatterName,
  ballot: number,
) {
  return change(db, kind, lease, name, async (tx, row) => {
    assert(ballot > row.ballot, "a promise is about a higher ballot than any before");
    assert(row.decision === null, "nothing is promised about what is decided");
    await update(tx, name, { ballot });
  });
}

/** See SettlementStore. */
export function prepareMatter<K extends MatterKind>(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  name: MatterName<K>,
  ballot: number,
  decision: Matters[K],
  own: OwnParts[K] | null,
) {
  return change(db, kind, lease, name, async (tx, row) => {
    assert(row.ballot === ballot, "a decision is accepted in the ballot that was promised last");
    assert(row.decision === null, "nothing is accepted about what is decided");
    const before = rowOf(name.kind, row);
    let notes = same(before.prepared?.decision, decision) ? before.notes : null;
    if (own !== null) notes = await saveOwn(tx, kind, name, decision.attempt, own);
    else if (notes === null) await deleteOwn(tx, name);
    await update(tx, name, { prepared: JSON.stringify({ ballot, decision, notes }) });
  });
}

/** See SettlementStore. */
export function decideMatter<K extends MatterKind>(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  name: MatterName<K>,
  signed: Signed<Matters[K]>,
) {
  return change(db, kind, lease, name, async (tx, row) => {
    const { decision } = signed;
    const before = rowOf(name.kind, row);
    let { signatures } = signed;
    if (before.decision !== null) {
      const what = `${name.kind} ${name.start}, revision ${name.revision}`;
      assert(same(before.decision.decision, decision), `${what} is decided in another way already`);
      const known = before.decision.signatures;
      const more = signatures.filter((own) =>
        known.every((one) => one.evaluator !== own.evaluator),
      );
      signatures = [...known, ...more];
    } else if (!same(before.prepared?.decision, decision)) {
      await deleteOwn(tx, name);
    }
    await update(tx, name, { decision: JSON.stringify({ decision, signatures }) });
    if (name.kind === "settlement" && name.revision === 0)
      await setState(tx, name.start, "settled");
  });
}

/** See SettlementStore. */
export function completeMatter<K extends MatterKind>(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  name: MatterName<K>,
  own: OwnParts[K],
) {
  return change(db, kind, lease, name, async (tx, row) => {
    const { decision, ballot } = rowOf(name.kind, row);
    assert(decision !== null, "only what is decided is completed");
    const notes = await saveOwn(tx, kind, name, decision.decision.attempt, own);
    const prepared = { ballot: Math.max(1, ballot), decision: decision.decision, notes };
    await update(tx, name, { prepared: JSON.stringify(prepared) });
  });
}

/** See SettlementStore. */
export function beginSettling(db: Kysely<Tables>, kind: Kind, lease: Lease, start: number) {
  return db.transaction().execute(async (tx) => {
    await requireLease(tx, kind, lease);
    await setState(tx, start, "settling");
  });
}

/** A void period stays so, and one that is settled, too. */
async function setState(tx: Transaction<Tables>, start: number, state: "settling" | "settled") {
  await tx
    .updateTable("period")
    .set({ state })
    .where("start", "=", start)
    .where("state", "in", ["published", "settling"])
    .execute();
}

/** Replaces what is kept of a matter; returns the notes. */
async function saveOwn<K extends MatterKind>(
  tx: Transaction<Tables>,
  kind: Kind,
  name: MatterName<K>,
  attempt: number,
  own: OwnParts[K],
): Promise<string> {
  await deleteOwn(tx, name);
  const { start, revision } = name;
  if ("bills" in own) {
    await saveBills(tx, start, own.bills);
  } else {
    await saveAgreedReadings(tx, kind, start, revision, own.readings);
    await saveShares(tx, { name: "settled", start, revision }, attempt, own.shares);
  }
  return own.notes;
}

async function deleteOwn(tx: Transaction<Tables>, { kind, start, revision }: MatterName) {
  if (kind === "closing") {
    await deleteBills(tx, start);
    return;
  }
  await deleteAgreedReadings(tx, start, revision);
  await deleteShares(tx, { name: "settled", start, revision });
}
