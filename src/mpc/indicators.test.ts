// Indicators of the values of a few bits, and of patterns of them, on both engines.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, ENGINE_KINDS, Parties, shareOf } from "./engines.test-helper.ts";
import { agreeing, indicators } from "./indicators.ts";
import { atThreeParties } from "./parties.test-helper.ts";

/** The bits of numbers, bit j of all of them in entry j. */
const bitsOf = (numbers: readonly number[], width: number) =>
  Array.from({ length: width }, (_, j) => numbers.map((value) => (value >> j) & 1));

const given = fc.integer({ min: 1, max: 4 }).chain((width) =>
  fc.record({
    width: fc.constant(width),
    numbers: fc.array(fc.nat(2 ** width - 1), { minLength: 1, maxLength: 12 }),
    weighted: fc.boolean(),
  }),
);

describe.each(ENGINE_KINDS)("on the %s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  it("the indicator of a pattern is 1, or the weight, where the higher bits agree", async () => {
    const property = fc.asyncProperty(given, async ({ width, numbers, weighted }) => {
      const weights = numbers.map((_, i) => (weighted ? 1000 + 7 * i : 1));
      const cases = Array.from({ length: width + 1 }, (_, from) =>
        Array.from({ length: 2 ** width }, (__, pattern) => ({ from, pattern })),
      )
        .flat()
        // With no bit left and no weight there is nothing to add up.
        .filter(({ from }) => weighted || from < width);
      const results = await parties.reveal(async (engine) => {
        const bits = [];
        for (const column of bitsOf(numbers, width)) bits.push(await shareOf(engine, column));
        const weight = weighted ? await shareOf(engine, weights) : null;
        const [values] = await indicators(engine, [{ bits, weight }]);
        return cases.map(({ from, pattern }) => agreeing(engine, values!, from, pattern));
      });
      cases.forEach(({ from, pattern }, index) => {
        const expected = numbers.map((value, i) =>
          value >> from === pattern >> from ? BigInt(weights[i]!) : 0n,
        );
        expect(results[index]).toEqual(expected);
      });
    });
    await fc.assert(property, { numRuns: kind === "plain" ? 60 : 20 });
  });
});

it("rounds and elements are as documented", async () => {
  const costs = await atThreeParties(async (engine) => {
    const bit = engine.constant(new Uint8Array(10).fill(1));
    const bits = [bit, bit, bit];
    return [
      await costOf(engine, () => indicators(engine, [{ bits, weight: null }])),
      await costOf(engine, () => indicators(engine, [{ bits, weight: bit }])),
      await costOf(engine, () =>
        indicators(engine, [
          { bits: bits.slice(1), weight: null },
          { bits, weight: null },
        ]),
      ),
    ];
  });
  for (const [unweighted, weighted, several] of costs) {
    // Seven products of bits, three of them single bits that cost nothing unless weighted; of two
    // bits only the pair costs something.
    expect(unweighted).toEqual({ rounds: 2, elements: 4 * 10 });
    expect(weighted).toEqual({ rounds: 3, elements: 7 * 10 });
    expect(several).toEqual({ rounds: 2, elements: 5 * 10 });
  }
});
