// Periods after delivery, over real links and stores: settled as the oracle settles them, whatever readings are
// missing, late, corrected or wrong, and whoever was away; months closed, with everything counted once.
import { randomBytes } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { sharingOf } from "../../client/sharing.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { Field } from "../../field/field.ts";
import { MODULUS_BITS } from "../../field/prime.ts";
import { deadlineOf, gateClosureOf } from "../../market/market-document.ts";
import { type Order, tradedFromAbove } from "../../market/order.ts";
import { type Reading, readingOf } from "../../market/reading.ts";
import {
  type Amounts,
  amountsOf,
  meteredUnits,
  NOTHING_DUE,
  sumOfAmounts,
  totalOf,
} from "../../market/settlement-oracle.ts";
import { periodPrices } from "../../market/tariffs.ts";
import { systemClock } from "../../platform/clock.ts";
import { marketClock } from "../../platform/market-clock.ts";
import { completeSetting, type SettingChoice } from "../../wire/setting.ts";
import type { Closing, Settlement } from "../../wire/settlement-records.ts";
import { closingNotesOf, settlementNotesOf } from "../settlement-notes.ts";
import { layoutOf } from "./period-orders.ts";
import { type TestEvaluator, TestMarket } from "./periods.test-helper.ts";

const PERIOD_S = 900;
/** How long evaluators take to start, on a machine that has other things to do. */
const SETUP_MS = 2_000;
/** Real milliseconds of a period. */
const PERIOD_MS = 1_000;
const ESTIMATE_WH = 70;
/** June ends after three periods; it is closed when two more are over. */
const FIRST = Date.parse("2025-06-30T23:15:00Z") / 1000;
const JUNE = [FIRST, FIRST + PERIOD_S, FIRST + 2 * PERIOD_S];
const CLOSE_AFTER_DAYS = 0.02;
const START = FIRST - 4 * PERIOD_S;
const SUPPLIERS = 2;

const steps = (price: string) => [{ from: "00:00", ct_per_kwh: price }];

async function startMarket(choice: SettingChoice, begunMs: number): Promise<TestMarket> {
  const setting = completeSetting(choice);
  const { priorityOrder: _, ...rest } = setting;
  return TestMarket.start({
    setting,
    periodS: PERIOD_S,
    document: () => ({
      setting: rest,
      parameters: { suppliers: ["Aurora", "Borealis"], minimum_group: 3 },
      schedule: {
        period_s: PERIOD_S,
        first_period: new Date(FIRST * 1000).toISOString(),
        gate_closure_periods: 3,
        clearing_periods: 2,
      },
      settlement: {
        tariffs: {
          Aurora: { retail: steps("32"), feed_in: steps("8.1") },
          Borealis: { retail: steps("30.123"), feed_in: steps("7") },
        },
        grid_fee_ct_per_kwh: "9",
        local_discount_ct_per_kwh: "4",
        estimate_wh: ESTIMATE_WH,
        settle_after_periods: 0,
        close_after_days: CLOSE_AFTER_DAYS,
      },
      rehearsal: {
        real: new Date(begunMs).toISOString(),
        market: new Date(START * 1000).toISOString(),
        speed: (PERIOD_S * 1000) / PERIOD_MS,
      },
    }),
  });
}

const PRIME = 2n ** BigInt(MODULUS_BITS) - 1n;

/** Puts a vector together from what these evaluators keep; negative numbers too. */
async function combined(
  of: TestMarket,
  evaluators: readonly number[],
  share: (evaluator: TestEvaluator) => Promise<Uint8Array | null>,
): Promise<bigint[]> {
  const field = new Field();
  const tools = { field, primitives: nodePrimitives };
  const sharing = sharingOf(tools, of.document.setting, layoutOf(of.document), null);
  const shares = await Promise.all(evaluators.map((i) => share(of.evaluators[i]!)));
  expect(shares.every((one) => one !== null)).toBe(true);
  const bytes = field.toBytes(await sharing.combine(evaluators, shares as Uint8Array[]));
  const values = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  return [...values].map((value) => (value > PRIME / 2n ? value - PRIME : value));
}

