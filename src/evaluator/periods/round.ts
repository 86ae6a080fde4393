// One step of evaluators that are linked with each other: they find out what is to be decided next, and decide it. A
// period whose gate is closed is cleared before anything else; then periods are settled, and months closed; then orders
// of the next period are prepared.

import { gateClosureOf } from "../../market/market-document.ts";
import { monthOf, periodsOfMonth } from "../../market/tariffs.ts";
import { LIMITS } from "../../platform/limits.ts";
import type { Lease } from "../../storage/evaluator-store.ts";
import { toHex } from "../../wire/hex.ts";
import type { Mesh } from "../mesh.ts";
import { agendaOf, type SettlingMemory } from "./agenda.ts";
import { leastMembers } from "./ballots.ts";
import { clearingMatter } from "./clearing-matter.ts";
import { closingMatter } from "./closing-matter.ts";
import type { PeriodContext } from "./context.ts";
import { decideMatter, type Failures, type RoundEnd } from "./deciding.ts";
import { type Exchanges, exchangesOver } from "./exchange.ts";
import type { OpenOrders } from "./open-orders.ts";
import { revisionsSchema, type Status, statusSchema } from "./round-messages.ts";
import { settlementMatter } from "./settlement-matter.ts";

export interface RoundStart {
  readonly lease: Lease;
  readonly mesh: Mesh;
  /** The period after the last one that this evaluator knows to be decided. */
  readonly next: number;
  readonly failures: Failures;
  readonly open: OpenOrders;
  readonly memory: SettlingMemory;
  /** The context of settlements: with field memory of their own. */
  readonly settling: PeriodContext;
  /** Told what is about to be settled or closed. */
  readonly onSettling: (what: string) => void;
}

/** Nobody has failed to settle: failures delay it, and change nothing. */
const NO_FAILURES = { aborts: 0, failures: 0 } as const;

/** Throws ChannelError when a member ends, AbortError when one lies, LeaseLostError when another process leads. */
export async function runRound(context: PeriodContext, start: RoundStart): Promise<RoundEnd> {
  const { market, marketClock, tools } = context;
  const { mesh, next, open } = start;
  const exchanges = exchangesOver(mesh.party, mesh.links);
  const closure = gateClosureOf(market, next);
  const canSettle = mesh.members.length >= leastMembers(market.setting);
  const agenda = await agendaOf(context, start.memory, next, canSettle);
  const statuses = await exchanges.all(statusSchema, {
    market: toHex(tools.primitives.sha256(new TextEncoder().encode(market.text))),
    next,
    due: marketClock.nowS() >= closure,
    ...agenda,
    prepares: await open.arePending(mesh, next),
    wakeMs: open.mayPrepare(mesh, next)
      ? Math.min(agenda.wakeMs, LIMITS.preparingMs)
      : agenda.wakeMs,
  });
  const digests = new Set([...statuses.values()].map((status) => status.market));
  if (digests.size > 1) {
    const all = [...statuses].map(([member, status]) => `${member}: ${status.market.slice(0, 8)}`);
    throw new Error(`the evaluators have different market documents (${all.join(", ")})`);
  }
  const period = Math.min(...[...statuses.values()].map((status) => status.next));
  const behind = [...statuses.values()].some((status) => status.next !== period);
  const due = [...statuses.values()].some((status) => status.due && status.next === period);
  if (behind || due) {
    if (next === period && !behind) {
      const earlyMs = marketClock.msUntil(closure);
      if (earlyMs > LIMITS.clockSkewMs) {
        throw new Error(`another evaluator's clock is ${Math.round(earlyMs / 1000)} s ahead`);
      }
    }
    const matter = clearingMatter(context, open, start.lease, period);
    try {
      return await decideMatter(context, matter, mesh, exchanges, start.failures);
    } finally {
      open.end();
    }
  }
  const settled = await settleNext(start, exchanges, [...statuses.values()]);
  if (settled !== null) return settled;
  if ([...statuses.values()].every(({ prepares }) => prepares)) {
    await open.prepare(mesh, exchanges, next);
    return { kind: "prepared" };
  }
  return { kind: "idle", wakeMs: Math.min(...[...statuses.values()].map(({ wakeMs }) => wakeMs)) };
}

type Settling = NonNullable<Status["settling"]>;

/** Settles a period or closes a month if one is due at all members, or known to some of them; null if nothing is. */
async function settleNext(
  start: RoundStart,
  exchanges: Exchanges,
  statuses: readonly Status[],
): Promise<RoundEnd | null> {
  const all = statuses.flatMap(({ settling }) => settling ?? []);
  if (all.length < statuses.length) return null;
  const next = <Key extends "period" | "month">(key: Key, isDue: (one: Settling) => boolean) => {
    const first = Math.min(...all.map((one) => one[key]));
    return all.every((one) => one[key] > first || isDue(one)) ? first : null;
  };
  const period = next("period", ({ periodDue }) => periodDue);
  if (period !== null) return settle(start, exchanges, period, 0);
  const month = next("month", ({ monthDue }) => monthDue);
  return month === null ? null : close(start, exchanges, month);
}

function settle(
  { settling, lease, mesh, memory, onSettling }: RoundStart,
  exchanges: Exchanges,
  period: number,
  revision: 0 | 1,
): Promise<RoundEnd> {
  const { excluded } = memory;
  const matter = settlementMatter(settling, { lease, start: period, revision, excluded });
  onSettling(matter.name);
  return decideMatter(settling, matter, mesh, exchanges, NO_FAILURES);
}

/**
 * One step of closing a month: a period whose readings have changed is settled anew, or, if there is none, the closing.
 */
async function close(round: RoundStart, exchanges: Exchanges, first: number): Promise<RoundEnd> {
  const { settling, lease, mesh, memory, onSettling } = round;
  const { market, store } = settling;
  const month = monthOf(market, first);
  const { from, to } = periodsOfMonth(market, month);
  onSettling(`the closing of ${month}`);
  const changed = memory.changed.get(month) ?? (await closeReadings(settling, lease, from, to));
  memory.changed.set(month, changed);
  const revisions = await store.revisions(from, to);
  const all = await exchanges.all(revisionsSchema, {
    // With those that this evaluator has taken part in: they may be decided elsewhere.
    changed: [...new Set([...changed, ...revisions.map(({ start }) => start)])],
    settled: revisions.filter(({ isDecided }) => isDecided).map(({ start }) => start),
  });
  const known = [...all.values()];
  const settledBy = known.map(({ settled }) => new Set(settled));
  const [period] = known
    .flatMap((one) => [...one.changed, ...one.settled])
    .filter((start) => !settledBy.every((settled) => settled.has(start)))
    .sort((a, b) => a - b);
  if (period !== undefined) return settle(round, exchanges, period, 1);
  return decideMatter(
    settling,
    closingMatter(settling, { lease, month }),
    mesh,
    exchanges,
    NO_FAILURES,
  );
}

/** No more readings from now on. Resolves with the periods of which this evaluator knows that readings have changed. */
async function closeReadings({ store }: PeriodContext, lease: Lease, from: number, to: number) {
  await store.closeReadings(lease, from);
  const settlements = await store.settlements(from, to);
  // Of a period that was settled without this evaluator others know what has changed.
  const own = new Set(settlements.filter(({ notes }) => notes !== null).map(({ start }) => start));
  return (await store.changedPeriods(from, to)).filter((period) => own.has(period));
}
