// The operator's view of evaluators that agree, lag behind, contradict each other, or do not answer.
import { expect, it } from "vitest";
import type { MarketStatus } from "../client/operator-client.ts";
import { defaultMarketParameters } from "../market/parameters.ts";
import type { Decision, PeriodRecord } from "../wire/records.ts";
import { statusJson, statusReport, summaryLine } from "./operator-report.ts";

const PERIOD = "2025-06-01T12:00:00Z";
const START = Date.parse(PERIOD) / 1000;
const market = {
  id: "test",
  parameters: defaultMarketParameters(),
  evaluators: Array.from({ length: 3 }, (_, i) => ({ name: "", url: `https://e${i}`, peers: [] })),
};

const decision = (changes: Partial<Decision> = {}): Decision => ({
  market: "test",
  period: PERIOD,
  attempt: 1,
  outcome: "cleared",
  reason: null,
  agreed: { count: 60, root: "a".repeat(64) },
  members: [0, 1, 2],
  active: [0, 1, 2],
  traded: true,
  priceTick: 1234,
  coin: "b".repeat(64),
  rejected: [],
  revealedSuppliers: [true],
  ...changes,
});

const record = (changes: Partial<Decision> | null = {}): PeriodRecord => ({
  period: PERIOD,
  state: changes === null ? "clearing" : changes.outcome === "void" ? "void" : "published",
  gateClosure: "2025-06-01T11:30:00Z",
  deadline: "2025-06-01T11:45:00Z",
  attempts: 2,
  agreed: null,
  decision: changes === null ? null : { decision: decision(changes), signatures: [] },
});

const status = (
  records: (PeriodRecord | null)[],
  {
    problem = null,
    disagreements = [],
  }: { problem?: string | null; disagreements?: string[] } = {},
): MarketStatus => ({
  evaluators: [0, 1, 2].map((evaluator) => ({
    evaluator,
    problem: evaluator === 2 ? problem : null,
  })),
  periods: [
    {
      periodStart: START,
      records,
      decision: disagreements.length > 0 ? null : records[0]!.decision!.decision,
      disagreements,
    },
  ],
});

const report = (of: MarketStatus) => statusReport(of, market, { width: 120, color: false });

it("shows evaluators that agree, and one that is behind", () => {
  const lines = report(status([record(), record(), record(null)]));
  expect(lines[1]?.trim().split(/ {2,}/)).toEqual([
    PERIOD,
    "published",
    "published",
    "clearing",
    "2",
    "60",
    "12.34",
  ]);
  expect(lines.slice(2)).toEqual(["1 period: 1 cleared; 0 disagreements"]);
});

it("shows a contradiction with what it is about", () => {
  const records = [record(), record({ priceTick: 1233 }), record()];
  const other = status(records, { disagreements: ["evaluators disagree about it"] });
  const lines = report(other);
  expect(lines[1]).toMatch(/DISAGREEMENT$/);
  expect(lines.slice(2)).toEqual([
    `DISAGREEMENT ${PERIOD}: evaluators disagree about it`,
    "1 period: 1 undecided; 1 disagreement",
  ]);
});

it("shows who cannot be reached, and why a period is void", () => {
  const nothing = { outcome: "void", reason: "no-quorum", traded: false, priceTick: null } as const;
  const away = status([record(nothing), record(nothing), null], {
    problem: "connection refused",
  });
  const lines = report(away);
  expect(lines[1]).toMatch(/void \(no-quorum\) +void \(no-quorum\) +- +2 +60 +no trade$/);
  expect(lines.slice(2)).toEqual([
    "evaluator 2 cannot be reached: connection refused",
    "1 period: 1 void; 0 disagreements; 1 evaluator cannot be reached",
  ]);
});

it("gives the same to programs", () => {
  expect(statusJson(status([record(), null, record(null)]), market)).toMatchObject({
    market: "test",
    periods: [
      {
        period: PERIOD,
        disagreements: [],
        evaluators: [
          { evaluator: 0, state: "published", orders: 60, price_ct_per_kwh: 12.34 },
          { evaluator: 1, state: null },
          { evaluator: 2, state: "clearing", attempts: 2, price_ct_per_kwh: null },
        ],
      },
    ],
  });
});

it("counts nothing where there is nothing", () => {
  const empty = { evaluators: [], periods: [] };
  expect(summaryLine(empty)).toBe("0 periods: none; 0 disagreements");
  expect(report(empty)[0]).toBe("no periods yet");
});
