// Exact decimals against big integers and against the numbers they name.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalTextOf, formatDecimal, parseDecimal, unitsAt } from "./decimal.ts";

describe("parseDecimal", () => {
  test.each([
    ["18.25", 1825, 2],
    ["18.2500", 1825, 2],
    ["-5", -5, 0],
    ["-5.00", -5, 0],
    ["100", 100, 0],
    ["100.00", 100, 0],
    ["007.10", 71, 1],
    ["-0.0", 0, 0],
    ["0.05", 5, 2],
  ])("reads %s", (text, units, scale) => {
    const read = parseDecimal(text);
    expect(read?.scale).toBe(scale);
    expect(unitsAt(read!, scale)).toEqual({ units, exact: true });
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
      fc.property(fc.maxSafeInteger(), fc.nat(12), (units, scale) => {
        const read = parseDecimal(formatDecimal(units, scale));
        expect(read!.scale).toBeLessThanOrEqual(scale);
        expect(unitsAt(read!, scale)).toEqual({ units, exact: true });
      }),
    );
  });

  test("rounds down like whole numbers of any size, or says that it is beyond the safe ones", () => {
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    fc.assert(
      fc.property(
        fc.bigInt(-(10n ** 30n), 10n ** 30n),
        fc.nat(25),
        fc.nat(12),
        (value, own, at) => {
          const digits = String(value < 0n ? -value : value).padStart(own + 1, "0");
          const cut = digits.length - own;
          const fraction = own === 0 ? "" : `.${digits.slice(cut)}`;
          const text = `${value < 0n ? "-" : ""}${digits.slice(0, cut)}${fraction}`;
          const scaled = value * 10n ** BigInt(at);
          const rest = scaled % 10n ** BigInt(own);
          const floor = (scaled - rest) / 10n ** BigInt(own) - (rest < 0n ? 1n : 0n);
          const { units, exact } = unitsAt(parseDecimal(text)!, at);
          expect(exact).toBe(rest === 0n);
          if (floor > most) expect(units).toBeGreaterThan(Number(most));
          else if (floor < -most) expect(units).toBeLessThan(-Number(most));
          else expect(units).toBe(Number(floor));
        },
      ),
    );
  });
});

test("formatDecimal writes the asked number of decimals", () => {
  expect(formatDecimal(1825, 2)).toBe("18.25");
  expect(formatDecimal(-500, 2)).toBe("-5.00");
  expect(formatDecimal(-5, 2)).toBe("-0.05");
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
