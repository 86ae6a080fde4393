// Shamir sharing outside the computation: what goes in comes out of any t + 1 shares, no t shares tell anything, and
// shares that do not lie on one polynomial of degree t are noticed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { mod, P } from "../field/reference.ts";
import { InvariantError } from "../platform/assert.ts";
import { interpolation } from "./interpolation.ts";
import { expandRows, InconsistentSharesError, SEED_BYTES } from "./replicated.ts";
import { combineShamir, positionsOffDegree, shamirPoints, splitShamir } from "./shamir.ts";

const field = new Field();
const elementsOf = (v: Vector) => [...new BigUint64Array(field.toBytes(v).buffer)];
const bytesOf = (elements: readonly bigint[]) =>
  new Uint8Array(BigUint64Array.from(elements).buffer);
const element = fc.bigInt({ min: 0n, max: P - 1n });

/** f(point) for the polynomial with these coefficients, the lowest first. */
const valueAt = (coefficients: readonly bigint[], point: number) =>
  mod(coefficients.reduceRight((sum, c) => mod(sum * BigInt(point) + c), 0n));

/** Each evaluator's share in full. */
function expanded(shares: readonly Uint8Array[], width: number, threshold: number): Uint8Array[] {
  const length = shares.at(-1)!.length / 8;
  return shares.map((share, evaluator) => {
    if (evaluator >= threshold) return share;
    const v = field.alloc(length);
    expandRows(field, nodePrimitives, share, width, v);
    return field.toBytes(v);
  });
}

const settings = fc.constantFrom([3, 1], [4, 1], [5, 1], [5, 2], [7, 3], [9, 2]);

/** Different evaluators, at least `least` of `parties`, in any order. */
const someOf = (parties: number, least: number) =>
  fc.shuffledSubarray(shamirPoints(parties), { minLength: least });

describe("interpolation", () => {
  it("gives every polynomial's value at any other point", () => {
    const nodes = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 9 });
    const at = fc.integer({ min: -10, max: 1000 });
    const property = fc.property(nodes, at, fc.array(element, { maxLength: 9 }), (xs, x, all) => {
      const coefficients = all.slice(0, xs.length);
      const weights = elementsOf(interpolation(field, xs, x));
      const sum = mod(
        xs.reduce((total, xj, j) => total + weights[j]! * valueAt(coefficients, xj), 0n),
      );
      expect(sum).toBe(valueAt(coefficients, x));
    });
    fc.assert(property);
  });

  it("takes every point once", () => {
    expect(() => interpolation(field, [1, 2, 1], 0)).toThrow(InvariantError);
  });
});

describe("split rows", () => {
  const rowsOf = fc
    .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 10 }))
    .chain(([count, half]) => {
      const length = count * 2 * half;
      return fc
        .uint8Array({ minLength: length, maxLength: length })
        .map((rows) => ({ rows, width: 2 * half, count }));
    });

  it("come out of any t + 1 or more shares, of which t are seeds", () => {
    const input = settings.chain(([parties, threshold]) =>
      fc.tuple(
        fc.constant([parties!, threshold!] as const),
        rowsOf,
        someOf(parties!, threshold! + 1),
      ),
    );
    const property = fc.property(
      input,
      ([[parties, threshold], { rows, width, count }, points]) => {
        field.memory.reset();
        const shares = splitShamir(field, nodePrimitives, rows, width, parties, threshold);
        expect(field.memory.usedBytes).toBe(0);
        expect(shares).toHaveLength(parties);
        shares.forEach((share, evaluator) => {
          const bytes = evaluator < threshold ? SEED_BYTES * count : 8 * rows.length;
          expect(share).toHaveLength(bytes);
        });
        const full = expanded(shares, width, threshold);
        const chosen = points.map((point) => full[point - 1]!);
        const result = combineShamir(field, points, threshold, chosen);
        expect(elementsOf(result)).toEqual([...rows].map(BigInt));
      },
    );
    fc.assert(property, { numRuns: 150 });
  });

  it("are of degree t, not less, so that t shares do not fix the secret", () => {
    const shares = expanded(splitShamir(field, nodePrimitives, new Uint8Array(20), 4, 5, 2), 4, 2);
    const vectors = shares.map((bytes) => {
      const v = field.alloc(20);
      field.setBytes(v, bytes);
      return v;
    });
    expect(positionsOffDegree(field, shamirPoints(5), 2, vectors)).toEqual([]);
    expect(positionsOffDegree(field, shamirPoints(5), 1, vectors)).toHaveLength(20);
  });

  it("tell any t evaluators nothing: their shares are balanced in every bit and not of each other", () => {
    const count = 4000;
    const imbalance = (ones: number) => Math.abs(ones - count / 2) / Math.sqrt(count / 4);
    for (const bit of [0, 1]) {
      const rows = new Uint8Array(count).fill(bit);
      const shares = expanded(splitShamir(field, nodePrimitives, rows, 2, 5, 2), 2, 2).map(
        (bytes) => [...new BigUint64Array(bytes.slice().buffer)],
      );
      shares.forEach((a, i) => {
        expect(new Set(a).size).toBe(count);
        shares.slice(0, i).forEach((b) => {
          // Of two shares on a line through a known secret, one would be a multiple of the other.
          for (const combined of [
            a,
            b,
            a.map((x, k) => mod(x + b[k]!)),
            a.map((x, k) => mod(x - b[k]!)),
          ]) {
            for (const shift of [0n, 1n, 30n, 60n]) {
              const ones = combined.filter((x) => (x >> shift) & 1n).length;
              expect(imbalance(ones)).toBeLessThan(6);
            }
          }
        });
      });
    }
  });

  it("stand alone: rows split apart can be joined", () => {
    const rows = [Uint8Array.of(1, 0, 1, 1), Uint8Array.of(0, 7, 1, 255)];
    const split = rows.map((row) => splitShamir(field, nodePrimitives, row, 4, 5, 2));
    const joined = [0, 1, 2, 3, 4].map((i) =>
      Uint8Array.from([...split[0]![i]!, ...split[1]![i]!]),
    );
    const result = combineShamir(field, shamirPoints(5), 2, expanded(joined, 4, 2));
    expect(elementsOf(result).map(Number)).toEqual([...rows[0]!, ...rows[1]!]);
  });

  it("differ every time, also for the same row", () => {
    const [first, second] = [0, 1].map(() =>
      expanded(splitShamir(field, nodePrimitives, new Uint8Array(40), 2, 3, 1), 2, 1),
    );
    first!.forEach((share, i) => {
      expect(share).not.toEqual(second![i]);
      expect(new Set(new BigUint64Array(share.slice().buffer)).size).toBe(40);
    });
  });
});

