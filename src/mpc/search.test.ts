// The search in rising values, on all engines, against comparing every value in clear.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  costOf,
  ENGINE_KINDS,
  type EngineKind,
  Parties,
  shareOf,
  ungatedPool,
} from "./engines.test-helper.ts";
import { atThreeParties } from "./parties.test-helper.ts";
import { firstNotBelow, search, searchComparisons } from "./search.ts";

interface Case {
  readonly values: readonly number[];
  readonly thresholds: readonly number[];
}

/** Rising values with many equal ones, and thresholds at, beside and beyond them. */
const cases = (count: number): fc.Arbitrary<Case> =>
  fc
    .tuple(
      fc.constantFrom(0, 1, 3, 2 ** 40),
      fc.array(fc.nat(1000), { minLength: count, maxLength: count }),
      fc.array(fc.tuple(fc.nat(count - 1), fc.integer({ min: -1, max: 1 })), {
        minLength: 1,
        maxLength: 3,
      }),
    )
    .map(([step, rises, picks]) => {
      let value = -5;
      const values = rises.map((rise) => {
        value += rise % (step + 1);
        return value;
      });
      return { values, thresholds: picks.map(([at, offset]) => values[at]! + offset) };
    });

const stepsOf = ({ values, thresholds }: Case) =>
  thresholds.map((threshold) => values.map((value) => (value < threshold ? 1 : 0)).join());

const cutsOf = ({ values, thresholds }: Case) =>
  thresholds.map((threshold) => {
    const first = values.findIndex((value) => value >= threshold);
    return values.map((_, i) => (i === first ? 1 : 0)).join();
  });

/** Steps and cuts as the engines compute them. */
async function searched(parties: Parties, { values, thresholds }: Case) {
  const results = await parties.reveal(async (engine) => {
    const pool = await ungatedPool(engine, thresholds.length * searchComparisons(values.length));
    const shared = await shareOf(engine, values);
    const limits = [];
    for (const threshold of thresholds) {
      limits.push(engine.partial(await shareOf(engine, [threshold])));
    }
    const below = await search(engine, pool, shared, limits);
    expect(pool.left).toBe(0);
    return [...below, ...below.map((own) => firstNotBelow(engine, own))];
  });
  const texts = results.map((result) => result.join());
  return { steps: texts.slice(0, thresholds.length), cuts: texts.slice(thresholds.length) };
}

const runsOf = (kind: EngineKind) => (kind === "plain" ? 60 : 8);

describe.each(ENGINE_KINDS)("on the %s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  const counts = kind === "plain" ? [127, 128, 129, 500, 16_385, 20_000] : [129, 300];
  it("finds thresholds among a few values", async () => {
    const few = fc.integer({ min: 1, max: 12 }).chain(cases);
    const property = fc.asyncProperty(few, async (given) => {
      const { steps, cuts } = await searched(parties, given);
      expect(steps).toEqual(stepsOf(given));
      expect(cuts).toEqual(cutsOf(given));
    });
    await fc.assert(property, { numRuns: runsOf(kind) });
  });

  it.each(counts)("finds thresholds among %i values", async (count) => {
    for (const given of fc.sample(cases(count), { numRuns: 3, seed: count })) {
      const { steps, cuts } = await searched(parties, given);
      expect(steps.join("|") === stepsOf(given).join("|")).toBe(true);
      expect(cuts.join("|") === cutsOf(given).join("|")).toBe(true);
    }
  });

  it.each([5, 300])("thresholds above and below all of %i values", async (count) => {
    const values = Array.from({ length: count }, (_, i) => i >> 1);
    const given = { values, thresholds: [-1, 0, count, 2 ** 45] };
    const { steps, cuts } = await searched(parties, given);
    expect(steps).toEqual(stepsOf(given));
    expect(cuts).toEqual(cutsOf(given));
    expect(cuts[3]).not.toContain("1");
  });
});

it.each([
  { count: 128, rounds: 5 },
  { count: 129, rounds: 11 },
  { count: 16_384, rounds: 11 },
  { count: 16_385, rounds: 17 },
])("$count values and two thresholds take $rounds rounds", async ({ count, rounds }) => {
  const costs = await atThreeParties(async (engine) => {
    const comparisons = 2 * searchComparisons(count);
    const pool = await ungatedPool(engine, comparisons);
    const values = engine.constant(Uint32Array.from({ length: count }, (_, i) => i));
    const limits = [7, 100].map((limit) => engine.partial(engine.constant([limit])));
    const cost = await costOf(engine, () => search(engine, pool, values, limits));
    return { ...cost, comparisons };
  });
  for (const cost of costs) {
    expect(cost.rounds).toBe(rounds);
    const steps = count > 128 ? 2 * count : 0;
    expect(cost.elements).toBeGreaterThanOrEqual(steps + 31 * cost.comparisons);
    // The steps of the upper levels come on top.
    expect(cost.elements).toBeLessThan(1.1 * steps + 31 * cost.comparisons + 1);
  }
});