interface Meter extends Order {
  /** By start of a period, what counts in the end. */
  readonly counted: Map<number, Reading | null>;
  /** What counted in the first settlement. */
  readonly first: Map<number, Reading | null>;
  /** By start of a period, bought less sold. */
  readonly net: Map<number, number>;
}

const meterOf = (order: Omit<Order, "meter">): Meter => ({
  ...order,
  meter: randomBytes(16).toString("hex"),
  counted: new Map(),
  first: new Map(),
  net: new Map(),
});

/** Eight households that trade or do not, and one that never orders. */
const someMeters = (): Meter[] =>
  Array.from({ length: 9 }, (_, i) =>
    meterOf({
      side: i > 6 ? "idle" : i % 2 === 0 ? "sell" : "buy",
      energyWh: i > 6 ? 0 : 200 + 31 * i,
      limitTick: i > 6 ? null : i % 2 === 0 ? 900 + 10 * i : 2600 - 20 * i,
      supplier: i % SUPPLIERS,
    }),
  );

async function learnTrades(of: TestMarket, start: number, meters: readonly Meter[]) {
  const decision = await of.decision(start, runningOf(of));
  expect(decision).toMatchObject({ outcome: "cleared", traded: true });
  for (const meter of meters) {
    const place = await of.evaluators[decision.active[0]!]!.store.agreedOrder(start, meter.meter);
    const [above] = await combined(of, decision.active, ({ store }) =>
      store.orderShare(start, decision.attempt, place!.position),
    );
    const traded = tradedFromAbove(meter, Number(above));
    meter.net.set(start, meter.side === "buy" ? traded : -traded);
  }
}

const runningOf = (of: TestMarket) => of.evaluators.filter((one) => one.isRunning);

const fits = (meter: Meter, start: number, importedWh: number, exportedWh: number): Reading =>
  readingOf({ importedWh, exportedWh }, meter.net.get(start) ?? 0);

/** The settlement of a period in a revision, once all that run have it. */
async function settled(of: TestMarket, start: number, revision: number): Promise<Settlement> {
  return agreedBy(of, async ({ store }) => {
    const all = await store.settlements(start, start + 1);
    return all.find((one) => one.revision === revision)?.signed.decision;
  });
}

async function closed(of: TestMarket): Promise<Closing> {
  const name = { kind: "closing", start: FIRST, revision: 0 } as const;
  return agreedBy(of, async ({ store }) => (await store.matter(name))?.decision?.decision);
}

async function agreedBy<T>(
  of: TestMarket,
  read: (evaluator: TestEvaluator) => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    const all = await Promise.all(runningOf(of).map(read));
    if (all.every((one) => one !== undefined)) {
      expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(1);
      return all[0]!;
    }
    await systemClock.sleep(20);
  }
}

/** What a meter did, as the oracle takes it. */
const periodOf = (meter: Meter, start: number, readings: Map<number, Reading | null>) => {
  const net = meter.net.get(start) ?? 0;
  const { supplier } = meter;
  const reading = readings.get(start) ?? null;
  return { supplier, boughtUnits: Math.max(0, net), soldUnits: Math.max(0, -net), reading };
};

