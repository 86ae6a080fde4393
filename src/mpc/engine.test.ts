// The contract of every engine: each operation against plain arithmetic on BigInt, on random
// sharings of random and extreme elements.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Vector } from "../field/memory.ts";
import { mod, P, reference } from "../field/reference.ts";
import { InvariantError } from "../platform/assert.ts";
import { type Engine, mul, type SignedTerm } from "./engine.ts";
import { bigintsOf, ENGINE_KINDS, Parties, publicVector, shareOf } from "./engines.test-helper.ts";
import type { Partial, Secret } from "./shared.ts";

const edges = [0n, 1n, 2n, P - 1n, P - 2n, P >> 1n, (P >> 1n) + 1n, 2n ** 32n - 1n, 2n ** 60n];
const element = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: P - 1n }));
const factor = fc.oneof(
  fc.constantFrom(0, 1, -1, 2, -2, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.maxSafeInteger(),
);

/** `count` lists of one random length. */
const lists = (count: number, maxLength = 20) =>
  fc.integer({ min: 0, max: maxLength }).chain((n) =>
    fc.array(fc.array(element, { minLength: n, maxLength: n }), {
      minLength: count,
      maxLength: count,
    }),
  );

const vectorOf = (maxLength = 20) => fc.array(element, { maxLength });
const several = fc.array(vectorOf(8), { minLength: 1, maxLength: 6 });

describe.each(ENGINE_KINDS)("%s engine", (kind) => {
  let parties: Parties;
  const repeat = { numRuns: kind === "plain" ? 150 : 60 };

  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  /**
   * Runs a local operation on random sharings of `inputs`, as Secrets and as Partials, and expects
   * the same elements of both results.
   */
  async function expectLocal(
    inputs: readonly (readonly bigint[])[],
    operation: <T extends Secret | Partial>(engine: Engine, x: readonly T[]) => T,
    expected: readonly bigint[],
  ): Promise<void> {
    const results = await parties.reveal(async (engine) => {
      const secrets: Secret[] = [];
      for (const input of inputs) secrets.push(await shareOf(engine, input));
      const partials = secrets.map((x) => engine.partial(x));
      return [operation<Secret>(engine, secrets), operation<Partial>(engine, partials)];
    });
    expect(results).toEqual([expected, expected]);
  }

  async function expectResult(
    inputs: readonly (readonly bigint[])[],
    operation: (engine: Engine, x: readonly Secret[]) => Promise<Secret | Partial | Vector>,
    expected: readonly bigint[],
  ): Promise<void> {
    const [result] = await parties.reveal(async (engine) => {
      const secrets: Secret[] = [];
      for (const input of inputs) secrets.push(await shareOf(engine, input));
      return [await operation(engine, secrets)];
    });
    expect(result).toEqual(expected);
  }

  const check = <T>(values: fc.Arbitrary<T>, body: (value: T) => Promise<void>) =>
    fc.assert(fc.asyncProperty(values, body), repeat);

  describe("local operations", () => {
    it("add and subtract, also one element to all", () =>
      check(fc.tuple(lists(2), element), async ([[a, b], c]) => {
        await expectLocal([a!, b!], (e, [x, y]) => e.add(x!, y!), reference.add(a!, b!));
        await expectLocal([a!, b!], (e, [x, y]) => e.sub(x!, y!), reference.sub(a!, b!));
        await expectLocal([a!, [c]], (e, [x, y]) => e.add(x!, y!), reference.add(a!, [c]));
        await expectLocal([a!, [c]], (e, [x, y]) => e.sub(x!, y!), reference.sub(a!, [c]));
      }));

    it("scale by and add a number of either sign", () =>
      check(fc.tuple(vectorOf(), factor), async ([a, k]) => {
        await expectLocal([a], (e, [x]) => e.scale(x!, k), reference.scale(a, k));
        await expectLocal([a], (e, [x]) => e.addNumber(x!, k), reference.addNumber(a, k));
      }));

    it("signed sums with a constant", () =>
      check(fc.tuple(lists(3), fc.constantFrom(0, 1, -1)), async ([[a, b, c], k]) => {
        const expected = a!.map((x, i) => mod(x - b![i]! - c![i]! + BigInt(k)));
        const [sum] = await parties.reveal(async (engine) => {
          const terms: SignedTerm[] = [];
          for (const x of [a!, b!, c!]) {
            terms.push({ value: await shareOf(engine, x), positive: x === a });
          }
          return [engine.signedSum(terms, k)];
        });
        expect(sum).toEqual(expected);
      }));

    it("multiply by a public vector", () =>
      check(lists(2), async ([a, b]) => {
        const expected = reference.mul(a!, b!);
        await expectLocal([a!], (e, [x]) => e.mulPublic(x!, publicVector(e.field, b!)), expected);
      }));

    it("sum, prefix sums, block sums", () =>
      check(fc.tuple(vectorOf(), fc.integer({ min: 1, max: 25 })), async ([a, block]) => {
        await expectLocal([a], (e, [x]) => e.sum(x!), [reference.sum(a)]);
        await expectLocal([a], (e, [x]) => e.prefixSums(x!), reference.prefixSums(a));
        const blocks = reference.blockSums(a, block);
        await expectLocal([a], (e, [x]) => e.blockSums(x!, block), blocks);
      }));

    it("slice, concat, gather, tile", () =>
      check(fc.tuple(several, fc.array(fc.nat(), { maxLength: 12 })), async ([all, numbers]) => {
        const joined = all.flat();
        await expectLocal(all, (e, x) => e.concat(x), joined);
        await expectLocal([joined], (e, [x]) => e.tile(x!, 3), [...joined, ...joined, ...joined]);
        const ends = [numbers[0] ?? 0, numbers[1] ?? 0].map((k) => k % (joined.length + 1));
        const [from, to] = [Math.min(...ends), Math.max(...ends)];
        await expectLocal([joined], (e, [x]) => e.slice(x!, from, to), joined.slice(from, to));
        const indices = joined.length === 0 ? [] : numbers.map((k) => k % joined.length);
        const gathered = reference.gather(joined, indices);
        await expectLocal([joined], (e, [x]) => e.gather(x!, Uint32Array.from(indices)), gathered);
      }));

    it("scatter puts back what gather took", () =>
      check(vectorOf(), async (elements) => {
        const order = Uint32Array.from(elements, (_, i) => elements.length - 1 - i);
        for (let i = 0; i + 2 < order.length; i += 3) {
          [order[i], order[i + 2]] = [order[i + 2]!, order[i]!];
        }
        await expectLocal([elements], (e, [x]) => e.scatter(e.gather(x!, order), order), elements);
      }));

    it("constants, of numbers and of any elements", () =>
      check(fc.tuple(fc.array(factor), vectorOf()), async ([numbers, elements]) => {
        const results = await parties.reveal(async (engine) => [
          engine.constant(numbers),
          engine.fromPublic(publicVector(engine.field, elements)),
          engine.partial(engine.constant(numbers)),
        ]);
        const expected = numbers.map((k) => mod(BigInt(k)));
        expect(results).toEqual([expected, elements, expected]);
      }));

    it("an operation leaves its operands as they are", () =>
      check(lists(2), async ([a, b]) => {
        const results = await parties.reveal(async (engine) => {
          const x = await shareOf(engine, a!);
          const y = await shareOf(engine, b!);
          engine.free(engine.add(x, y), engine.sub(x, y), engine.scale(x, -3), engine.sum(x));
          engine.free(engine.addNumber(x, 5), engine.prefixSums(x), engine.partial(x));
          engine.free(engine.concat([x, y]), await mul(engine, x, y));
          engine.free(await engine.reshare(engine.partial(x)), engine.slice(x, 0, 0));
          return [x, y];
        });
        expect(results).toEqual([a, b]);
      }));

    it("Secrets and Partials do not mix", () =>
      parties.run(async (engine) => {
        const x = engine.constant([1]);
        const mixed = () => engine.add<Secret | Partial>(x, engine.partial(x));
        expect(mixed).toThrow(InvariantError);
      }));
  });

  describe("multiplication", () => {
    it("products as Partials and as Secrets, with one factor for all", () =>
      check(fc.tuple(lists(6), element, element), async ([[a, b, c, d, f], k, s]) => {
        const sums = reference.add(reference.mul(a!, b!), reference.mul(c!, d!));
        const mixed = reference.add(reference.mul(a!, b!), reference.mul(c!, [k]));
        const inputs = [a!, b!, c!, d!];
        await expectResult(
          inputs,
          async (e, [x, y, z, w]) =>
            e.partialProducts([
              [x!, y!],
              [z!, w!],
            ]),
          sums,
        );
        await expectResult(
          inputs,
          (e, [x, y, z, w]) =>
            e.mulSum([
              [x!, y!],
              [z!, w!],
            ]),
          sums,
        );
        await expectResult(
          [a!, b!, c!, [k]],
          (e, [x, y, z, w]) =>
            e.mulSum([
              [x!, y!],
              [z!, w!],
            ]),
          mixed,
        );
        await expectResult(
          [a!, b!, c!, [k]],
          async (e, [x, y, z, w]) =>
            e.partialProducts([
              [x!, y!],
              [z!, w!],
            ]),
          mixed,
        );
        await expectResult(
          [...inputs, f!],
          (e, [x, y, z, w, v]) =>
            e.mulSum(
              [
                [x!, y!],
                [z!, w!],
              ],
              v!,
            ),
          reference.add(sums, f!),
        );
        await expectResult(
          [...inputs, [s]],
          (e, [x, y, z, w, v]) =>
            e.mulSum(
              [
                [x!, y!],
                [z!, w!],
              ],
              v!,
            ),
          reference.add(sums, [s]),
        );
      }));

    it("inner products, of vectors of several lengths", () =>
      check(several, async (all) => {
        const other = all.map((x) => x.map((v) => mod(v * v + 3n)));
        const expected = all.map((x, i) => reference.dot(x, other[i]!));
        await expectResult(
          [...all, ...other],
          async (engine, x) => engine.partialDots(all.map((_, i) => [x[i]!, x[all.length + i]!])),
          expected,
        );
      }));

    it("a Partial reshared is the same value, and can be multiplied again", () =>
      check(lists(2), async ([a, b]) => {
        const product = reference.mul(a!, b!);
        await expectResult(
          [a!, b!],
          async (engine, [x, y]) => {
            const z = await engine.reshare(engine.partialProducts([[x!, y!]]));
            return mul(engine, z, y!);
          },
          reference.mul(product, b!),
        );
      }));
  });

  it("nothing prints or serialises an element", () =>
    parties.run(async (engine) => {
      const x = await shareOf(engine, [123456789n]);
      const elements = x.components.map((v) => String(bigintsOf(engine.field.toBytes(v))[0]));
      for (const shown of [JSON.stringify({ x }), `${x}`, `${engine.partial(x)}`]) {
        for (const hidden of ["123456789", ...elements]) expect(shown).not.toContain(hidden);
      }
    }));
});
