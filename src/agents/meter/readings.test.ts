// A meter's readings and bills: where readings come from, what is kept of them, and what its own history says it owes.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { settledMarket } from "../../market/settled-market.test-helper.ts";
import type { SignedReadingReceipt } from "../../wire/settlement-records.ts";
import { MeterHistory, type StoredOutcome } from "./history.ts";
import { comparedBill, keptBillOf, keptBillText } from "./kept-bill.ts";
import { doubtfulPeriods, ownBill } from "./own-bill.ts";
import { readingFileSource } from "./reading-sources.ts";

const OWNER = { market: "elm-street", meter: "0".repeat(32) };
const FIRST = Date.parse("2025-06-10T10:00:00Z") / 1000;
const at = (k: number) => FIRST + 900 * k;

function place(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "readings-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

function opened(file = place("meter.sqlite")): MeterHistory {
  const history = MeterHistory.open(file, OWNER);
  onTestFinished(() => {
    try {
      history.close();
    } catch {}
  });
  return history;
}

describe("a file of readings", () => {
  const HEADER = "period_start,import_wh,export_wh\n";
  const sourceOf = (file: string) =>
    readingFileSource({ parameters: { energyBits: 16 }, periodS: 900, file });

  it("grows, and its later lines correct earlier ones", async () => {
    const file = place("readings.csv");
    const source = sourceOf(file);
    const missing = await source.read();
    expect(missing.problems.join()).toMatch(/no such file yet/);
    expect((await source.read()).problems).toEqual([]);
    writeFileSync(file, `${HEADER}2025-06-10T10:00:00Z,250,0\n2025-06-10T10:15:00Z,1`);
    expect([...(await source.read()).rows]).toEqual([[at(0), { importedWh: 250, exportedWh: 0 }]]);
    appendFileSync(file, "20,0\n2025-06-10T10:00:00Z,0,30\n");
    const { rows, problems } = await source.read();
    expect(problems).toEqual([]);
    expect(rows.get(at(0))).toEqual({ importedWh: 0, exportedWh: 30 });
    expect(rows.get(at(1))).toEqual({ importedWh: 120, exportedWh: 0 });
  });

  it("counts but for its wrong lines, which are told once", async () => {
    const file = place("readings.csv");
    const wrong = "2025-06-10T10:07:00Z,1,0\n2025-06-10T10:15:00Z,-1,x\nnonsense\n";
    writeFileSync(file, `${HEADER}${wrong}2025-06-10T10:30:00Z,5,0\n`);
    const source = sourceOf(file);
    const found = await source.read();
    expect([...found.rows.keys()]).toEqual([at(2)]);
    expect(found.problems.map((text) => text.slice(file.length))).toEqual([
      expect.stringMatching(/^:2: period_start .* multiple/),
      expect.stringMatching(/^:3: import_wh is "-1".*export_wh is "x"/),
      expect.stringMatching(/^:4: 1 columns/),
    ]);
    expect((await source.read()).problems).toEqual([]);
  });
});

const reading = (k: number, sequence: number, importedWh: number, netUnits = 0) => ({
  periodStart: at(k),
  sequence,
  importedWh,
  exportedWh: 0,
  netUnits,
  readingId: `${k}${sequence}`.repeat(32),
  prepared: Uint8Array.of(k, sequence),
});

const receipt = (evaluator: number, k: number, sequence: number): SignedReadingReceipt => ({
  receipt: {
    market: OWNER.market,
    period: "2025-06-10T10:00:00Z",
    evaluator,
    meter: OWNER.meter,
    sequence,
    reading: `${k}${sequence}`.repeat(32),
  },
  signature: "AAAA",
});

const confirm = (history: MeterHistory, k: number, sequence: number, by = [0, 1, 2]) =>
  history.readings.addReceipts(
    at(k),
    sequence,
    by.map((evaluator) => receipt(evaluator, k, sequence)),
  );

describe("the history", () => {
  it("keeps readings before they are sent, and knows which are not confirmed yet", () => {
    const file = place("meter.sqlite");
    const history = opened(file);
    const { readings } = history;
    expect(readings.add(reading(0, 1, 100))).toBe(true);
    expect(readings.add(reading(0, 1, 200))).toBe(false);
    expect(readings.add(reading(0, 2, 200))).toBe(true);
    readings.add(reading(1, 1, 50));
    confirm(history, 1, 1);
    confirm(history, 0, 2, [0, 2]);
    const waiting = readings.unconfirmed(0, 3);
    expect(waiting.map(({ periodStart, sequence }) => [periodStart, sequence])).toEqual([
      [at(0), 2],
    ]);
    history.close();
    const again = opened(file);
    expect(again.readings.last(at(0))).toMatchObject({ importedWh: 200, sequence: 2 });
    expect(again.readings.last(at(0))!.receipts).toHaveLength(2);
    expect(again.readings.periods(at(0), at(1))).toEqual([at(0)]);
    expect(again.firstPeriod()).toBe(at(0));
    again.readings.forgetPrepared(at(5));
    expect(again.readings.unconfirmed(0, 3)).toEqual([]);
  });
});

describe("the own bill", () => {
  const market = settledMarket({ estimate_wh: 200 });

  /** Buys 400 Wh at tick 2000 (15 ct), then takes part without trading. */
  function traded(): MeterHistory {
    const history = opened();
    const outcome = (k: number, state: StoredOutcome["state"], tradedUnits: number | null) => {
      const order = { side: "buy" as const, energyWh: 400, limitTick: 2500, prepared: null };
      history.addOrder({ ...order, periodStart: at(k), sequence: 1 });
      const priceTick = state === "void" ? null : 2000;
      const known = { periodStart: at(k), sequence: 1, checks: [] };
      history.addOutcome({ ...known, state, priceTick, tradedUnits });
    };
    outcome(0, "cleared", 400 * 1024);
    outcome(1, "cleared", 0);
    outcome(2, "missing", 0);
    outcome(3, "void", 0);
    return history;
  }

  it("is that of the trades, the confirmed readings and the public prices", () => {
    const history = traded();
    history.readings.add(reading(0, 1, 500, 400 * 1024));
    history.readings.add(reading(3, 1, 100));
    confirm(history, 0, 1);
    confirm(history, 3, 1);
    // Borealis sells at 36 ct at noon. Period 0: 400 Wh at 15 ct, 5.5 ct of fees, 100 Wh short. Period 1 is estimated.
    // Period 2 has neither order nor reading and is not covered; the void period 3 is for its reading.
    const own = ownBill(market, history, 1, "2025-06");
    expect(own).toMatchObject({ periods: 3, estimated: 1 });
    const unit = 1_024_000n; // 10^-3 ct
    expect(own.bill.components).toEqual({
      traded: 6_000n * unit,
      fees: 2_200n * unit,
      shortage: (3_600n + 7_200n + 3_600n) * unit,
      surplus: 0n,
    });
    expect(own.energies).toMatchObject({ boughtUnits: 400 * 1024, importedUnits: 800 * 1024 });
    expect(ownBill(market, history, 1, "2025-07")).toMatchObject({ periods: 0 });
  });

  it("leaves what only some have confirmed to proofs of what counted", () => {
    const history = traded();
    history.readings.add(reading(0, 1, 500, 400 * 1024));
    history.readings.add(reading(0, 2, 600, 400 * 1024));
    confirm(history, 0, 1);
    confirm(history, 0, 2, [0]);
    expect(doubtfulPeriods(market, history, "2025-06")).toEqual([at(0)]);
    const shortage = (counted?: string | null) =>
      ownBill(
        market,
        history,
        1,
        "2025-06",
        new Map(counted === undefined ? [] : [[at(0), counted]]),
      ).energies.shortageUnits / 1024;
    expect(shortage()).toBe(100 + 200);
    expect(shortage("02".repeat(32))).toBe(200 + 200);
    expect(shortage(null)).toBe(200 + 200);
  });

  it("is compared with what evaluators state, and kept as it was", () => {
    const history = traded();
    const own = ownBill(market, history, 1, "2025-06");
    const stated = { components: own.bill.components, periods: 2, estimated: 2 };
    expect(comparedBill("2025-06", stated, own, []).differences).toEqual([]);
    const fees = own.bill.components.fees + 1n;
    const wrong = { ...stated, components: { ...stated.components, fees }, estimated: 1 };
    const kept = comparedBill("2025-06", wrong, own, [{ name: "shares", ok: true, detail: "x" }]);
    expect(kept.differences.map(({ what }) => what)).toEqual(["estimated", "fees"]);
    expect(keptBillOf(keptBillText(kept))).toEqual(kept);
    history.readings.addBill(kept);
    history.readings.addBill({ ...kept, notes: ["a later one"] });
    expect(history.readings.bill("2025-06")).toEqual(kept);
    expect(history.readings.months()).toEqual(["2025-06"]);
  });
});
