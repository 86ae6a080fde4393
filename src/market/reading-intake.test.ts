// What meters may say and what is refused, at every engine: each bad reading alone, for its own reason, and nothing of
// any household shows while they are compared with trades.
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Engine } from "../mpc/engine.ts";
import { costOf, Parties, shareOf } from "../mpc/engines.test-helper.ts";
import { PlainEngine } from "../mpc/plain-engine.ts";
import type { Secret } from "../mpc/shared.ts";
import { UNITS_PER_WH } from "./order.ts";
import { type Reading, readingFields, readingLayout, readingOf, readingRows } from "./reading.ts";
import { balanceReadings, foldReadings } from "./reading-intake.ts";
import { tradesOf } from "./settlement.ts";
import {
  over,
  receivedReadings,
  SETTLEMENT_ENGINES,
  takeReadings,
} from "./settlement-engines.test-helper.ts";

const LAYOUT = readingLayout(16);
const FIELDS = readingFields(LAYOUT);
const NET = 5 * UNITS_PER_WH;
const FITS = readingOf({ importedWh: 9, exportedWh: 0 }, NET);

const rowOf = (reading: Reading): number[] => [...readingRows([reading], LAYOUT)];
/** The row with an element in place of the bit that counts `weight` of a number. */
function withElement(
  row: readonly number[],
  [, end]: readonly [number, number],
  weight: number,
  element: number,
): number[] {
  return row.with(end - 1 - Math.log2(weight), element);
}

const BAD: readonly (readonly [string, number[]])[] = [
  ["a shortage that is too small", rowOf({ ...FITS, shortageUnits: FITS.shortageUnits - 1 })],
  [
    "shortage and surplus both",
    rowOf({ ...FITS, shortageUnits: FITS.shortageUnits + 3, surplusUnits: 3 }),
  ],
  ["more imported than advised", rowOf({ ...FITS, importedWh: 10 })],
  ["exported energy that is short", rowOf({ ...FITS, exportedWh: 4 })],
  ["a surplus in place of the shortage", rowOf({ ...FITS, shortageUnits: 0, surplusUnits: 4096 })],
  // 9 = 2 * 4 + 1: the number fits, and is no row of bits.
  [
    "2 as a bit",
    withElement(withElement(rowOf(FITS), FIELDS.imported, 8, 0), FIELDS.imported, 4, 2),
  ],
  // 0 - -4096 is the shortage, and 0 times -4096 is 0: paid at the feed-in tariff.
  [
    "a surplus below 0",
    withElement(rowOf({ ...FITS, shortageUnits: 0 }), FIELDS.surplus, 4096, -1),
  ],
  [
    "a shortage below 0",
    withElement(
      rowOf({ ...FITS, importedWh: 4, shortageUnits: 0 }),
      FIELDS.shortage,
      UNITS_PER_WH,
      -1,
    ),
  ],
];

