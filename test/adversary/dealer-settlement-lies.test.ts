// A settlement in a market with a dealer: amounts and sums are those of the plain rules to the unit, and when one of
// the evaluators lies in any message, in its copy of a reading or of what was traded, or to the dealer, nothing else is
// ever taken, and nothing is revealed after the lie.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Reading, readingOf } from "../../src/market/reading.ts";
import { RowMisfitError } from "../../src/market/row-intake.ts";
import { amountsOf, type MeterPeriod, meteredUnits } from "../../src/market/settlement-oracle.ts";
import { periodPrices } from "../../src/market/tariffs.ts";
import { AbortError } from "../../src/mpc/abort.ts";
import { kindOf } from "../../src/mpc/network.ts";
import type { SentFrame } from "../../src/mpc/parties.test-helper.ts";
import {
  market,
  newKeys,
  PRICE_TICK,
  type SettledHousehold,
  type SettledSession,
  START,
  settleSession,
  TOLD,
} from "./dealer-settlements.test-helper.ts";
import { drawsFrom } from "./draws.test-helper.ts";
import { changed } from "./sessions.test-helper.ts";

const PROMISE_BYTES = 32;

const NOTHING = { boughtUnits: 0, soldUnits: 0 };
const netOf = ({ boughtUnits, soldUnits } = NOTHING) => boughtUnits - soldUnits;
const household = (
  supplier: number,
  trade: SettledHousehold["trade"],
  metered: Pick<Reading, "importedWh" | "exportedWh"> | null,
): SettledHousehold => ({
  supplier,
  trade,
  reading: metered === null ? null : readingOf(metered, netOf(trade ?? NOTHING)),
});

/** Those of the plain rules, if these readings count: components by meter; by supplier imported, exported, position. */
function inClear(
  households: readonly SettledHousehold[],
  covered: ReturnType<SettledSession["covered"]>,
) {
  const { estimateWh } = market.settlement!;
  const prices = periodPrices(market, START, PRICE_TICK);
  const periods = covered.map(({ household: i, isRead }): MeterPeriod => {
    const { supplier, trade, reading } = households[i]!;
    return { supplier, ...(trade ?? NOTHING), reading: isRead ? reading : null };
  });
  const sum = (k: number, of: (one: MeterPeriod) => number) =>
    periods.reduce((total, one) => (one.supplier === k ? total + of(one) : total), 0);
  return {
    meters: periods.map((one) => {
      const { traded, fees, shortage, surplus } = amountsOf(one, prices, estimateWh);
      return [traded, fees, shortage, surplus];
    }),
    suppliers: market.suppliers.map((_, k) =>
      [
        TOLD[k] ? sum(k, (one) => meteredUnits(one, estimateWh).imported) : 0,
        TOLD[k] ? sum(k, (one) => meteredUnits(one, estimateWh).exported) : 0,
        sum(k, netOf),
      ].map(BigInt),
    ),
  };
}

/** Both kinds of customers; one is estimated, one has no order, and the one before it does not fit its trade. */
const HOUSEHOLDS: readonly SettledHousehold[] = [
  household(0, { boughtUnits: 700_001, soldUnits: 0 }, { importedWh: 900, exportedWh: 0 }),
  household(1, { boughtUnits: 0, soldUnits: 512_000 }, { importedWh: 0, exportedWh: 800 }),
  household(0, { boughtUnits: 0, soldUnits: 188_001 }, null),
  household(1, NOTHING, { importedWh: 301, exportedWh: 0 }),
  {
    ...household(0, { boughtUnits: 5_000, soldUnits: 0 }, { importedWh: 100, exportedWh: 0 }),
    reading: readingOf({ importedWh: 100, exportedWh: 0 }, 4_999),
  },
  household(1, null, { importedWh: 7, exportedWh: 4 }),
];
const REJECTED = [3];

const wh = fc.integer({ min: 0, max: 2 ** 16 - 1 });
const units = fc.integer({ min: 0, max: 1024 * (2 ** 16 - 1) });
const anyHousehold = fc
  .record({
    supplier: fc.constantFrom(0, 1),
    buys: fc.boolean(),
    traded: fc.option(units),
    metered: fc.option(fc.record({ importedWh: wh, exportedWh: wh })),
  })
  .map(({ supplier, buys, traded, metered }) => {
    const trade =
      traded === null ? null : { boughtUnits: buys ? traded : 0, soldUnits: buys ? 0 : traded };
    return household(supplier, trade, metered);
  });

