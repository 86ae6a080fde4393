// Groups of evaluators that break up at any moment, thousands of times: a period never has two decisions, and it has
// one as soon as a group stays together. The same of settlements and closings, which have no deadline and are never
// void.
import { describe, expect, it } from "vitest";
import type { Decision } from "../../wire/records.ts";
import { chooseCourse, leastMembers, majorityOf, nextBallot } from "./ballots.ts";
import type { Position } from "./round-messages.ts";

interface Evaluator {
  ballot: number;
  prepared: Position<Decision>["prepared"];
  hasResults: boolean;
  decision: Decision | null;
}

function drawsFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const decisionOf = (
  outcome: Decision["outcome"],
  attempt: number,
  members: number[],
  active: number[],
): Decision => ({
  market: "test",
  period: "2025-06-01T12:00:00Z",
  attempt,
  outcome,
  reason: outcome === "void" ? "no-quorum" : null,
  agreed: null,
  members,
  active,
  traded: outcome === "cleared",
  // Two attempts never find the same: their priority orders differ.
  priceTick: outcome === "cleared" ? attempt : null,
  coin: null,
  rejected: [],
  revealedSuppliers: [],
});

class World {
  readonly evaluators: Evaluator[];
  readonly decisions = new Set<string>();
  readonly toCompute: number;
  readonly deadline: boolean;
  private readonly draw: () => number;

  constructor(parties: number, toCompute: number, deadline: boolean, draw: () => number) {
    this.evaluators = Array.from({ length: parties }, () => ({
      ballot: 0,
      prepared: null,
      hasResults: false,
      decision: null,
    }));
    this.toCompute = toCompute;
    this.deadline = deadline;
    this.draw = draw;
  }

  /** A group meets; before each durable step of each member it breaks up with a chance of `breaks`. */
  meet(members: number[], overdue: boolean, breaks: number): void {
    const own = members.map((member) => this.evaluators[member]!);
    const positions = new Map(
      members.map((member, i) => [member, positionOf(own[i]!, overdue)] as const),
    );
    const course = chooseCourse<Decision>(positions, this);
    if (course.kind === "wait") return;
    if (course.kind === "decided") {
      for (const one of own) if (this.draw() >= breaks) this.decide(one, course.decision.decision);
      return;
    }
    const ballot = nextBallot(positions);
    // Without everybody's promise nobody goes on.
    for (const one of own) {
      if (this.draw() < breaks) return;
      expect(ballot).toBeGreaterThan(one.ballot);
      one.ballot = ballot;
    }
    const active = members.slice(0, this.toCompute);
    const decision =
      course.kind === "adopt"
        ? course.decision
        : decisionOf(
            course.kind === "void" ? "void" : "cleared",
            ballot,
            members,
            course.kind === "void" ? [] : active,
          );
    const accepted = own.filter((one, i) => {
      if (this.draw() < breaks) return false;
      one.hasResults =
        course.kind === "compute"
          ? active.includes(members[i]!)
          : one.hasResults && JSON.stringify(one.prepared?.decision) === JSON.stringify(decision);
      one.prepared = { ballot, decision };
      return true;
    });
    if (accepted.length < own.length) return;
    for (const one of own) if (this.draw() >= breaks) this.decide(one, decision);
  }

  private decide(one: Evaluator, decision: Decision): void {
    this.decisions.add(JSON.stringify(decision));
    one.decision = decision;
  }
}

const positionOf = (one: Evaluator, overdue: boolean): Position<Decision> => ({
  decision: one.decision === null ? null : { decision: one.decision, signatures: [] },
  ballot: one.ballot,
  prepared: one.prepared,
  hasResults: one.hasResults,
  overdue,
  aborts: 0,
  failures: 0,
  orders: 0,
  ordersDigest: "",
});

const SETTINGS = [
  { engine: "replicated", parties: 3, threshold: 1 },
  { engine: "shamir", parties: 5, threshold: 1 },
  { engine: "shamir", parties: 5, threshold: 2 },
  { engine: "shamir", parties: 7, threshold: 1 },
  { engine: "dealer", parties: 2, threshold: 1 },
] as const;

