// Checks a claim <x, y> = z about secret vectors without learning anything: folded again and again by random public
// coins until one product is left, which is masked by a random one and opened.
//
// A fold cuts x and y into k blocks, the values at 0 .. k - 1 of polynomials f and g. h = f g has degree 2 k - 2, and
// the claim is about the sum of h(0) .. h(k - 1). The parties make shares of h's values, one of them such that the
// claim holds, toss a coin c, and go on with the claim <f(c), g(c)> = h(c), k times shorter. If the claim before was
// false, or a share of h, the new one holds with probability below 2 k / p.
// Reference: Boneh et al. 2019, section 5; Goyal, Song 2020, section 4.
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import { AbortError } from "./abort.ts";
import type { VerifiableEngine } from "./engine.ts";
import { firstNumbers, lagrangeCoefficients } from "./lagrange.ts";
import { Secret } from "./shared.ts";
import type { Claim, Segment } from "./verified-claim.ts";

/** Claims longer than this are halved, shorter ones cut into more blocks: fewer rounds, more products per element. */
const HALVE_ABOVE = 2 ** 15;
const BLOCKS = 8;
const NO_TRANSCRIPT = new Uint8Array(0);
const ONE_CLAIM = "a product that was made does not match its factors";

/**
 * AbortError if the claim is false. Rounds: 2 per fold and 1. Uses up the claim's y, and z.
 * Opens: one product x y = z, masked by a random factor and its product.
 */
export async function checkClaim(engine: VerifiableEngine, claim: Claim): Promise<void> {
  let { segments, z } = mergeSmall(engine, claim);
  let owned = false;
  while (lengthOf(segments) > HALVE_ABOVE) {
    const halved = await halve(engine, segments, z);
    free(engine, segments, owned);
    ({ segments, z } = halved);
    owned = true;
  }
  const merged = merge(engine, segments);
  free(engine, segments, owned);
  let { x, y } = merged;
  while (x.length > BLOCKS) {
    const folded = await foldBlocks(engine, x, y, z, BLOCKS, null);
    engine.free(x, y);
    ({ x, y, z } = folded);
  }
  // Nobody knows these two: what is opened in the end is uniform but for z = x y.
  const mask = await engine.random(2);
  const last = await foldBlocks(engine, x, y, z, x.length, mask);
  // Uniform and used once, see above; z is their product if nobody lied.
  const opened = await engine.openChecked(engine.concat([last.x, last.y, last.z]), "verification");
  const product = opened.slice(0, 1);
  engine.field.mul(product, product, opened.slice(1, 2));
  if (!engine.field.equal(product, opened.slice(2, 3))) throw new AbortError(ONE_CLAIM);
  engine.field.free(opened);
}

const lengthOf = (segments: readonly Segment[]) =>
  segments.reduce((sum, { x }) => sum + x.length, 0);

function free(engine: VerifiableEngine, segments: readonly Segment[], owned: boolean): void {
  for (const { x, y } of segments) {
    if (owned) engine.free(x);
    engine.free(y);
  }
}

/** One segment for all short ones, so that the number of segments stays small. */
function mergeSmall(engine: VerifiableEngine, { segments, z }: Claim): Claim {
  const isSmall = ({ x }: Segment) => x.length < HALVE_ABOVE / 8;
  const small = segments.filter(isSmall);
  if (small.length < 2) return { segments, z };
  const one = merge(engine, small);
  return { segments: [...segments.filter((segment) => !isSmall(segment)), one], z };
}

function merge(engine: VerifiableEngine, segments: readonly Segment[]): Segment {
  if (lengthOf(segments) === 0) return { x: engine.constant([0]), y: engine.constant([0]) };
  return {
    x: engine.concat(segments.map(({ x }) => x)),
    y: engine.concat(segments.map(({ y }) => y)),
  };
}

/** The fold into two halves, of each segment by itself: f(s) = x0 + s (x1 - x0). */
async function halve(
  engine: VerifiableEngine,
  segments: readonly Segment[],
  z: Secret,
): Promise<Claim> {
  const halves = segments.map(({ x, y }) => ({ x: cut(engine, x), y: cut(engine, y) }));
  // h(0), and h(2) from f(2) = 2 x1 - x0; h(1) follows from the claim.
  const at0 = engine.partialDots(halves.map(({ x, y }) => [x.first, y.first] as const));
  const two = scalar(engine, 2);
  const twice = halves.map(
    ({ x, y }) => [between(engine, x, two), between(engine, y, two)] as const,
  );
  const at2 = engine.partialDots(twice);
  for (const pair of twice) engine.free(...pair);
  const shared = await engine.labelled("verification", () =>
    engine.reshare(engine.concat([engine.sum(at0), engine.sum(at2)])),
  );
  const h0 = engine.slice(shared, 0, 1);
  const h2 = engine.slice(shared, 1, 2);
  const c = await challenge(engine);
  const folded = halves.map(({ x, y }) => ({ x: between(engine, x, c), y: between(engine, y, c) }));
  return { segments: folded, z: valueAt(engine, [h0, engine.sub(z, h0), h2], c) };
}

interface Halves {
  readonly first: Secret;
  /** As long, or one element shorter; then the missing element is 0. */
  readonly second: Secret;
}

