// Secret comparisons with zero (Nishide, Ohta 2007) in five rounds, opening of the result included. All work on
// random bits is done beforehand: a pool holds material for many comparisons, each used once.
//
// d is negative when d mod p > p/2, that is when the low bit of 2d mod p is 1. With r uniform and y = 2d + r
// opened, 2d = y - r + p [y < r], so that low bit is y_0 xor r_0 xor [y < r]. [y < r] is compared by digits:
// per 4-bit digit of r the pool holds shares of [digit = v] and [digit > v] for all v, so that the opened
// digits of y merely select two of them; a tree over the 16 digits does the rest.
import type { Vector } from "../field/memory.ts";
import { MODULUS_BITS } from "../field/prime.ts";
import { assert } from "../platform/assert.ts";
import { type Engine, mul } from "./engine.ts";
import type { Partial, Secret } from "./shared.ts";

const DIGIT_BITS = 4;
const DIGIT_VALUES = 2 ** DIGIT_BITS;
const DIGITS = 16;

/** Digit at each position of the tree's first level: bit-reversed, so that neighbours are halves apart. */
const DIGIT_AT = Array.from({ length: DIGITS }, (_, position) => {
  let digit = 0;
  for (let bit = 0; bit < 4; bit++) digit |= ((position >> bit) & 1) << (3 - bit);
  return digit;
});

/**
 * Material for a number of comparisons. A comparison may have a gate: a secret number u with which its result
 * comes multiplied at no cost, u [d < 0] in place of [d < 0].
 */
export class ComparisonPool {
  private readonly size: number;
  private readonly mask: Secret;
  /** u, and u r_0. */
  private readonly gate: Secret;
  private readonly gatedLowBit: Secret;
  /** Index (v * DIGITS + digit) * size + comparison; the top digit's entries are multiplied by u - 2 u r_0. */
  private readonly equals: Secret;
  private readonly exceeds: Secret;
  private taken = 0;

  private constructor(parts: {
    mask: Secret;
    gate: Secret;
    gatedLowBit: Secret;
    equals: Secret;
    exceeds: Secret;
  }) {
    this.size = parts.mask.length;
    this.mask = parts.mask;
    this.gate = parts.gate;
    this.gatedLowBit = parts.gatedLowBit;
    this.equals = parts.equals;
    this.exceeds = parts.exceeds;
  }

  /**
   * Material for one comparison per element of `gates`, in this order.
   * Rounds: 5. Elements: 427 per comparison. Leaks: nothing.
   */
  static async prepare(engine: Engine, gates: Secret): Promise<ComparisonPool> {
    const size = gates.length;
    const bits = await engine.randomBits(size * MODULUS_BITS);
    const bit = (j: number) => engine.slice(bits, j * size, (j + 1) * size);
    let mask = bit(MODULUS_BITS - 1);
    for (let j = MODULUS_BITS - 2; j >= 0; j--) mask = engine.add(engine.scale(mask, 2), bit(j));

    const padding = engine.constant(new Uint8Array(size * (DIGITS * DIGIT_BITS - MODULUS_BITS)));
    const padded = engine.concat([bits, padding]);
    const planes = Array.from({ length: DIGIT_BITS }, (_, j) =>
      digitPlane(engine, padded, size, j),
    );
    const [gatedLowBit, oneHot] = await Promise.all([
      mul(engine, gates, bit(0)),
      digitsOneHot(engine, planes),
    ]);

    // Multiplying the most significant digit's table carries the factor through the whole tree.
    const factor = engine.sub(gates, engine.scale(gatedLowBit, 2));
    const equals = await scaleTopDigit(engine, oneHot, size, factor);
    const exceeds = suffixSums(engine, equals, size);
    engine.free(oneHot, padded, padding);
    return new ComparisonPool({ mask, gate: gates, gatedLowBit, equals, exceeds });
  }

  /** How many comparisons are left. */
  get left(): number {
    return this.size - this.taken;
  }

  /**
   * The next d.length comparisons: u [d < 0] for each element, |d| < 2^59, as a Partial: open or reshare it.
   * Rounds: 4 (5 with the caller's). Elements per comparison: 2 for y, 16 + 8 + 4 for the tree: 30 in all.
   */
  async negative(engine: Engine, d: Partial): Promise<Partial> {
    const count = d.length;
    assert(count <= this.left, "the pool holds material for this many comparisons");
    const from = this.taken;
    this.taken += count;
    const part = (x: Secret) => engine.slice(x, from, from + count);

    // Opening y is safe: r is uniform, unknown to all, and used for this y only.
    const y = await engine.open(engine.add(engine.scale(d, 2), engine.partial(part(this.mask))));
    const digits = readDigits(engine, y);
    const less = await this.compareDigits(engine, digits, from, count);

    // u (y_0 xor g) with u g = u r_0 + less: for y_0 = 0 this is u g, for y_0 = 1 it is u - u g.
    const lowBits = digits.map((of) => of[0]! & 1);
    const gated = engine.add(less, engine.partial(part(this.gatedLowBit)));
    const signs = engine.field.alloc(count);
    engine.field.setNumbers(
      signs,
      lowBits.map((bit) => 1 - 2 * bit),
    );
    const flips = engine.field.alloc(count);
    engine.field.setNumbers(flips, lowBits);
    const result = engine.add(
      engine.mulPublic(gated, signs),
      engine.partial(engine.mulPublic(part(this.gate), flips)),
    );
    engine.field.free(y);
    return result;
  }

