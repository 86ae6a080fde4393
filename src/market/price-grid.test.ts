// The price grid: every tick's text names that tick again, and everything else is refused for its
// reason.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../platform/assert.ts";
import { gridProblem, PriceGrid } from "./price-grid.ts";

const cents = new PriceGrid("0", "0.01", 12);
const negative = new PriceGrid("-5", "0.05", 10);

/** Grids of any floor, tick and size that gridProblem lets pass. */
const anyGrid = fc
  .record({
    floor: fc.integer({ min: -100_000, max: 100_000 }),
    floorDecimals: fc.nat(4),
    step: fc.integer({ min: 1, max: 5000 }),
    stepDecimals: fc.nat(9),
    bits: fc.integer({ min: 4, max: 16 }),
  })
  .map(({ floor, floorDecimals, step, stepDecimals, bits }) => {
    const min = (floor / 10 ** floorDecimals).toFixed(floorDecimals);
    const tick = (step / 10 ** stepDecimals).toFixed(stepDecimals);
    expect(gridProblem(min, tick, bits)).toBeNull();
    return new PriceGrid(min, tick, bits);
  });

const anyGridAndTick = anyGrid.chain((grid) => fc.tuple(fc.constant(grid), fc.nat(grid.size - 1)));

describe("ticks and texts", () => {
  test("examples", () => {
    expect(cents.tickOf("18.25")).toBe(1825);
    expect(cents.tickOf("18.2500")).toBe(1825);
    expect(cents.tickOf("0")).toBe(0);
    expect(cents.tickOf("-0.00")).toBe(0);
    expect(cents.tickOf("40.95")).toBe(4095);
    expect(cents.format(1825)).toBe("18.25");
    expect(cents.value(1825)).toBe(18.25);
    expect(negative.format(0)).toBe("-5.00");
    expect(negative.format(99)).toBe("-0.05");
    expect(negative.tickOf("-5")).toBe(0);
    expect(negative.tickOf("0.05")).toBe(101);
    expect(negative.step).toBe("0.05");
  });

  test("format and tickOf are inverse, with or without more zeros", () => {
    fc.assert(
      fc.property(anyGridAndTick, fc.nat(5), ([grid, tick], zeros) => {
        const text = grid.format(tick);
        expect(grid.tickOf(text)).toBe(tick);
        expect(grid.tickOf(text)).toBe(tick);
        const longer = (text.includes(".") ? text : `${text}.0`) + "0".repeat(zeros);
        expect(grid.tickOf(longer)).toBe(tick);
        expect(grid.value(tick)).toBe(Number(text));
      }),
    );
  });

  test("a price between two ticks names both", () => {
    fc.assert(
      fc.property(anyGridAndTick, ([grid, tick]) => {
        const between = `${grid.format(tick)}${grid.decimals === 0 ? "." : ""}001`;
        fc.pre(!between.startsWith("-") && tick < grid.size - 1);
        const nearest = `${grid.format(tick)} and ${grid.format(tick + 1)}`;
        const message = `off the grid: nearest are ${nearest}`;
        expect(grid.tickOf(between)).toEqual({ kind: "off-grid", message });
      }),
    );
  });
});

describe("refused prices", () => {
  test.each([
    ["18.251", "off-grid", "off the grid: nearest are 18.25 and 18.26"],
    ["-0.01", "below", "below the market's lowest price 0.00"],
    ["40.951", "above", "above the market's highest price 40.95"],
    ["1000000000000000000000", "above", "above the market's highest price 40.95"],
    ["18,25", "not-a-number", "not a number: write a decimal point, 18.25"],
    ["", "not-a-number", "missing"],
    ["1e1", "not-a-number", "not a number such as 18.25"],
    ["0x10", "not-a-number", "not a number such as 18.25"],
    ["Infinity", "not-a-number", "not a number such as 18.25"],
  ])("%s", (text, kind, message) => {
    expect(cents.tickOf(text)).toEqual({ kind, message });
  });

  test("on a grid below zero, neighbours are in ascending order", () => {
    const message = "off the grid: nearest are -4.95 and -4.90";
    expect(negative.tickOf("-4.93")).toEqual({ kind: "off-grid", message });
  });

  test("a tick outside the grid is a programmer's error", () => {
    for (const tick of [-1, 4096, 0.5, Number.NaN]) {
      expect(() => cents.format(tick)).toThrow(InvariantError);
    }
  });
});

describe("gridProblem", () => {
  test.each([
    ["0", "0.01", 3, "bits"],
    ["0", "0.01", 17, "bits"],
    ["0", "0", 12, "tick"],
    ["0", "-0.01", 12, "tick"],
    ["0", "0.0000000001", 12, "tick"],
    ["0.0000000001", "0.01", 12, "min"],
    ["cheap", "0.01", 12, "min"],
    // 2^53 - 1 = 9007199254740991 units of 0.01.
    ["-90071992547409.92", "0.01", 12, "min"],
    ["90071992547409.91", "0.01", 4, "tick"],
    // Within the limits on both sides, but further apart than can be counted exactly.
    ["-90071992547409.91", "1500000000.01", 16, "tick"],
  ])("min %s, tick %s, %i bits: %s is wrong", (min, tick, bits, field) => {
    expect(gridProblem(min, tick, bits)?.field).toBe(field);
    expect(() => new PriceGrid(min, tick, bits)).toThrow(InvariantError);
  });

  test("grids up to the last safe integer are exact", () => {
    const high = new PriceGrid("90071992547409.76", "0.01", 4);
    expect(high.format(15)).toBe("90071992547409.91");
    expect(high.tickOf("90071992547409.91")).toBe(15);
    expect(high.tickOf("90071992547409.92")).toMatchObject({ kind: "above" });
    expect(high.tickOf("90071992547409.911")).toMatchObject({ kind: "above" });
    // 65,535 ticks of 137,438,953,471 hundredths end just below the limit; no product is rounded.
    const wide = new PriceGrid("-90071992547409.91", "1374389534.71", 16);
    expect(wide.format(65_535)).toBe("-1374390190.06");
    expect(wide.tickOf("-1374390190.06")).toBe(65_535);
    expect(wide.tickOf("-1374390190.07")).toMatchObject({ kind: "off-grid" });
  });
});
