// The priority order: a permutation, the same for the same coin, and uniform over many coins.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { InvariantError } from "../platform/assert.ts";
import { permutationFrom } from "./permutation.ts";

/** The coin of number `k`: all tests see the same permutations. */
const coin = (k: number) => nodePrimitives.sha256(new TextEncoder().encode(`coin ${k}`));
const permutation = (k: number, count: number) => permutationFrom(nodePrimitives, coin(k), count);

const isPermutation = (values: Uint32Array) =>
  [...values].sort((a, b) => a - b).every((value, i) => value === i);

describe("a priority order", () => {
  it("lists every order once", () => {
    const count = fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 2, 16_384, 16_385, 50_000));
    const property = fc.property(fc.nat(), count, (k, n) => {
      const values = permutation(k, n);
      expect(values).toHaveLength(n);
      expect(isPermutation(values)).toBe(true);
    });
    fc.assert(property, { numRuns: 100 });
  });

  it("is the same for the same coin, another for another coin", () => {
    expect(permutation(1, 1000)).toEqual(permutation(1, 1000));
    expect(permutation(1, 1000)).not.toEqual(permutation(2, 1000));
  });

  it("has every one of the 24 sequences of 4 equally often", () => {
    const draws = 24_000;
    const counts = new Map<string, number>();
    for (let k = 0; k < draws; k++) {
      const key = permutation(k, 4).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const expected = draws / 24;
    const chiSquare = [...counts.values()]
      .map((count) => (count - expected) ** 2 / expected)
      .reduce((a, b) => a + b, 0);
    // 23 degrees of freedom: above 80 once in 10^8 draws of coins; these coins are fixed.
    expect(chiSquare).toBeLessThan(80);
  });

  it("puts every order at every rank equally often", () => {
    const [draws, count] = [4000, 10];
    const at = new Uint32Array(count * count);
    for (let k = 0; k < draws; k++) {
      permutation(k, count).forEach((order, rank) => {
        at[rank * count + order]! += 1;
      });
    }
    const deviation = Math.sqrt((draws / count) * (1 - 1 / count));
    for (const seen of at) expect(Math.abs(seen - draws / count) / deviation).toBeLessThan(6);
  });

  it("is made for at most 2^21 orders", () => {
    expect(() => permutation(0, 2 ** 21 + 1)).toThrow(InvariantError);
  });
});