  /** (u - 2 u r_0) [y < r] for public y given by digits. */
  private async compareDigits(
    engine: Engine,
    digits: readonly Uint8Array[],
    from: number,
    count: number,
  ): Promise<Partial> {
    const indices = new Uint32Array(DIGITS * count);
    for (let position = 0; position < DIGITS; position++) {
      const digit = DIGIT_AT[position]!;
      for (let i = 0; i < count; i++) {
        const entry = digits[i]![digit]! * DIGITS + digit;
        indices[position * count + i] = entry * this.size + from + i;
      }
    }
    let less = engine.gather(this.exceeds, indices);
    let equal = engine.gather(this.equals, indices);
    for (let blocks = DIGITS / 2; blocks >= 1; blocks /= 2) {
      // The first half of the positions holds the less significant partner of each in the second half.
      const half = blocks * count;
      const low = (x: Secret) => engine.slice(x, 0, half);
      const high = (x: Secret) => engine.slice(x, half, 2 * half);
      if (blocks === 1) {
        const rest = engine.partialProducts([[low(less), high(equal)]]);
        return engine.add(rest, engine.partial(high(less)));
      }
      const left = engine.concat([low(less), low(equal)]);
      const right = engine.concat([high(equal), high(equal)]);
      const products = await engine.mulSum([[left, right]]);
      less = engine.add(engine.slice(products, 0, half), high(less));
      equal = engine.slice(products, half, 2 * half);
    }
    throw new Error("unreachable: the tree ends at one block");
  }
}

/** Bit j of every digit of every number: index digit * size + number. */
function digitPlane(engine: Engine, padded: Secret, size: number, j: number): Secret {
  const planes = Array.from({ length: DIGITS }, (_, digit) => {
    const at = (digit * DIGIT_BITS + j) * size;
    return engine.slice(padded, at, at + size);
  });
  return engine.concat(planes);
}

/** [digit = v] for all v: index v * planeLength + position. Rounds: 2. */
async function digitsOneHot(engine: Engine, planes: readonly Secret[]): Promise<Secret> {
  const [b0, b1, b2, b3] = planes as [Secret, Secret, Secret, Secret];
  const length = b0.length;
  const both = await mul(engine, engine.concat([b3, b1]), engine.concat([b2, b0]));
  const fourWay = (x: Secret, y: Secret, xy: Secret) => {
    const none = engine.addNumber(engine.sub(xy, engine.add(x, y)), 1);
    return [none, engine.sub(y, xy), engine.sub(x, xy), xy];
  };
  const high = fourWay(b3, b2, engine.slice(both, 0, length));
  const low = fourWay(b1, b0, engine.slice(both, length, 2 * length));
  const left = engine.concat(high.flatMap((h) => [h, h, h, h]));
  const right = engine.concat([0, 1, 2, 3].flatMap(() => low));
  return mul(engine, left, right);
}

/** Multiplies the entries of the most significant digit by a factor per comparison. Rounds: 1. */
async function scaleTopDigit(
  engine: Engine,
  table: Secret,
  size: number,
  factor: Secret,
): Promise<Secret> {
  const row = DIGITS * size;
  const top = row - size;
  const slices = Array.from({ length: DIGIT_VALUES }, (_, v) =>
    engine.slice(table, v * row + top, (v + 1) * row),
  );
  const scaled = await mul(engine, engine.concat(slices), engine.tile(factor, DIGIT_VALUES));
  const parts = slices.flatMap((_, v) => [
    engine.slice(table, v * row, v * row + top),
    engine.slice(scaled, v * size, (v + 1) * size),
  ]);
  return engine.concat(parts);
}

/** [digit > v] from [digit = v]. */
function suffixSums(engine: Engine, equals: Secret, size: number): Secret {
  const row = DIGITS * size;
  const rows: Secret[] = [];
  let above = engine.constant(new Uint8Array(row));
  for (let v = DIGIT_VALUES - 1; v >= 0; v--) {
    rows.unshift(above);
    above = engine.add(above, engine.slice(equals, v * row, (v + 1) * row));
  }
  const table = engine.concat(rows);
  engine.free(...rows);
  return table;
}

/** The 4-bit digits of public values, least significant first. */
function readDigits(engine: Engine, y: Vector): Uint8Array[] {
  const bytes = engine.field.toBytes(y);
  return Array.from({ length: y.length }, (_, i) =>
    Uint8Array.from({ length: DIGITS }, (_, digit) => {
      const byte = bytes[8 * i + (digit >> 1)]!;
      return digit & 1 ? byte >> 4 : byte & 15;
    }),
  );
}