function cut(engine: VerifiableEngine, x: Secret): Halves {
  const middle = Math.ceil(x.length / 2);
  return { first: engine.slice(x, 0, middle), second: engine.slice(x, middle, x.length) };
}

/** (1 - s) first + s second for a public s. */
function between(engine: VerifiableEngine, { first, second }: Halves, s: Vector): Secret {
  const { field } = engine;
  const rest = field.alloc(1);
  field.neg(rest, s);
  field.addNumber(rest, rest, 1);
  const components = first.components.map((component, index) => {
    const sum = field.alloc(component.length);
    field.mul(sum, component, rest);
    const part = sum.slice(0, second.length);
    field.multiplyAdd(part, second.components[index]!, s);
    return sum;
  });
  field.free(rest);
  return new Secret(components, true);
}

/**
 * The fold into up to `blocks` blocks. With `mask`, two random numbers, a last block of one element each is added to
 * x and y, and the claim does not count it.
 */
async function foldBlocks(
  engine: VerifiableEngine,
  x: Secret,
  y: Secret,
  z: Secret,
  blocks: number,
  mask: Secret | null,
): Promise<{ x: Secret; y: Secret; z: Secret }> {
  const length = Math.ceil(x.length / blocks);
  const claimed = Math.ceil(x.length / length);
  const xs = cutInto(engine, x, length);
  const ys = cutInto(engine, y, length);
  if (mask !== null) {
    xs.push(engine.slice(mask, 0, 1));
    ys.push(engine.slice(mask, 1, 2));
  }
  const k = xs.length;
  const products = engine.partialDots(xs.flatMap((a) => ys.map((b) => matched(engine, a, b))));
  const { field } = engine;
  const nodes = firstNumbers(field, k);
  const values = Array.from({ length: 2 * k - 1 }, (_, point) => {
    if (point < k) return engine.slice(products, point * (k + 1), point * (k + 1) + 1);
    const at = scalar(engine, point);
    const own = lagrangeCoefficients(field, nodes, at);
    const both = field.alloc(k * k);
    for (let a = 0; a < k; a++) field.mul(both.slice(a * k, a * k + k), own, own.slice(a, a + 1));
    return engine.sum(engine.mulPublic(products, both));
  });
  // The claim gives the value at its last block.
  const sent = values.filter((_, point) => point !== claimed - 1);
  const shared = await engine.labelled("verification", () => engine.reshare(engine.concat(sent)));
  const h = sent.map((_, i) => engine.slice(shared, i, i + 1));
  let given = z;
  for (const value of h.slice(0, claimed - 1)) given = engine.sub(given, value);
  h.splice(claimed - 1, 0, given);
  const c = await challenge(engine);
  const coefficients = lagrangeCoefficients(field, nodes, c);
  return {
    x: combine(engine, xs, coefficients),
    y: combine(engine, ys, coefficients),
    z: valueAt(engine, h, c),
  };
}

function cutInto(engine: VerifiableEngine, x: Secret, length: number): Secret[] {
  return Array.from({ length: Math.ceil(x.length / length) }, (_, block) =>
    engine.slice(x, block * length, Math.min((block + 1) * length, x.length)),
  );
}

/** The parts of two blocks that both have; the rest of a short one counts as 0. */
function matched(engine: VerifiableEngine, a: Secret, b: Secret): readonly [Secret, Secret] {
  const length = Math.min(a.length, b.length);
  return [engine.slice(a, 0, length), engine.slice(b, 0, length)];
}

/** The sum of coefficients times blocks; short blocks count as 0 where they end. */
function combine(
  engine: VerifiableEngine,
  blocks: readonly Secret[],
  coefficients: Vector,
): Secret {
  const { field } = engine;
  const [first] = blocks;
  const components = first!.components.map((_, index) => {
    const sum = field.alloc(first!.length);
    field.fill(sum, 0);
    blocks.forEach((block, j) => {
      const part = sum.slice(0, block.length);
      field.multiplyAdd(part, block.components[index]!, coefficients.slice(j, j + 1));
    });
    return sum;
  });
  return new Secret(components, true);
}

/** h(c) from h(0), h(1), ... of length 1 each. */
function valueAt(engine: VerifiableEngine, h: readonly Secret[], c: Vector): Secret {
  const coefficients = lagrangeCoefficients(engine.field, firstNumbers(engine.field, h.length), c);
  return combine(engine, h, coefficients);
}

/** A public random element that nobody could choose or foresee. Rounds: 1. */
async function challenge(engine: VerifiableEngine): Promise<Vector> {
  const c = engine.field.alloc(1);
  engine.field.setBytes(c, (await engine.coinOver(NO_TRANSCRIPT)).subarray(0, 8));
  engine.field.maskPrg(c);
  // At a small number the last fold would open a block as it is. It comes with probability 2^-55.
  const bytes = engine.field.toBytes(c);
  assert(
    bytes.subarray(1).some((byte) => byte !== 0),
    "a challenge is not a small number",
  );
  return c;
}

function scalar(engine: VerifiableEngine, value: number): Vector {
  const v = engine.field.alloc(1);
  engine.field.setNumbers(v, [value]);
  return v;
}
