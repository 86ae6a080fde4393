// Replicated sharing x = x0 + x1 + x2 outside the computation: how a meter splits its values, and how whoever
// may learn a result puts it together. Components 0 and 1 are pseudorandom, so they travel as 16-byte seeds.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";

export const SEED_BYTES = 16;

/** Components of many rows of equal even width; a row stands alone, so rows of many meters can be joined. */
export interface CompressedShares {
  /** One seed per row for component 0, and for component 1. */
  readonly seeds0: Uint8Array;
  readonly seeds1: Uint8Array;
  /** Component 2 in full, 8 bytes per element. */
  readonly component2: Uint8Array;
}

/**
 * Splits rows of small numbers (`rows` holds n * width of them). Each evaluator alone learns nothing: it holds
 * two of three components, of which any two are independent and uniform.
 */
export function splitRows(
  field: Field,
  primitives: Primitives,
  rows: Uint8Array,
  width: number,
): CompressedShares {
  const count = rows.length / width;
  const seeds0 = primitives.randomBytes(SEED_BYTES * count);
  const seeds1 = primitives.randomBytes(SEED_BYTES * count);
  const component = field.alloc(rows.length);
  const rest = field.alloc(rows.length);
  field.setNumbers(rest, rows);
  for (const seeds of [seeds0, seeds1]) {
    expandRows(field, primitives, seeds, width, component);
    field.sub(rest, rest, component);
  }
  const component2 = field.toBytes(rest);
  field.free(component);
  field.free(rest);
  return { seeds0, seeds1, component2 };
}

/** Writes the component that the seeds stand for: one row of `width` elements per seed. */
export function expandRows(
  field: Field,
  primitives: Primitives,
  seeds: Uint8Array,
  width: number,
  into: Vector,
): void {
  field.setBytes(into, primitives.expandSeeds(seeds, width / 2));
  field.maskPrg(into);
}

/** What the three evaluators sent for one result do not fit together. */
export class InconsistentSharesError extends Error {
  override readonly name = "InconsistentSharesError";
}

/**
 * Puts a vector together from the output shares of evaluators 0, 1, 2 (each: its first component, then its
 * second). Every component comes from two evaluators; a difference between them throws InconsistentSharesError.
 */
export function combineReplicated(field: Field, shares: readonly Uint8Array[]): Vector {
  const half = shares[0]!.length / 2;
  const first = (party: number) => shares[party]!.subarray(0, half);
  const second = (party: number) => shares[party]!.subarray(half);
  const length = half / 8;
  const result = field.alloc(length);
  const component = field.alloc(length);
  field.fill(result, 0);
  for (let party = 0; party < 3; party++) {
    const twin = second((party + 2) % 3);
    if (!sameBytes(first(party), twin)) {
      throw new InconsistentSharesError(
        `evaluators ${party} and ${(party + 2) % 3} sent different shares of the same value`,
      );
    }
    field.setBytes(component, first(party));
    field.add(result, result, component);
  }
  field.free(component);
  return result;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
