// How a matter (the clearing of a period, its settlement, the closing of a month) is decided by evaluators that are
// linked with each other: they tell where they stand with it, and go on together as ballots.ts says. Each message is
// sent when what it says is durable, so any of them may be killed at any moment.
import type { z } from "zod";
import { AbortError } from "../../mpc/abort.ts";
import { InvariantError } from "../../platform/assert.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import type { Signed } from "../../storage/settlement-store.ts";
import type { Mesh } from "../mesh.ts";
import { listBytes, listDigest } from "./agreement.ts";
import { chooseCourse, type GroupNeeds, majorityOf, nextBallot, type Proposed } from "./ballots.ts";
import type { PeriodContext } from "./context.ts";
import type { Exchanges } from "./exchange.ts";
import {
  acceptanceSchema,
  type Position,
  positionSchema,
  promiseSchema,
  proposalSchema,
} from "./round-messages.ts";

/** What this process remembers of a matter that is not decided. */
export interface Failures {
  readonly aborts: number;
  readonly failures: number;
}

export type RoundEnd =
  /** Something was decided. */
  | { readonly kind: "decided" }
  /** Orders were prepared; more may wait. */
  | { readonly kind: "prepared" }
  /** Nothing is to be decided now; all members come back after so many milliseconds. */
  | { readonly kind: "idle"; readonly wakeMs: number }
  /** Too few evaluators are there: to be tried again with others. */
  | { readonly kind: "wait"; readonly reason: string };

/** Names that members have to agree on. */
export interface NameList {
  readonly entries: readonly OrderEntry[];
  readonly bytes: Uint8Array;
}

/** What a position says of them. */
type Listed = Pick<Position<unknown>, "orders" | "ordersDigest">;

export const nameList = (entries: readonly OrderEntry[]): NameList => ({
  entries,
  bytes: listBytes(entries),
});

export interface Attempt {
  readonly ballot: number;
  readonly mesh: Mesh;
  readonly exchanges: Exchanges;
  readonly positions: ReadonlyMap<number, Position<unknown>>;
}

export interface Proposal<Decision, Own> {
  readonly decision: Decision;
  /** What belongs to it at this evaluator; null if it has no part of it. */
  readonly own: Own | null;
}

/** What may be decided: how it is computed, and where it is kept. */
export interface Matter<Decision extends Proposed, Own> {
  /** In words. */
  readonly name: string;
  readonly schema: z.ZodType<Decision>;
  readonly needs: GroupNeeds;
  bytes(decision: Decision): Uint8Array;
  /** Whether a decision that somebody sent is about this. */
  isAbout(decision: Decision): boolean;
  stand(): Promise<Pick<Position<Decision>, "decision" | "ballot" | "prepared" | "hasResults">>;
  overdue(): boolean;
  /** What has to be agreed on; asked for while it is not decided here. */
  names(): Promise<Listed>;
  promise(ballot: number): Promise<void>;
  /**
   * Throws ChannelError when an evaluator fails, AbortError when one is found to lie; resolves with text when it has to
   * wait, and for what.
   */
  compute(attempt: Attempt): Promise<Proposal<Decision, Own> | string>;
  /** The decision that it comes to nothing; called only where there is a deadline. */
  voided(attempt: Attempt, reason: "no-quorum" | "abort" | "failed"): Decision;
  prepare(ballot: number, decision: Decision, own: Own | null): Promise<void>;
  decide(signed: Signed<Decision>): Promise<void>;
  /** Told when it is decided here for the first time. */
  decided(decision: Decision): void;
}

/** `voided` of a matter without a deadline. */
export function neverVoid(): never {
  throw new InvariantError("only what has a deadline is void");
}

export const listed = (
  { tools }: Pick<PeriodContext, "tools">,
  { entries, bytes }: NameList,
): Listed => ({
  orders: entries.length,
  ordersDigest: listDigest(tools.primitives, bytes),
});

export async function decideMatter<Decision extends Proposed, Own>(
  context: PeriodContext,
  matter: Matter<Decision, Own>,
  mesh: Mesh,
  exchanges: Exchanges,
  { aborts, failures }: Failures,
): Promise<RoundEnd> {
  const standing = await matter.stand();
  const names = standing.decision === null ? await matter.names() : listed(context, nameList([]));
  const positions = await exchanges.all(positionSchema(matter.schema), {
    decision: standing.decision,
    ballot: standing.ballot,
    prepared: standing.prepared,
    hasResults: standing.hasResults,
    overdue: matter.overdue(),
    aborts,
    failures,
    ...names,
  });
  const course = chooseCourse(positions, matter.needs);
  if (course.kind === "wait") return { kind: "wait", reason: course.reason };
  if (course.kind === "decided") {
    await adoptDecision(context, matter, course.decision);
    return { kind: "decided" };
  }
  const ballot = nextBallot(positions);
  await matter.promise(ballot);
  await exchanges.all(promiseSchema, { promised: ballot });
  const attempt = { ballot, mesh, exchanges, positions };
  let decision: Decision;
  let own: Own | null = null;
  if (course.kind === "compute") {
    const proposal = await matter.compute(attempt);
    if (typeof proposal === "string") return { kind: "wait", reason: proposal };
    ({ decision, own } = proposal);
  } else if (course.kind === "adopt") {
    decision = course.decision;
  } else {
    decision = matter.voided(attempt, course.reason);
  }
  await matter.prepare(ballot, decision, own);
  await matter.decide(await collectSignatures(context, matter, exchanges, decision));
  matter.decided(decision);
  return { kind: "decided" };
}

/** What all that computed have found: each of them proposes it, and those that stand by null. */
export async function commonProposal<Decision>(
  exchanges: Exchanges,
  schema: z.ZodType<Decision>,
  active: readonly number[],
  own: Decision | null,
): Promise<Decision> {
  const proposals = await exchanges.all(proposalSchema(schema), { decision: own });
  const first = proposals.get(active[0]!)?.decision;
  for (const member of active) {
    const theirs = proposals.get(member)?.decision ?? null;
    if (theirs === null || !first || JSON.stringify(theirs) !== JSON.stringify(first)) {
      throw new AbortError(
        `evaluators ${active[0]} and ${member} have found different results of the same computation`,
      );
    }
  }
  return first!;
}

/** Tells the others that this evaluator has accepted, and hears it of all of them: then it is decided. */
async function collectSignatures<Decision extends Proposed>(
  { signer }: PeriodContext,
  matter: Pick<Matter<Decision, unknown>, "bytes">,
  exchanges: Exchanges,
  decision: Decision,
): Promise<Signed<Decision>> {
  const bytes = matter.bytes(decision);
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
async function adoptDecision<Decision extends Proposed>(
  { market, signer }: PeriodContext,
  matter: Pick<
    Matter<Decision, unknown>,
    "bytes" | "isAbout" | "name" | "stand" | "decide" | "decided"
  >,
  signed: Signed<Decision>,
): Promise<void> {
  const { decision, signatures } = signed;
  if (!matter.isAbout(decision)) {
    throw new AbortError(`a decision about something else was sent for ${matter.name}`);
  }
  const bytes = matter.bytes(decision);
  const right = new Set<number>();
  for (const { evaluator, certificate, signature } of signatures) {
    const known = Buffer.from(signature, "base64");
    if (await signer.verify(evaluator, certificate, bytes, known)) right.add(evaluator);
  }
  if (right.size < majorityOf(market.setting.parties)) {
    throw new AbortError(`the decision about ${matter.name} does not have enough signatures`);
  }
  const known = (await matter.stand()).decision !== null;
  await matter.decide(signed);
  if (!known) matter.decided(decision);
}