async function expectTold(
  of: TestMarket,
  start: number,
  meters: readonly Meter[],
  told: Settlement,
) {
  const name = { kind: "settlement", start, revision: told.revision } as const;
  const readings = told.revision === 0 ? "first" : "counted";
  let positions = 0n;
  for (let k = 0; k < SUPPLIERS; k++) {
    const own = meters.filter(
      (meter) => meter.supplier === k && (meter.net.has(start) || meter[readings].get(start)),
    );
    const sum = (of: "imported" | "exported") =>
      own
        .map((meter) => meteredUnits(periodOf(meter, start, meter[readings]), ESTIMATE_WH)[of])
        .reduce((a, b) => a + BigInt(b), 0n);
    const notes = ({ store }: TestEvaluator) =>
      store.matter(name).then((row) => settlementNotesOf(row!.notes!));
    if (told.revealedSuppliers[k]) {
      const metered = await combined(of, told.active, async (one) =>
        Buffer.from((await notes(one)).metered[k]!, "base64"),
      );
      expect(metered).toEqual([sum("imported"), sum("exported")]);
    }
    const [position] = await combined(of, told.active, async (one) =>
      Buffer.from((await notes(one)).positions[k]!, "base64"),
    );
    expect(position).toBe(own.reduce((all, one) => all + BigInt(one.net.get(start) ?? 0), 0n));
    positions += position!;
  }
  expect(positions).toBe(0n);
}

/** Every bill of June, its parts and the suppliers' positions are the oracle's. */
async function expectBills(
  of: TestMarket,
  closing: Closing,
  meters: readonly Meter[],
  starts: readonly number[],
) {
  const evaluators = closing.active;
  const positions = new Array<bigint>(SUPPLIERS).fill(0n);
  let billed = 0;
  for (const meter of meters) {
    let due: Amounts = NOTHING_DUE;
    const expected = { periods: 0, estimated: 0 };
    for (const start of starts) {
      const reading = meter.counted.get(start) ?? null;
      if (!meter.net.has(start) && reading === null) continue;
      expected.periods += 1;
      if (reading === null) expected.estimated += 1;
      const { decision } = (await of.evaluators[evaluators[0]!]!.store.period(start))!;
      const prices = periodPrices(of.document, start, decision!.decision.priceTick);
      const amounts = amountsOf(periodOf(meter, start, meter.counted), prices, ESTIMATE_WH);
      due = sumOfAmounts(due, amounts);
    }
    const bill = ({ store }: TestEvaluator) => store.bill(FIRST, meter.meter);
    const one = await bill(of.evaluators[evaluators[0]!]!);
    expect({ periods: one?.periods ?? 0, estimated: one?.estimated ?? 0 }).toEqual(expected);
    if (expected.periods === 0) continue;
    billed += 1;
    const parts = await combined(of, evaluators, async (own) => (await bill(own))!.components);
    expect(parts).toEqual([due.traded, due.fees, due.shortage, due.surplus]);
    const [total] = await combined(of, evaluators, async (own) => (await bill(own))!.payable);
    expect(total).toBe(totalOf(due));
    positions[meter.supplier]! += due.traded;
  }
  expect(closing.meters.count).toBe(billed);
  const name = { kind: "closing", start: FIRST, revision: 0 } as const;
  for (let k = 0; k < SUPPLIERS; k++) {
    expect(closing.revealedPositions[k]).toBe(true);
    const [position] = await combined(of, evaluators, async ({ store }) => {
      const { notes } = (await store.matter(name))!;
      return Buffer.from(closingNotesOf(notes!).positions[k]!, "base64");
    });
    expect(position).toBe(positions[k]);
  }
  expect(positions[0]! + positions[1]!).toBe(0n);
}

async function begin(choice: SettingChoice) {
  const begunMs = Date.now() + SETUP_MS;
  const own = await startMarket(choice, begunMs);
  onTestFinished(() => own.stop());
  const meters = someMeters();
  const [stranger, ...ordering] = meters.toReversed() as [Meter, ...Meter[]];
  for (const meter of ordering) await own.order(FIRST, meter);
  const time = marketClock(systemClock, own.document.rehearsal);
  return { own, meters, ordering, stranger, time };
}

const MALICIOUS_OR_NOT: readonly SettingChoice[] = [
  { engine: "replicated" },
  { engine: "replicated", security: "malicious" },
];

