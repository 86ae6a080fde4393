// Who leads: one row per lease, whose number grows with every change of its holder.
import { type Kysely, sql, type Transaction } from "kysely";
import { type Lease, LeaseLostError } from "./evaluator-store.ts";
import type { Kind, Tables } from "./tables.ts";

export async function takeLease(
  db: Kysely<Tables>,
  name: string,
  holder: string,
  nowMs: number,
  durationMs: number,
): Promise<Lease | null> {
  const now = Math.floor(nowMs);
  const until = now + durationMs;
  const query = sql<{ fence: number }>`
    insert into lease (name, holder, fence, expires_ms) values (${name}, ${holder}, 1, ${until})
    on conflict (name) do update set
      fence = case when lease.holder = excluded.holder then lease.fence else lease.fence + 1 end,
      holder = excluded.holder, expires_ms = excluded.expires_ms
    where lease.holder = excluded.holder or lease.expires_ms <= ${now}
    returning fence`;
  const { rows } = await db.transaction().execute((tx) => query.execute(tx));
  const fence = rows[0]?.fence;
  return fence === undefined ? null : { name, holder, fence };
}

export async function releaseLease(db: Kysely<Tables>, lease: Lease): Promise<void> {
  const { name, holder, fence } = lease;
  // The row stays: the next holder's number is higher.
  await db
    .transaction()
    .execute((tx) =>
      tx
        .updateTable("lease")
        .set({ expires_ms: 0 })
        .where("name", "=", name)
        .where("holder", "=", holder)
        .where("fence", "=", fence)
        .execute(),
    );
}

/** Throws LeaseLostError unless `lease` is the last one given; nobody is given another until the transaction ends. */
export async function requireLease(
  tx: Transaction<Tables>,
  kind: Kind,
  lease: Lease,
): Promise<void> {
  const lock = kind === "postgres" ? sql`for share` : sql``;
  const { rows } = await sql<{ fence: number; holder: string }>`
    select fence, holder from lease where name = ${lease.name} ${lock}`.execute(tx);
  const held = rows[0];
  if (held?.fence !== lease.fence || held.holder !== lease.holder) {
    throw new LeaseLostError(`the lease "${lease.name}" was taken over by another process`);
  }
}
