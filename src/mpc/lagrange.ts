// Interpolation over F_p, for a few points: coefficients with which values at some points combine to the value at
// another.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { invert } from "../field/powers.ts";

/**
 * The coefficients l_j with f(at) = sum l_j f(nodes_j) for every polynomial f of degree below nodes.length.
 * `nodes` are different public elements, `at` one public element. The result is the caller's to free.
 */
export function lagrangeCoefficients(field: Field, nodes: Vector, at: Vector): Vector {
  const count = nodes.length;
  const numerators = field.alloc(count);
  const denominators = field.alloc(count);
  const [difference, own] = [field.alloc(count), field.alloc(count)];
  field.fill(numerators, 1);
  field.fill(denominators, 1);
  for (let j = 0; j < count; j++) {
    const node = nodes.slice(j, j + 1);
    // Every other coefficient has the factor (at - node) above and (its own node - node) below.
    field.sub(own, nodes, node);
    field.fill(difference, 0);
    field.add(difference, difference, at);
    field.sub(difference, difference, node);
    field.fill(own.slice(j, j + 1), 1);
    field.fill(difference.slice(j, j + 1), 1);
    field.mul(numerators, numerators, difference);
    field.mul(denominators, denominators, own);
  }
  invert(field, denominators);
  field.mul(numerators, numerators, denominators);
  for (const done of [denominators, difference, own]) field.free(done);
  return numerators;
}

/** 0, 1, ... count - 1. */
export function firstNumbers(field: Field, count: number): Vector {
  const nodes = field.alloc(count);
  field.setNumbers(
    nodes,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  return nodes;
}
