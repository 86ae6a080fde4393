// The part of the store's contract that is about settlement: readings, ballots of settlements and closings, kept
// shares, bills. Every test runs on SQLite and on PostgreSQL.
import { describe, expect, it } from "vitest";
import { textOfPeriod } from "../wire/records.ts";
import type { Closing, Settlement } from "../wire/settlement-records.ts";
import { type EvaluatorStore, type Lease, LeaseLostError } from "./evaluator-store.ts";
import type { BillRow, MatterName, NewReading } from "./settlement-store.ts";
import {
  agreedOf,
  decisionOf,
  entryOf,
  inOrder,
  KINDS,
  leaseOf,
  MOST_VERSIONS,
  signedBy,
  testStores,
  voidOf,
} from "./stores.test-helper.ts";
import { meterOf, orderOf, PERIOD } from "./test-orders.test-helper.ts";

const LENGTH = 900;
const MONTH = PERIOD - 10 * LENGTH;

const readingOf = (meter: number, sequence: number, content = "a", start = PERIOD): NewReading => ({
  ...orderOf(meter, sequence, content, start),
  month: MONTH,
});

function settlementOf(
  attempt: number,
  changes: Partial<Settlement> = {},
  start = PERIOD,
): Settlement {
  return {
    market: "a market",
    period: textOfPeriod(start),
    revision: 0,
    attempt,
    readings: agreedOf([]),
    members: [0, 1, 2],
    active: [0, 1, 2],
    rejected: [],
    estimated: 0,
    revealedSuppliers: [true],
    revealedPositions: [false],
    ...changes,
  };
}

const closingOf = (attempt: number): Closing => ({
  market: "a market",
  month: "2025-06",
  attempt,
  members: [0, 1],
  active: [0, 1],
  periods: 2,
  settlements: "0".repeat(64),
  meters: agreedOf([]),
  revealedPositions: [true],
});

const signatures = (...evaluators: number[]) => signedBy(voidOf(1), ...evaluators).signatures;

const FIRST: MatterName<"settlement"> = { kind: "settlement", start: PERIOD, revision: 0 };
const SECOND: MatterName<"settlement"> = { ...FIRST, revision: 1 };
const CLOSING: MatterName<"closing"> = { kind: "closing", start: MONTH, revision: 0 };

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);
/** Length and sum: comparing long arrays element by element takes seconds. */
const summary = (bytes: Uint8Array | null) =>
  bytes === null ? null : [bytes.length, bytes.reduce((sum, byte) => sum + byte, 0)];

const own = (readings: readonly NewReading[], value: number, notes = "{}") => ({
  readings: readings.map(entryOf),
  shares: filled(2 ** 20 + 17, value),
  notes,
});

/** A settlement that was accepted in ballot 1. */
async function accepted(store: EvaluatorStore, lease: Lease, readings: readonly NewReading[]) {
  const settlement = settlementOf(1, { readings: agreedOf(readings.map(entryOf)) });
  await store.promiseMatter(lease, FIRST, 1);
  await store.prepareMatter(lease, FIRST, 1, settlement, own(readings, 7));
  return settlement;
}

