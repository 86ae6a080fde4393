// Secret comparisons with zero, on both engines: signs of small and of very large numbers, gates,
// how material is used up, and what it costs.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mod, P } from "../field/reference.ts";
import { InvariantError } from "../platform/assert.ts";
import { ComparisonPool } from "./comparison.ts";
import { costOf, ENGINE_KINDS, Parties, shareOf, ungatedPool } from "./engines.test-helper.ts";
import { atThreeParties } from "./parties.test-helper.ts";
import type { Partial } from "./shared.ts";

const LIMIT = 2n ** 59n - 1n;
const edges = [0n, -1n, 1n, 2n, -2n, 7n, -8n, 2n ** 52n, -(2n ** 52n), LIMIT, -LIMIT];
const difference = fc.oneof(
  fc.constantFrom(...edges),
  fc.bigInt({ min: -100n, max: 100n }),
  fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n }),
  fc.bigInt({ min: -LIMIT, max: LIMIT }),
  fc.bigInt({ min: LIMIT - 1000n, max: LIMIT }),
  fc.bigInt({ min: -LIMIT, max: -LIMIT + 1000n }),
  // Every power of two and its neighbours, where carries run through all digits.
  fc
    .tuple(fc.integer({ min: 0, max: 58 }), fc.constantFrom(-1n, 0n, 1n), fc.boolean())
    .map(([k, by, minus]) => (2n ** BigInt(k) + by) * (minus ? -1n : 1n)),
);
/** A gate may be any element; mostly it is a bit or a sign. */
const gate = fc.oneof(fc.constantFrom(0n, 1n, -1n), fc.bigInt({ min: 0n, max: P - 1n }));
const gated = fc.array(fc.tuple(difference, gate), {
  minLength: 1,
  maxLength: 60,
});

const expected = (pairs: readonly (readonly [bigint, bigint])[]) =>
  pairs.map(([d, u]) => (d < 0n ? mod(u) : 0n));

describe.each(ENGINE_KINDS)("comparisons on the %s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  it("give the gate where the number is negative, 0 elsewhere", async () => {
    const property = fc.asyncProperty(gated, async (pairs) => {
      const [result] = await parties.reveal(async (engine) => {
        const gates = await shareOf(
          engine,
          pairs.map(([, u]) => u),
        );
        const pool = await ComparisonPool.prepare(engine, gates);
        const d = await shareOf(
          engine,
          pairs.map(([value]) => value),
        );
        return [await pool.negative(engine, engine.partial(d))];
      });
      expect(result).toEqual(expected(pairs));
    });
    await fc.assert(property, { numRuns: kind === "plain" ? 150 : 60 });
  });

  it("hold for every edge under many masks", async () => {
    const pairs = Array.from({ length: 20 }, () => edges)
      .flat()
      .flatMap((d) => [0n, 1n, -1n].map((u) => [d, u] as const));
    const [result] = await parties.reveal(async (engine) => {
      const gates = await shareOf(
        engine,
        pairs.map(([, u]) => u),
      );
      const pool = await ComparisonPool.prepare(engine, gates);
      const d = await shareOf(
        engine,
        pairs.map(([value]) => value),
      );
      return [await pool.negative(engine, engine.partial(d))];
    });
    expect(result).toEqual(expected(pairs));
  });

  it("use the pool's material in order, each once, until none is left", async () => {
    const sizes = fc.array(fc.nat(5), { minLength: 60, maxLength: 60 });
    const property = fc.asyncProperty(gated, sizes, async (pairs, steps) => {
      const results = await parties.reveal(async (engine) => {
        const gates = await shareOf(
          engine,
          pairs.map(([, u]) => u),
        );
        const pool = await ComparisonPool.prepare(engine, gates);
        const d = engine.partial(
          await shareOf(
            engine,
            pairs.map(([value]) => value),
          ),
        );
        const parts: Partial[] = [];
        for (let from = 0, step = 0; from < pairs.length; step++) {
          const to = Math.min(pairs.length, from + steps[step]! + 1);
          expect(pool.left).toBe(pairs.length - from);
          parts.push(await pool.negative(engine, engine.slice(d, from, to)));
          from = to;
        }
        expect(pool.left).toBe(0);
        return parts;
      });
      expect(results.flat()).toEqual(expected(pairs));
    });
    await fc.assert(property, { numRuns: 20 });
  });

  it("stop when the pool has too little material, and take none of it", () =>
    parties.run(async (engine) => {
      const pool = await ungatedPool(engine, 3);
      const d = engine.partial(engine.constant([1, -1, 5, -5]));
      await expect(pool.negative(engine, d)).rejects.toThrow(InvariantError);
      expect(pool.left).toBe(3);
      const few = await engine.open(await pool.negative(engine, engine.slice(d, 0, 3)));
      expect([...engine.field.toNumbers(few)]).toEqual([0, 1, 0]);
      expect(pool.left).toBe(0);
      await expect(pool.negative(engine, engine.slice(d, 0, 1))).rejects.toThrow(InvariantError);
    }));
});

describe("costs at each of three parties", () => {
  it.each([1, 10, 1000])("of %i comparisons are as documented", async (count) => {
    const costs = await atThreeParties(async (engine) => {
      const gates = engine.constant(new Uint8Array(count).fill(1));
      let pool: ComparisonPool | undefined;
      const offline = await costOf(engine, async () => {
        pool = await ComparisonPool.prepare(engine, gates);
      });
      const d = engine.partial(engine.constant(new Array<number>(count).fill(-1)));
      const online = await costOf(engine, () => pool!.negative(engine, d));
      return { offline, online };
    });
    for (const { offline, online } of costs) {
      expect(offline).toEqual({ rounds: 5, elements: 427 * count });
      expect(online).toEqual({ rounds: 4, elements: 30 * count });
    }
  });
});