describe.each(SETTLEMENT_ENGINES)("readings: %s", (_, kind, malicious) => {
  it("are refused each for itself", async () => {
    const rows = [rowOf(FITS), ...BAD.map(([, row]) => row), rowOf(FITS)];
    const parties = await Parties.start(kind);
    try {
      const rejected: (readonly unknown[])[] = [];
      const kept = await parties.reveal(async (inner) => {
        const engine = over(inner, malicious);
        const net = await shareOf(engine, new Array<number>(rows.length).fill(NET));
        const received = await receivedReadings(engine, LAYOUT, rows);
        const taken = await takeReadings(engine, LAYOUT, received, net);
        rejected.push(taken.rejected);
        const { imported, exported, shortage, surplus } = taken.readings;
        return [imported, exported, shortage, surplus];
      });
      const reasons = [null, ...BAD.map(() => "invalid-reading"), null];
      for (const seen of rejected) expect(seen).toEqual(reasons);
      const only = (value: number) => reasons.map((reason) => BigInt(reason === null ? value : 0));
      expect(kept).toEqual([only(9), only(0), only(FITS.shortageUnits), only(0)]);
    } finally {
      parties.close();
    }
  });

  it("may all be missing", async () => {
    const parties = await Parties.start(kind);
    try {
      const all = await parties.run(async (inner) => {
        const engine = over(inner, malicious);
        const received = await receivedReadings(engine, LAYOUT, []);
        const net = engine.constant([]);
        return takeReadings(engine, LAYOUT, received, net);
      });
      for (const { readings, rejected } of all) {
        expect(rejected).toEqual([]);
        expect(readings.shortage).toHaveLength(0);
      }
    } finally {
      parties.close();
    }
  });

  it("are refused where shares do not fit together, or nobody goes on", async () => {
    const rows = [rowOf(FITS), rowOf(FITS), rowOf(FITS)];
    const parties = await Parties.start(kind);
    try {
      const all = parties.run(async (inner) => {
        const engine = over(inner, malicious);
        const net = await shareOf(
          engine,
          rows.map(() => NET),
        );
        const received = await receivedReadings(engine, LAYOUT, rows, [1]);
        return (await takeReadings(engine, LAYOUT, received, net)).rejected;
      });
      if (parties.engines[0]!.security === "malicious" || malicious) {
        await expect(all).rejects.toThrow("the shares of reading 1 at nobody do not fit together");
      } else {
        for (const rejected of await all)
          expect(rejected).toEqual([null, "inconsistent-shares", null]);
      }
    } finally {
      parties.close();
    }
  });
});

describe("the comparison with trades", () => {
  it("costs two elements per reading and one round, trades one and one", async () => {
    const parties = await Parties.start("replicated");
    try {
      await parties.run(async (engine) => {
        const rows = new Array<number[]>(50).fill(rowOf(FITS));
        const received = await receivedReadings(engine, LAYOUT, rows);
        const folded = await foldReadings(engine, nodePrimitives, LAYOUT, received);
        const above = await shareOf(engine, new Array<number>(50).fill(NET));
        const buys = await shareOf(engine, new Array<number>(50).fill(1));
        const prepared = { offers: engine.constant(new Uint8Array(50)), buys };
        let net: Secret = above;
        const trades = await costOf(engine, async () => {
          ({ net } = await tradesOf(engine, prepared, above));
        });
        const balance = await costOf(engine, () => balanceReadings(engine, folded, net));
        expect({ trades, balance }).toEqual({
          trades: { rounds: 1, elements: 50 },
          balance: { rounds: 1, elements: 100 },
        });
      });
    } finally {
      parties.close();
    }
  });

  /** A plain engine, and all that it opens. */
  function watched(): { engine: Engine; opened: bigint[][] } {
    const engine = new PlainEngine(new Field(), nodePrimitives);
    const opened: bigint[][] = [];
    const open = engine.openVerified.bind(engine);
    engine.openVerified = async (value) => {
      const result = await open(value);
      opened.push([...new BigUint64Array(engine.field.toBytes(result).buffer)]);
      return result;
    };
    return { engine, opened };
  }

  it("shows that a reading does not fit, not by how much, and of refused ones nothing", async () => {
    const { engine, opened } = watched();
    const [, both] = BAD[1]!;
    const rows = [rowOf(FITS), both, rowOf({ ...FITS, importedWh: 10 })];
    const received = await receivedReadings(engine, LAYOUT, rows);
    const folded = await foldReadings(engine, nodePrimitives, LAYOUT, received);
    expect(folded.rejected).toEqual([null, "invalid-reading", null]);
    const net = engine.constant([NET, NET, NET]);
    opened.length = 0;
    const { rejected } = await balanceReadings(engine, folded, net);
    expect(rejected).toEqual([null, "invalid-reading", "invalid-reading"]);
    expect(opened).toHaveLength(1);
    const [fits, refused, off] = opened[0]!;
    expect([fits, refused]).toEqual([0n, 0n]);
    // A Wh too many, masked: below 2^40 it is once in two million times.
    expect(off! > 2n ** 40n).toBe(true);
  });
});
