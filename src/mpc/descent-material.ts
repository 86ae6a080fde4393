// The offline work of a masked descent (descent.ts): per key indicators of the values of its masked digits; per digit
// the mask itself in the forms that the descent needs.
import type { Engine } from "./engine.ts";
import { agreeing, type Indicators, indicators } from "./indicators.ts";
import type { Secret } from "./shared.ts";

/** One digit of the key: a few bits that are decided together. */
interface Digit {
  /** The digit's bits of rho, least significant first. */
  readonly mask: readonly Secret[];
  /** reaches[u - 1], for u = 1 .. 2^k - 1: a vector over masked values v, 1 where v xor rho >= u. */
  readonly reaches: readonly Secret[];
}

/** What the masks alone give, before there are keys. */
export interface DescentMasks {
  readonly digits: readonly Digit[];
}

export interface DescentMaterial extends DescentMasks {
  /**
   * Per digit the indicators of the keys' masked digits; the first digit's are multiplied by the weight. A digit's
   * vectors are freed when the descent has used them.
   */
  readonly digitIs: readonly Indicators[];
}

/** Bits per digit, most significant first: three where possible, two in the end. */
export function digitWidths(levels: number): number[] {
  const widths: number[] = [];
  for (let left = levels; left > 0; ) {
    const width = left === 2 || left === 4 ? 2 : Math.min(left, 3);
    widths.push(width);
    left -= width;
  }
  return widths;
}

/** Fresh masks for `descents` descents over keys of `levels` bits. Rounds: 4. Leaks: nothing. */
export async function drawMasks(
  engine: Engine,
  descents: number,
  levels: number,
): Promise<DescentMasks[]> {
  const widths = digitWidths(levels);
  const bits = await engine.randomBits(descents * levels);
  let at = 0;
  const masks = Array.from({ length: descents * widths.length }, (_, index) =>
    Array.from({ length: widths[index % widths.length]! }, () => engine.slice(bits, at++, at)),
  );
  const values = await indicators(
    engine,
    masks.map((mask) => ({ bits: mask, weight: null })),
  );
  const digits = masks.map((mask, index): Digit => {
    return { mask, reaches: reachedThresholds(engine, values[index]!) };
  });
  return Array.from({ length: descents }, (_, index) => ({
    digits: digits.slice(index * widths.length, (index + 1) * widths.length),
  }));
}

/** Which masked values stand for a digit of at least u, for each u, from the indicators of rho. Local. */
function reachedThresholds(engine: Engine, maskIs: Indicators): Secret[] {
  const count = maskIs.length;
  const values = Array.from({ length: count }, (_, v) => v);
  const one = engine.concat(values.map((v) => agreeing(engine, maskIs, 0, v)));
  const reached: Secret[] = [];
  // Of the masked value v the digit is u when rho = u xor v; sums from the largest u down.
  let sum: Secret | null = null;
  for (let u = count - 1; u >= 1; u--) {
    const isU = engine.gather(
      one,
      Uint32Array.from(values, (v) => u ^ v),
    );
    sum = sum === null ? isU : engine.add(sum, isU);
    reached.unshift(sum);
  }
  return reached;
}

/**
 * Masks the keys' bits, m = b xor rho, and makes the indicators of each digit's values. `keyBits` come most
 * significant first; each is freed when all descents have it.
 * Rounds: k per digit of k bits, and one more for the first. Elements: per key and descent 2^k - 1 for a digit of
 * k bits, and k more for the first.
 */
export async function prepareDescents(
  engine: Engine,
  descents: readonly DescentMasks[],
  keyBits: readonly Secret[],
  weight: Secret,
): Promise<DescentMaterial[]> {
  const digitIs: Indicators[][] = descents.map(() => []);
  let start = 0;
  for (const [digit, { mask }] of descents[0]!.digits.entries()) {
    // Most significant first in keyBits, least significant first within a digit.
    const bits = keyBits.slice(start, start + mask.length).reverse();
    start += mask.length;
    const masked = await Promise.all(
      descents.map((descent) =>
        Promise.all(bits.map((bit, j) => maskBit(engine, bit, descent.digits[digit]!.mask[j]!))),
      ),
    );
    engine.free(...bits);
    const isFirst = digit === 0;
    const ofDigit = await indicators(
      engine,
      masked.map((own) => ({ bits: own, weight: isFirst ? weight : null })),
    );
    engine.free(...masked.flat());
    for (const [index, own] of ofDigit.entries()) digitIs[index]!.push(own);
    await engine.checkpoint();
  }
  return descents.map(({ digits }, index) => ({ digits, digitIs: digitIs[index]! }));
}

/** The vectors with one element per key: those of several keys of the same masks may be put together. */
export const materialColumns = ({ digitIs }: DescentMaterial): readonly Secret[] =>
  digitIs.flatMap((of) => of.slice(1) as readonly Secret[]);

/** The material of all keys, descent after descent, from such vectors; `weight` is that of all keys. */
export function materialsFrom(
  descents: readonly DescentMasks[],
  columns: readonly Secret[],
  weight: Secret,
): DescentMaterial[] {
  const left = columns.values();
  return descents.map(({ digits }) => ({
    digits,
    digitIs: digits.map(({ mask }, digit): Indicators => {
      const values = Array.from({ length: 2 ** mask.length - 1 }, () => left.next().value!);
      return [digit === 0 ? weight : null, ...values];
    }),
  }));
}

/** b xor rho = b (1 - 2 rho) + rho. Rounds: 1. */
function maskBit(engine: Engine, bit: Secret, rho: Secret): Promise<Secret> {
  return engine.mulSum([[bit, engine.addNumber(engine.scale(rho, -2), 1)]], rho);
}

/**
 * The gates of one digit's comparisons for ComparisonPool.prepare, in the order in which `descend` makes them:
 * per comparison of `digitComparisons` the sign 1 - 2 rho_j of every descent.
 */
export function digitGates(
  engine: Engine,
  digit: number,
  descents: readonly DescentMasks[],
): Secret {
  const width = descents[0]!.digits[digit]!.mask.length;
  const gates = digitComparisons(width).flatMap(({ bit }) =>
    descents.map(({ digits }) => engine.addNumber(engine.scale(digits[digit]!.mask[bit]!, -2), 1)),
  );
  return engine.concat(gates);
}

/**
 * The comparisons of one digit. With c_u = [c >= u], bit j of c is the sum over u of s c_u with
 * s = bit j of u less bit j of u - 1; one comparison is made for every s other than 0.
 */
export function digitComparisons(
  width: number,
): readonly { readonly bit: number; readonly threshold: number; readonly sign: number }[] {
  const list: { bit: number; threshold: number; sign: number }[] = [];
  for (let bit = 0; bit < width; bit++) {
    for (let threshold = 1; threshold < 2 ** width; threshold++) {
      const sign = ((threshold >> bit) & 1) - (((threshold - 1) >> bit) & 1);
      if (sign !== 0) list.push({ bit, threshold, sign });
    }
  }
  return list;
}
