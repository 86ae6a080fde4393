// Polynomials over F_p that are known at a few small public points: their values at others.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { invert } from "../field/powers.ts";
import { assert } from "../platform/assert.ts";

/** Elements worked on at once: a sum stays in the cache while the values are read. */
const CHUNK = 4096;

/**
 * The coefficients l_j with f(at) = sum_j l_j f(nodes_j) for every polynomial f of degree below nodes.length
 * (Lagrange). The nodes are different. The result is the caller's to free.
 */
export function interpolation(field: Field, nodes: readonly number[], at: number): Vector {
  assert(new Set(nodes).size === nodes.length, "the points of an interpolation differ");
  const coefficients = field.alloc(nodes.length);
  const denominators = field.alloc(nodes.length);
  field.fill(coefficients, 1);
  field.fill(denominators, 1);
  nodes.forEach((own, j) => {
    const [above, below] = [coefficients, denominators].map((v) => v.slice(j, j + 1));
    for (const other of nodes) {
      if (other === own) continue;
      field.scale(above!, above!, at - other);
      field.scale(below!, below!, own - other);
    }
  });
  invert(field, denominators);
  field.mul(coefficients, coefficients, denominators);
  field.free(denominators);
  return coefficients;
}

/** dst = sum_j coefficients_j values_j, for at least one value; dst is none of them. */
export function combine(
  field: Field,
  dst: Vector,
  coefficients: Vector,
  values: readonly Vector[],
): void {
  for (let from = 0; from < dst.length; from += CHUNK) {
    const to = Math.min(from + CHUNK, dst.length);
    const sum = dst.slice(from, to);
    values.forEach((value, j) => {
      const coefficient = coefficients.slice(j, j + 1);
      if (j === 0) field.mul(sum, value.slice(from, to), coefficient);
      else field.multiplyAdd(sum, value.slice(from, to), coefficient);
    });
  }
}
