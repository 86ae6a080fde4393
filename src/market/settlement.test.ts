// Settlement on shares against the rules in clear, at every engine: whatever a meter trades and reads, what it owes is
// the oracle's to the unit; a reading that does not fit is refused alone.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { MODULUS_BITS } from "../field/prime.ts";
import type { Engine, VerifiableEngine } from "../mpc/engine.ts";
import { type EngineKind, Parties, shareOf } from "../mpc/engines.test-helper.ts";
import type { Secret } from "../mpc/shared.ts";
import { VerifiedEngine } from "../mpc/verified-engine.ts";
import { UNITS_PER_WH } from "./order.ts";
import { type Reading, readingFields, readingLayout, readingOf, readingRows } from "./reading.ts";
import { takeReadings } from "./reading-intake.ts";
import {
  addToTotals,
  type PeriodPrices,
  payable,
  settlePeriod,
  sumsBySupplier,
} from "./settlement.ts";
import {
  type Amounts,
  amountsOf,
  type MeterPeriod,
  NOTHING_DUE,
  sumOfAmounts,
  totalOf,
  withoutMarket,
} from "./settlement-oracle.ts";

const LAYOUT = readingLayout(16);
const PRIME = 2n ** BigInt(MODULUS_BITS) - 1n;
const SUPPLIERS = 3;

interface Period {
  readonly meters: readonly MeterPeriod[];
  readonly prices: PeriodPrices;
  readonly profileWh: number;
}

const price = fc.integer({ min: -5_000, max: 60_000 });
const prices: fc.Arbitrary<PeriodPrices> = fc.record({
  clearing: price,
  localFee: fc.integer({ min: 0, max: 20_000 }),
  retail: fc.array(price, { minLength: SUPPLIERS, maxLength: SUPPLIERS }),
  feedIn: fc.array(price, { minLength: SUPPLIERS, maxLength: SUPPLIERS }),
});
const energy = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.constantFrom(0, 65_535));
const units = fc.integer({ min: 0, max: 65_535 * UNITS_PER_WH });

const meter: fc.Arbitrary<MeterPeriod> = fc
  .tuple(fc.nat(SUPPLIERS - 1), fc.boolean(), units, energy, energy, fc.nat(3))
  .map(([supplier, buys, traded, importedWh, exportedWh, kept]) => {
    const own = { supplier, boughtUnits: buys ? traded : 0, soldUnits: buys ? 0 : traded };
    const net = own.boughtUnits - own.soldUnits;
    return { ...own, reading: kept === 0 ? null : readingOf({ importedWh, exportedWh }, net) };
  });
const period: fc.Arbitrary<Period> = fc.record({
  meters: fc.array(meter, { minLength: 1, maxLength: 30 }),
  prices,
  profileWh: fc.nat(500),
});

const netOf = ({ boughtUnits, soldUnits }: MeterPeriod) => boughtUnits - soldUnits;

/** Readings as evaluators hold them, with shares that fit together. */
async function received(engine: Engine, rows: Uint8Array, count: number) {
  const columns: Secret[] = [];
  for (let j = 0; j < LAYOUT.bits; j++) {
    const column = Array.from({ length: count }, (_, i) => rows[i * LAYOUT.width + j]!);
    columns.push(await shareOf(engine, column));
  }
  return {
    count,
    columns: async () => columns,
    misfits: async (from: number, to: number) => new Uint8Array(to - from),
    holders: () => "nobody",
    free: () => {},
  };
}

async function settle(engine: Engine, { meters, prices: known, profileWh }: Period) {
  const net = await shareOf(engine, meters.map(netOf));
  const bought = await shareOf(
    engine,
    meters.map(({ boughtUnits }) => boughtUnits),
  );
  const places = [...meters.keys()].filter((i) => meters[i]!.reading !== null);
  const readings = places.map((i) => meters[i]!.reading!);
  const rows = readingRows(readings, LAYOUT);
  const { readings: secret, rejected } = await takeReadings(
    engine,
    nodePrimitives,
    LAYOUT,
    await received(engine, rows, places.length),
    engine.gather(net, Uint32Array.from(places)),
  );
  const delivery = {
    readings: secret,
    places: Uint32Array.from(places),
    counts: rejected.map((reason) => reason === null),
    profileWh,
  };
  const suppliers = Uint8Array.from(meters, ({ supplier }) => supplier);
  return {
    suppliers,
    rejected,
    settled: settlePeriod(engine, { net, bought }, delivery, known, suppliers),
  };
}

const ENGINES: readonly (readonly [string, EngineKind, boolean])[] = [
  ["plain", "plain", false],
  ["replicated", "replicated", false],
  ["replicated, malicious", "replicated", true],
  ["shamir, 3 of 5", "shamir-3-of-5", false],
  ["shamir 5, malicious", "shamir-5", true],
  ["dealer 2", "dealer-2", false],
];
const signed = (value: bigint) => (value > PRIME / 2n ? value - PRIME : value);
const over = (inner: Engine, malicious: boolean): Engine =>
  malicious ? new VerifiedEngine(inner as VerifiableEngine, nodePrimitives) : inner;