describe.each(MALICIOUS_OR_NOT)("a month of $engine $security", (setting) => {
  it("is settled as the oracle does it: readings missing, late, corrected, wrong, and a void period", async () => {
    const { own, meters, ordering, stranger, time } = await begin(setting);
    await learnTrades(own, FIRST, ordering);
    const [missing, late, corrected, wrong, uneven, partly, ...others] = ordering as [
      Meter,
      Meter,
      Meter,
      Meter,
      Meter,
      Meter,
      ...Meter[],
    ];
    const read = async (meter: Meter, start: number, reading: Reading) => {
      await own.read(start, meter, reading);
      meter.first.set(start, reading);
      meter.counted.set(start, reading);
    };
    for (const [i, meter] of [corrected, ...others].entries()) {
      await read(meter, FIRST, fits(meter, FIRST, 100 * i, i % 2 === 0 ? 0 : 350));
    }
    await read(stranger, FIRST, fits(stranger, FIRST, 1234, 0));
    // One unit more of surplus than there was; both shortage and surplus; one that is with two evaluators only.
    const right = fits(wrong, FIRST, 5, 0);
    await own.read(FIRST, wrong, { ...right, surplusUnits: right.surplusUnits + 1 });
    const even = fits(uneven, FIRST, 9, 0);
    await own.read(FIRST, uneven, {
      ...even,
      shortageUnits: even.shortageUnits + 4,
      surplusUnits: even.surplusUnits + 4,
    });
    await own.read(FIRST, partly, fits(partly, FIRST, 77, 0), [0, 2]);
    // A period without a quorum is void: readings alone count.
    await own.evaluators[2]!.stop();
    const second = JUNE.find((start) => gateClosureOf(own.document, start) > time.nowS())!;
    await systemClock.sleep(time.msUntil(deadlineOf(own.document, second) + PERIOD_S / 10));
    await own.evaluators[2]!.start();
    expect((await own.decision(second)).outcome).toBe("void");
    for (const meter of others) await read(meter, second, fits(meter, second, 40, 0));

    const first = await settled(own, FIRST, 0);
    expect(first).toMatchObject({ revision: 0, estimated: 5, readings: { count: 6 } });
    const { store } = own.evaluators[1]!;
    const places = await Promise.all(
      [wrong, uneven].map(async ({ meter }) => (await store.agreedReading(FIRST, 0, meter))!),
    );
    expect(first.rejected).toEqual(places.map(({ position }) => position).sort((a, b) => a - b));
    await expectTold(own, FIRST, meters, first);
    expect((await store.period(FIRST))?.state).toBe("settled");
    expect(await settled(own, second, 0)).toMatchObject({ estimated: 0, readings: { count: 2 } });
    expect((await store.period(second))?.state).toBe("void");

    // Until the month is closed.
    const amend = async (meter: Meter, start: number, reading: Reading) => {
      await own.read(start, meter, reading);
      meter.counted.set(start, reading);
    };
    await amend(late, FIRST, fits(late, FIRST, 321, 0));
    await amend(corrected, FIRST, fits(corrected, FIRST, 0, 999));
    await amend(wrong, FIRST, right);
    const july = FIRST + 3 * PERIOD_S;
    await own.read(july, missing, fits(missing, july, 5_000, 0));

    const closing = await closed(own);
    expect(closing).toMatchObject({ month: "2025-06", periods: 3, active: [0, 1, 2] });
    const again = await settled(own, FIRST, 1);
    // The partly sent one is still not with everybody.
    expect(again).toMatchObject({ estimated: 3, readings: { count: 7 } });
    await expectTold(own, FIRST, meters, again);
    expect(await store.settlements(second, second + 1)).toHaveLength(1);
    await expectBills(own, closing, meters, JUNE);
    for (const { failures } of own.evaluators) expect(failures).toEqual([]);
    // What a closed month needs no more goes, little by little.
    while ((await store.settledShares(FIRST, 1, again.attempt)) !== null) {
      await systemClock.sleep(20);
    }
    const late2 = { ...late, sequence: 9_999, orderId: "0".repeat(64), month: FIRST };
    const row = {
      ...late2,
      periodStart: FIRST,
      body: new Uint8Array(1),
      evidence: "",
      receivedMs: 0,
    };
    expect(await store.addReadings([row], 8)).toEqual(["closed"]);
  }, 90_000);
});

