// The masked bitwise descent: weighted quantiles of secret keys, without a sort and without opening anything
// that depends on a key. Per descent with target T it finds x = max{x : N(x) >= T}, where N(x) is the total
// weight of keys >= x, together with the weights on x and, on request, above it.
//
// Level by level from the top bit: w holds the weights of the keys that agree with x so far. Were the bit's
// weight s = w . b public, c = [above + s >= T] would be the next bit of x. Here c stays secret: the keys' bits
// come masked, m = b xor rho, with one secret random rho per level, and only pi = c xor rho is opened. Then
// w [m = pi] is w [b = c]. w m is computed before pi is known, and its total gives s, so a level costs one
// multiplication per key, which overlaps with the comparison.
import { assert } from "../platform/assert.ts";
import type { ComparisonPool } from "./comparison.ts";
import { type Engine, mul } from "./engine.ts";
import type { Partial, Secret } from "./shared.ts";

/** A descent's share of the offline work. */
export interface DescentMaterial {
  /** rho per level, most significant first. */
  readonly masks: readonly Secret[];
  /** Masked key bits per level; the first level's is not needed and freed. */
  readonly maskedBits: readonly (Secret | null)[];
  /** weight times first masked bit, and its total. */
  readonly firstProduct: Secret;
  readonly firstTotal: Secret;
}

export interface DescentResult {
  /** The bits of x, most significant first, each of length 1. */
  readonly bits: readonly Secret[];
  /** The total weight of keys above x, length 1. */
  readonly above: Partial;
  /** The total weight of keys equal to x, length 1. */
  readonly on: Secret;
  /** Weights after each level, weights[0] being all; the last is the weight on x. Null when not asked for. */
  readonly weights: readonly Secret[] | null;
}

/** The gates of one level's comparisons, for ComparisonPool.prepare: see `descend`. */
export function descentGates(engine: Engine, masks: readonly Secret[]): Secret {
  const rho = engine.concat(masks);
  return engine.concat([engine.addNumber(engine.scale(rho, -1), 1), rho]);
}

/** Fresh masks for one descent. Rounds: 2. */
export async function drawMasks(engine: Engine, levels: number): Promise<Secret[]> {
  const bits = await engine.randomBits(levels);
  return Array.from({ length: levels }, (_, level) => engine.slice(bits, level, level + 1));
}

/**
 * Masks the keys' bits: m = b xor rho. `keyBits` most significant first, each as long as `weight`.
 * Rounds: 2. Elements: levels + 1 per key.
 */
export async function prepareDescent(
  engine: Engine,
  masks: readonly Secret[],
  keyBits: readonly Secret[],
  weight: Secret,
): Promise<DescentMaterial> {
  const maskedBits: (Secret | null)[] = [];
  for (const [level, bits] of keyBits.entries()) {
    const rho = masks[level]!;
    const flip = engine.addNumber(engine.scale(rho, -2), 1);
    maskedBits.push(await engine.mulSum([[bits, flip]], rho));
  }
  const first = maskedBits[0]!;
  const firstProduct = await mul(engine, weight, first);
  engine.free(first);
  maskedBits[0] = null;
  return { masks, maskedBits, firstProduct, firstTotal: engine.sum(firstProduct) };
}

interface State {
  readonly material: DescentMaterial;
  readonly target: Secret;
  readonly keepWeights: boolean;
  /** Weights after each level so far. */
  readonly weights: Secret[];
  /** Total of the current weights. */
  total: Secret;
  /** Per level so far: 1 - c, and the total of the weights that left. */
  readonly up: Secret[];
  readonly left: Secret[];
  readonly bits: Secret[];
}

export interface Descent {
  readonly material: DescentMaterial;
  /** T, length 1. */
  readonly target: Secret;
  /** Whether the caller needs the weights per key, not only x. */
  readonly keepWeights: boolean;
}

/**
 * Runs descents over the same weights side by side. The pool's next comparisons must have, level by level, the
 * gates `descentGates` of the descents' masks of that level.
 * Rounds: 5 per level. Elements: one per key, level and descent, less the first level, and the last of a descent
 * that keeps no weights. Leaks: nothing; each opened bit is masked by a bit of its own.
 */
export async function descend(
  engine: Engine,
  pool: ComparisonPool,
  weight: Secret,
  descents: readonly Descent[],
): Promise<DescentResult[]> {
  const total = engine.sum(weight);
  const states = descents.map(
    (descent): State => ({ ...descent, weights: [weight], total, up: [], left: [], bits: [] }),
  );
  const levels = descents[0]!.material.masks.length;
  for (let level = 0; level < levels; level++) {
    await descendLevel(engine, pool, states, level);
  }
  return states.map((state) => ({
    bits: state.bits,
    above: above(engine, state),
    on: state.total,
    weights: state.keepWeights ? state.weights : null,
  }));
}

