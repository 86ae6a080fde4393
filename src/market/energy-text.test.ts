// Energies as text are exact, there and back.
import fc from "fast-check";
import { expect, it } from "vitest";
import { exactWh, unitsOfWh } from "./energy-text.ts";

it("writes units exactly", () => {
  expect([0, 1024, 1025, 512, 2 ** 49 + 1].map(exactWh)).toEqual([
    "0",
    "1",
    "1.0009765625",
    "0.5",
    "549755813888.0009765625",
  ]);
});

it("reads what it writes", () => {
  const check = (units: number): void => {
    expect(unitsOfWh(exactWh(units))).toBe(units);
  };
  fc.assert(fc.property(fc.nat({ max: 2 ** 49 }), check));
});

it("reads nothing else", () => {
  const wrong = ["", "-1", "1.", "1.3", "01", "1e3", "1.50", "0.00097656250"];
  expect(wrong.map(unitsOfWh)).toEqual(wrong.map(() => null));
});
