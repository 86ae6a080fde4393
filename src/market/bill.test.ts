// Bills: exact until the one rounding, VAT as contained, and told from a household's own history what differs.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Field } from "../field/field.ts";
import { billDifferences, billOf, type PeriodHistory, recomputeBill } from "./bill.ts";
import { exactCents, signedElements, unitsOfCent } from "./money.ts";
import { UNITS_PER_WH } from "./order.ts";
import { NOTHING_DUE } from "./settlement-oracle.ts";

const KWH = 1000 * UNITS_PER_WH;
const prices = { clearing: 18_000, localFee: 5_500, retail: [32_000], feedIn: [8_000] };
const rules = { estimateWh: 500, vatBasisPoints: 1_900 };

describe("money", () => {
  it("is written exactly", () => {
    expect(exactCents(0n)).toBe("0");
    expect(exactCents(unitsOfCent)).toBe("1");
    expect(exactCents(-unitsOfCent / 2n)).toBe("-0.5");
    expect(exactCents(1n)).toBe("0.0000000009765625");
    expect(exactCents(-123n * unitsOfCent)).toBe("-123");
  });

  it("comes from field elements with its sign", () => {
    const field = new Field();
    const values = field.alloc(3);
    field.setNumbers(values, [5, 0, 2 ** 50]);
    const twice = field.alloc(3);
    field.scale(twice, values, 1023);
    const negative = field.alloc(3);
    field.neg(negative, twice);
    expect(signedElements(field.toBytes(negative))).toEqual([-5115n, 0n, -1023n * 2n ** 50n]);
    expect(signedElements(field.toBytes(twice))).toEqual([5115n, 0n, 1023n * 2n ** 50n]);
  });
});

describe("a bill", () => {
  it("is rounded once, half a cent away from zero", () => {
    const total = (units: bigint) => billOf({ ...NOTHING_DUE, traded: units }, 0).totalCents;
    const half = unitsOfCent / 2n;
    expect([half - 1n, half, 3n * half - 1n, 3n * half].map(total)).toEqual([0, 1, 1, 2]);
    expect([-half + 1n, -half, -3n * half].map(total)).toEqual([0, -1, -2]);
    const thirds = { traded: half / 2n, fees: half / 2n, shortage: half / 2n, surplus: half / 2n };
    expect(billOf(thirds, 0).totalCents).toBe(1);
  });

  it("never differs from what is exact by more than half a cent", () => {
    const amount = fc.bigInt({ min: -(2n ** 58n), max: 2n ** 58n });
    const property = fc.property(amount, amount, (traded, shortage) => {
      const bill = billOf({ ...NOTHING_DUE, traded, shortage }, 1_900);
      const off = BigInt(bill.totalCents) * unitsOfCent - bill.totalUnits;
      expect(2n * (off < 0n ? -off : off) <= unitsOfCent).toBe(true);
    });
    fc.assert(property);
  });

  it("shows the VAT in what the supplier delivered and in grid fees", () => {
    const components = {
      traded: 50_000n * unitsOfCent,
      fees: 1_900n * unitsOfCent,
      shortage: 10_000n * unitsOfCent,
      surplus: -700n * unitsOfCent,
    };
    expect(billOf(components, 1_900).vatCents).toBe(1_900);
    expect(billOf(components, 0).vatCents).toBe(0);
  });
});

const history: readonly PeriodHistory[] = [
  {
    periodStart: 0,
    boughtUnits: 2 * KWH,
    soldUnits: 0,
    metered: { importedWh: 3000, exportedWh: 0 },
    prices,
  },
  {
    periodStart: 900,
    boughtUnits: 0,
    soldUnits: KWH,
    metered: { importedWh: 0, exportedWh: 1500 },
    prices,
  },
  { periodStart: 1800, boughtUnits: 0, soldUnits: 0, metered: null, prices },
];

describe("a household's own bill", () => {
  const own = recomputeBill(history, 0, rules);

  it("adds up its history, and knows what there would have been without the market", () => {
    expect(own).toMatchObject({ periods: 3, estimated: 1 });
    const cents = (units: bigint) => exactCents(units);
    expect(cents(own.bill.components.traded)).toBe("18");
    expect(cents(own.bill.components.fees)).toBe("11");
    expect(cents(own.bill.components.shortage)).toBe("48");
    expect(cents(own.bill.components.surplus)).toBe("-4");
    expect(own.bill.totalCents).toBe(73);
    expect(own.bill.withoutMarketCents).toBe(3 * 32 - 12 + 16);
  });

  it("names what differs from what is stated", () => {
    const stated = { components: own.bill.components, periods: 3, estimated: 1 };
    expect(billDifferences(stated, own)).toEqual([]);
    const wrong = {
      ...stated,
      estimated: 2,
      components: { ...stated.components, fees: stated.components.fees + 1n },
    };
    expect(billDifferences(wrong, own)).toEqual([
      { what: "estimated", name: "periods with an estimate", stated: 2n, expected: 1n },
      {
        what: "fees",
        name: "grid fees",
        stated: stated.components.fees + 1n,
        expected: stated.components.fees,
      },
    ]);
  });
});
