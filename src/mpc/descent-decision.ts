// The decision about one digit of a masked descent (descent.ts): which value the digit of x has, masked.
import type { ComparisonPool } from "./comparison.ts";
import { digitComparisons } from "./descent-material.ts";
import { type DescentState, weightAbove } from "./descent-state.ts";
import type { Engine } from "./engine.ts";
import { agreeing } from "./indicators.ts";
import type { Partial, Secret } from "./shared.ts";

/** Per descent the total weight by value of the masked digit, as indicators.ts arranges it. Rounds: 1. */
export async function digitTotals(
  engine: Engine,
  states: readonly DescentState[],
  digit: number,
): Promise<Secret[][]> {
  const values = states.map((state) => state.material.digitIs[digit]!.slice(1) as Secret[]);
  if (digit === 0) {
    // The first digit's indicators carry the weights already.
    return states.map((state, index) => [
      state.total,
      ...values[index]!.map((value) => engine.sum(value)),
    ]);
  }
  const dots = states.map((state, index) =>
    engine.partialDots(values[index]!.map((value) => [state.weight, value] as const)),
  );
  const shared = await engine.reshare(engine.concat(dots));
  let at = 0;
  return states.map((state, index) => [
    state.total,
    ...values[index]!.map(() => engine.slice(shared, at++, at)),
  ]);
}

/** The bits of pi = c xor rho, descent by descent within each bit, as a Partial. */
export async function compareTargets(
  engine: Engine,
  pool: ComparisonPool,
  states: readonly DescentState[],
  digit: number,
  totals: readonly (readonly Secret[])[],
): Promise<Partial> {
  const width = states[0]!.material.digits[digit]!.mask.length;
  const excess = states.map((state, index) =>
    excessOverTarget(engine, state, digit, totals[index]!),
  );
  const comparisons = digitComparisons(width);
  const differences = comparisons.flatMap(({ threshold }) =>
    excess.map((of) => engine.slice(of, threshold - 1, threshold)),
  );
  const below = await pool.negative(engine, engine.concat(differences));
  // pi_j = rho_j + (1 - 2 rho_j) sum of s c_u, and (1 - 2 rho_j) (1 - c_u) is what a gated comparison gives.
  const bits = Array.from({ length: width }, (_, j) => {
    const start = states.map((state) => startBit(engine, state, digit, j, comparisons));
    let sum = engine.partial(engine.concat(start));
    comparisons.forEach(({ bit, sign }, index) => {
      if (bit !== j) return;
      const at = index * states.length;
      const gated = engine.slice(below, at, at + states.length);
      sum = sign > 0 ? engine.sub(sum, gated) : engine.add(sum, gated);
    });
    return sum;
  });
  return engine.concat(bits);
}

/** rho_j + (1 - 2 rho_j) times the sum of the signs of bit j: what remains when no comparison is below. */
function startBit(
  engine: Engine,
  state: DescentState,
  digit: number,
  bit: number,
  comparisons: ReturnType<typeof digitComparisons>,
): Secret {
  const rho = state.material.digits[digit]!.mask[bit]!;
  const signs = comparisons.reduce((sum, of) => (of.bit === bit ? sum + of.sign : sum), 0);
  return engine.addNumber(engine.scale(rho, 1 - 2 * signs), signs);
}

/**
 * above + (weight of keys whose digit is >= u) - T for u = 1 .. 2^k - 1. The totals are by masked digits; a key
 * has digit v xor rho when its masked digit is v.
 */
function excessOverTarget(
  engine: Engine,
  state: DescentState,
  digit: number,
  totals: readonly Secret[],
): Partial {
  const byMasked = engine.concat(totals.map((_, v) => agreeing(engine, totals, 0, v)));
  const dots = state.material.digits[digit]!.reaches.map((reached) => [byMasked, reached] as const);
  const base = engine.sub(weightAbove(engine, state), engine.partial(state.target));
  return engine.add(engine.partialDots(dots), base);
}
