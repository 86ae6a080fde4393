// Division of secret numbers with a small quotient, on both engines, against BigInt division.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, ENGINE_KINDS, Parties, shareOf, ungatedPool } from "./engines.test-helper.ts";
import { atThreeParties } from "./parties.test-helper.ts";
import { quotient, quotientComparisons } from "./quotient.ts";

const WIDTHS = [0, 1, 3, 5, 6, 10];

interface Division {
  readonly dividend: bigint;
  readonly divisor: bigint;
  readonly bits: number;
}

/** Divisions the function promises: 0 <= dividend <= 2^bits divisor < 2^58. */
const division: fc.Arbitrary<Division> = fc.constantFrom(...WIDTHS).chain((bits) => {
  const most = 2n ** 58n / 2n ** BigInt(bits) - 1n;
  const small = fc.bigInt({ min: 1n, max: 20n });
  const divisors = fc.oneof(small, fc.bigInt({ min: 1n, max: most }), fc.constantFrom(1n, most));
  return divisors.chain((divisor) => {
    const largest = divisor * 2n ** BigInt(bits);
    const dividend = fc.oneof(
      fc.bigInt({ min: 0n, max: largest }),
      fc.constantFrom(0n, 1n, divisor - 1n, divisor, largest - 1n, largest),
      // Multiples, and one less or more.
      fc
        .tuple(fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) }), fc.constantFrom(-1n, 0n, 1n))
        .map(([q, by]) => q * divisor + by),
    );
    return dividend
      .filter((value) => value >= 0n && value <= largest)
      .map((value) => ({ dividend: value, divisor, bits }));
  });
});

describe.each(ENGINE_KINDS)("quotients on the %s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  async function divide({ dividend, divisor, bits }: Division): Promise<bigint[]> {
    const results = await parties.reveal(async (engine) => {
      const pool = await ungatedPool(engine, quotientComparisons(bits));
      const over = engine.partial(await shareOf(engine, [dividend]));
      const under = await shareOf(engine, [divisor]);
      const result = await quotient(engine, pool, over, under, bits);
      expect(pool.left).toBe(0);
      return [result.quotient, result.remainder];
    });
    return results.flat();
  }

  it("are floored, with the remainder", async () => {
    const property = fc.asyncProperty(division, async (given) => {
      const { dividend, divisor } = given;
      expect(await divide(given)).toEqual([dividend / divisor, dividend % divisor]);
    });
    await fc.assert(property, { numRuns: kind === "plain" ? 300 : 80 });
  });

  it("of all small numbers", async () => {
    for (let divisor = 1n; divisor <= 4n; divisor++) {
      for (let dividend = 0n; dividend <= 8n * divisor; dividend++) {
        const expected = [dividend / divisor, dividend % divisor];
        expect(await divide({ dividend, divisor, bits: 3 })).toEqual(expected);
      }
    }
  });

  it.each(WIDTHS)("of 0 and 0 leave the remainder 0 (%i bits)", async (bits) => {
    const [, remainder] = await divide({ dividend: 0n, divisor: 0n, bits });
    expect(remainder).toBe(0n);
  });
});

it.each([
  { bits: 0, rounds: 5 },
  { bits: 3, rounds: 5 },
  { bits: 5, rounds: 5 },
  { bits: 6, rounds: 10 },
  { bits: 10, rounds: 10 },
])("$bits bits take $rounds rounds", async ({ bits, rounds }) => {
  const costs = await atThreeParties(async (engine) => {
    const pool = await ungatedPool(engine, quotientComparisons(bits));
    const [x, y] = [engine.partial(engine.constant([5])), engine.constant([5])];
    return costOf(engine, () => quotient(engine, pool, x, y, bits));
  });
  for (const cost of costs) expect(cost.rounds).toBe(rounds);
});
