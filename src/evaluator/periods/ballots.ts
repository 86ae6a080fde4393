// Which decision a group of evaluators has to go on with, from where each of them stands: the rules that make sure a
// matter (the clearing of a period, its settlement, the closing of a month) has one decision for ever, whoever fails
// when (Lamport 1998, with the whole group of a ballot as its quorum). A group always holds a majority of the market's
// evaluators, so any two groups have a member in common. A decision stands when all of a group have accepted it in the
// same ballot; each group takes a higher ballot than any that its members promised before.
import { assert } from "../../platform/assert.ts";
import type { Signed } from "../../storage/settlement-store.ts";
import { activeCount, type Setting } from "../../wire/setting.ts";
import type { Position } from "./round-messages.ts";

/** What every decision says. */
export interface Proposed {
  /** The number of the ballot in which it was proposed first. */
  readonly attempt: number;
  /** The group of that ballot, and those of it that computed. */
  readonly members: readonly number[];
  readonly active: readonly number[];
}

export type Course<Decision> =
  /** It is decided, others have to hear of it. */
  | { readonly kind: "decided"; readonly decision: Signed<Decision> }
  /** It may be decided already: nothing else may be. */
  | { readonly kind: "adopt"; readonly decision: Decision }
  /** It may be decided already, but members that computed are missing, who may have lost their results. */
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "void"; readonly reason: "no-quorum" | "abort" | "failed" }
  | { readonly kind: "compute" };

/** Attempts that may fail by lies, and by faults, before a period is void. */
const MOST_ABORTS = 2;
const MOST_FAILURES = 3;

export interface GroupNeeds {
  /** How many evaluators have to be there to compute. */
  readonly toCompute: number;
  /**
   * Whether it must be decided until a deadline, and is void else: until then results that nobody else has are waited
   * for. Without, whatever fails is tried again for ever, and what is missing here is there when others are back.
   */
  readonly deadline: boolean;
}

/** What the members of a group do next, the same for all of them. */
export function chooseCourse<Decision extends Proposed>(
  positions: ReadonlyMap<number, Position<Decision>>,
  { toCompute, deadline }: GroupNeeds,
): Course<Decision> {
  const all = [...positions.values()];
  const decided = all.find(({ decision }) => decision !== null)?.decision;
  if (decided) return { kind: "decided", decision: decided };
  const overdue = all.some((position) => position.overdue);
  const candidate = possiblyDecided(positions);
  if (candidate !== null) {
    const missing = candidate.active.filter((member) => !positions.has(member));
    if (missing.length > 0 && deadline && !overdue) {
      return { kind: "wait", reason: `for the results of evaluators ${missing.join(", ")}` };
    }
    return { kind: "adopt", decision: candidate };
  }
  const reason = deadline ? voidReason(all) : null;
  if (reason !== null) return { kind: "void", reason };
  if (positions.size < toCompute) {
    return { kind: "wait", reason: `for ${toCompute} evaluators, ${positions.size} are there` };
  }
  return { kind: "compute" };
}

function voidReason(
  all: readonly Pick<Position<unknown>, "overdue" | "aborts" | "failures">[],
): "no-quorum" | "abort" | "failed" | null {
  if (all.some(({ overdue }) => overdue)) return "no-quorum";
  if (all.some(({ aborts }) => aborts >= MOST_ABORTS)) return "abort";
  return all.some(({ failures }) => failures >= MOST_FAILURES) ? "failed" : null;
}

/** The decision that may stand already; null when none can. */
function possiblyDecided<Decision extends Proposed>(
  positions: ReadonlyMap<number, Position<Decision>>,
): Decision | null {
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
  const accepted = ([member, position]: [number, Position<Decision>]) =>
    sameDecision(position.prepared, decision) &&
    (position.hasResults || !decision.active.includes(member));
  const ofGroup = [...positions].filter(([member]) => decision.members.includes(member));
  assert(holders.length > 0, "a candidate is somebody's");
  return ofGroup.every(accepted) ? decision : null;
}

const sameDecision = <Decision>(
  prepared: Position<Decision>["prepared"],
  decision: Decision,
): boolean => prepared !== null && JSON.stringify(prepared.decision) === JSON.stringify(decision);

/** The ballot of this group: higher than all that its members have promised. */
export const nextBallot = (
  positions: ReadonlyMap<number, Pick<Position<unknown>, "ballot">>,
): number => 1 + Math.max(...[...positions.values()].map(({ ballot }) => ballot));

export const majorityOf = (parties: number): number => (parties >> 1) + 1;

/** How many evaluators have to be there for a clearing: fewer can neither compute nor outvote the others. */
export const leastMembers = (setting: Setting): number =>
  Math.max(majorityOf(setting.parties), activeCount(setting));
