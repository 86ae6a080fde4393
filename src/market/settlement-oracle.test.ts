// What the rules of settlement promise to a household, whatever the prices.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNITS_PER_WH } from "./order.ts";
import { readingOf } from "./reading.ts";
import { amountsOf, totalOf, withoutMarket } from "./settlement-oracle.ts";

const price = fc.integer({ min: -20_000, max: 60_000 });
const wh = fc.nat(65_535);

/** A household that trades at limits between feed-in and retail less the fee, and keeps to its trade. */
const kept = fc
  .record({
    retail: price,
    feedIn: price,
    localFee: fc.nat(10_000),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    buys: fc.boolean(),
    tradedUnits: fc.nat(65_535 * UNITS_PER_WH),
    moreWh: fc.nat(2_000),
  })
  .filter(({ retail, feedIn, localFee }) => feedIn <= retail - localFee)
  .map(({ retail, feedIn, localFee, at, buys, tradedUnits, moreWh }) => {
    const clearing = feedIn + Math.floor(at * (retail - localFee - feedIn));
    const boughtUnits = buys ? tradedUnits : 0;
    const soldUnits = buys ? 0 : tradedUnits;
    const energyWh = Math.ceil(tradedUnits / UNITS_PER_WH) + moreWh;
    const metered = { importedWh: buys ? energyWh : 0, exportedWh: buys ? 0 : energyWh };
    const reading = readingOf(metered, boughtUnits - soldUnits);
    return {
      meter: { supplier: 0, boughtUnits, soldUnits, reading },
      prices: { clearing, localFee, retail: [retail], feedIn: [feedIn] },
    };
  });

describe("the rules of settlement", () => {
  it("leave nobody worse off who trades between the tariffs and keeps to it", () => {
    const property = fc.property(kept, ({ meter, prices }) => {
      const due = totalOf(amountsOf(meter, prices, 0));
      expect(due <= withoutMarket(meter, prices, 0)).toBe(true);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("give a household nothing for withholding a reading of less than the estimate", () => {
    const property = fc.property(
      fc.nat(60_000),
      fc.nat(500),
      fc.boolean(),
      wh,
      wh,
      (retail, profileWh, buys, tradedWh, meteredWh) => {
        const boughtUnits = buys ? tradedWh * UNITS_PER_WH : 0;
        const soldUnits = buys ? 0 : tradedWh * UNITS_PER_WH;
        // A buyer that takes less than the profile on top, a seller that delivers anything.
        const metered = buys
          ? { importedWh: Math.min(meteredWh, tradedWh + profileWh), exportedWh: 0 }
          : { importedWh: 0, exportedWh: meteredWh };
        const own = { supplier: 0, boughtUnits, soldUnits };
        const prices = { clearing: 18_000, localFee: 5_000, retail: [retail], feedIn: [0] };
        const honest = { ...own, reading: readingOf(metered, boughtUnits - soldUnits) };
        const withheld = { ...own, reading: null };
        const due = (meter: typeof honest | typeof withheld) =>
          totalOf(amountsOf(meter, prices, profileWh));
        expect(due(honest) <= due(withheld)).toBe(true);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
