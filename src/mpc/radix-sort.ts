// Sorting secret rows by a secret key: stable counting sorts digit by digit from the least significant one (Hamada,
// Ikarashi, Chida, Takahashi 2014; Asharov, Hamada, Ikarashi, Kikuchi, Nof, Pinkas, Takahashi, Tomida 2022). Per digit
// every row's destination is computed in secret, the rows are shuffled together with their destinations, and the
// destinations, by then a random permutation, are opened.
import { AbortError } from "./abort.ts";
import { copy, type Engine } from "./engine.ts";
import { agreeing, type Indicators, indicators } from "./indicators.ts";
import type { Partial, Secret } from "./shared.ts";
import { Shuffle } from "./shuffle.ts";

/** The first digit's indicators are made beforehand: 2^6 - 7 products per row. The others' are made in between. */
const FIRST_DIGIT_BITS = 6;
const DIGIT_BITS = 4;

/** Values of a digit whose products are summed before the next values' counts are made. */
const VALUES_AT_ONCE = 16;

/** What can be done before the rows stand together. */
export interface SortMaterial {
  /** The lowest digit: its indicators and its value. */
  readonly first: Indicators;
  readonly low: Secret;
  /** The key's other bits, digit by digit, the least significant bit of each first. */
  readonly digits: readonly (readonly Secret[])[];
  /** One per digit. */
  readonly shuffles: readonly Shuffle[];
}

export interface SortedRows {
  /** Falling. */
  readonly keys: Secret;
  readonly columns: readonly Secret[];
}

/** Bits per digit, the least significant digit first. */
export function radixWidths(bits: number): number[] {
  const first = Math.min(bits, FIRST_DIGIT_BITS);
  const widths = [first];
  for (let left = bits - first, digits = Math.ceil(left / DIGIT_BITS); digits > 0; digits--) {
    widths.push(Math.ceil(left / digits));
    left -= widths.at(-1)!;
  }
  return widths;
}

/**
 * Elements that `sortFalling` sends per row: per digit and pass the destination, the key so far, the columns and the
 * bits that are left; the destination's products; and the indicators of all digits but the first.
 */
export function sortElements(bits: number, columns: number, passes: number): number {
  let left = bits;
  return radixWidths(bits).reduce((total, width, digit) => {
    left -= width;
    const products = 1 + (digit === 0 ? 0 : 2 ** width - 1 - width);
    return total + products + passes * (2 + columns + left);
  }, 0);
}

/**
 * The offline half: indicators of the first digit, and permutations. `keyBits` come most significant first and are
 * used up. Rounds: 6. Elements per row: 57 for a first digit of 6 bits. Leaks: nothing.
 */
export async function prepareSort(
  engine: Engine,
  keyBits: readonly Secret[],
): Promise<SortMaterial> {
  const bits = keyBits.toReversed();
  const [first, ...others] = radixWidths(bits.length);
  const lowest = bits.splice(0, first);
  const digits = others.map((width) => bits.splice(0, width));
  const [ofFirst] = await indicators(engine, [{ bits: lowest, weight: null }]);
  const zero = engine.constant(new Uint8Array(lowest[0]!.length));
  const low = withDigit(engine, zero, lowest, 1);
  engine.free(...lowest);
  const shuffles: Shuffle[] = [];
  for (let digit = 0; digit <= digits.length; digit++) {
    shuffles.push(await Shuffle.draw(engine, keyBits[0]!.length));
  }
  return { first: ofFirst!, low, digits, shuffles };
}

/**
 * Rows sorted by falling keys, rows with equal keys in the order they were in. The material is used up; `columns`
 * stay the caller's.
 * Rounds: per digit 2 + those of a shuffle, and k - 1 for the indicators of k bits. Elements: see `sortElements`.
 * Leaks: nothing; what is opened per digit is a random permutation.
 */