describe.each(KINDS)("settlement in %s", (kind) => {
  const { open } = testStores(kind);

  it("takes readings as orders, apart from them, until their month is closed", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    const add = (...readings: NewReading[]) => store.addReadings(readings, MOST_VERSIONS);
    expect(await add(readingOf(1, 1), readingOf(2, 1))).toEqual(["accepted", "accepted"]);
    expect(await add(readingOf(1, 1), readingOf(1, 0), readingOf(1, 1, "b"))).toEqual([
      "known",
      "stale",
      "conflict",
    ]);
    // The gate of the period was closed long before.
    await store.closePeriod(lease, PERIOD);
    expect(await add(readingOf(1, 2))).toEqual(["accepted"]);
    expect(await store.orderEntries(PERIOD)).toEqual([]);
    expect(await store.lastReading(PERIOD, meterOf(1))).toEqual(entryOf(readingOf(1, 2)));
    const all = inOrder([readingOf(1, 1), readingOf(1, 2), readingOf(2, 1)].map(entryOf));
    expect(await store.readingEntries(PERIOD)).toEqual(all);
    const bodies: string[] = [];
    await store.readingBodies(PERIOD, all.toReversed(), (_, body) => {
      bodies.push(new TextDecoder().decode(body));
    });
    expect(bodies).toEqual(all.toReversed().map(({ orderId }) => `${orderId} body`.repeat(10)));
    await store.closeReadings(lease, MONTH);
    await store.closeReadings(lease, MONTH);
    const later = { ...readingOf(3, 1), month: MONTH + 1 };
    expect(await add(readingOf(1, 2), readingOf(1, 3), later)).toEqual([
      "known",
      "closed",
      "accepted",
    ]);
  });

  it("knows periods whose readings are later than those that counted", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    const first = [readingOf(1, 1), readingOf(2, 1)];
    await store.addReadings(first, MOST_VERSIONS);
    expect(await store.changedPeriods(PERIOD, PERIOD + 1)).toEqual([PERIOD]);
    await accepted(store, lease, first);
    expect(await store.changedPeriods(PERIOD, PERIOD + 1)).toEqual([]);
    const others = [readingOf(1, 2), readingOf(3, 1, "a", PERIOD + LENGTH)];
    await store.addReadings(others, MOST_VERSIONS);
    expect(await store.changedPeriods(PERIOD, PERIOD + 2 * LENGTH)).toEqual([
      PERIOD,
      PERIOD + LENGTH,
    ]);
    expect(await store.changedPeriods(PERIOD, PERIOD + LENGTH)).toEqual([PERIOD]);
  });

  it("keeps promises, what was accepted, and one decision", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    expect(await store.matter(FIRST)).toBeNull();
    expect(await store.lastDecidedMatter("settlement")).toBeNull();
    const readings = [readingOf(1, 1), readingOf(2, 5)];
    const settlement = await accepted(store, lease, readings);
    expect(await store.matter(FIRST)).toEqual({
      ballot: 1,
      prepared: { ballot: 1, decision: settlement },
      notes: "{}",
      decision: null,
    });
    await expect(store.promiseMatter(lease, FIRST, 1)).rejects.toThrow("a higher ballot");
    await expect(store.prepareMatter(lease, FIRST, 2, settlement, null)).rejects.toThrow(
      "promised",
    );
    // The same in a later ballot: what belongs to it stays.
    await store.promiseMatter(lease, FIRST, 3);
    await store.prepareMatter(lease, FIRST, 3, settlement, null);
    expect((await store.matter(FIRST))?.notes).toBe("{}");
    expect(summary(await store.settledShares(PERIOD, 0, 1))).toEqual(
      summary(filled(2 ** 20 + 17, 7)),
    );
    expect(await store.agreedReadings(PERIOD, 0)).toEqual(readings.map(entryOf));
    const { meter, orderId } = readings[1]!;
    expect(await store.agreedReading(PERIOD, 0, meter)).toEqual({ position: 1, orderId });
    expect(await store.agreedReading(PERIOD, 0, meterOf(9))).toBeNull();

    const signed = { decision: settlement, signatures: signatures(0, 1) };
    await store.decideMatter(lease, FIRST, signed);
    await store.decideMatter(lease, FIRST, { ...signed, signatures: signatures(1, 2) });
    expect((await store.matter(FIRST))?.decision).toEqual({
      decision: settlement,
      signatures: signatures(0, 1, 2),
    });
    const other = { decision: settlementOf(2), signatures: [] };
    await expect(store.decideMatter(lease, FIRST, other)).rejects.toThrow("another way");
    await expect(store.promiseMatter(lease, FIRST, 9)).rejects.toThrow("decided");
    await expect(store.prepareMatter(lease, FIRST, 3, settlement, null)).rejects.toThrow("decided");
    expect(await store.lastDecidedMatter("settlement")).toBe(PERIOD);
    expect(await store.lastDecidedMatter("closing")).toBeNull();
    expect((await store.matter(FIRST))?.notes).toBe("{}");
  });

  it("drops what belongs to another decision than the one that stands", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    await accepted(store, lease, [readingOf(1, 1)]);
    await store.promiseMatter(lease, FIRST, 2);
    await store.prepareMatter(lease, FIRST, 2, settlementOf(2), null);
    expect((await store.matter(FIRST))?.notes).toBeNull();
    expect(await store.settledShares(PERIOD, 0, 1)).toBeNull();
    expect(await store.agreedReadings(PERIOD, 0)).toEqual([]);
    // Accepted anew with its own parts; then others have decided otherwise.
    const third = settlementOf(3);
    await store.promiseMatter(lease, FIRST, 3);
    await store.prepareMatter(lease, FIRST, 3, third, own([readingOf(4, 1)], 3));
    const decided = settlementOf(4);
    await store.decideMatter(lease, FIRST, { decision: decided, signatures: [] });
    expect((await store.matter(FIRST))?.notes).toBeNull();
    expect(await store.settledShares(PERIOD, 0, 3)).toBeNull();
    // It gets its shares from the others.
    await store.completeMatter(lease, FIRST, own([readingOf(5, 1)], 4, "late"));
    expect(await store.matter(FIRST)).toMatchObject({ notes: "late" });
    expect(summary(await store.settledShares(PERIOD, 0, 4))).toEqual(
      summary(filled(2 ** 20 + 17, 4)),
    );
    expect(await store.agreedReadings(PERIOD, 0)).toEqual([entryOf(readingOf(5, 1))]);
  });

  it("tells the settlements of a span, and which periods were settled anew", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    const next = { ...FIRST, start: PERIOD + LENGTH };
    await store.decideMatter(lease, next, {
      decision: settlementOf(1, {}, next.start),
      signatures: [],
    });
    const first = await accepted(store, lease, []);
    await store.decideMatter(lease, FIRST, { decision: first, signatures: [] });
    await store.promiseMatter(lease, SECOND, 1);
    const known = async (to: number) =>
      (await store.settlements(PERIOD, to)).map((one) => [one.start, one.revision, one.notes]);
    expect(await known(PERIOD + LENGTH)).toEqual([[PERIOD, 0, "{}"]]);
    const revisions = () => store.revisions(PERIOD, PERIOD + LENGTH);
    expect(await revisions()).toEqual([{ start: PERIOD, isDecided: false }]);
    const second = settlementOf(1, { revision: 1 });
    await store.prepareMatter(lease, SECOND, 1, second, own([], 2, "second"));
    await store.decideMatter(lease, SECOND, { decision: second, signatures: [] });
    expect(await known(PERIOD + 2 * LENGTH)).toEqual([
      [PERIOD, 0, "{}"],
      [PERIOD, 1, "second"],
      [PERIOD + LENGTH, 0, null],
    ]);
    expect(await store.lastDecidedMatter("settlement")).toBe(PERIOD + LENGTH);
    expect(await revisions()).toEqual([{ start: PERIOD, isDecided: true }]);
    expect(await store.revisions(PERIOD + LENGTH, PERIOD + 2 * LENGTH)).toEqual([]);
  });

  it("moves a published period on, and leaves a void one", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    const state = async (start: number) => (await store.period(start))?.state;
    const voided = PERIOD + LENGTH;
    await store.decide(lease, PERIOD, signedBy(decisionOf(1), 0));
    await store.decide(lease, voided, signedBy(voidOf(1, voided), 0));
    for (const start of [PERIOD, voided]) await store.beginSettling(lease, start);
    expect([await state(PERIOD), await state(voided)]).toEqual(["settling", "void"]);
    for (const start of [PERIOD, voided]) {
      const decision = settlementOf(1, {}, start);
      await store.decideMatter(lease, { ...FIRST, start }, { decision, signatures: [] });
      await store.beginSettling(lease, start);
    }
    expect(await state(voided)).toBe("void");
    const decision = settlementOf(1);
    await store.decideMatter(lease, FIRST, { decision, signatures: [] });
    expect(await state(PERIOD)).toBe("settled");
  });

  it("keeps shares of trades with the results of their attempt", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    const result = { orderShares: new Uint8Array(0), supplierShares: new Uint8Array(0) };
    const clear = async (attempt: number, trades: Uint8Array) => {
      await store.promise(lease, PERIOD, attempt);
      const tradeShares = trades;
      const decision = decisionOf(attempt);
      await store.prepare(lease, PERIOD, attempt, decision, { ...result, attempt, tradeShares });
    };
    await clear(1, filled(2 ** 21 + 1, 1));
    expect(summary(await store.tradeShares(PERIOD, 1))).toEqual(summary(filled(2 ** 21 + 1, 1)));
    await clear(2, new Uint8Array(0));
    expect(await store.tradeShares(PERIOD, 1)).toBeNull();
    expect(await store.tradeShares(PERIOD, 2)).toEqual(new Uint8Array(0));
    await store.decide(lease, PERIOD, signedBy(decisionOf(3), 0));
    expect(await store.tradeShares(PERIOD, 2)).toBeNull();
  });

  it("keeps bills with the closing that they belong to, and forgets what made them", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    const bills = Array.from(
      { length: 450 },
      (_, i): BillRow => ({
        meter: meterOf(i),
        supplier: i % 3,
        periods: 2,
        estimated: i % 2,
        components: filled(64, i % 256),
        payable: filled(16, (i + 1) % 256),
      }),
    );
    await store.promiseMatter(lease, CLOSING, 1);
    await store.prepareMatter(lease, CLOSING, 1, closingOf(1), { bills, notes: "1" });
    expect(await store.bill(MONTH, meterOf(7))).toEqual(bills[7]);
    expect(await store.bill(MONTH, meterOf(450))).toBeNull();
    expect(await store.bill(MONTH + 1, meterOf(7))).toBeNull();
    const byMeter = (a: BillRow, b: BillRow) => (a.meter < b.meter ? -1 : 1);
    expect(await store.bills(MONTH, 2)).toEqual(
      bills.filter(({ supplier }) => supplier === 2).sort(byMeter),
    );
    // Another closing stands: its own bills, or none.
    await store.promiseMatter(lease, CLOSING, 2);
    await store.prepareMatter(lease, CLOSING, 2, closingOf(2), null);
    expect(await store.bills(MONTH, 2)).toEqual([]);
    await store.decideMatter(lease, CLOSING, { decision: closingOf(2), signatures: [] });
    expect(await store.lastDecidedMatter("closing")).toBe(MONTH);
    await store.completeMatter(lease, CLOSING, { bills: bills.slice(0, 3), notes: "2" });
    expect(await store.matter(CLOSING)).toMatchObject({ notes: "2" });

    const readings = [readingOf(1, 1), readingOf(1, 2), readingOf(2, 1)];
    await store.addReadings([...readings, readingOf(3, 1, "a", PERIOD + LENGTH)], MOST_VERSIONS);
    await accepted(store, lease, readings.slice(1));
    expect(await store.forgetSettled(lease, PERIOD, PERIOD + LENGTH)).toBe(3);
    expect(await store.forgetSettled(lease, PERIOD, PERIOD + LENGTH)).toBe(0);
    expect(await store.settledShares(PERIOD, 0, 1)).toBeNull();
    expect(await store.readingEntries(PERIOD)).toHaveLength(3);
    expect(await store.agreedReadings(PERIOD, 0)).toHaveLength(2);
    expect((await store.matter(FIRST))?.notes).toBe("{}");
    expect(await store.bill(MONTH, meterOf(1))).toEqual(bills[1]);
    let bodies = 0;
    const count = () => {
      bodies += 1;
    };
    await store.readingBodies(PERIOD, readings, count);
    expect(bodies).toBe(0);
    await store.readingBodies(PERIOD + LENGTH, [readingOf(3, 1)], count);
    expect(bodies).toBe(1);
  });

  it("refuses every change by a process that does not lead any more", async () => {
    const store = await open();
    const old = await leaseOf(store);
    await store.releaseLease(old);
    const lease = await leaseOf(store, "two");
    const settlement = settlementOf(1);
    const signed = { decision: settlement, signatures: [] };
    const changes: ((by: Lease) => Promise<unknown>)[] = [
      (by) => store.promiseMatter(by, FIRST, 1),
      (by) => store.beginSettling(by, PERIOD),
      (by) => store.prepareMatter(by, FIRST, 1, settlement, own([], 1)),
      (by) => store.decideMatter(by, FIRST, signed),
      (by) => store.completeMatter(by, FIRST, own([], 1)),
      (by) => store.closeReadings(by, MONTH),
      (by) => store.forgetSettled(by, PERIOD, PERIOD + 1),
    ];
    for (const change of changes) {
      await expect(change(old)).rejects.toThrow(LeaseLostError);
      await change(lease);
    }
    expect((await store.matter(FIRST))?.decision).toEqual(signed);
  });
});