describe.each(SETTINGS)("$engine with $parties evaluators, threshold $threshold", (choice) => {
  const setting = {
    ...choice,
    security: "semi-honest",
    algorithm: "descent",
    priorityOrder: "public",
  } as const;
  const { parties } = setting;
  const toCompute = leastMembers(setting);

  it.each([
    { what: "a period", deadline: true },
    { what: "what has no deadline", deadline: false },
  ])("never decides $what twice, in 4,000 histories", ({ deadline }) => {
    let decided = 0;
    for (let seed = 0; seed < 4_000; seed++) {
      const draw = drawsFrom(seed * 31 + parties);
      const world = new World(parties, toCompute, deadline, draw);
      const meetings = 3 + Math.floor(draw() * 12);
      const overdueFrom = deadline ? Math.floor(draw() * meetings * 1.5) : meetings;
      const breaks = draw() * 0.35;
      for (let i = 0; i < meetings; i++) {
        const overdue = i >= overdueFrom;
        const least = overdue ? majorityOf(parties) : toCompute;
        const size = least + Math.floor(draw() * (parties - least + 1));
        const order = Array.from({ length: parties }, (_, k) => ({ k, at: draw() }));
        const members = order
          .sort((a, b) => a.at - b.at)
          .slice(0, size)
          .map(({ k }) => k)
          .sort((a, b) => a - b);
        world.meet(members, overdue, breaks);
      }
      expect({ seed, decisions: world.decisions.size <= 1 }).toEqual({ seed, decisions: true });
      // Everybody comes together at last: then all know the one decision.
      const all = Array.from({ length: parties }, (_, k) => k);
      world.meet(all, deadline, 0);
      expect({ seed, decisions: world.decisions.size }).toEqual({ seed, decisions: 1 });
      expect(world.evaluators.every(({ decision }) => decision !== null)).toBe(true);
      // Somebody has the results of a decision: the others can get them.
      const holders = world.evaluators.filter(({ hasResults }) => hasResults).length;
      if (!deadline) expect({ seed, holders: holders > 0 }).toEqual({ seed, holders: true });
      decided += [...world.decisions][0]!.includes('"cleared"') ? 1 : 0;
    }
    if (!deadline) {
      expect(decided).toBe(4_000);
      return;
    }
    // Both outcomes are among them.
    expect(decided).toBeGreaterThan(400);
    expect(decided).toBeLessThan(3_900);
  });
});

describe("a computed decision", () => {
  const position = (of: Partial<Evaluator>, overdue = false) =>
    positionOf({ ballot: 1, prepared: null, hasResults: false, decision: null, ...of }, overdue);
  const decision = decisionOf("cleared", 1, [0, 1, 2], [0, 1, 2]);
  const accepted = { prepared: { ballot: 1, decision }, hasResults: true };

  it("is computed again if one of its group has lost its results", () => {
    const positions = new Map([
      [0, position(accepted)],
      [1, position(accepted)],
      [2, position({})],
    ]);
    expect(chooseCourse(positions, { toCompute: 3, deadline: true })).toEqual({ kind: "compute" });
  });

  it("is waited for while one that computed is missing, and adopted at the deadline", () => {
    const two = (overdue: boolean) =>
      new Map([
        [0, position(accepted, overdue)],
        [1, position(accepted, overdue)],
      ]);
    expect(chooseCourse(two(false), { toCompute: 3, deadline: true }).kind).toBe("wait");
    expect(chooseCourse(two(true), { toCompute: 3, deadline: true })).toEqual({
      kind: "adopt",
      decision,
    });
  });

  it("is adopted at once where nothing is lost by it", () => {
    const positions = new Map([
      [0, position(accepted)],
      [1, position(accepted)],
    ]);
    const needs = { toCompute: 2, deadline: false };
    expect(chooseCourse(positions, needs)).toEqual({ kind: "adopt", decision });
    const late = new Map([[0, { ...position({}), aborts: 5, failures: 9, overdue: true }]]);
    expect(chooseCourse(late, { toCompute: 1, deadline: false })).toEqual({ kind: "compute" });
  });

  it("is void after two lies, without a deadline", () => {
    const all = new Map([0, 1, 2].map((i) => [i, { ...position({}), aborts: i === 1 ? 2 : 1 }]));
    expect(chooseCourse(all, { toCompute: 3, deadline: true })).toEqual({
      kind: "void",
      reason: "abort",
    });
  });
});
