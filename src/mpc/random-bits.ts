// How engines make shared random bits from randomness they have for free.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { invertRoots } from "../field/powers.ts";
import { AbortError } from "./abort.ts";
import type { Engine } from "./engine.ts";
import type { Secret } from "./shared.ts";

/** x xor y for bits: x + y - 2 x y. Rounds: 1. */
export async function exclusiveOr(engine: Engine, x: Secret, y: Secret): Promise<Secret> {
  const minusTwoY = engine.scale(y, -2);
  const either = engine.add(x, y);
  const result = await engine.mulSum([[x, minusTwoY]], either);
  engine.free(minusTwoY, either);
  return result;
}

/**
 * As many random bits as uniformly random elements are given: which of the two square roots of its square each of them
 * is (Damgard, Fitzi, Kiltz, Nielsen, Toft 2006). Rounds: 1, and with malicious security those of openVerified.
 */
export async function bitsFromSquares(over: Engine, random: Secret): Promise<Secret> {
  const { field } = over;
  const squared = over.partialProducts([[random, random]]);
  // A uniform square says nothing about which root was squared. It is verified before, not after, as the bits will be
  // masks: of what a lie could make of the square, the roots would not be equally far apart, and mask too little.
  const squares = await over.openVerified(squared);
  const half = oneHalf(field);
  const halfRoots = inverseRoots(field, squares);
  field.mul(halfRoots, halfRoots, half);
  const shift = over.fromPublic(half);
  // random times the inverse root is 1 or -1.
  const halfSigns = over.mulPublic(random, halfRoots);
  const bits = over.add(halfSigns, shift);
  over.free(squared, shift, halfSigns);
  for (const done of [squares, halfRoots, half]) field.free(done);
  return bits;
}

/** One over a root of each square. AbortError if one is 0 (by chance: 2^-61) or no square. */
function inverseRoots(field: Field, squares: Vector): Vector {
  const roots = field.alloc(squares.length);
  const ones = field.alloc(squares.length);
  field.copy(roots, squares);
  invertRoots(field, roots);
  field.mul(ones, roots, roots);
  field.mul(ones, ones, squares);
  field.addNumber(ones, ones, -1);
  const improper = field.nonZero(ones).includes(1);
  field.free(ones);
  if (improper) throw new AbortError("an opened square of a random element is not a square");
  return roots;
}

/** 1 / 2 = 2^60 mod p. */
function oneHalf(field: Field): Vector {
  const half = field.alloc(1);
  field.fill(half, 2 ** 30);
  field.scale(half, half, 2 ** 30);
  return half;
}
