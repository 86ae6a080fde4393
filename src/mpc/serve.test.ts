// Serving a budget in a public order, on both engines, against serving the items one after the
// other.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, ENGINE_KINDS, Parties, shareOf, ungatedPool } from "./engines.test-helper.ts";
import { atThreeParties } from "./parties.test-helper.ts";
import { arrangementOf, serve, serveComparisons, servingGrid, servingPositions } from "./serve.ts";

/** What each item gets, one after the other. */
function servedInTurn(amounts: readonly number[], budget: number): number[] {
  let left = budget;
  return amounts.map((amount) => {
    const given = Math.min(amount, left);
    left -= given;
    return given;
  });
}

describe.each(ENGINE_KINDS)("serving on the %s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  /** Serves `amounts`, given in serving order, and returns what each gets, in the same order. */
  async function served(amounts: readonly number[], budget: number): Promise<number[]> {
    const count = amounts.length;
    const positions = servingPositions(count);
    const arranged = new Array<number>(count).fill(0);
    positions.forEach((position, rank) => {
      arranged[position] = amounts[rank]!;
    });
    const results = await parties.reveal(async (engine) => {
      const pool = await ungatedPool(engine, serveComparisons(count));
      const items = await shareOf(engine, arranged);
      const limit = engine.partial(await shareOf(engine, [budget]));
      const result = await serve(engine, pool, items, limit);
      expect(pool.left).toBe(0);
      return [result.served, result.cut, result.cutRow];
    });
    const [whole, cut, cutRow] = results.map((values) => values.map(Number));
    const { rows } = servingGrid(count);
    return Array.from(positions, (position, rank) => {
      const [row, column] = [position % rows, Math.floor(position / rows)];
      return amounts[rank]! * whole![row]! + cut![row]! * cutRow![column]!;
    });
  }

  const amountsOf = (count: number) =>
    fc
      .constantFrom<fc.Arbitrary<number>>(
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom(0, 0, 0, 1),
        fc.integer({ min: 0, max: 2 ** 24 - 1 }),
        fc.constant(2 ** 24 - 1),
        fc.constant(1),
      )
      .chain((amount) => fc.array(amount, { minLength: count, maxLength: count }));

  /** Amounts, and a budget from 0 to their total, often exactly at the end of an item. */
  const cases = (counts: fc.Arbitrary<number>) =>
    counts.chain(amountsOf).chain((amounts) => {
      const total = amounts.reduce((sum, amount) => sum + amount, 0);
      const upTo = (end: number) => amounts.slice(0, end).reduce((sum, amount) => sum + amount, 0);
      const budget = fc.oneof(
        fc.integer({ min: 0, max: total }),
        fc.constantFrom(0, total, Math.max(0, total - 1), Math.min(1, total)),
        fc.integer({ min: 0, max: amounts.length }).map(upTo),
      );
      return budget.map((value) => ({ amounts, budget: value }));
    });

  it("a few items get what is their due", async () => {
    const few = cases(fc.integer({ min: 1, max: 12 }));
    const property = fc.asyncProperty(few, async ({ amounts, budget }) => {
      expect(await served(amounts, budget)).toEqual(servedInTurn(amounts, budget));
    });
    await fc.assert(property, { numRuns: kind === "plain" ? 300 : 60 });
  });

  const counts = kind === "plain" ? [126, 127, 128, 129, 255, 300, 2000] : [127, 128, 129, 300];
  it.each(counts)("%i items get what is their due", async (count) => {
    const property = fc.asyncProperty(cases(fc.constant(count)), async ({ amounts, budget }) => {
      const expected = servedInTurn(amounts, budget);
      // One comparison of strings: a diff of thousands of elements would take minutes.
      expect((await served(amounts, budget)).join() === expected.join()).toBe(true);
    });
    await fc.assert(property, { numRuns: kind === "plain" ? 12 : 4, endOnFailure: true });
  });

  const many = kind === "plain" ? [16_383, 16_384, 16_385, 16_500, 40_000] : [2000, 16_500];
  it.each(many)("%i items get what is their due", async (count) => {
    const amounts = Array.from({ length: count }, (_, i) => (i * 7919) % 11);
    const total = amounts.reduce((sum, amount) => sum + amount, 0);
    const budgets = [0, 1, Math.floor(total / 3), total - 1, total];
    for (const budget of kind === "plain" ? budgets : [Math.floor(total / 3)]) {
      const expected = servedInTurn(amounts, budget);
      expect((await served(amounts, budget)).join() === expected.join()).toBe(true);
    }
  });
});

describe("the arrangement", () => {
  const interesting = [0, 1, 2, 127, 128, 129, 300, 2000, 16_384, 16_385, 16_500, 100_003];

  it("gives every item a place of its own", () => {
    const property = fc.property(
      fc.oneof(fc.constantFrom(...interesting), fc.nat(5000)),
      (count) => {
        const positions = servingPositions(count);
        expect(positions).toHaveLength(count);
        expect([...positions].sort((a, b) => a - b).every((at, i) => at === i)).toBe(true);
        const { rows, columns } = servingGrid(count);
        expect(rows * columns).toBeGreaterThanOrEqual(count);
        expect(columns).toBeLessThanOrEqual(128);
      },
    );
    fc.assert(property, { numRuns: 100 });
  });

  it("serves row by row", () => {
    for (const count of interesting) {
      const { rows } = servingGrid(count);
      const ranks = Array.from(servingPositions(count), (at) => [at % rows, Math.floor(at / rows)]);
      const inOrder = ranks.every(([row, column], rank) => {
        const [previousRow, previousColumn] = ranks[rank - 1] ?? [-1, -1];
        return row! > previousRow! || (row === previousRow && column! > previousColumn!);
      });
      expect(inOrder).toBe(true);
    }
  });
});

describe("costs at each of three parties", () => {
  it.each([
    { count: 1, rounds: 7 },
    { count: 128, rounds: 7 },
    { count: 129, rounds: 12 },
    { count: 16_384, rounds: 12 },
    { count: 16_385, rounds: 18 },
  ])("$count items take $rounds rounds", async ({ count, rounds }) => {
    const costs = await atThreeParties(async (engine) => {
      const pool = await ungatedPool(engine, serveComparisons(count));
      const amounts = engine.constant(new Uint8Array(count).fill(2));
      const budget = engine.partial(engine.constant([count]));
      return costOf(engine, () => serve(engine, pool, amounts, budget));
    });
    for (const cost of costs) {
      expect(cost.rounds).toBe(rounds);
      expect(cost.elements).toBeLessThan(4500 + count / 2);
    }
  });
});

it("arrangementOf puts the item of every rank where that rank is served", () => {
  for (const count of [0, 1, 7, 128, 129, 1000]) {
    const ranking = Uint32Array.from({ length: count }, (_, i) => (i * 7 + 3) % count);
    const arrangement = arrangementOf(ranking);
    expect(servingPositions(count).map((position) => arrangement[position]!)).toEqual(ranking);
  }
});
