// The generator against an independent implementation of sfc32, and the spread of what is drawn.

import fc from "fast-check";
import { expect, test } from "vitest";
import { correlatedSeries, createPrng, shuffled } from "./prng.ts";

/** sfc32 as PractRand's C source has it, in arithmetic modulo 2^32 on bigints. */
function* reference(seed: bigint, stream: bigint): Generator<bigint> {
  const mask = 0xffff_ffffn;
  let [a, b, c, counter] = [0n, seed, stream, 1n];
  for (;;) {
    const output = (a + b + counter++) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = ((((c << 21n) & mask) | (c >> 11n)) + output) & mask;
    yield output;
  }
}

test("draws the numbers of sfc32 after 16 rounds", () => {
  const word = fc.nat({ max: 0xffff_ffff });
  fc.assert(
    fc.property(word, word, (seed, stream) => {
      const expected = reference(BigInt(seed), BigInt(stream));
      for (let round = 0; round < 16; round++) expected.next();
      const prng = createPrng(seed, stream);
      for (let i = 0; i < 20; i++) {
        expect(BigInt(prng.uniform() * 2 ** 32)).toBe(expected.next().value);
      }
    }),
  );
});

test("neighbouring seeds and streams have nothing in common", () => {
  const draws = (seed: number, stream: number): number[] => {
    const prng = createPrng(seed, stream);
    return Array.from({ length: 200 }, () => prng.uniform());
  };
  const all = [draws(1, 1), draws(2, 1), draws(1, 2), draws(0, 0)].flat();
  expect(new Set(all).size).toBe(all.length);
});

test("normal draws have mean 0 and deviation 1", () => {
  const prng = createPrng(7, 0);
  const draws = Array.from({ length: 20_000 }, () => prng.normal());
  const mean = draws.reduce((total, x) => total + x, 0) / draws.length;
  const variance = draws.reduce((total, x) => total + (x - mean) ** 2, 0) / draws.length;
  // Four standard errors.
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.04);
});

test("a correlated series has the correlation asked for", () => {
  const series = correlatedSeries(50_000, 0.8, createPrng(3, 0));
  const products = series.slice(1).map((x, i) => x * (series[i] ?? 0));
  const squares = series.map((x) => x * x);
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  expect(mean(products) / mean(squares)).toBeCloseTo(0.8, 1);
  expect(mean(squares)).toBeCloseTo(1, 0);
});

test("shuffling keeps every item", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
      const result = shuffled(items, createPrng(seed, 0));
      expect(result.toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
    }),
  );
});

test("shuffling puts each item everywhere equally often", () => {
  const prng = createPrng(11, 0);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = shuffled(["a", "b", "c"], prng).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(130);
});
