// A meter's outcome from evaluators that are honest, silent, behind or lie.
import { describe, expect, it } from "vitest";
import { type Decision, textOfPeriod } from "../wire/records.ts";
import {
  agreedWith,
  METER,
  ok,
  problem,
  replicatedShares,
  SHAMIR,
  shamirShares,
  signedBy,
  signerOf,
  type TestMarket,
  testMarket,
  tools,
} from "./evaluators.test-helper.ts";
import { MeterClient } from "./meter-client.ts";
import type { ClearOrder } from "./prepared-order.ts";
import { WrongSharesError } from "./result-shares.ts";
import { EvaluatorsDisagreeError, UnavailableError } from "./statements.ts";
import { TrustError } from "./trust.ts";

const signer = await signerOf("meter", METER);
const clientOf = ({ market, apis }: TestMarket) =>
  new MeterClient({ market, apis, signer, meter: METER, supplier: 1, tools });

const BUY: ClearOrder = { side: "buy", energyWh: 500, limitTick: 2000 };
/** Evaluators that have cleared a period in which the order counted. */
async function cleared(order: ClearOrder, aboveWh: number, changes: Partial<Decision> = {}) {
  const test = await testMarket();
  const client = clientOf(test);
  const { firstPeriod } = test.market;
  const prepared = await client.prepareOrder(firstPeriod, order, 1);
  const { agreed, position, path } = agreedWith(prepared.orderId);
  const period = textOfPeriod(firstPeriod);
  const decision: Decision = {
    market: "rosenweg",
    period,
    attempt: 2,
    outcome: "cleared",
    reason: null,
    agreed,
    members: [0, 1, 2],
    active: [0, 1, 2],
    traded: true,
    priceTick: 1500,
    coin: "ab".repeat(32),
    rejected: [],
    revealedSuppliers: [true, false],
    ...changes,
  };
  const shares = replicatedShares([BigInt(aboveWh * 1024)]);
  const inclusion = { period, agreed, meter: METER, order: prepared.orderId, position, path };
  const result = {
    period,
    attempt: 2,
    position,
    order: prepared.orderId,
    rejected: false,
  };
  for (const evaluator of test.evaluators) {
    const { replies, number } = evaluator;
    replies.set("period", () => ok(recordOf(signedBy(test, decision, [0, 1, 2]))));
    replies.set("inclusion", () => ok(inclusion));
    replies.set("result", () => ok({ ...result, evaluator: number, share: shares[number] }));
  }
  const outcome = () => client.outcome(firstPeriod, prepared);
  return { ...test, client, prepared, decision, inclusion, result, shares, outcome };
}

const recordOf = (decision: ReturnType<typeof signedBy> | null) => ({
  period: decision?.decision.period,
  state: "published",
  gateClosure: "2025-06-01T12:00:00Z",
  deadline: "2025-06-01T12:00:00Z",
  attempts: 1,
  agreed: decision?.decision.agreed ?? null,
  decision,
});

