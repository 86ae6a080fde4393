// What suppliers and operators make of what evaluators tell them.
import { describe, expect, it } from "vitest";
import { type Decision, textOfPeriod } from "../wire/records.ts";
import {
  ok,
  problem,
  replicatedShares,
  signedBy,
  signerOf,
  type TestMarket,
  testMarket,
  tools,
} from "./evaluators.test-helper.ts";
import { OperatorClient } from "./operator-client.ts";
import { SupplierClient } from "./supplier-client.ts";

const decisionFor = (
  { market }: TestMarket,
  k: number,
  changes: Partial<Decision> = {},
): Decision => ({
  market: market.id,
  period: textOfPeriod(market.firstPeriod + 900 * k),
  attempt: 1,
  outcome: "cleared",
  reason: null,
  agreed: { count: 5, root: "ab".repeat(32) },
  members: [0, 1, 2],
  active: [0, 1, 2],
  traded: true,
  priceTick: 1500,
  coin: "ab".repeat(32),
  rejected: [],
  revealedSuppliers: [true, false],
  ...changes,
});

const VOID: Partial<Decision> = {
  outcome: "void",
  reason: "abort",
  agreed: null,
  active: [],
  traded: false,
  priceTick: null,
  coin: null,
  revealedSuppliers: [],
};

const recordOf = (decision: ReturnType<typeof signedBy>) => ({
  period: decision.decision.period,
  state: decision.decision.outcome === "void" ? "void" : "published",
  gateClosure: "2025-06-01T12:00:00Z",
  deadline: "2025-06-01T12:15:00Z",
  attempts: 1,
  agreed: decision.decision.agreed,
  decision,
});

describe("a supplier", async () => {
  const signer = await signerOf("supplier", "0");

  const supplied = async (changes: Partial<Decision> = {}, sums: bigint[] = [5000n, 7000n]) => {
    const test = await testMarket();
    const decision = decisionFor(test, 0, changes);
    const shares = replicatedShares(sums);
    const share = { period: decision.period, attempt: 1, supplier: 0, withheld: false };
    for (const { replies, number } of test.evaluators) {
      replies.set("period", () => ok(recordOf(signedBy(test, decision, [0, 1, 2]))));
      replies.set("aggregate", () => ok({ ...share, evaluator: number, share: shares[number] }));
    }
    const { market, apis } = test;
    const client = new SupplierClient({ market, apis, signer, supplier: 0, tools });
    return { ...test, share, shares, aggregate: () => client.aggregate(market.firstPeriod) };
  };

  it("puts its customers' sums together", async () => {
    const found = await (await supplied()).aggregate();
    expect(found).toMatchObject({ state: "ok", boughtUnits: 5000, soldUnits: 7000 });
    expect(found.checks.every(({ ok: good }) => good)).toBe(true);
  });

  it("gets none where they are withheld, the period is void, or nothing is decided", async () => {
    const withheld = await supplied({ revealedSuppliers: [false, true] });
    expect(await withheld.aggregate()).toMatchObject({ state: "withheld" });
    expect(withheld.evaluators.flatMap(({ asked }) => asked)).not.toContain("aggregate");
    expect(await (await supplied(VOID)).aggregate()).toMatchObject({ state: "void" });
    const early = await supplied();
    for (const { replies } of early.evaluators)
      replies.set("period", () => problem("unknown-period"));
    expect(await early.aggregate()).toEqual({ state: "pending", checks: [] });
  });

  it("refuses sums that cannot be", async () => {
    const untraded = await supplied({ traded: false, priceTick: null });
    await expect(untraded.aggregate()).rejects.toThrow("in which nothing is traded");
    const another = await supplied();
    another.evaluators[1]!.replies.set("aggregate", () =>
      ok({ ...another.share, supplier: 1, evaluator: 1, share: another.shares[1] }),
    );
    await expect(another.aggregate()).rejects.toThrow("a share of another supplier's sums");
    const huge = await supplied({}, [2n ** 60n, 0n]);
    await expect(huge.aggregate()).rejects.toThrow("make no energy");
    const short = await supplied();
    short.evaluators[2]!.replies.set("aggregate", () =>
      ok({ ...short.share, evaluator: 2, share: replicatedShares([1n])[2] }),
    );
    await expect(short.aggregate()).rejects.toThrow("evaluator 2 sent something that is no share");
  });
});

describe("an operator", () => {
  const watching = async () => {
    const test = await testMarket();
    const records = [0, 1, 2].map((k) => {
      const decision = decisionFor(test, k, k === 1 ? VOID : {});
      return recordOf(signedBy(test, decision, [0, 1, 2]));
    });
    const newest = records.toReversed();
    for (const { replies } of test.evaluators) replies.set("periods", () => ok(newest));
    const client = new OperatorClient(test);
    const { firstPeriod } = test.market;
    const status = () => client.status(firstPeriod, firstPeriod + 3 * 900);
    return { ...test, newest, status };
  };

  it("sees the records of all evaluators side by side, newest first", async () => {
    const { status, newest, market } = await watching();
    const found = await status();
    expect(found.evaluators.map(({ problem: bad }) => bad)).toEqual([null, null, null]);
    expect(
      found.periods.map(({ periodStart }) => (periodStart - market.firstPeriod) / 900),
    ).toEqual([2, 1, 0]);
    found.periods.forEach(({ records, decision, disagreements }, i) => {
      expect(records).toEqual([newest[i], newest[i], newest[i]]);
      expect(decision).toEqual(newest[i]!.decision.decision);
      expect(disagreements).toEqual([]);
    });
  });

  it("is told who cannot be reached, who contradicts whom, and what cannot be believed", async () => {
    const test = await watching();
    test.evaluators[0]!.replies.set("periods", () => "silence");
    const [last, , first] = test.newest;
    const other = { ...last!.decision.decision, priceTick: 1 };
    const lie = recordOf(signedBy(test, other, [2]));
    const forged = recordOf(signedBy(test, first!.decision.decision, [2]));
    test.evaluators[2]!.replies.set("periods", () => ok([lie, forged]));
    test.evaluators[1]!.replies.set("periods", () => ok([last]));
    const { evaluators, periods } = await test.status();
    expect(evaluators[0]!.problem).toMatch(/cannot reach/);
    expect(periods.map(({ records }) => records.map((record) => record !== null))).toEqual([
      [false, true, true],
      [false, false, true],
    ]);
    expect(periods[0]!.decision).toBeNull();
    expect(periods[0]!.disagreements.join()).toMatch(
      /evaluator 1: cleared at tick 1500.*evaluator 2/,
    );
    expect(periods[1]!.disagreements.join()).toMatch(/1 of at least 2 signatures/);
  });
});
