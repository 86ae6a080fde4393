// Inverses and square roots of whole vectors, by exponentiation: nothing depends on the elements.
import type { Field } from "./field.ts";
import type { Vector } from "./memory.ts";

/** Elements worked on at once: they stay in the cache for all multiplications. */
const CHUNK = 1024;

/** Every element by its inverse, in place; 0 stays 0. By Fermat: x^(p - 2), p - 2 = 4 (2^59 - 1) + 1. */
export function invert(field: Field, values: Vector): void {
  inChunks(field, values, (chunk, power) => {
    powerOf59Ones(field, power, chunk);
    field.mul(power, power, power);
    field.mul(power, power, power);
    field.mul(chunk, chunk, power);
  });
}

/**
 * Every element that is a square by one over a square root of it, in place: x^((p - 3) / 4), as p is 3 mod 4. Of 0 it
 * makes 0, and of x that is no square something whose square is -1 / x.
 */
export function invertRoots(field: Field, values: Vector): void {
  inChunks(field, values, (chunk, power) => {
    powerOf59Ones(field, power, chunk);
    field.copy(chunk, power);
  });
}

/** dst = x^(2^59 - 1); (p - 3) / 4 is 59 ones in binary. The number of ones grows as 1, 3, 7, 14, 29, 59. */
function powerOf59Ones(field: Field, dst: Vector, x: Vector): void {
  const before = field.alloc(x.length);
  field.copy(dst, x);
  let ones = 1;
  for (const target of [3, 7, 14, 29, 59]) {
    field.copy(before, dst);
    for (let i = 0; i < ones; i++) field.mul(dst, dst, dst);
    field.mul(dst, dst, before);
    ones *= 2;
    if (ones === target) continue;
    field.mul(dst, dst, dst);
    field.mul(dst, dst, x);
    ones += 1;
  }
  field.free(before);
}

/** Runs `work` on piece after piece, with scratch space as long as the piece. */
function inChunks(
  field: Field,
  values: Vector,
  work: (chunk: Vector, scratch: Vector) => void,
): void {
  const scratch = field.alloc(Math.min(CHUNK, values.length));
  for (let from = 0; from < values.length; from += CHUNK) {
    const chunk = values.slice(from, Math.min(from + CHUNK, values.length));
    work(chunk, scratch.slice(0, chunk.length));
  }
  field.free(scratch);
}