async function descendLevel(
  engine: Engine,
  pool: ComparisonPool,
  states: readonly State[],
  level: number,
): Promise<void> {
  const steps: { total: Partial; product: Promise<Secret> | null }[] = [];
  for (const state of states) steps.push(await startLevel(engine, state, level));
  const totals = engine.concat(steps.map((step) => step.total));
  const sharedTotals = engine.reshare(totals);
  const reached = compareTargets(engine, pool, states, totals);
  // Each pi is c xor rho with rho uniform, unknown to all and used for this level of this descent only.
  const [shared, opened] = await Promise.all([
    sharedTotals,
    reached.then((masked) => engine.open(masked)),
  ]);
  const pi = engine.field.toNumbers(opened);
  engine.field.free(opened);
  for (const [index, state] of states.entries()) {
    const product = await steps[index]!.product;
    takeLevel(engine, state, level, pi[index]!, engine.slice(shared, index, index + 1), product);
  }
}

/** Multiplies the weights with the level's masked bits; the last product is needed only for weights. */
async function startLevel(
  engine: Engine,
  state: State,
  level: number,
): Promise<{ total: Partial; product: Promise<Secret> | null }> {
  const { material, weights } = state;
  if (level === 0) {
    const { firstTotal, firstProduct } = material;
    return { total: engine.partial(firstTotal), product: Promise.resolve(firstProduct) };
  }
  const bits = material.maskedBits[level]!;
  const current = weights.at(-1)!;
  const isLast = level === material.masks.length - 1;
  if (isLast && !state.keepWeights) {
    return { total: engine.partialDots([[current, bits]]), product: null };
  }
  return engine.mulWithTotal(current, bits);
}

/**
 * pi = c xor rho per descent, as a Partial. The masked total t = w . m is s when rho = 0 and W - s when rho = 1,
 * so both possible comparisons are made, and rho selects: (1 - rho) [above + t >= T] + rho [above + W - t < T].
 */
async function compareTargets(
  engine: Engine,
  pool: ComparisonPool,
  states: readonly State[],
  totals: Partial,
): Promise<Partial> {
  const base = engine.concat(
    states.map((state) => engine.sub(above(engine, state), engine.partial(state.target))),
  );
  const all = engine.partial(engine.concat(states.map((state) => state.total)));
  const ifClear = engine.add(base, totals);
  const ifMasked = engine.sub(engine.add(base, all), totals);
  const below = await pool.negative(engine, engine.concat([ifClear, ifMasked]));
  const count = states.length;
  const clearBelow = engine.slice(below, 0, count);
  const maskedBelow = engine.slice(below, count, 2 * count);
  const level = states[0]!.bits.length;
  const rho = engine.concat(states.map((state) => state.material.masks[level]!));
  const notRho = engine.partial(engine.addNumber(engine.scale(rho, -1), 1));
  return engine.add(engine.sub(notRho, clearBelow), maskedBelow);
}

/** Follows the opened pi: keeps the weights whose masked bit equals it, and notes what left. */
function takeLevel(
  engine: Engine,
  state: State,
  level: number,
  pi: number,
  maskedTotal: Secret,
  product: Secret | null,
): void {
  assert(pi === 0 || pi === 1, "an opened masked bit is a bit");
  const { material, weights } = state;
  const current = weights.at(-1)!;
  if (product !== null) {
    if (pi === 1) weights.push(product);
    else {
      weights.push(engine.sub(current, product));
      engine.free(product);
    }
    if (!state.keepWeights && level > 0) engine.free(current);
    const bits = material.maskedBits[level];
    if (bits) engine.free(bits);
  }
  const total = pi === 1 ? maskedTotal : engine.sub(state.total, maskedTotal);
  const rho = material.masks[level]!;
  const notRho = engine.addNumber(engine.scale(rho, -1), 1);
  state.left.push(engine.sub(state.total, total));
  state.total = total;
  state.bits.push(pi === 1 ? notRho : rho);
  state.up.push(pi === 1 ? rho : notRho);
}

/** The weight above: what left at levels where x took the bit 0. */
function above(engine: Engine, state: State): Partial {
  if (state.left.length === 0) return engine.partial(engine.constant([0]));
  return engine.partialDots([[engine.concat(state.up), engine.concat(state.left)]]);
}
