// Readings as meters write them.
import { describe, expect, it } from "vitest";
import { UNITS_PER_WH } from "./order.ts";
import { readingFields, readingLayout, readingOf, readingRows } from "./reading.ts";

const LAYOUT = readingLayout(16);

describe("a reading", () => {
  it("advises what is short or left over, never both", () => {
    const metered = { importedWh: 3, exportedWh: 1 };
    const short = readingOf(metered, UNITS_PER_WH);
    expect(short).toMatchObject({ shortageUnits: UNITS_PER_WH, surplusUnits: 0 });
    const left = readingOf(metered, 3 * UNITS_PER_WH + 1);
    expect(left).toMatchObject({ shortageUnits: 0, surplusUnits: UNITS_PER_WH + 1 });
  });

  it("is written as bits", () => {
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
    expect(row).toHaveLength(LAYOUT.width);
  });
});