/** A reading whose shares are on no polynomial of the scheme's degree. */
function readOffDegree(own: TestMarket, meter: Meter): Promise<string> {
  const everybody = own.evaluators.map((_, i) => i);
  return own.read(FIRST, meter, fits(meter, FIRST, 60, 0), everybody, (streams) => {
    streams[2]![0]![0]! ^= 1;
  });
}

describe("a Shamir market", () => {
  it("settles and closes without evaluators that computed, and gives shares to those that were away", async () => {
    const setting = { engine: "shamir", parties: 5, threshold: 1 } as const;
    const { own, meters, ordering } = await begin(setting);
    await learnTrades(own, FIRST, ordering);
    expect((await own.decision(FIRST)).active).toEqual([0, 1, 2]);
    const [late, liar, ...others] = ordering as [Meter, Meter, ...Meter[]];
    await readOffDegree(own, liar);
    const readings = others;
    for (const meter of readings) {
      const reading = fits(meter, FIRST, 60, 10);
      await own.read(FIRST, meter, reading);
      meter.first.set(FIRST, reading);
      meter.counted.set(FIRST, reading);
    }
    // One of the three that computed has gone: one that stood by takes its place.
    await own.evaluators[0]!.stop();
    const first = await settled(own, FIRST, 0);
    expect(first).toMatchObject({ members: [1, 2, 3, 4], active: [1, 2, 3], estimated: 2 });
    await expectTold(own, FIRST, meters, first);
    await settled(own, FIRST + PERIOD_S, 0);
    // It is back, and another one has gone: a late reading is settled and the month closed with it.
    await own.evaluators[0]!.start();
    await own.evaluators[1]!.stop();
    const reading = fits(late, FIRST, 0, 4);
    await own.read(FIRST, late, reading, [0, 2, 3, 4]);
    late.counted.set(FIRST, reading);
    const closing = await closed(own);
    expect(closing.active).toEqual([0, 2, 3, 4]);
    const again = await settled(own, FIRST, 1);
    expect(again).toMatchObject({ estimated: 1, members: [0, 2, 3, 4], active: [0, 2, 3] });
    await expectTold(own, FIRST, meters, again);
    await expectBills(own, closing, meters, JUNE);
  }, 90_000);

  it("leaves out a reading whose shares do not fit together, where lies end a session", async () => {
    const { own, meters, ordering } = await begin({
      engine: "shamir",
      parties: 3,
      security: "malicious",
    });
    await learnTrades(own, FIRST, ordering);
    const [liar, ...honest] = ordering as [Meter, ...Meter[]];
    const id = await readOffDegree(own, liar);
    for (const meter of honest) {
      const reading = fits(meter, FIRST, 60, 10);
      await own.read(FIRST, meter, reading);
      meter.first.set(FIRST, reading);
    }
    const first = await settled(own, FIRST, 0);
    expect(first).toMatchObject({ readings: { count: honest.length }, rejected: [], estimated: 1 });
    await expectTold(own, FIRST, meters, first);
    const { failures, store } = own.evaluators[1]!;
    const names = (await store.readingEntries(FIRST)).map(({ orderId }) => orderId);
    expect(failures).toEqual([
      `settlement 0 of the period 2025-06-30T23:15:00Z: the shares of reading ${names.indexOf(id)} ` +
        "at evaluators 0, 1 and 2 do not fit together: its meter lied or one of them",
    ]);
  }, 90_000);
});
