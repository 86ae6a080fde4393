// Indicators of the values of a few secret bits: for each value v a vector that is 1 where the bits say v, or a
// weight there, and 0 elsewhere. They are made beforehand, so that picking out a value later costs nothing.
import { copy, type Engine, mul, type SignedTerm } from "./engine.ts";
import type { Secret } from "./shared.ts";

/** Bits b_0 .. b_(k - 1), and a vector that every indicator is multiplied by, or null for 1. */
export interface BitSet {
  readonly bits: readonly Secret[];
  readonly weight: Secret | null;
}

/**
 * Entry v is the indicator of v, for v = 1 .. 2^k - 1. Entry 0 is the sum of all, that is the weight, or null for 1;
 * the indicator of 0 is what the others leave of it.
 */
export type Indicators = readonly (Secret | null)[];

/**
 * The indicators of each set. Rounds: the number of bits of the largest set, less 1 if no set has a weight.
 * Elements: per set and position 2^k - 1, less k without a weight.
 */
export async function indicators(engine: Engine, sets: readonly BitSet[]): Promise<Indicators[]> {
  const products: (Secret | null)[][] = sets.map(({ weight }) => [weight]);
  const most = Math.max(...sets.map(({ bits }) => bits.length));
  for (let j = 0; j < most; j++) {
    const larger = await Promise.all(
      sets.flatMap(({ bits }, index) => {
        const bit = bits[j];
        if (bit === undefined) return [];
        return products[index]!.map((of) =>
          of === null ? copy(engine, bit) : mul(engine, of, bit),
        );
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
  for (const own of products) subtractSupersets(engine, own);
  return products;
}

/**
 * From products of the subsets T of the bits to indicators, in place: of the positions where all bits of T are 1, those
 * remain where the other bits are 0. Entry 0 stays as it is.
 */
function subtractSupersets(engine: Engine, products: (Secret | null)[]): void {
  for (let bit = 1; bit < products.length; bit <<= 1) {
    for (let subset = 1; subset < products.length; subset++) {
      if ((subset & bit) !== 0) continue;
      const all = products[subset]!;
      products[subset] = engine.sub(all, products[subset | bit]!);
      engine.free(all);
    }
  }
}

/**
 * The indicator of the values whose bits from .. k - 1 equal those of `pattern`. Local, and a view where one vector
 * says it all.
 */
export function agreeing(engine: Engine, of: Indicators, from: number, pattern: number): Secret {
  const matches = (v: number) => v >> from === pattern >> from;
  const values = Array.from({ length: of.length - 1 }, (_, i) => i + 1);
  const pick = (keep: boolean, positive: boolean): SignedTerm[] =>
    values.filter((v) => matches(v) === keep).map((v) => ({ value: of[v]!, positive }));
  if (!matches(0)) {
    const terms = pick(true, true);
    return terms.length === 1
      ? engine.slice(terms[0]!.value, 0, terms[0]!.value.length)
      : engine.signedSum(terms, 0);
  }
  const [all] = of;
  const others = pick(false, false);
  if (all === null) return engine.signedSum(others, 1);
  return engine.signedSum([{ value: all!, positive: true }, ...others], 0);
}
