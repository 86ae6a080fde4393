// The states of periods in SQL. Every change is one transaction that only the leader can commit.
import { type Kysely, type Selectable, sql, type Transaction, type Updateable } from "kysely";
import { z } from "zod";
import { assert } from "../platform/assert.ts";
import { nextTurn } from "../platform/turn.ts";
import { toHex } from "../wire/hex.ts";
import {
  type Agreed,
  agreedSchema,
  type Decision,
  decisionBytes,
  decisionSchema,
  type PeriodState,
  type SignedDecision,
  signedDecisionSchema,
} from "../wire/records.ts";
import type { Lease, OrderEntry, PeriodRow, ResultRow } from "./evaluator-store.ts";
import { tableOf } from "./order-names.ts";
import { lockOpen, OPEN } from "./postgres-locks.ts";
import { requireLease } from "./sql-leases.ts";
import { deleteResultsBut, saveResults } from "./sql-results.ts";
import type { Kind, PeriodTable, Tables } from "./tables.ts";

const ENTRIES_AT_ONCE = 2_000;

const preparedSchema = z.strictObject({ ballot: z.int().min(0), decision: decisionSchema });

type PeriodWithResult = Selectable<PeriodTable> & { readonly attempt: number | null };

const withResult = (db: Kysely<Tables>) =>
  db
    .selectFrom("period")
    .leftJoin("result", "result.period", "period.start")
    .selectAll("period")
    .select("result.attempt");

function rowOf(row: PeriodWithResult): PeriodRow {
  const decision =
    row.decision === null ? null : signedDecisionSchema.parse(JSON.parse(row.decision));
  const prepared = row.prepared === null ? null : preparedSchema.parse(JSON.parse(row.prepared));
  const attempt = (decision?.decision ?? prepared?.decision)?.attempt;
  return {
    start: row.start,
    state: row.state as PeriodState,
    ballot: row.ballot,
    agreed: agreedOf(row),
    prepared,
    hasResults: row.attempt !== null && row.attempt === attempt,
    decision,
  };
}

const agreedOf = ({ agreed }: Pick<PeriodTable, "agreed">): Agreed | null =>
  agreed === null ? null : agreedSchema.parse(JSON.parse(agreed));

/** See EvaluatorStore. */
export async function period(db: Kysely<Tables>, start: number): Promise<PeriodRow | null> {
  const row = await withResult(db).where("start", "=", start).executeTakeFirst();
  return row === undefined ? null : rowOf(row);
}

/** See EvaluatorStore. */
export async function periodsBetween(
  db: Kysely<Tables>,
  from: number,
  to: number,
  most: number,
): Promise<readonly PeriodRow[]> {
  const rows = await withResult(db)
    .where("start", ">=", from)
    .where("start", "<", to)
    .orderBy("start", "desc")
    .limit(most)
    .execute();
  return rows.map(rowOf);
}

/** See EvaluatorStore. */
export async function lastDecided(db: Kysely<Tables>): Promise<number | null> {
  const row = await db
    .selectFrom("period")
    .select("start")
    .where("decision", "is not", null)
    .orderBy("start", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.start ?? null;
}

/** Runs a leader's change of one period: its row exists, and is this transaction's until it ends. */
function change(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  start: number,
  work: (tx: Transaction<Tables>, row: Selectable<PeriodTable>) => Promise<void>,
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await requireLease(tx, kind, lease);
    if (kind === "postgres") await waitForOrders(tx, start);
    await sql`insert into period (start, state) values (${start}, 'open') on conflict (start) do nothing`.execute(
      tx,
    );
    const lock = kind === "postgres" ? sql`for update` : sql``;
    const { rows } = await sql<Selectable<PeriodTable>>`
      select * from period where start = ${start} ${lock}`.execute(tx);
    await work(tx, rows[0]!);
  });
}

/** A period never opens again: only one that is open may be kept so by batches of orders that are being added. */
async function waitForOrders(tx: Transaction<Tables>, start: number): Promise<void> {
  const row = await tx
    .selectFrom("period")
    .select("state")
    .where("start", "=", start)
    .executeTakeFirst();
  if (row === undefined || row.state === "open") await lockOpen(tx, OPEN.period, start);
}

