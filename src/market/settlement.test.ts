// Months on shares against the rules in clear, at every engine: whatever meters trade and read, estimated, corrected or
// void, at whatever prices and times of day, what each owes is what its own history comes to, to the unit.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Field } from "../field/field.ts";
import type { Engine } from "../mpc/engine.ts";
import { type EngineKind, Parties, publicVector, shareOf } from "../mpc/engines.test-helper.ts";
import { billDifferences, billOf, type PeriodHistory, recomputeBill } from "./bill.ts";
import { signedElements } from "./money.ts";
import { UNITS_PER_WH } from "./order.ts";
import { type Reading, readingLayout, readingOf, readingRows } from "./reading.ts";
import { settledMarket } from "./settled-market.test-helper.ts";
import {
  addToTotals,
  payable,
  type Settled,
  settlePeriod,
  sumsBySupplier,
  type Totals,
  tradesByMeter,
  tradesOf,
} from "./settlement.ts";
import {
  over,
  receivedReadings,
  SETTLEMENT_ENGINES,
  takeReadings,
} from "./settlement-engines.test-helper.ts";
import { meteredUnits } from "./settlement-oracle.ts";
import { periodPrices } from "./tariffs.ts";

const MARKET = settledMarket({ estimate_wh: 321 });
const RULES = MARKET.settlement!;
const LAYOUT = readingLayout(16);
const SUPPLIERS = 2;
const field = new Field();

type Metered = { readonly importedWh: number; readonly exportedWh: number };

interface ScenarioPeriod {
  readonly start: number;
  /** The price's tick; null where nothing was traded. */
  readonly tick: number | null;
  /** Places of the meters that had an order, in the order of the agreed set; null for a void period. */
  readonly orders: readonly number[] | null;
  /** Per meter: what its order offered for sale (Wh), and what of it was above the line. */
  readonly buys: readonly boolean[];
  readonly offeredWh: readonly number[];
  readonly aboveUnits: readonly number[];
  /** Per meter what it sent first, and what counted in the end. */
  readonly first: readonly (Metered | null)[];
  readonly last: readonly (Metered | null)[];
}

interface Scenario {
  readonly suppliers: readonly number[];
  readonly periods: readonly ScenarioPeriod[];
}

const energyWh = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.constantFrom(0, 65_535));
const metered = fc.record({ importedWh: energyWh, exportedWh: energyWh });

/** Meters 0, 2, 4 ... offer energy, the others buy it: what sellers sell goes to buyers, unit by unit. */
function periodOf(meters: number): fc.Arbitrary<ScenarioPeriod> {
  const each = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: meters, maxLength: meters });
  return fc
    .record({
      start: fc.constantFrom(
        "2025-06-01T03:45:00Z",
        "2025-06-01T20:00:00Z",
        "2025-10-26T01:15:00Z",
      ),
      tick: fc.nat(4095),
      kind: fc.constantFrom("traded", "traded", "no trade", "void"),
      ordered: each(fc.nat(3)),
      shuffled: each(fc.nat(1000)),
      transfers: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(10_000_000)), { maxLength: 6 }),
      keptWh: each(fc.nat(3_000)),
      sent: each(fc.option(metered, { freq: 2 })),
      corrected: each(fc.option(metered, { freq: 1 })),
      own: each(metered),
    })
    .map((drawn) => {
      const all = [...Array(meters).keys()];
      const isVoid = drawn.kind === "void";
      const has = all.filter((i) => !isVoid && drawn.ordered[i] !== 0);
      const orders = has.toSorted((a, b) => drawn.shuffled[a]! - drawn.shuffled[b]!);
      const units = new Array<number>(meters).fill(0);
      const sellers = orders.filter((i) => i % 2 === 0);
      const buyers = orders.filter((i) => i % 2 === 1);
      if (drawn.kind === "traded" && sellers.length > 0 && buyers.length > 0) {
        for (const [from, to, amount] of drawn.transfers) {
          units[sellers[from % sellers.length]!]! += amount;
          units[buyers[to % buyers.length]!]! += amount;
        }
      }
      // A seller offers what it sells and more; what it keeps is above the line.
      const offeredWh = all.map((i) =>
        sellers.includes(i) ? Math.ceil(units[i]! / UNITS_PER_WH) + drawn.keptWh[i]! : 0,
      );
      const aboveUnits = all.map((i) =>
        sellers.includes(i) ? offeredWh[i]! * UNITS_PER_WH - units[i]! : units[i]!,
      );
      // A meter without an order is in a settlement if it has a reading.
      const first = all.map((i) => drawn.sent[i] ?? (has.includes(i) ? null : drawn.own[i]!));
      return {
        start: Date.parse(drawn.start) / 1000,
        tick: drawn.kind === "traded" ? drawn.tick : null,
        orders: isVoid ? null : orders,
        buys: all.map((i) => buyers.includes(i)),
        offeredWh,
        aboveUnits,
        first,
        last: first.map((before, i) => drawn.corrected[i] ?? before),
      };
    });
}

const scenario: fc.Arbitrary<Scenario> = fc.integer({ min: 2, max: 9 }).chain((meters) =>
  fc.record({
    suppliers: fc.array(fc.nat(SUPPLIERS - 1), { minLength: meters, maxLength: meters }),
    periods: fc.array(periodOf(meters), { minLength: 1, maxLength: 3 }),
  }),
);

const boughtOf = ({ buys, aboveUnits }: ScenarioPeriod, i: number) =>
  buys[i] ? aboveUnits[i]! : 0;