describe("a settlement with a dealer", () => {
  it("comes to what the plain rules say, whoever traded and sent a reading", () =>
    fc.assert(
      fc.asyncProperty(fc.array(anyHousehold, { maxLength: 9 }), async (households) => {
        const settled = await settleSession(households);
        for (const party of [0, 1]) {
          const expected = inClear(households, settled.covered(party));
          expect(settled.unmasked(party)).toEqual(expected);
        }
      }),
      { numRuns: 20 },
    ));

  it("rejects alone the reading that does not fit", async () => {
    const settled = await settleSession(HOUSEHOLDS);
    expect(settled.ended).toMatchObject([0, 1].map(() => ({ value: { rejected: REJECTED } })));
    const covered = settled.covered(0);
    expect(covered.map(({ isRead }) => isRead)).toEqual([true, true, false, true, false, true]);
    expect(settled.unmasked(1)).toEqual(inClear(HOUSEHOLDS, covered));
  });

  it("never shows the same numbers twice, even if a dealer that has forgotten it deals an attempt again", async () => {
    const seen = new Set<string>();
    const keys = newKeys();
    for (let again = 0; again < 3; again++) {
      const { ended } = await settleSession(HOUSEHOLDS, {}, keys);
      const [first, second] = ended.map((one) => {
        if (one.status === "rejected") throw one.reason;
        return Buffer.concat(one.value.dealt!.results).toString("hex");
      });
      expect(second).toBe(first);
      for (const element of first!.match(/.{16}/g)!) {
        expect(seen.has(element)).toBe(false);
        seen.add(element);
      }
    }
  });
});

const reasonsOf = ({ ended }: SettledSession) =>
  ended.map((one): unknown => (one.status === "rejected" ? one.reason : null));

describe("an evaluator of a dealer's settlement that lies", () => {
  it("in any message: nobody takes another result, and nothing is revealed after it", async () => {
    const frames = { 0: 0, 1: 0 };
    const count = ({ from }: SentFrame) => {
      frames[from as 0 | 1] += 1;
      return undefined;
    };
    const truth = await settleSession(HOUSEHOLDS, { onFrame: count });
    const expected = inClear(HOUSEHOLDS, truth.covered(0));
    let noticed = 0;
    const lies = ([0, 1] as const).flatMap((liar) =>
      Array.from({ length: frames[liar] }, (_, index) => ({ liar, index })),
    );
    expect(lies.length).toBeGreaterThan(20);
    for (const { liar, index } of lies) {
      let at = 0;
      let liedAt: number | null = null;
      const revealedAfter: number[] = [];
      const settled = await settleSession(HOUSEHOLDS, {
        onFrame({ from, tag, payload }) {
          const operation = tag >> 3;
          if (from !== liar) {
            const isAfter = liedAt !== null && operation > liedAt;
            if (isAfter && kindOf(tag) === "reveal") revealedAfter.push(operation);
            return undefined;
          }
          if (at++ !== index) return undefined;
          // What is fixed in the first message of a check is shown in the second.
          const fixes = kindOf(tag) === "verification" && payload.length === PROMISE_BYTES;
          liedAt = fixes ? operation + 1 : operation;
          return changed(payload, drawsFrom(1000 * liar + index));
        },
      });
      expect({ liar, index, revealedAfter }).toEqual({ liar, index, revealedAfter: [] });
      const honest = 1 - liar;
      if (settled.ended[honest]!.status === "rejected") noticed += 1;
      else expect([liar, index, settled.unmasked(honest)]).toEqual([liar, index, expected]);
    }
    expect(noticed).toBeGreaterThan(0.95 * lies.length);
  }, 120_000);

  it("about what was traded: both notice, whichever number it is", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const settled = await settleSession(HOUSEHOLDS, {
        trades: (bytes) => changed(bytes, drawsFrom(seed)),
      });
      expect(reasonsOf(settled).some((reason) => reason instanceof AbortError)).toBe(true);
      expect(settled.ended.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    }
  });

  it("about a reading: the session ends and names it", async () => {
    for (let seed = 0; seed < 12; seed++) {
      let row = 0;
      const settled = await settleSession(HOUSEHOLDS, {
        rows(bytes) {
          const other = changed(bytes, drawsFrom(seed));
          const at = other.findIndex((byte, i) => byte !== bytes[i]);
          row = Math.floor((5 * at) / bytes.length);
          return other;
        },
      });
      const misfits = reasonsOf(settled).filter((reason) => reason instanceof RowMisfitError);
      expect(misfits.length).toBeGreaterThan(0);
      for (const misfit of misfits) expect(misfit.row).toBe(row);
      expect(settled.ended.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    }
  });

  it("to the dealer, about the clearing or a reading's mask: neither is dealt anything", async () => {
    let frames = 0;
    const onFrame = () => {
      frames += 1;
      return undefined;
    };
    const names = (bytes: Uint8Array) => changed(bytes, drawsFrom(1));
    for (const lie of [{ cleared: "ab".repeat(16) }, { names }]) {
      const { ended } = await settleSession(HOUSEHOLDS, { ...lie, onFrame });
      expect(ended.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    }
    expect(frames).toBe(0);
  });
});