describe("the outcome", () => {
  it("of a buyer is what is above the line, of a seller the rest, with every check passed", async () => {
    const buyer = await (await cleared(BUY, 320.5)).outcome();
    expect(buyer).toMatchObject({ state: "cleared", priceTick: 1500, tradedUnits: 320.5 * 1024 });
    expect(buyer.checks.map(({ name, ok: good }) => [name, good])).toEqual(
      [
        "answers",
        "decision",
        "signatures",
        "inclusion",
        "accepted",
        "shares",
        "energy",
        "price",
      ].map((name) => [name, true]),
    );
    const seller = await cleared({ side: "sell", energyWh: 500, limitTick: 1500 }, 320.5);
    expect(await seller.outcome()).toMatchObject({ tradedUnits: 179.5 * 1024 });
    const idle = await cleared({ side: "idle", energyWh: 0, limitTick: null }, 0);
    expect(await idle.outcome()).toMatchObject({ state: "cleared", tradedUnits: 0 });
  });

  it("of Shamir shares is put together from enough of them, without those that are gone", async () => {
    const test = await testMarket(SHAMIR);
    const client = clientOf(test);
    const { firstPeriod } = test.market;
    const prepared = await client.prepareOrder(firstPeriod, BUY, 1);
    const base = await cleared(BUY, 0);
    const { agreed, position, path } = agreedWith(prepared.orderId);
    const decision = {
      ...base.decision,
      agreed,
      members: [0, 1, 2, 3, 4],
      active: [0, 2, 4],
      period: textOfPeriod(firstPeriod),
    };
    const shares = shamirShares([77n], 5);
    for (const { replies, number } of test.evaluators) {
      replies.set("period", () => ok(recordOf(signedBy(test, decision, [0, 2, 4]))));
      replies.set("inclusion", () =>
        ok({ ...base.inclusion, agreed, position, path, order: prepared.orderId }),
      );
      replies.set("result", () =>
        ok({
          ...base.result,
          position,
          order: prepared.orderId,
          evaluator: number,
          share: shares[number],
        }),
      );
    }
    expect(await client.outcome(firstPeriod, prepared)).toMatchObject({ tradedUnits: 77 });
    for (const name of ["period", "inclusion", "result"]) {
      test.evaluators[4]!.replies.set(name, () => "silence");
    }
    const found = await client.outcome(firstPeriod, prepared);
    expect(found.tradedUnits).toBe(77);
    expect(found.checks.filter(({ ok: good }) => !good).map(({ name }) => name)).toEqual([
      "answers",
      "shares",
    ]);
    expect(test.evaluators[1]!.asked).not.toContain("result");
    test.evaluators[2]!.replies.set("result", () => "silence");
    await expect(client.outcome(firstPeriod, prepared)).rejects.toThrow(
      /^1 of at least 2 shares of the result; .*cannot reach/,
    );
  });

  it("is pending before, and void or missing or rejected when it is", async () => {
    const test = await cleared(BUY, 1);
    for (const { replies } of test.evaluators) {
      replies.set("period", () => problem("unknown-period"));
    }
    expect(await test.outcome()).toMatchObject({ state: "pending", tradedUnits: null });

    const nothing: Partial<Decision> = {
      outcome: "void",
      reason: "no-quorum",
      agreed: null,
      active: [],
      traded: false,
      priceTick: null,
      coin: null,
      revealedSuppliers: [],
    };
    const voided = await cleared(BUY, 1, nothing);
    expect(await voided.outcome()).toMatchObject({
      state: "void",
      tradedUnits: 0,
      priceTick: null,
    });

    const missing = await cleared(BUY, 1);
    for (const { replies } of missing.evaluators) {
      replies.set("inclusion", () => problem("no-order"));
    }
    expect(await missing.outcome()).toMatchObject({ state: "missing", tradedUnits: 0 });

    const { position } = missing.inclusion;
    const rejected = await cleared(BUY, 1, { rejected: [position] });
    expect(await rejected.outcome()).toMatchObject({ state: "rejected", tradedUnits: 0 });
  });

  it("says when an earlier order of the meter counted", async () => {
    const test = await cleared(BUY, 1);
    const later = await test.client.prepareOrder(test.market.firstPeriod, BUY, 2);
    expect(await test.client.outcome(test.market.firstPeriod, later)).toMatchObject({
      state: "missing",
      tradedUnits: null,
      countedOrder: test.prepared.orderId,
    });
  });

  it("names evaluators that have signed different decisions, with the evidence", async () => {
    const test = await cleared(BUY, 1);
    const other = signedBy(test, { ...test.decision, priceTick: 1501 }, [2]);
    test.evaluators[2]!.replies.set("period", () => ok(recordOf(other)));
    const error = await test.outcome().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EvaluatorsDisagreeError);
    const { message, statements } = error as EvaluatorsDisagreeError;
    expect(message).toMatch(/evaluator 0: cleared at tick 1500.*evaluator 2: cleared at tick 1501/);
    expect(statements.map(({ evaluator }) => evaluator)).toEqual([0, 1, 2]);
    const { decision: statement, signatures } = other;
    expect(statements[2]!.said).toEqual({ statement, signatures });
  });

  it("is not stopped by what an evaluator says and nobody has signed, but tells it", async () => {
    const test = await cleared(BUY, 1);
    const { signatures } = signedBy(test, test.decision, [0, 1]);
    const decision = { ...test.decision, priceTick: 1 };
    test.evaluators[2]!.replies.set("period", () => ok(recordOf({ decision, signatures })));
    const found = await test.outcome();
    expect(found).toMatchObject({ state: "cleared", priceTick: 1500 });
    expect(found.checks.filter(({ ok: good }) => !good)).toEqual([
      {
        name: "decision",
        ok: false,
        detail: "evaluator 2 gave another one that too few have signed",
      },
    ]);
  });

  it("is not believed without the signatures of a majority, or when it is about something else", async () => {
    const test = await cleared(BUY, 1);
    const saying = (said: ReturnType<typeof signedBy>) => {
      for (const { replies } of test.evaluators) replies.set("period", () => ok(recordOf(said)));
      return expect(test.outcome()).rejects;
    };
    await saying(signedBy(test, test.decision, [1])).toThrow("1 of at least 2 signatures");
    const { signatures } = signedBy(test, test.decision, [0]);
    const twice = [...signatures, ...signatures];
    await saying({ decision: test.decision, signatures: twice }).toThrow("1 of at least 2");
    const asAnother = signatures.map((one) => ({ ...one, evaluator: 1 }));
    const posed = { decision: test.decision, signatures: [...signatures, ...asAnother] };
    await saying(posed).toThrow("for evaluator 1 is that of evaluator-0");
    for (const changes of [
      { market: "lindenhof" },
      { traded: false },
      { agreed: null },
      { active: [0, 1, 7] },
      { active: [0, 1, 1] },
      { revealedSuppliers: [true] },
    ]) {
      await saying(signedBy(test, { ...test.decision, ...changes }, [0, 1, 2])).toThrow(TrustError);
    }
  });

  it("needs a proof that holds", async () => {
    const test = await cleared(BUY, 1);
    const wrong = { ...test.inclusion, position: 0 };
    test.evaluators[0]!.replies.set("inclusion", () => ok(wrong));
    test.evaluators[1]!.replies.set("inclusion", () => problem("no-order"));
    expect(await test.outcome()).toMatchObject({ state: "cleared" });
    for (const { replies } of test.evaluators) replies.set("inclusion", () => ok(wrong));
    await expect(test.outcome()).rejects.toThrow(UnavailableError);
    await expect(test.outcome()).rejects.toThrow("evaluator 2 sent a proof that does not hold");
  });

  it("names evaluators whose shares do not fit together", async () => {
    const test = await cleared(BUY, 1);
    const { result, shares } = test;
    const sending = (number: number, changes: object) => {
      const { replies } = test.evaluators[number]!;
      replies.set("result", () =>
        ok({ ...result, evaluator: number, share: shares[number], ...changes }),
      );
    };
    sending(1, { share: replicatedShares([5n])[1] });
    await expect(test.outcome()).rejects.toThrow(/evaluators 1 and 0 sent different shares/);
    await expect(test.outcome()).rejects.toThrow(WrongSharesError);
    sending(1, { share: "AAAA" });
    await expect(test.outcome()).rejects.toThrow("evaluator 1 sent something that is no share");
    sending(1, { share: Buffer.alloc(16, 255).toString("base64") });
    await expect(test.outcome()).rejects.toThrow("evaluator 1 sent something that is no share");
    for (const [changes, message] of [
      [{ share: null }, "no share"],
      [{ attempt: 1 }, "a share of another attempt"],
      [{ position: 0 }, "a share of another order"],
      [{ rejected: true }, "a share of another order"],
    ] as const) {
      sending(1, changes);
      await expect(test.outcome()).rejects.toThrow(`evaluator 1 sent ${message}`);
    }
  });

  it("fails the checks when it breaks the rules of the market", async () => {
    const failed = async (test: Awaited<ReturnType<typeof cleared>>) => {
      const { checks, tradedUnits } = await test.outcome();
      return [checks.filter(({ ok: good }) => !good).map(({ name }) => name), tradedUnits];
    };
    expect(await failed(await cleared(BUY, 501))).toEqual([["energy"], null]);
    const untraded = { traded: false, priceTick: null };
    expect(await failed(await cleared(BUY, 1, untraded))).toEqual([["energy"], null]);
    expect(await failed(await cleared(BUY, 0, untraded))).toEqual([[], 0]);
    expect(await failed(await cleared(BUY, 1, { priceTick: 2001 }))).toEqual([["price"], 1024]);
    const sell = { side: "sell", energyWh: 500, limitTick: 1501 } as const;
    expect(await failed(await cleared(sell, 1))).toEqual([["price"], 499 * 1024]);
    expect(await failed(await cleared(sell, 500))).toEqual([[], 0]);
    const idle = await cleared({ side: "idle", energyWh: 0, limitTick: null }, 1);
    expect(await failed(idle)).toEqual([["energy"], null]);
  });
});
