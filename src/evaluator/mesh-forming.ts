// How evaluators find out who is there: each links up with all others that it can reach before a deadline, and
// those that have a link with each other agree on the set of them, even if an evaluator ends meanwhile.
import { ChannelError, type Link } from "../channel/channel.ts";
import type { LinkOptions } from "../channel/link-base.ts";
import { connect } from "../channel/tls.ts";
import type { Identity } from "../crypto/certificates.ts";
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { type Callers, Mesh } from "./mesh.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface MeshTools {
  readonly identity: Identity;
  /** This evaluator's number. */
  readonly party: number;
  readonly callers: Callers;
  readonly clock: Clock;
  /** For the links this evaluator opens to others. */
  readonly linkOptions: LinkOptions;
}

/** What evaluators link up for: all must want the same clearing. */
export interface MeshPurpose {
  /** How many clearings the operator has asked for. */
  readonly clearing: number;
  /** The attempt at it that this evaluator would make next. */
  readonly attempt: number;
  /** How many evaluators are needed. */
  readonly quorum: number;
  /** How long to wait for the others. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Too few evaluators are left, or this one is not among them. */
export class TooFewEvaluatorsError extends Error {
  override readonly name = "TooFewEvaluatorsError";
}

/** A tag that no operation of an engine has. */
const CONTROL_TAG = 2 ** 32 - 1;

/** What evaluators tell each other: three numbers of 32 bits. */
interface Report {
  readonly clearing: number;
  readonly attempt: number;
  /** Bit i: evaluator i can be reached. */
  readonly reached: number;
}
const REPORT_BYTES = 12;

/**
 * Forms a mesh. `evaluators` has the addresses of each, any of which may answer; none if it is known not to be there.
 * Evaluators with lower numbers are called, those with higher ones call. Throws TooFewEvaluatorsError
 * when
 * the quorum cannot be reached, ChannelError when an evaluator ends while they agree: then it may be tried again.
 */
export async function formMesh(
  tools: MeshTools,
  evaluators: readonly (readonly Address[])[],
  purpose: MeshPurpose,
): Promise<Mesh> {
  const links = new Map<number, Link>();
  const giveUp = () => closeAll(links);
  purpose.signal.addEventListener("abort", giveUp, { once: true });
  try {
    const attempt = await greetAll(tools, evaluators, purpose, links);
    const agreed = await agree(tools.party, links, { ...purpose, attempt });
    for (const [other, link] of links) {
      if (!includes(agreed.reached, other)) {
        links.delete(other);
        link.close();
      }
    }
    const mesh = new Mesh(tools.party, links, agreed.attempt);
    requireQuorum(mesh.members.length, purpose.quorum, evaluators.length, []);
    return mesh;
  } catch (error) {
    closeAll(links);
    throw error;
  } finally {
    purpose.signal.removeEventListener("abort", giveUp);
  }
}

function closeAll(links: ReadonlyMap<number, Link>): void {
  for (const link of links.values()) link.close();
}

function requireQuorum(found: number, quorum: number, all: number, reasons: readonly string[]) {
  if (found >= quorum) return;
  const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  const message = `${quorum} of ${all} evaluators are needed and only ${found} can be reached${why}`;
  throw new TooFewEvaluatorsError(message);
}

/** Fills `links` with all evaluators that answer in time; returns the highest attempt that any of them is at. */
async function greetAll(
  tools: MeshTools,
  evaluators: readonly (readonly Address[])[],
  purpose: MeshPurpose,
  links: Map<number, Link>,
): Promise<number> {
  const endMs = tools.clock.nowMs() + purpose.limitMs;
  const reasons: string[] = [];
  const hopeless = new AbortController();
  const signal = AbortSignal.any([purpose.signal, hopeless.signal]);
  let attempt = purpose.attempt;
  const greetOne = async (addresses: readonly Address[], other: number): Promise<void> => {
    if (other === tools.party) return;
    try {
      if (addresses.length === 0) throw new Error(`evaluator-${other} did not start`);
      const { link, report } = await greet(tools, addresses, other, { ...purpose, signal }, endMs);
      links.set(other, link);
      attempt = Math.max(attempt, report.attempt);
    } catch (error) {
      if (!hopeless.signal.aborted) reasons.push(messageOf(error));
      if (evaluators.length - reasons.length < purpose.quorum) hopeless.abort();
    }
  };
  await Promise.all(evaluators.map(greetOne));
  purpose.signal.throwIfAborted();
  requireQuorum(links.size + 1, purpose.quorum, evaluators.length, reasons);
  return attempt;
}

/** Links up with one evaluator and hears its report; again if it was at another clearing or its link was an old one. */
async function greet(
  tools: MeshTools,
  addresses: readonly Address[],
  other: number,
  purpose: MeshPurpose,
  endMs: number,
): Promise<{ link: Link; report: Report }> {
  const { clock } = tools;
  for (;;) {
    const link = await linkWith(tools, addresses, other, purpose.signal, endMs);
    const cancel = clock.timer(Math.max(1, endMs - clock.nowMs()), () => link.close(late(other)));
    const giveUp = () => link.close();
    purpose.signal.addEventListener("abort", giveUp, { once: true });
    try {
      sendReport(link, { ...purpose, reached: 0 });
      const report = await receiveReport(link);
      if (report.clearing === purpose.clearing) return { link, report };
      link.close();
    } catch (error) {
      link.close();
      if (clock.nowMs() >= endMs || purpose.signal.aborted) throw error;
    } finally {
      cancel();
      purpose.signal.removeEventListener("abort", giveUp);
    }
    await clock.sleep(LIMITS.connectBackoffFirstMs);
  }
}

const late = (other: number) =>
  new ChannelError("unreachable", `evaluator-${other} did not answer in time`);

async function linkWith(
  tools: MeshTools,
  addresses: readonly Address[],
  other: number,
  signal: AbortSignal,
  endMs: number,
): Promise<Link> {
  const leftMs = () => Math.max(1, endMs - tools.clock.nowMs());
  if (other > tools.party) return tools.callers.take(other, leftMs(), signal);
  return firstLink(tools, addresses, other, signal, leftMs());
}

/** Calls an evaluator at all of its addresses at a time: of an organisation's processes one listens, whichever. */
async function firstLink(
  tools: MeshTools,
  addresses: readonly Address[],
  other: number,
  signal: AbortSignal,
  deadlineMs: number,
): Promise<Link> {
  const expect = { role: "evaluator", id: String(other) } as const;
  const found = new AbortController();
  const options = {
    ...tools.linkOptions,
    expect,
    deadlineMs,
    signal: AbortSignal.any([signal, found.signal]),
  };
  const calls = addresses.map((address) => connect(tools.identity, { ...options, ...address }));
  try {
    const link = await Promise.any(calls);
    found.abort();
    // Another one may have answered in the same moment.
    const closeOther = (one: Link) => {
      if (one !== link) one.close();
    };
    for (const call of calls) call.then(closeOther, () => {});
    return link;
  } catch (error) {
    const reasons: unknown[] = (error as AggregateError).errors;
    const unreachable = (one: unknown) => one instanceof ChannelError && one.code === "unreachable";
    throw reasons.find((one) => !unreachable(one)) ?? reasons[0];
  }
}

/**
 * Agrees on who goes on: in each round everybody tells whom it can reach and drops whom somebody cannot reach, until
 * all that are left say the same. Members of that set all notice in the same round.
 */
async function agree(
  party: number,
  links: ReadonlyMap<number, Link>,
  start: { clearing: number; attempt: number },
): Promise<Report> {
  let own: Report = {
    ...start,
    reached: [...links.keys()].reduce((mask, other) => mask | (1 << other), 1 << party),
  };
  for (;;) {
    for (const link of links.values()) sendReport(link, own);
    const members = [...links].filter(([other]) => includes(own.reached, other));
    const reports = await Promise.all(members.map(([, link]) => receiveReport(link)));
    const { attempt, reached } = own;
    if (reports.every((other) => other.reached === reached && other.attempt === attempt))
      return own;
    own = {
      ...own,
      attempt: Math.max(attempt, ...reports.map((report) => report.attempt)),
      reached: reports.reduce((mask, report) => mask & report.reached, reached),
    };
    if (!includes(own.reached, party)) {
      const message = `some evaluator cannot reach evaluator-${party}: the others go on without it`;
      throw new TooFewEvaluatorsError(message);
    }
  }
}

const includes = (mask: number, index: number): boolean => ((mask >>> index) & 1) === 1;

function sendReport(link: Link, report: Report): void {
  const bytes = new Uint8Array(REPORT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, report.clearing, true);
  view.setUint32(4, report.attempt, true);
  view.setUint32(8, report.reached, true);
  link.send(CONTROL_TAG, bytes);
}

async function receiveReport(link: Link): Promise<Report> {
  const bytes = await link.receiveFrame(CONTROL_TAG, REPORT_BYTES);
  if (bytes.length !== REPORT_BYTES) {
    throw new ChannelError("protocol", `${link.peer} sent a report of ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, REPORT_BYTES);
  return {
    clearing: view.getUint32(0, true),
    attempt: view.getUint32(4, true),
    reached: view.getUint32(8, true),
  };
}
