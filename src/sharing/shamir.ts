// Shamir sharing outside the computation: a secret is f(0) of a polynomial f of degree at most t, and evaluator i holds
// f(i + 1). How a meter splits its values, and how whoever may learn a result puts it together. The values at t points
// are free to choose, so they are pseudorandom and travel as 16-byte seeds. Reference: Shamir 1979.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { combine, interpolation } from "./interpolation.ts";
import { expandRows, InconsistentSharesError, SEED_BYTES } from "./replicated.ts";

/** Elements worked on at once: they stay in the cache. */
const CHUNK = 2048;

/** The point at which each of `parties` evaluators holds a polynomial's value: never 0, which is the secret's. */
export const shamirPoints = (parties: number): number[] =>
  Array.from({ length: parties }, (_, evaluator) => evaluator + 1);

/**
 * Splits rows of small numbers (`rows` holds n * width of them, width even) for `parties` evaluators of which any
 * `threshold` learn nothing: their shares are independent and uniform. What each evaluator gets: the first `threshold`
 * one seed per row (see expandRows), the others the row in full, 8 bytes per element. Rows of many meters
 * can be joined.
 */
export function splitShamir(
  field: Field,
  primitives: Primitives,
  rows: Uint8Array,
  width: number,
  parties: number,
  threshold: number,
): Uint8Array[] {
  const points = shamirPoints(parties);
  const seeds = points
    .slice(0, threshold)
    .map(() => primitives.randomBytes((SEED_BYTES * rows.length) / width));
  const secret = field.alloc(rows.length);
  field.setNumbers(secret, rows);
  const free = seeds.map((own) => {
    const share = field.alloc(rows.length);
    expandRows(field, primitives, own, width, share);
    return share;
  });
  const nodes = [0, ...points.slice(0, threshold)];
  const share = field.alloc(rows.length);
  const full = points.slice(threshold).map((point) => {
    const coefficients = interpolation(field, nodes, point);
    combine(field, share, coefficients, [secret, ...free]);
    field.free(coefficients);
    return field.toBytes(share);
  });
  for (const done of [secret, share, ...free]) field.free(done);
  return [...seeds, ...full];
}

/**
 * Puts a vector together from the output shares of the evaluators at `points`, at least threshold + 1 of them.
 * InconsistentSharesError unless all shares lie on one polynomial of degree at most `threshold`.
 */
export function combineShamir(
  field: Field,
  points: readonly number[],
  threshold: number,
  shares: readonly Uint8Array[],
): Vector {
  assert(shares.length === points.length, "there is one share per point");
  assert(shares.length > threshold, "a value is put together from more than `threshold` shares");
  const { length } = shares[0]!;
  if (shares.some((share) => share.length !== length)) throw misfit(points, "differ in length");
  const vectors = shares.map((bytes) => {
    const share = field.alloc(Math.floor(length / ELEMENT_BYTES));
    field.setBytes(share, bytes);
    return share;
  });
  try {
    const wild = vectors.findIndex((share) => !field.isCanonical(share));
    if (wild >= 0) throw misfit([points[wild]!], "is outside the field");
    const off = positionsOffDegree(field, points, threshold, vectors);
    if (off.length > 0) throw misfit(points, "are not of one value");
    const result = field.alloc(vectors[0]!.length);
    const atZero = interpolation(field, points.slice(0, threshold + 1), 0);
    combine(field, result, atZero, vectors.slice(0, threshold + 1));
    field.free(atZero);
    return result;
  } finally {
    for (const vector of vectors) field.free(vector);
  }
}

/**
 * The positions at which public shares, one vector per point, do not lie on a polynomial of degree at most
 * `degree`. Of exactly degree + 1 points any shares do.
 */
export function positionsOffDegree(
  field: Field,
  points: readonly number[],
  degree: number,
  shares: readonly Vector[],
): number[] {
  const { length } = shares[0]!;
  const nodes = points.slice(0, degree + 1);
  const others = points.slice(degree + 1);
  const coefficients = others.map((point) => interpolation(field, nodes, point));
  const expected = field.alloc(Math.min(CHUNK, length));
  const off = new Set<number>();
  for (let from = 0; from < length; from += CHUNK) {
    const part = shares.map((share) => share.slice(from, Math.min(from + CHUNK, length)));
    coefficients.forEach((own, k) => {
      const difference = expected.slice(0, part[0]!.length);
      combine(field, difference, own, part.slice(0, degree + 1));
      field.sub(difference, difference, part[degree + 1 + k]!);
      field.nonZero(difference).forEach((mark, i) => {
        if (mark === 1) off.add(from + i);
      });
    });
  }
  for (const done of [expected, ...coefficients]) field.free(done);
  return [...off].sort((a, b) => a - b);
}

function misfit(points: readonly number[], what: string): InconsistentSharesError {
  const names = points.map((point) => point - 1);
  const shares =
    names.length === 1
      ? `the share that evaluator ${names[0]}`
      : `the shares that evaluators ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return new InconsistentSharesError(`${shares} sent ${what}`);
}
