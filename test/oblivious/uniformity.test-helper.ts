// Statistics of shares: whether field elements and bytes look uniform. The limits are so wide that
// a uniform sample exceeds one about once in 10^9 runs of a test file.
import { P } from "../../src/field/reference.ts";

/** Limit for a standard normal deviate: exceeded once in 10^10. */
const DEVIATIONS = 6.5;

const ELEMENT_BITS = 61;

/**
 * The value that chi-square with so many degrees of freedom exceeds once in 10^10 (Wilson, Hilferty
 * 1931).
 */
function chiSquareLimit(freedom: number): number {
  const spread = 2 / (9 * freedom);
  return freedom * (1 - spread + DEVIATIONS * Math.sqrt(spread)) ** 3;
}

/** Bits 0 to 60 of which not half of all elements have a 1. */
export function unbalancedBits(elements: BigUint64Array): number[] {
  const words = new Uint32Array(elements.buffer, elements.byteOffset, 2 * elements.length);
  const limit = DEVIATIONS * Math.sqrt(elements.length / 4);
  const bits: number[] = [];
  for (let bit = 0; bit < ELEMENT_BITS; bit++) {
    let ones = 0;
    for (let i = bit >> 5; i < words.length; i += 2) ones += (words[i]! >>> (bit & 31)) & 1;
    if (Math.abs(ones - elements.length / 2) > limit) bits.push(bit);
  }
  return bits;
}

/**
 * Positions 0 to `width` - 1 at which the rows' bytes are not uniform below `valuesAt(position)`.
 */
export function unevenBytes(
  rows: Uint8Array,
  width: number,
  valuesAt: (position: number) => number = () => 256,
): number[] {
  const uneven: number[] = [];
  for (let position = 0; position < width; position++) {
    const values = valuesAt(position);
    const counts = new Uint32Array(256);
    for (let i = position; i < rows.length; i += width) counts[rows[i]!]! += 1;
    const expected = rows.length / width / values;
    const chiSquare = counts
      .subarray(0, values)
      .reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    const outside = counts.subarray(values).some((count) => count > 0);
    if (outside || chiSquare > chiSquareLimit(values - 1)) uneven.push(position);
  }
  return uneven;
}

/**
 * What is wrong with a sample of elements that ought to be uniform and all different; empty if
 * nothing.
 */
export function flaws(elements: BigUint64Array): string[] {
  const found: string[] = [];
  if (elements.some((x) => x >= P)) found.push("not in the field");
  const bits = unbalancedBits(elements);
  if (bits.length > 0) found.push(`unbalanced bits ${bits.join(" ")}`);
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  // The most significant byte holds the top 5 of 61 bits.
  const uneven = unevenBytes(bytes, 8, (position) => (position === 7 ? 32 : 256));
  if (uneven.length > 0) found.push(`uneven bytes ${uneven.join(" ")}`);
  const different = new Set(elements).size;
  if (different < elements.length) found.push(`${elements.length - different} repeated elements`);
  return found;
}