const soldOf = ({ buys, offeredWh, aboveUnits }: ScenarioPeriod, i: number) =>
  buys[i] ? 0 : offeredWh[i]! * UNITS_PER_WH - aboveUnits[i]!;
const netOf = (period: ScenarioPeriod, i: number) => boughtOf(period, i) - soldOf(period, i);

/** One settlement of a period on shares, with the readings given. */
async function settle(
  engine: Engine,
  { suppliers }: Scenario,
  period: ScenarioPeriod,
  readings: readonly (Metered | null)[],
): Promise<Settled> {
  const { orders, start, tick } = period;
  const of = (column: readonly (number | boolean)[]) =>
    shareOf(
      engine,
      orders!.map((i) => Number(column[i])),
    );
  const own =
    orders === null
      ? null
      : {
          trades: await tradesOf(
            engine,
            { offers: await of(period.offeredWh), buys: await of(period.buys) },
            await of(period.aboveUnits),
          ),
          places: Uint32Array.from(orders),
        };
  const trades = tradesByMeter(engine, own, suppliers.length);
  const places = Uint32Array.from([...readings.keys()].filter((i) => readings[i] !== null));
  const sent = [...places].map((i): Reading => readingOf(readings[i]!, netOf(period, i)));
  const rows = sent.map((reading) => readingRows([reading], LAYOUT));
  const taken = await takeReadings(
    engine,
    LAYOUT,
    await receivedReadings(engine, LAYOUT, rows),
    engine.gather(trades.net, places),
  );
  const counts = taken.rejected.map((reason) => reason === null);
  expect(counts).not.toContain(false);
  const delivery = { readings: taken.readings, places, counts, profileWh: RULES.estimateWh };
  const prices = periodPrices(MARKET, start, tick);
  return settlePeriod(engine, trades, delivery, prices, Uint8Array.from(suppliers));
}

/** A whole month on shares: components, what is due, suppliers' positions, and first and last metered imports. */
async function monthOnShares(kind: EngineKind, malicious: boolean, month: Scenario) {
  const parties = await Parties.start(kind);
  try {
    const values = await parties.reveal(async (inner) => {
      const engine = over(inner, malicious);
      let totals: Totals | null = null;
      let imported = engine.constant(new Uint8Array(month.suppliers.length));
      for (const period of month.periods) {
        // The second settlement takes the first one's place.
        const first = await settle(engine, month, period, period.first);
        const last = await settle(engine, month, period, period.last);
        imported = engine.add(imported, first.imported);
        totals = addToTotals(engine, totals, last);
      }
      const { traded, fees, shortage, surplus } = totals!;
      const all = new Array<boolean>(SUPPLIERS).fill(true);
      const customers = Uint8Array.from(month.suppliers);
      const positions = sumsBySupplier(engine, traded, customers, all).map((sum) => sum!);
      return [traded, fees, shortage, surplus, payable(engine, totals!), imported, ...positions];
    });
    const vector = (row: readonly bigint[]) => field.toBytes(publicVector(field, row));
    return values.map((row) => signedElements(vector(row)));
  } finally {
    parties.close();
  }
}

/** The bill that a meter works out from what it knows itself. */
function ownBill({ suppliers, periods }: Scenario, i: number) {
  const history = periods.map(
    (period): PeriodHistory => ({
      periodStart: period.start,
      boughtUnits: boughtOf(period, i),
      soldUnits: soldOf(period, i),
      metered: period.last[i]!,
      prices: periodPrices(MARKET, period.start, period.tick),
    }),
  );
  return recomputeBill(history, suppliers[i]!, RULES);
}

function firstImported({ suppliers, periods }: Scenario, i: number): bigint {
  const units = periods.map((period) => {
    const first = period.first[i]!;
    const own = {
      supplier: suppliers[i]!,
      boughtUnits: boughtOf(period, i),
      soldUnits: soldOf(period, i),
      reading: first === null ? null : readingOf(first, netOf(period, i)),
    };
    return meteredUnits(own, RULES.estimateWh).imported;
  });
  return BigInt(units.reduce((sum, one) => sum + one, 0));
}

describe.each(SETTLEMENT_ENGINES)("a month: %s", (_, kind, malicious) => {
  it("comes to what each meter's own history says, and adds up to nothing", async () => {
    const property = fc.asyncProperty(scenario, async (month) => {
      const [traded, fees, shortage, surplus, due, imported, ...positions] = await monthOnShares(
        kind,
        malicious,
        month,
      );
      for (const i of month.suppliers.keys()) {
        const own = ownBill(month, i);
        const components = {
          traded: traded![i]!,
          fees: fees![i]!,
          shortage: shortage![i]!,
          surplus: surplus![i]!,
        };
        const { periods, estimated } = own;
        expect(billDifferences({ components, periods, estimated }, own)).toEqual([]);
        expect(due![i]).toBe(own.bill.totalUnits);
        const stated = billOf(components, RULES.vatBasisPoints);
        expect(stated.totalCents).toBe(own.bill.totalCents);
        expect(imported![i]).toBe(firstImported(month, i));
      }
      const sum = (values: readonly bigint[]) => values.reduce((all, one) => all + one, 0n);
      expect(sum(traded!)).toBe(0n);
      expect(sum(positions.map(([one]) => one!))).toBe(0n);
      positions.forEach(([position], k) => {
        expect(position).toBe(sum(traded!.filter((__, i) => month.suppliers[i] === k)));
      });
    });
    await fc.assert(property, { numRuns: kind === "plain" ? 60 : 4 });
  });
});
