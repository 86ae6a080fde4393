// Every operation that sends or works in pieces, on vectors around and beyond the length of a
// piece.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mod, reference } from "../field/reference.ts";
import { ENGINE_KINDS, Parties, shareOf } from "./engines.test-helper.ts";

/**
 * Lengths around the piece of 8,192 elements, and one long enough that the engine yields in
 * between.
 */
const LONG = [8191, 8192, 8193, 20_000, 40_001];
const longList = (length: number, seed: bigint) =>
  Array.from({ length }, (_, i) => mod((BigInt(i) + seed) ** 3n * 0x9e3779b97f4a7c15n));

describe.each(ENGINE_KINDS)("%s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  it.each(LONG)("vectors of %i elements", async (length) => {
    const [a, b, c] = [longList(length, 1n), longList(length, 77n), longList(length, 501n)];
    const product = reference.mul(a, b);
    const results = await parties.reveal(async (engine) => {
      const [x, y, z] = [
        await shareOf(engine, a),
        await shareOf(engine, b),
        await shareOf(engine, c),
      ];
      const both = engine.partialProducts([[x, y]]);
      return [
        engine.partialDots([[x, y]]),
        engine.sum(z),
        both,
        await engine.open(z),
        await engine.reshare(both),
        await engine.mulSum([[x, y]], z),
        await engine.mulSum([[x, engine.slice(y, 0, 1)]], engine.slice(z, 0, 1)),
        engine.signedSum(
          [
            { value: x, positive: true },
            { value: y, positive: false },
          ],
          1,
        ),
      ];
    });
    const scaled = a.map((v) => mod(v * b[0]! + c[0]!));
    const dot = reference.sum(product);
    const expected = [[dot], [reference.sum(c)], product, c, product];
    const difference = a.map((v, i) => mod(v - b[i]! + 1n));
    const sums = [reference.add(product, c), scaled, difference];
    [...expected, ...sums].forEach((values, index) => {
      // One comparison of strings: a diff of 40,000 elements would take minutes.
      expect(results[index]!.join() === values.join(), `result ${index}`).toBe(true);
    });
  });
});
