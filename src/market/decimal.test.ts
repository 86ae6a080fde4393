// Exact decimals against big integers and against the numbers they name.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalTextOf, formatDecimal, parseDecimal, unitsAt } from "./decimal.ts";

describe("parseDecimal", () => {
  test.each([
    ["18.25", 1825n, 2],
    ["18.2500", 1825n, 2],
    ["-5", -5n, 0],
    ["-5.00", -5n, 0],
    ["100", 100n, 0],
    ["100.00", 100n, 0],
    ["007.10", 71n, 1],
    ["-0.0", 0n, 0],
    ["0.05", 5n, 2],
  ])("reads %s", (text, units, scale) => {
    expect(parseDecimal(text)).toEqual({ units, scale });
  });

  test.each([
    "",
    " 1",
    "1 ",
    "+1",
    "1.",
    ".5",
    "1e1",
    "0x10",
    "Infinity",
    "NaN",
    "18,25",
    "1.2.3",
    "--1",
    "١",
    "1\n",
    "9".repeat(101),
  ])("refuses %j", (text) => {
    expect(parseDecimal(text)).toBeNull();
  });

  test("gives back any units and scale that were formatted", () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.nat(12), (units, scale) => {
        const read = parseDecimal(formatDecimal(units, scale));
        expect(read).not.toBeNull();
        expect(read!.scale).toBeLessThanOrEqual(scale);
        expect(unitsAt(read!, scale)).toBe(units);
      }),
    );
  });
});

test("formatDecimal writes the asked number of decimals", () => {
  expect(formatDecimal(1825, 2)).toBe("18.25");
  expect(formatDecimal(-500, 2)).toBe("-5.00");
  expect(formatDecimal(-5n, 2)).toBe("-0.05");
  expect(formatDecimal(0, 3)).toBe("0.000");
  expect(formatDecimal(42, 0)).toBe("42");
});

test("decimalTextOf writes every finite number without an exponent", () => {
  expect(decimalTextOf(1e-7)).toBe("0.0000001");
  expect(decimalTextOf(-1.5e-9)).toBe("-0.0000000015");
  expect(decimalTextOf(1.5e21)).toBe(`15${"0".repeat(20)}`);
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = decimalTextOf(value);
      expect(text).toMatch(/^-?[0-9]+(\.[0-9]+)?$/);
      // Zero has no sign in decimal text.
      expect(Number(text)).toBe(value + 0);
    }),
  );
});
