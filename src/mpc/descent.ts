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
import { type DescentMaterial, digitComparisons } from "./descent-material.ts";
import type { Engine, Factors } from "./engine.ts";
import { agreeing } from "./monomials.ts";
import type { Partial, Secret } from "./shared.ts";

export interface Descent {
  readonly material: DescentMaterial;
  /** T, length 1. */
  readonly target: Secret;
  /**
   * Null when only x is wanted. Else the weights per key are kept, and those above x come multiplied by this
   * public number.
   */
  readonly keysInUnits: number | null;
}

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

interface State {
  readonly material: DescentMaterial;
  readonly target: Secret;
  readonly keysInUnits: number | null;
  weight: Secret;
  /** Total of the current weights. */
  total: Secret;
  /** Per bit so far: 1 - c, and the total of the weights that left for differing in it first. */
  readonly up: Secret[];
  readonly left: Secret[];
  readonly bits: Secret[];
  readonly aboveFactors: (readonly [Secret, Secret])[];
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
    (descent): State => ({
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
    above: above(engine, state),
    on: state.total,
    keys: state.keysInUnits !== null ? { on: state.weight, above: state.aboveFactors } : null,
  }));
}

async function descendDigit(
  engine: Engine,
  pool: ComparisonPool,
  states: readonly State[],
  digit: number,
): Promise<void> {
  const totals = await monomialTotals(engine, states, digit);
  const masked = await compareTargets(engine, pool, states, digit, totals);
  // Each pi is c xor rho with rho uniform, unknown to all and used for this digit of this descent only.
  const opened = await engine.open(masked);
  const pi = readDigits(engine.field.toNumbers(opened), states.length);
  engine.field.free(opened);
  states.forEach((state, index) => {
    noteDigit(engine, state, digit, pi[index]!, totals[index]!);
  });
  await Promise.all(
    states.map((state, index) => keepAgreeing(engine, state, digit, pi[index]!)),
  );
}

/** Per descent the total weight of every product of masked bits; entry 0 is the total. Rounds: 1. */
async function monomialTotals(
  engine: Engine,
  states: readonly State[],
  digit: number,
): Promise<Secret[][]> {
  const products = states.map((state) => state.material.products[digit]!.slice(1) as Secret[]);
  if (digit === 0) {
    // The first digit's products carry the weights already.
    return states.map((state, index) => [
      state.total,
      ...products[index]!.map((product) => engine.sum(product)),
    ]);
  }
  const dots = states.map((state, index) =>
    engine.partialDots(products[index]!.map((product) => [state.weight, product] as const)),
  );
  const shared = await engine.reshare(engine.concat(dots));
  let at = 0;
  return states.map((state, index) => [
    state.total,
    ...products[index]!.map(() => engine.slice(shared, at++, at)),
  ]);
}

/** The bits of pi = c xor rho, descent by descent within each bit, as a Partial. */
async function compareTargets(
  engine: Engine,
  pool: ComparisonPool,
  states: readonly State[],
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
  state: State,
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
  state: State,
  digit: number,
  totals: readonly Secret[],
): Partial {
  const { maskIs } = state.material.digits[digit]!;
  const values = totals.length;
  const byMasked = engine.concat(
    Array.from({ length: values }, (_, v) => agreeing(engine, totals, 0, v)),
  );
  const dots = Array.from({ length: values - 1 }, (_, index) => {
    const threshold = index + 1;
    const atLeast = Array.from({ length: values }, (_, v) => {
      const masks = Uint32Array.from({ length: values - threshold }, (_, i) => (threshold + i) ^ v);
      return engine.sum(engine.gather(maskIs, masks));
    });
    return [byMasked, engine.concat(atLeast)] as const;
  });
  const base = engine.sub(above(engine, state), engine.partial(state.target));
  return engine.add(engine.partialDots(dots), base);
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
  state: State,
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
  state: State,
  digit: number,
  pi: number,
): Promise<void> {
  const { digits, products } = state.material;
  const width = digits[digit]!.mask.length;
  const isLast = digit === digits.length - 1;
  const own = products[digit]!;
  if (isLast && state.keysInUnits === null) {
    engine.free(...own.slice(1).map((product) => product!));
    return;
  }
  const previous = state.weight;
  const agree = Array.from({ length: state.keysInUnits !== null ? width : 1 }, (_, j) =>
    agreeing(engine, own, j, pi),
  );
  const [all] = agree;
  engine.free(...own.slice(1).map((product) => product!));
  if (digit === 0) {
    state.weight = all!;
    if (state.keysInUnits !== null) state.aboveFactors.push(...leaving(engine, state, agree, previous));
    return;
  }
  const kept = engine.mulSum([[previous, all!]]);
  if (state.keysInUnits !== null) {
    const [first, ...factors] = leaving(engine, state, agree, null);
    const leftAbove = await engine.mulSum(factors, first![1]);
    state.aboveFactors.push([previous, leftAbove]);
  }
  state.weight = await kept;
  engine.free(...agree);
  if (state.keysInUnits === null) engine.free(previous);
}

/**
 * The sum over j of (1 - c_j) (E_(j+1) - E_j), in units, as products of vectors and numbers. The first entry is for E_k,
 * which is the weight itself, or 1 everywhere (then only its number means anything).
 */
function leaving(
  engine: Engine,
  state: State,
  agree: readonly Secret[],
  weight: Secret | null,
): (readonly [Secret, Secret])[] {
  const width = agree.length;
  // The digit's entries of `up` were pushed from its most significant bit down.
  const up = (j: number) => engine.scale(state.up[state.up.length - 1 - j]!, state.keysInUnits!);
  const first = [weight ?? agree[0]!, up(width - 1)] as const;
  const rest = agree.map((vector, j) => {
    const coefficient = j === 0 ? engine.scale(up(0), -1) : engine.sub(up(j - 1), up(j));
    return [vector, coefficient] as const;
  });
  return [first, ...rest];
}

/** The weight above: what left at bits where x has 0. */
function above(engine: Engine, state: State): Partial {
  if (state.left.length === 0) return engine.partial(engine.constant([0]));
  return engine.partialDots([[engine.concat(state.up), engine.concat(state.left)]]);
}
