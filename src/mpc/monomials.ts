// Products of the subsets of a few secret bits, from which the indicator of any pattern of the bits follows by
// additions alone. A subset T of bits 0 .. k - 1 is a number whose bit j says whether j is in T.
import { type Engine, mul, type SignedTerm } from "./engine.ts";
import type { Secret } from "./shared.ts";

/** Bits b_0 .. b_(k - 1), and a vector that multiplies every product, or null for 1. */
export interface BitSet {
  readonly bits: readonly Secret[];
  readonly weight: Secret | null;
}

/**
 * For each set, per subset T the product of its bits and the weight; entry 0 is the weight, or null for 1.
 * Rounds: the number of bits of the largest set, less 1 if no set has a weight. Elements: one per product of two
 * or more factors.
 */
export async function monomials(
  engine: Engine,
  sets: readonly BitSet[],
): Promise<(Secret | null)[][]> {
  const products: (Secret | null)[][] = sets.map(({ weight }) => [weight]);
  const most = Math.max(...sets.map(({ bits }) => bits.length));
  for (let j = 0; j < most; j++) {
    const larger = await Promise.all(
      sets.flatMap(({ bits }, index) => {
        const bit = bits[j];
        if (bit === undefined) return [];
        return products[index]!.map((of) => (of === null ? bit : mul(engine, of, bit)));
      }),
    );
    let at = 0;
    sets.forEach(({ bits }, index) => {
      if (j >= bits.length) return;
      const count = products[index]!.length;
      products[index]!.push(...larger.slice(at, at + count));
      at += count;
    });
  }
  return products;
}

/**
 * The sum over T of coefficient times monomial that is 1 (or the weight) where bits from .. k - 1 equal those of
 * `pattern` and 0 elsewhere: product over j of b_j or 1 - b_j, multiplied out. Local.
 */
export function agreeing(
  engine: Engine,
  products: readonly (Secret | null)[],
  from: number,
  pattern: number,
): Secret {
  const must = (pattern >> from) << from;
  const terms: SignedTerm[] = [];
  let constant = 0;
  for (let subset = must; subset < products.length; subset++) {
    const inRange = (subset >> from) << from === subset;
    if (!inRange || (subset & must) !== must) continue;
    const value = products[subset];
    if (value === null) constant = 1;
    else if (value) terms.push({ value, positive: oddBits(subset ^ must) === 0 });
  }
  return engine.signedSum(terms, constant);
}

/** 1 if an odd number of bits is set. */
function oddBits(value: number): number {
  let parity = 0;
  for (let rest = value; rest > 0; rest >>= 1) parity ^= rest & 1;
  return parity;
}