export async function sortFalling(
  engine: Engine,
  material: SortMaterial,
  columns: readonly Secret[],
): Promise<SortedRows> {
  let { low: keys, first: digitIs, digits } = material;
  let rows = columns.map((column) => engine.slice(column, 0, column.length));
  let known = Math.log2(digitIs.length);
  for (const shuffle of material.shuffles) {
    const destination = await destinations(engine, digitIs);
    engine.free(...digitIs.filter((of) => of !== null));
    const before = [keys, ...rows, ...digits.flat()];
    const moved = await place(engine, shuffle, destination, before);
    engine.free(destination, ...before);

    keys = moved.shift()!;
    rows = moved.splice(0, rows.length);
    const [digit, ...left] = digits.map((bits) => moved.splice(0, bits.length));
    if (digit === undefined) break;
    digits = left;
    keys = withDigit(engine, keys, digit, 2 ** known);
    known += digit.length;
    [digitIs] = (await indicators(engine, [{ bits: digit, weight: null }])) as [Indicators];
    engine.free(...digit);
  }
  return { keys, columns: rows };
}

/**
 * Where each row goes when rows are sorted by falling digits, rows with equal digits in the order they are in: with
 * S_v(i) the rows whose digit is greater than v, and those up to row i whose digit is v, row i of digit v goes to
 * S_v(i) - 1. Rounds: 1. Elements: 1 per row.
 */
async function destinations(engine: Engine, digitIs: Indicators): Promise<Secret> {
  const count = digitIs[1]!.length;
  let greater = engine.constant([0]);
  let sum: Partial | null = null;
  for (let end = digitIs.length; end > 0; end -= VALUES_AT_ONCE) {
    const factors: [Secret, Secret][] = [];
    for (let v = end - 1; v >= Math.max(0, end - VALUES_AT_ONCE); v--) {
      const isV = agreeing(engine, digitIs, 0, v);
      const inDigit = engine.prefixSums(isV);
      const upTo = engine.add(inDigit, greater);
      engine.free(inDigit);
      if (count > 0) greater = engine.slice(upTo, count - 1, count);
      factors.push([isV, upTo]);
    }
    const products = engine.partialProducts(factors);
    greater = copy(engine, greater);
    engine.free(...factors.flat().filter((of) => of.owned));
    const total: Partial = sum === null ? products : engine.add(sum, products);
    if (sum !== null) engine.free(sum, products);
    sum = total;
  }
  const from0 = engine.addNumber(sum!, -1);
  const result = await engine.reshare(from0);
  engine.free(sum!, from0);
  return result;
}

/** Moves the rows to their destinations. The columns stay the caller's. */
async function place(
  engine: Engine,
  shuffle: Shuffle,
  destination: Secret,
  columns: readonly Secret[],
): Promise<Secret[]> {
  const [to, ...shuffled] = await shuffle.forward(engine, [destination, ...columns]);
  // The destinations are a permutation of 0 .. n - 1, and in the shuffled order a uniformly random one, whatever the
  // keys are. A lie about a product could make them something else, which depends on the keys; so verify first.
  const opened = await engine.openVerified(to!);
  const positions = permutationOf(engine.field.toNumbers(opened));
  engine.field.free(opened);
  const placed = shuffled.map((column) => {
    const result = engine.scatter(column, positions);
    engine.free(column);
    return result;
  });
  engine.free(to!);
  return placed;
}

/** Opened positions as indices; every one must occur once. */
export function permutationOf(positions: Float64Array): Uint32Array {
  const indices = Uint32Array.from(positions);
  const seen = new Uint8Array(indices.length);
  for (const index of indices) {
    if (seen[index] !== 0) throw new AbortError("the opened positions of rows are no permutation");
    seen[index] = 1;
  }
  return indices;
}

/** keys + unit * (the number that bits say, least significant first). `keys` are used up. */
function withDigit(engine: Engine, keys: Secret, bits: readonly Secret[], unit: number): Secret {
  return bits.reduce((sum, bit, j) => {
    const scaled = engine.scale(bit, unit * 2 ** j);
    const next = engine.add(sum, scaled);
    engine.free(sum, scaled);
    return next;
  }, keys);
}