describe.each(ENGINES)("settlement: %s", (_, kind, malicious) => {
  it("is the oracle's, and adds up over periods", async () => {
    const property = fc.asyncProperty(period, prices, async (first, otherPrices) => {
      const second = { ...first, prices: otherPrices, profileWh: first.profileWh + 7 };
      const parties = await Parties.start(kind);
      try {
        const values = await parties.reveal(async (inner) => {
          const engine = over(inner, malicious);
          const a = await settle(engine, first);
          const b = await settle(engine, second);
          const totals = addToTotals(engine, addToTotals(engine, null, a.settled), b.settled);
          const all = new Array<boolean>(SUPPLIERS).fill(true);
          const { traded, fees, shortage, surplus } = totals;
          const positions = sumsBySupplier(engine, traded, a.suppliers, all).map((sum) => sum!);
          const shares = [traded, fees, shortage, surplus, payable(engine, totals), ...positions];
          return shares;
        });
        const due = first.meters.map((own) =>
          [first, second].reduce(
            (sum, of) => sumOfAmounts(sum, amountsOf(own, of.prices, of.profileWh)),
            NOTHING_DUE,
          ),
        );
        const column = (of: (amounts: Amounts) => bigint) => due.map(of);
        const positions = Array.from({ length: SUPPLIERS }, (__, k) =>
          due
            .filter((___, i) => first.meters[i]!.supplier === k)
            .reduce((sum, { traded }) => sum + traded, 0n),
        );
        expect(values.map((row) => row.map(signed))).toEqual([
          column(({ traded }) => traded),
          column(({ fees }) => fees),
          column(({ shortage }) => shortage),
          column(({ surplus }) => surplus),
          column(totalOf),
          ...positions.map((sum) => [sum]),
        ]);
      } finally {
        parties.close();
      }
    });
    await fc.assert(property, { numRuns: kind === "plain" ? 60 : 8 });
  });

  it("refuses a reading that does not fit, alone, and estimates it", async () => {
    const traded = { supplier: 1, boughtUnits: 5 * UNITS_PER_WH, soldUnits: 0 };
    const fits = readingOf({ importedWh: 9, exportedWh: 0 }, netOf({ ...traded, reading: null }));
    const wrong: readonly Reading[] = [
      { ...fits, shortageUnits: fits.shortageUnits - 1 },
      { ...fits, shortageUnits: fits.shortageUnits + 3, surplusUnits: 3 },
      { ...fits, importedWh: 10 },
      { ...fits, exportedWh: 4, shortageUnits: 4 * UNITS_PER_WH },
    ];
    const readings = [fits, ...wrong, fits];
    const meters = readings.map((reading) => ({ ...traded, reading }));
    const known = {
      clearing: 18_000,
      localFee: 5_000,
      retail: [1, 30_000, 1],
      feedIn: [1, 8_000, 1],
    };
    const parties = await Parties.start(kind);
    try {
      const rejected: unknown[] = [];
      const [due] = await parties.reveal(async (inner) => {
        const engine = over(inner, malicious);
        const result = await settle(engine, { meters, prices: known, profileWh: 100 });
        rejected.push(result.rejected);
        return [payable(engine, result.settled)];
      });
      const expected = readings.map((_reading, i) =>
        i === 0 || i === readings.length - 1 ? null : "invalid-reading",
      );
      for (const seen of rejected) expect(seen).toEqual(expected);
      const counted = meters.map((own, i) =>
        expected[i] === null ? own : { ...own, reading: null },
      );
      expect(due!.map(signed)).toEqual(counted.map((own) => totalOf(amountsOf(own, known, 100))));
    } finally {
      parties.close();
    }
  });
});

describe("the rules", () => {
  it("leave nobody worse off who keeps to a trade between the tariffs", () => {
    const property = fc.property(
      fc.nat(30_000),
      fc.nat(30_000),
      fc.nat(10_000),
      units.map((some) => Math.floor(some / UNITS_PER_WH)),
      fc.boolean(),
      (feedIn, span, localFee, wh, buys) => {
        const retail = feedIn + localFee + span;
        const clearing = feedIn + Math.floor(span / 2);
        const known = { clearing, localFee, retail: [retail], feedIn: [feedIn] };
        const own = {
          supplier: 0,
          boughtUnits: buys ? wh * UNITS_PER_WH : 0,
          soldUnits: buys ? 0 : wh * UNITS_PER_WH,
        };
        const metered = { importedWh: buys ? wh : 0, exportedWh: buys ? 0 : wh };
        const kept = { ...own, reading: readingOf(metered, netOf({ ...own, reading: null })) };
        expect(totalOf(amountsOf(kept, known, 0)) <= withoutMarket(kept, known, 0)).toBe(true);
      },
    );
    fc.assert(property);
  });

  it("write the numbers of a reading as bits", () => {
    const reading = {
      importedWh: 1,
      exportedWh: 65_535,
      shortageUnits: 2 ** 26 + 1,
      surplusUnits: 2,
    };
    const row = readingRows([reading], LAYOUT);
    const fields = readingFields(LAYOUT);
    const number = ([from, to]: readonly [number, number]) =>
      row.subarray(from, to).reduce((value, bit) => 2 * value + bit, 0);
    expect(number(fields.imported)).toBe(1);
    expect(number(fields.exported)).toBe(65_535);
    expect(number(fields.shortage)).toBe(2 ** 26 + 1);
    expect(number(fields.surplus)).toBe(2);
  });
});
