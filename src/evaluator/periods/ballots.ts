// Which decision a group of evaluators has to go on with, from where each of them stands: the rules that make sure a
// period has one decision for ever, whoever fails when (Lamport 1998, with the whole group of a ballot as its quorum).
// A group always holds a majority of the market's evaluators, so any two groups have a member in common. A decision
// stands when all of a group have accepted it in the same ballot; each group takes a higher ballot than any that its
// members promised before.
import { assert } from "../../platform/assert.ts";
import type { Decision, SignedDecision } from "../../wire/records.ts";
import { activeCount, type Setting } from "../../wire/setting.ts";
import type { Position } from "./round-messages.ts";

export type Course =
  /** It is decided, others have to hear of it. */
  | { readonly kind: "decided"; readonly decision: SignedDecision }
  /** It may be decided already: nothing else may be. */
  | { readonly kind: "adopt"; readonly decision: Decision }
  /** It may be decided already, but members that computed are missing, who may have lost their results. */
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "void"; readonly reason: "no-quorum" | "abort" | "failed" }
  | { readonly kind: "clear" };

/** Attempts that may fail by lies, and by faults, before a period is void. */
const MOST_ABORTS = 2;
const MOST_FAILURES = 3;

export interface GroupNeeds {
  /** How many evaluators have to be there to compute. */
  readonly toCompute: number;
}

/** What the members of a group do next, the same for all of them. */
export function chooseCourse(
  positions: ReadonlyMap<number, Position>,
  { toCompute }: GroupNeeds,
): Course {
  const all = [...positions.values()];
  const decided = all.find(({ decision }) => decision !== null)?.decision;
  if (decided) return { kind: "decided", decision: decided };
  const overdue = all.some((position) => position.overdue);
  const candidate = possiblyDecided(positions);
  if (candidate !== null) {
    const missing = candidate.active.filter((member) => !positions.has(member));
    if (missing.length > 0 && !overdue) {
      return { kind: "wait", reason: `for the results of evaluators ${missing.join(", ")}` };
    }
    return { kind: "adopt", decision: candidate };
  }
  if (overdue) return { kind: "void", reason: "no-quorum" };
  const most = (of: (position: Position) => number) => Math.max(...all.map(of));
  if (most(({ aborts }) => aborts) >= MOST_ABORTS) return { kind: "void", reason: "abort" };
  if (most(({ failures }) => failures) >= MOST_FAILURES) return { kind: "void", reason: "failed" };
  if (positions.size < toCompute) {
    return { kind: "wait", reason: `for ${toCompute} evaluators, ${positions.size} are there` };
  }
  return { kind: "clear" };
}

/** The decision that may stand already; null when none can. */
function possiblyDecided(positions: ReadonlyMap<number, Position>): Decision | null {
  let highest: { ballot: number; decision: Decision } | null = null;
  for (const { prepared } of positions.values()) {
    if (prepared !== null && prepared.ballot > (highest?.ballot ?? 0)) highest = prepared;
  }
  if (highest === null) return null;
  const { decision } = highest;
  const holders = [...positions].filter(([, { prepared }]) => sameDecision(prepared, decision));
  // Accepted again in a later ballot by a group that may have been complete.
  if (highest.ballot > decision.attempt) return decision;
  // Its own group was not complete if one of it never accepted, or is without what it computed.
  const accepted = ([member, position]: [number, Position]) =>
    sameDecision(position.prepared, decision) &&
    (position.hasResults || !decision.active.includes(member));
  const ofGroup = [...positions].filter(([member]) => decision.members.includes(member));
  assert(holders.length > 0, "a candidate is somebody's");
  return ofGroup.every(accepted) ? decision : null;
}

const sameDecision = (prepared: Position["prepared"], decision: Decision): boolean =>
  prepared !== null && JSON.stringify(prepared.decision) === JSON.stringify(decision);

/** The ballot of this group: higher than all that its members have promised. */
export const nextBallot = (positions: ReadonlyMap<number, Position>): number =>
  1 + Math.max(...[...positions.values()].map(({ ballot }) => ballot));

export const majorityOf = (parties: number): number => (parties >> 1) + 1;

/** How many evaluators have to be there for a clearing: fewer can neither compute nor outvote the others. */
export const leastMembers = (setting: Setting): number =>
  Math.max(majorityOf(setting.parties), activeCount(setting));
