// The masked descent: weighted quantiles of secret keys, without a sort and without opening anything that
// depends on a key. Per descent with target T it finds x = max{x : N(x) >= T}, where N(x) is the total weight of
// keys >= x, together with the weights on x and, on request, what is needed for the weight above it.
//
// Digit by digit of two or three bits from the top: w holds the weights of the keys that agree with x so far, and
// the digit c of x is the largest u with above + (weight of keys with digits >= u) >= T. c stays secret: the keys'
// bits come masked, m = b xor rho with one secret random rho per digit and descent, and only pi = c xor rho is
// opened. Then w [m = pi] is w [b = c]: one multiplication per key and digit.
// (Digit-by-digit price searches that open their path betray somebody's limit price; see docs/PROTOCOL.md.)
import { assert } from "../platform/assert.ts";
import type { ComparisonPool } from "./comparison.ts";
import { compareTargets, digitTotals } from "./descent-decision.ts";
import { type Descent, type DescentState, weightAbove } from "./descent-state.ts";
import { copy, type Engine, type Factors } from "./engine.ts";
import { agreeing } from "./indicators.ts";
import type { Partial, Secret } from "./shared.ts";

export interface DescentResult {
  /** The bits of x, most significant first, each of length 1. */
  readonly bits: readonly Secret[];
  /** The total weight of keys above x, length 1. */
  readonly above: Partial;
  /** The total weight of keys equal to x, length 1. */
  readonly on: Secret;
  /** Null when not asked for. */
  readonly keys: KeyWeights | null;
}

export interface KeyWeights {
  /** Per key its weight if it equals x, else 0. */
  readonly on: Secret;
  /** Per key its weight if it is above x, else 0, in units: a sum of products, to be multiplied in one round. */
  readonly above: Factors;
}

/**
 * Runs descents over the same weights side by side. The pool's next comparisons must have, digit by digit, the
 * gates that `digitGates` gives for the descents.
 * Rounds: 7 per digit, less 2 at the first and 1 at the last if no weights are kept.
 * Elements: per key and digit but the first, 1 (not at the last digit of a descent that keeps no weights), and
 * 1 more where weights are kept. Leaks: nothing; each opened bit is masked by a bit of its own.
 */
export async function descend(
  engine: Engine,
  pool: ComparisonPool,
  weight: Secret,
  descents: readonly Descent[],
): Promise<DescentResult[]> {
  const total = engine.sum(weight);
  const states = descents.map(
    (descent): DescentState => ({
      ...descent,
      weight,
      total,
      up: [],
      left: [],
      bits: [],
      aboveFactors: [],
    }),
  );
  const digits = descents[0]!.material.digits.length;
  for (let digit = 0; digit < digits; digit++) await descendDigit(engine, pool, states, digit);
  return states.map((state) => ({
    bits: state.bits,
    above: weightAbove(engine, state),
    on: state.total,
    keys: state.keysInUnits !== null ? { on: state.weight, above: state.aboveFactors } : null,
  }));
}

async function descendDigit(
  engine: Engine,
  pool: ComparisonPool,
  states: readonly DescentState[],
  digit: number,
): Promise<void> {
  const totals = await digitTotals(engine, states, digit);
  const masked = await compareTargets(engine, pool, states, digit, totals);
  // Each pi is c xor rho with rho uniform, unknown to all and used for this digit of this descent only. That holds
  // for bits c: a lie about a product could make c another number, which shows through rho; so verify first.
  const opened = await engine.openVerified(masked);
  const pi = readDigits(engine.field.toNumbers(opened), states.length);
  engine.field.free(opened);
  states.forEach((state, index) => {
    noteDigit(engine, state, digit, pi[index]!, totals[index]!);
  });
  await Promise.all(states.map((state, index) => keepAgreeing(engine, state, digit, pi[index]!)));
}

/** pi per descent from opened bits. */
function readDigits(opened: Float64Array, descents: number): number[] {
  const digits = new Array<number>(descents).fill(0);
  opened.forEach((bit, index) => {
    assert(bit === 0 || bit === 1, "an opened masked bit is a bit");
    digits[index % descents]! += bit * 2 ** Math.floor(index / descents);
  });
  return digits;
}

/** Follows pi in the totals: what stays, and what left at each bit. */
function noteDigit(
  engine: Engine,
  state: DescentState,
  digit: number,
  pi: number,
  totals: readonly Secret[],
): void {
  const { mask } = state.material.digits[digit]!;
  for (let j = mask.length - 1; j >= 0; j--) {
    const rho = mask[j]!;
    const notRho = engine.addNumber(engine.scale(rho, -1), 1);
    const masked = (pi >> j) & 1;
    const staying = agreeing(engine, totals, j, pi);
    state.left.push(engine.sub(state.total, staying));
    state.total = staying;
    state.bits.push(masked === 1 ? notRho : rho);
    state.up.push(masked === 1 ? rho : notRho);
  }
}

/**
 * The weights of the keys whose masked digit is pi, and per key whether it left above x. Keys that leave first
 * differ from x in some bit j, and are above when x has 0 there: sum over j of (1 - c_j) (E_(j+1) - E_j), where
 * E_j says that bits j and higher agree. Rounds: 1.
 */
async function keepAgreeing(
  engine: Engine,
  state: DescentState,
  digit: number,
  pi: number,
): Promise<void> {
  const { digits, digitIs } = state.material;
  const width = digits[digit]!.mask.length;
  const keep = state.keysInUnits !== null;
  const values = digitIs[digit]!.slice(1) as Secret[];
  const previous = state.weight;
  if (digit === digits.length - 1 && !keep) {
    if (digit > 0) engine.free(previous); // At first it is the caller's.
    engine.free(...values);
    return;
  }
  const agree = Array.from({ length: keep ? width : 1 }, (_, j) =>
    agreeing(engine, digitIs[digit]!, j, pi),
  );
  if (digit === 0) {
    // These carry the weights already; they outlive the digit's vectors, which some are views of.
    const own = agree.map((vector) => (vector.owned ? vector : copy(engine, vector)));
    state.weight = own[0]!;
    if (keep) {
      const { all, factors } = leaving(engine, state, own);
      state.aboveFactors.push([previous, all], ...factors);
    }
    engine.free(...values);
    return;
  }
  const left = keep ? leaving(engine, state, agree) : null;
  // Side by side and awaited together: when the links end, both fail.
  const [kept, leftAbove] = await Promise.all([
    engine.mulSum([[previous, agree[0]!]]),
    left && engine.mulSum(left.factors, left.all),
  ]);
  state.weight = kept;
  if (leftAbove === null) engine.free(previous);
  else state.aboveFactors.push([previous, leftAbove]);
  engine.free(...agree, ...values);
}

/**
 * The sum over j of (1 - c_j) (E_(j+1) - E_j), in units: a number for all keys that are still there (E_k), and
 * products of the vectors E_j with numbers.
 */
function leaving(
  engine: Engine,
  state: DescentState,
  agree: readonly Secret[],
): { all: Secret; factors: Factors } {
  // The digit's entries of `up` were pushed from its most significant bit down.
  const up = (j: number) => engine.scale(state.up[state.up.length - 1 - j]!, state.keysInUnits!);
  const factors = agree.map((vector, j) => {
    const coefficient = j === 0 ? engine.scale(up(0), -1) : engine.sub(up(j - 1), up(j));
    return [vector, coefficient] as const;
  });
  return { all: up(agree.length - 1), factors };
}
