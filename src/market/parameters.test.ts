// Market files: what they set, their defaults, and a readable line for everything wrong with them.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultMarketParameters, MarketFileError, parseMarketParameters } from "./parameters.ts";

function problemsOf(file: unknown): readonly string[] {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  try {
    parseMarketParameters(text);
  } catch (error) {
    if (error instanceof MarketFileError) return error.problems;
    throw error;
  }
  return [];
}

describe("good files", () => {
  test("every field is optional", () => {
    const market = parseMarketParameters("{}");
    expect(market).toMatchObject({
      name: "local market",
      energyBits: 16,
      priceRule: "midpoint",
      rationing: "pro-rata",
      priorityOrder: "public",
      suppliers: null,
      minimumGroup: 15,
    });
    expect(market.grid.bits).toBe(12);
    expect([market.grid.format(0), market.grid.format(4095)]).toEqual(["0.00", "40.95"]);
    expect(defaultMarketParameters()).toEqual(market);
  });

  test("every field is read", () => {
    const market = parseMarketParameters(
      JSON.stringify({
        name: "Seestraße",
        price: { min_ct_per_kwh: -5, tick_ct_per_kwh: "0.050", bits: 10 },
        energy_bits: 20,
        price_rule: "upper",
        rationing: "priority",
        priority_order: "hidden",
        suppliers: ["Nordlicht", "Stadtwerke"],
        minimum_group: 3,
      }),
    );
    expect(market).toMatchObject({
      name: "Seestraße",
      energyBits: 20,
      priceRule: "upper",
      rationing: "priority",
      priorityOrder: "hidden",
      suppliers: ["Nordlicht", "Stadtwerke"],
      minimumGroup: 3,
    });
    expect([market.grid.format(0), market.grid.format(1023)]).toEqual(["-5.00", "46.15"]);
  });

  test("prices are exact whether numbers or text", () => {
    for (const tick of [1e-7, "0.0000001"]) {
      const { grid } = parseMarketParameters(JSON.stringify({ price: { tick_ct_per_kwh: tick } }));
      expect(grid.format(3)).toBe("0.0000003");
    }
  });

  test("the caller's minimum group holds unless the file sets one", () => {
    const options = { defaultMinimumGroup: 1 };
    expect(defaultMarketParameters(options).minimumGroup).toBe(1);
    expect(parseMarketParameters('{"minimum_group": 4}', options).minimumGroup).toBe(4);
  });

  test("a byte order mark is no problem", () => {
    expect(parseMarketParameters('\uFEFF{"energy_bits": 8}').energyBits).toBe(8);
  });
});

describe("bad files", () => {
  const sixteen = Array.from({ length: 17 }, (_, k) => `S${k}`);
  test.each<[unknown, string]>([
    [{ price: { bits: 20 } }, "price.bits: found 20; expected a whole number from 4 to 16"],
    [{ price: { bits: 3 } }, "price.bits: found 3; expected a whole number from 4 to 16"],
    [{ energy_bits: 7 }, "energy_bits: found 7; expected a whole number from 8 to 24"],
    [{ energy_bits: 9.5 }, "energy_bits: found 9.5; expected a whole number from 8 to 24"],
    [{ energy_bits: "16" }, 'energy_bits: found "16"; expected a whole number from 8 to 24'],
    [{ minimum_group: 0 }, "minimum_group: found 0; expected a whole number 1 or more"],
    [{ rationing: "fair" }, 'rationing: found "fair"; expected one of "pro-rata", "priority"'],
    [{ priority_order: 1 }, 'priority_order: found 1; expected one of "public", "hidden"'],
    [{ price_rule: null }, 'price_rule: found null; expected one of "midpoint", "upper", "lower"'],
    [{ suppliers: [] }, "suppliers: found []; expected a list of 1 to 16 names"],
    [{ suppliers: ["a", "a"] }, 'suppliers: found ["a","a"]; expected names that all differ'],
    [
      { suppliers: ["a", ""] },
      'suppliers[1]: found ""; expected a name of 1 to 64 characters without line breaks',
    ],
    [
      { price: { tick_ct_per_kwh: 0 } },
      "price.tick_ct_per_kwh: found 0; expected a plain decimal above 0 such as 0.01",
    ],
    [
      { price: { tick_ct_per_kwh: "0,05" } },
      'price.tick_ct_per_kwh: found "0,05"; expected a decimal number, as 0.05 or as text',
    ],
    [
      { price: { min_ct_per_kwh: "0.0000000001" } },
      "price.min_ct_per_kwh: found 0.0000000001; expected at most 9 decimals",
    ],
    [
      { price: { tik: 1 } },
      "price.tik: unknown field; the fields here are min_ct_per_kwh, tick_ct_per_kwh, bits",
    ],
    [[1], "found [1]; expected one JSON object { ... }"],
    ["null", "found null; expected one JSON object { ... }"],
  ])("%j", (file, problem) => {
    expect(problemsOf(file)).toEqual([problem]);
  });

  test("too many suppliers and overlong names", () => {
    expect(problemsOf({ suppliers: sixteen })).toHaveLength(1);
    expect(problemsOf({ suppliers: sixteen.slice(1) })).toEqual([]);
    expect(problemsOf({ name: "n".repeat(65) })).toHaveLength(1);
    expect(problemsOf({ name: "n".repeat(64) })).toEqual([]);
    expect(problemsOf({ name: "a\u001b[31m" })).toHaveLength(1);
  });

  test("all problems are reported, one line each", () => {
    const problems = problemsOf({ nam: "x", also: 1, price: { bits: 2, tik: 1 }, energy_bits: 99 });
    const places = problems.map((line) => line.split(":")[0]).toSorted();
    expect(places).toEqual(["also", "energy_bits", "nam", "price.bits", "price.tik"]);
  });

  test("text that is not JSON", () => {
    for (const text of ["", "{", "name: x", '{"name": "x",}']) {
      expect(problemsOf(text)).toEqual([expect.stringMatching(/^not valid JSON: [^\n]+$/)]);
    }
    expect(problemsOf('{"__proto__": {"a": 1}}')).toHaveLength(1);
  });

  test("any JSON value gives parameters or readable lines, nothing else", () => {
    const fields = ["name", "price", "energy_bits", "suppliers", "minimum_group", "price_rule"];
    const file = fc.dictionary(fc.constantFrom(...fields), fc.jsonValue());
    fc.assert(
      fc.property(fc.oneof(file, fc.jsonValue()), (value) => {
        for (const line of problemsOf(JSON.stringify(value)))
          expect(line).not.toMatch(/\n|undefined/);
      }),
    );
  });
});
