// One step of evaluators that are linked with each other: they find out which period is to be decided next and where
// each of them stands with it, and go on together until it is decided. Each message is sent when what it says is
// durable, so any of them may be killed at any moment.

import { deadlineOf, gateClosureOf } from "../../market/market-document.ts";
import { AbortError } from "../../mpc/abort.ts";
import { assert } from "../../platform/assert.ts";
import { LIMITS } from "../../platform/limits.ts";
import type { Lease, ResultRow } from "../../storage/evaluator-store.ts";
import { toHex } from "../../wire/hex.ts";
import {
  type Decision,
  decisionBytes,
  type SignedDecision,
  textOfPeriod,
} from "../../wire/records.ts";
import type { Mesh } from "../mesh.ts";
import { listBytes, listDigest } from "./agreement.ts";
import { chooseCourse, leastMembers, majorityOf, nextBallot } from "./ballots.ts";
import { attemptClearing } from "./clearing-attempt.ts";
import type { PeriodContext } from "./context.ts";
import { type Exchanges, exchangesOver } from "./exchange.ts";
import { acceptanceSchema, positionSchema, promiseSchema, statusSchema } from "./round-messages.ts";

/** What this process remembers of a period that is not decided. */
export interface Failures {
  aborts: number;
  failures: number;
}

export type RoundEnd =
  /** A period was decided. */
  | { readonly kind: "decided" }
  /** No period has to be decided before the gate of the next one closes. */
  | { readonly kind: "idle" }
  /** Too few evaluators are there: to be tried again with others. */
  | { readonly kind: "wait"; readonly reason: string };

export interface RoundStart {
  readonly lease: Lease;
  readonly mesh: Mesh;
  /** The period after the last one that this evaluator knows to be decided. */
  readonly next: number;
  readonly failures: Failures;
}

/** Throws ChannelError when a member ends, AbortError when one lies, LeaseLostError when another process leads. */
export async function runRound(context: PeriodContext, start: RoundStart): Promise<RoundEnd> {
  const { market, marketClock, tools } = context;
  const { mesh, next } = start;
  const exchanges = exchangesOver(mesh.party, mesh.links);
  const closure = gateClosureOf(market, next);
  const statuses = await exchanges.all(statusSchema, {
    market: toHex(tools.primitives.sha256(new TextEncoder().encode(market.text))),
    next,
    due: marketClock.nowS() >= closure,
  });
  const digests = new Set([...statuses.values()].map((status) => status.market));
  if (digests.size > 1) {
    const all = [...statuses].map(([member, status]) => `${member}: ${status.market.slice(0, 8)}`);
    throw new Error(`the evaluators have different market documents (${all.join(", ")})`);
  }
  const period = Math.min(...[...statuses.values()].map((status) => status.next));
  const behind = [...statuses.values()].some((status) => status.next !== period);
  const due = [...statuses.values()].some((status) => status.due && status.next === period);
  if (!behind && !due) return { kind: "idle" };
  if (next === period && !behind) {
    const earlyMs = marketClock.msUntil(closure);
    if (earlyMs > LIMITS.clockSkewMs) {
      throw new Error(`another evaluator's clock is ${Math.round(earlyMs / 1000)} s ahead`);
    }
  }
  return decidePeriod(context, start, exchanges, period);
}

async function decidePeriod(
  context: PeriodContext,
  { lease, mesh, failures }: RoundStart,
  exchanges: Exchanges,
  period: number,
): Promise<RoundEnd> {
  const { market, store } = context;
  if ((await store.period(period))?.decision == null) await store.closePeriod(lease, period);
  const row = (await store.period(period))!;
  const entries = row.decision === null ? await store.orderEntries(period) : [];
  const list = { entries, bytes: listBytes(entries) };
  const positions = await exchanges.all(positionSchema, {
    decision: row.decision,
    ballot: row.ballot,
    prepared: row.prepared,
    hasResults: row.hasResults,
    overdue: context.marketClock.nowS() >= deadlineOf(market, period),
    ...failures,
    orders: entries.length,
    ordersDigest: listDigest(context.tools.primitives, list.bytes),
  });
  const toCompute = leastMembers(market.setting);
  const course = chooseCourse(positions, { toCompute });
  if (course.kind === "wait") return { kind: "wait", reason: course.reason };
  if (course.kind === "decided") {
    await adoptDecision(context, lease, period, course.decision);
    return { kind: "decided" };
  }
  const ballot = nextBallot(positions);
  await store.promise(lease, period, ballot);
  await exchanges.all(promiseSchema, { promised: ballot });
  let decision: Decision;
  let results: ResultRow | null = null;
  if (course.kind === "clear") {
    const attempt = { lease, start: period, ballot, mesh, exchanges, positions };
    ({ decision, results } = await attemptClearing(context, attempt, list));
  } else if (course.kind === "adopt") {
    decision = course.decision;
  } else {
    decision = voidDecision(context, period, ballot, mesh, course.reason);
  }
  await store.prepare(lease, period, ballot, decision, results);
  const signed = await collectSignatures(context, exchanges, decision);
  await store.decide(lease, period, signed);
  context.events.decided(decision);
  return { kind: "decided" };
}

function voidDecision(
  { market }: PeriodContext,
  period: number,
  ballot: number,
  mesh: Mesh,
  reason: "no-quorum" | "abort" | "failed",
): Decision {
  return {
    market: market.id,
    period: textOfPeriod(period),
    attempt: ballot,
    outcome: "void",
    reason,
    agreed: null,
    members: [...mesh.members],
    active: [],
    traded: false,
    priceTick: null,
    coin: null,
    rejected: [],
    revealedSuppliers: [],
  };
}

/** Tells the others that this evaluator has accepted, and hears it of all of them: then it is decided. */
async function collectSignatures(
  { signer }: PeriodContext,
  exchanges: Exchanges,
  decision: Decision,
): Promise<SignedDecision> {
  const bytes = decisionBytes(decision);
  const own = {
    certificate: signer.certificate,
    signature: Buffer.from(await signer.sign(bytes)).toString("base64"),
  };
  const all = await exchanges.all(acceptanceSchema, own);
  for (const [member, { certificate, signature }] of all) {
    const right = await signer.verify(member, certificate, bytes, Buffer.from(signature, "base64"));
    if (!right) throw new AbortError(`evaluator-${member} has not signed the common decision`);
  }
  return {
    decision,
    signatures: [...all].map(([evaluator, signature]) => ({ evaluator, ...signature })),
  };
}

/** Keeps what others have decided, if enough of them have signed that one of them is honest. */
async function adoptDecision(
  context: PeriodContext,
  lease: Lease,
  period: number,
  signed: SignedDecision,
): Promise<void> {
  const { market, signer, store, events } = context;
  const { decision, signatures } = signed;
  assert(decision.period === textOfPeriod(period), "a decision is about its period");
  const bytes = decisionBytes(decision);
  const right = new Set<number>();
  for (const { evaluator, certificate, signature } of signatures) {
    const known = Buffer.from(signature, "base64");
    if (await signer.verify(evaluator, certificate, bytes, known)) right.add(evaluator);
  }
  if (right.size < majorityOf(market.setting.parties)) {
    throw new AbortError(`the decision about ${decision.period} does not have enough signatures`);
  }
  const known = (await store.period(period))?.decision != null;
  await store.decide(lease, period, signed);
  if (!known) events.decided(decision);
}
