// The meter's history: what it keeps, for whom, and who may read it.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { SignedReceipt } from "../../wire/records.ts";
import { failedChecks, HistoryError, MeterHistory } from "./history.ts";

const OWNER = { market: "test", meter: "0".repeat(32) };
const START = 1_748_779_200;

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "meter-history-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "meter.sqlite");
}

function opened(file = place()): MeterHistory {
  const history = MeterHistory.open(file, OWNER);
  onTestFinished(() => {
    try {
      history.close();
    } catch {}
  });
  return history;
}

const order = (sequence: number, periodStart = START) => ({
  periodStart,
  sequence,
  side: "sell" as const,
  energyWh: 500,
  limitTick: 950,
  prepared: Uint8Array.of(1, 2, sequence),
});

const receipt = (evaluator: number, sequence = 1): SignedReceipt => ({
  receipt: {
    market: "test",
    period: "2025-06-01T12:00:00Z",
    evaluator,
    meter: OWNER.meter,
    sequence,
    order: "a".repeat(64),
  },
  signature: "AAAA",
});

it("gives back what it was given, also to the next process", () => {
  const file = place();
  const first = opened(file);
  expect(first.lastOrder(START)).toBeNull();
  expect(first.addOrder(order(1))).toBe(true);
  first.addReceipts(START, 1, [receipt(2)]);
  first.addReceipts(START, 1, [receipt(0), receipt(2)]);
  first.close();

  const second = opened(file);
  const kept = second.lastOrder(START)!;
  expect({ ...kept, prepared: [...kept.prepared!] }).toEqual({
    ...order(1),
    prepared: [1, 2, 1],
    receipts: [receipt(0), receipt(2)],
  });
  expect(second.unfinished()).toEqual([START]);
  const outcome = { periodStart: START, sequence: 1, state: "cleared" as const };
  const told = {
    ...outcome,
    priceTick: 1200,
    tradedUnits: 12_345,
    checks: [{ name: "energy", ok: false, detail: "no" }],
  };
  second.addOutcome(told);
  second.addOutcome({ ...told, priceTick: 1 });
  expect(second.outcome(START)).toEqual(told);
  expect(second.unfinished()).toEqual([]);
  expect(second.entries().map(({ outcome }) => outcome)).toEqual([told]);
});

it("keeps one order per sequence number, and none that comes after a later one", () => {
  const file = place();
  const [one, other] = [opened(file), opened(file)];
  expect(one.addOrder(order(1))).toBe(true);
  expect(other.addOrder({ ...order(1), energyWh: 1 })).toBe(false);
  expect(other.addOrder(order(2))).toBe(true);
  expect(one.addOrder(order(2))).toBe(false);
  expect(one.lastOrder(START)?.sequence).toBe(2);
  expect(one.lastOrder(START)?.receipts).toEqual([]);
  expect(one.entries().map(({ order }) => order.sequence)).toEqual([2]);
});

it("lists periods in their order and of a span only", () => {
  const history = opened();
  for (const k of [3, 1, 2]) history.addOrder(order(1, START + 900 * k));
  const starts = (from?: number, to?: number) =>
    history.entries(from, to).map(({ order }) => order.periodStart - START);
  expect(starts()).toEqual([900, 1800, 2700]);
  expect(starts(START + 1800)).toEqual([1800, 2700]);
  expect(starts(START, START + 1800)).toEqual([900]);
});

it("forgets what was sent only where the outcome is known", () => {
  const history = opened();
  for (const k of [1, 2, 3]) history.addOrder(order(1, START + 900 * k));
  for (const k of [2, 3]) {
    const nothing = { priceTick: null, tradedUnits: 0, checks: [] };
    history.addOutcome({ periodStart: START + 900 * k, sequence: 1, state: "void", ...nothing });
  }
  expect(history.forgetPrepared(START + 2700)).toBe(1);
  const kept = history.entries().map(({ order }) => order.prepared !== null);
  expect(kept).toEqual([true, false, true]);
});

it("is readable by its owner only, beside it as well", () => {
  const file = place();
  const history = opened(file);
  history.addOrder(order(1));
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    expect(statSync(name).mode & 0o777).toBe(0o600);
  }
});

it("refuses another meter's file and what is no history", () => {
  const file = place();
  opened(file).close();
  const other = { ...OWNER, meter: "1".repeat(32) };
  expect(() => MeterHistory.open(file, other)).toThrow(/is that of meter 0{32} of market test/);
  expect(() => MeterHistory.open(join(file, "x"), OWNER)).toThrow(HistoryError);
});

it("tells what makes an outcome doubtful from what does not", () => {
  const checks = ["answers", "shares", "inclusion", "energy"].map((name) => {
    return { name, ok: name === "energy", detail: "found" };
  });
  const outcome = { periodStart: START, sequence: 1, state: "cleared", priceTick: 1 } as const;
  const doubtful = (tradedUnits: number | null) =>
    failedChecks({ ...outcome, tradedUnits, checks });
  expect(doubtful(5)).toEqual(["inclusion: found"]);
  expect(doubtful(null)).toEqual(["answers: found", "shares: found", "inclusion: found"]);
});