describe("combined output shares", () => {
  const shared = settings.chain(([parties, threshold]) =>
    fc.record({
      threshold: fc.constant(threshold!),
      points: someOf(parties!, threshold! + 2),
      polynomials: fc.array(
        fc.array(element, { minLength: threshold! + 1, maxLength: threshold! + 1 }),
        { minLength: 1, maxLength: 5 },
      ),
    }),
  );
  const sharesOf = (points: readonly number[], polynomials: readonly (readonly bigint[])[]) =>
    points.map((point) => bytesOf(polynomials.map((coefficients) => valueAt(coefficients, point))));

  it("are the polynomials' values at 0", () => {
    const property = fc.property(shared, ({ threshold, points, polynomials }) => {
      const result = combineShamir(field, points, threshold, sharesOf(points, polynomials));
      expect(elementsOf(result)).toEqual(polynomials.map(([secret]) => secret));
    });
    fc.assert(property);
  });

  it("must fit together in every bit, if there are more than t + 1", () => {
    const change = fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 7 }));
    const property = fc.property(shared, change, (input, [who, at, shift]) => {
      const { threshold, points, polynomials } = input;
      const before = field.memory.usedBytes;
      const shares = sharesOf(points, polynomials);
      const share = shares[who % points.length]!;
      share[at % share.length]! ^= 1 << shift;
      expect(() => combineShamir(field, points, threshold, shares)).toThrow(
        InconsistentSharesError,
      );
      expect(field.memory.usedBytes).toBe(before);
    });
    fc.assert(property);
  });

  it("name those who sent what does not fit", () => {
    const shares = sharesOf([1, 3, 5], [[7n, 1n]]);
    const combined = (changed: Uint8Array) => () =>
      combineShamir(field, [1, 3, 5], 1, [shares[0]!, changed, shares[2]!]);
    expect(combined(shares[0]!)).toThrow(
      "the shares that evaluators 0, 2 and 4 sent are not of one value",
    );
    expect(combined(new Uint8Array(16))).toThrow("evaluators 0, 2 and 4 sent differ in length");
    expect(combined(bytesOf([P]))).toThrow("the share that evaluator 2 sent is outside the field");
  });

  it("are never put together from t shares", () => {
    const shares = sharesOf([1, 2], [[7n, 1n, 1n]]);
    expect(() => combineShamir(field, [1, 2], 2, shares)).toThrow(InvariantError);
  });
});

it("positions off the degree are exactly those changed, also in long vectors", () => {
  const length = 5000;
  const points = shamirPoints(5);
  const changed = [0, 1, 2047, 2048, 4095, 4096, 4999];
  const shares = points.map((point) => {
    const v = field.alloc(length);
    const values = Array.from({ length }, (_, i) => valueAt([BigInt(i), 3n ** 30n], point));
    if (point === 4) for (const at of changed) values[at] = mod(values[at]! + BigInt(at + 1));
    field.setBytes(v, bytesOf(values));
    return v;
  });
  expect(positionsOffDegree(field, points, 1, shares)).toEqual(changed);
  // A change at one of the first points, which the others are compared with, is found as well.
  expect(positionsOffDegree(field, [4, 1, 2], 1, [shares[3]!, shares[0]!, shares[1]!])).toEqual(
    changed,
  );
});