const update = (tx: Transaction<Tables>, start: number, values: Updateable<PeriodTable>) =>
  tx.updateTable("period").set(values).where("start", "=", start).execute();

/** See EvaluatorStore. */
export function closePeriod(db: Kysely<Tables>, kind: Kind, lease: Lease, start: number) {
  return change(db, kind, lease, start, async (tx, row) => {
    if (row.state === "open") await update(tx, start, { state: "closed" });
  });
}

/** See EvaluatorStore. */
export function promise(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  start: number,
  ballot: number,
) {
  return change(db, kind, lease, start, async (tx, row) => {
    assert(ballot > row.ballot, "a promise is about a higher ballot than any before");
    assert(row.decision === null, "nothing is promised about a decided period");
    await update(tx, start, { ballot });
  });
}

/** See EvaluatorStore. */
export function saveAgreed(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  start: number,
  agreed: Agreed,
  entries: readonly OrderEntry[],
) {
  return change(db, kind, lease, start, async (tx, row) => {
    assert(row.decision === null, "a decided period's orders stay as they are");
    await tx.deleteFrom("agreed_order").where("period", "=", start).execute();
    for (let at = 0; at < entries.length; at += ENTRIES_AT_ONCE) {
      const names = tableOf(kind, entries.slice(at, at + ENTRIES_AT_ONCE));
      await sql`insert into agreed_order (period, position, meter, sequence, order_id, supplier)
        select ${start}, ${at} + place, meter, sequence, order_id, supplier from ${names} as names`.execute(
        tx,
      );
      await nextTurn();
    }
    await update(tx, start, { agreed: JSON.stringify(agreed), state: "agreed" });
  });
}

/** See EvaluatorStore. */
export function beginClearing(db: Kysely<Tables>, kind: Kind, lease: Lease, start: number) {
  return change(db, kind, lease, start, async (tx) => {
    await update(tx, start, { state: "clearing" });
  });
}

/** See EvaluatorStore. */
export function prepare(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  start: number,
  ballot: number,
  decision: Decision,
  results: ResultRow | null,
) {
  return change(db, kind, lease, start, async (tx, row) => {
    assert(row.ballot === ballot, "a decision is accepted in the ballot that was promised last");
    assert(row.decision === null, "nothing is accepted about a decided period");
    await keepOnly(tx, row, decision);
    if (results !== null) await saveResults(tx, start, decision.agreed?.count ?? 0, results);
    await update(tx, start, { prepared: JSON.stringify({ ballot, decision }), state: "cleared" });
  });
}

/** See EvaluatorStore. */
export function decide(
  db: Kysely<Tables>,
  kind: Kind,
  lease: Lease,
  start: number,
  signed: SignedDecision,
) {
  return change(db, kind, lease, start, async (tx, row) => {
    const { decision } = signed;
    let { signatures } = signed;
    if (row.decision !== null) {
      const before = signedDecisionSchema.parse(JSON.parse(row.decision));
      const same = toHex(decisionBytes(before.decision)) === toHex(decisionBytes(decision));
      assert(same, `the period ${decision.period} has another decision already`);
      const known = new Set(before.signatures.map(({ evaluator }) => evaluator));
      const more = signatures.filter(({ evaluator }) => !known.has(evaluator));
      signatures = [...before.signatures, ...more];
    } else {
      await keepOnly(tx, row, decision);
    }
    const state = decision.outcome === "void" ? "void" : "published";
    await update(tx, start, { decision: JSON.stringify({ decision, signatures }), state });
  });
}

/** Deletes what belongs to another decision. */
async function keepOnly(
  tx: Transaction<Tables>,
  row: Selectable<PeriodTable>,
  decision: Decision,
): Promise<void> {
  await deleteResultsBut(tx, row.start, decision.attempt);
  const agreed = agreedOf(row);
  if (agreed === null || decision.outcome === "void" || agreed.root === decision.agreed?.root)
    return;
  await tx.deleteFrom("agreed_order").where("period", "=", row.start).execute();
  await update(tx, row.start, { agreed: null });
}
