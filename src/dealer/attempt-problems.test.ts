// What evaluators may not ask of a market's dealer: settlements before delivery, months before they are over, one
// settlement twice in a month.
import { describe, expect, it } from "vitest";
import { settledMarket } from "../market/settled-market.test-helper.ts";
import { monthClosureOf, periodsOfMonth } from "../market/tariffs.ts";
import type { AttemptRequest, ClosingRequest } from "../wire/dealer-messages.ts";
import { encodeMonthNames, type MonthNames } from "../wire/month-names.ts";
import { namesLength, namesProblem, requestProblem } from "./attempt-problems.ts";

const market = settledMarket({});
const { firstPeriod } = market;
const periodS = market.schedule.period_s;
const { from, to } = periodsOfMonth(market, "2025-04");
const closure = monthClosureOf(market, "2025-04");
const digest = "00".repeat(32);
const session = "ab".repeat(16);

const reading: AttemptRequest = {
  type: "attempt",
  kind: "reading",
  periodStart: from,
  attempt: 1,
  count: 0,
  digest,
  suppliers: [0, 1],
};
const closing: ClosingRequest = {
  type: "closing",
  periodStart: from,
  attempt: 1,
  meters: 2,
  settlements: 2,
  digest,
  suppliers: [1],
  before: { periodStart: firstPeriod, attempt: 1, session, open: [0] },
};

describe("a settlement", () => {
  it("is dealt from the end of delivery on", () => {
    const end = from + periodS;
    expect(requestProblem(market, reading, end)).toBeNull();
    expect(requestProblem(market, { ...reading, correction: true }, end)).toBeNull();
    expect(requestProblem(market, reading, end - 1)).toMatch(/is not delivered/);
    expect(requestProblem(market, { ...reading, periodStart: from + 1 }, closure)).not.toBeNull();
    const early = { ...reading, periodStart: firstPeriod - periodS };
    expect(requestProblem(market, early, closure)).not.toBeNull();
  });

  it("is no clearing, and of a market with settlement", () => {
    const trades = { attempt: 1, session, orders: 2 };
    const order = { ...reading, kind: "order" } as const;
    expect(requestProblem(market, order, from)).toBeNull();
    expect(requestProblem(market, { ...order, trades }, from)).toBe("orders are no readings");
    expect(requestProblem(market, { ...order, correction: true }, from)).toBe(
      "orders are no readings",
    );
    const without = settledMarket(null);
    for (const request of [reading, closing]) {
      expect(requestProblem(without, request, closure)).toBe("this market has no settlement");
    }
  });
});

describe("the closing of a month", () => {
  it("is dealt when the month is over, with the closing before it", () => {
    expect(requestProblem(market, closing, closure)).toBeNull();
    expect(requestProblem(market, closing, closure - 1)).toBe("2025-04 is not over");
    const first = { ...closing, periodStart: firstPeriod };
    const { before, ...without } = closing;
    expect(requestProblem(market, first, closure)).toMatch(/first month alone/);
    expect(requestProblem(market, { ...without, periodStart: firstPeriod }, closure)).toBeNull();
    expect(requestProblem(market, without, closure)).toMatch(/first month alone/);
    const itself = { ...closing, before: { ...before!, periodStart: from } };
    expect(requestProblem(market, itself, closure)).toMatch(/earlier month/);
  });

  it.each<[string, Partial<ClosingRequest>, RegExp]>([
    ["within a month", { periodStart: from + periodS }, /no month begins/],
    ["with suppliers in disorder", { suppliers: [1, 0] }, /suppliers/],
    ["with a supplier that there is not", { suppliers: [2] }, /suppliers/],
    ["with names that nobody could send", { meters: 1_000_000, settlements: 9_000 }, /too long/],
  ])("%s is refused", (_what, change, problem) => {
    expect(requestProblem(market, { ...closing, ...change }, closure)).toMatch(problem);
  });

  const meters = ["0a", "1b"].map((byte, supplier) => ({ meter: byte.repeat(16), supplier }));
  const covered = Uint32Array.of(0, 1);
  const settlements = [from, from + periodS].map((start) => ({
    start,
    attempt: 1,
    session,
    covered,
  }));
  const [one, two] = settlements as [(typeof settlements)[0], (typeof settlements)[0]];
  const problemOf = (names: MonthNames) => {
    const request = {
      ...closing,
      meters: names.meters.length,
      settlements: names.settlements.length,
    };
    const bytes = encodeMonthNames(names);
    expect(bytes.length).toBe(namesLength(request));
    return namesProblem(market, request, bytes);
  };

  it("names meters and settlements of the month, each once", () => {
    expect(problemOf({ meters, settlements })).toBeNull();
    expect(problemOf({ meters: [], settlements: [] })).toBeNull();
  });

  it.each<[string, MonthNames, RegExp]>([
    ["a meter twice", { meters: [meters[0]!, meters[0]!], settlements }, /meters/],
    ["meters in disorder", { meters: meters.toReversed(), settlements }, /meters/],
    [
      "an unknown supplier",
      { meters: [{ ...meters[0]!, supplier: 2 }], settlements: [] },
      /supplier/,
    ],
    ["a settlement twice", { meters, settlements: [one, one] }, /settlements/],
    ["settlements in disorder", { meters, settlements: [two, one] }, /settlements/],
    [
      "one of the month before",
      { meters, settlements: [{ ...one, start: from - periodS }] },
      /settlements/,
    ],
    ["one of the month after", { meters, settlements: [{ ...one, start: to }] }, /settlements/],
  ])("that names %s is refused", (_what, names, problem) => {
    expect(problemOf(names)).toMatch(problem);
  });
});
