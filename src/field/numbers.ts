// Between JavaScript numbers and elements, without BigInt: an element is two little-endian 32-bit
// words.
import { assert } from "../platform/assert.ts";
import { MODULUS_HIGH_WORD, MODULUS_LOW_WORD } from "./prime.ts";

const WORD = 2 ** 32;
const SAFE_HIGH_WORD = 2 ** 21;

/** Writes k mod p as the element at byte `offset`; k is a safe integer of either sign. */
export function writeNumber(words: Uint32Array, offset: number, k: number): void {
  assert(Number.isSafeInteger(k), "only safe integers become field elements");
  const at = offset / 4;
  const size = Math.abs(k);
  const low = size >>> 0;
  const high = (size - low) / WORD;
  // p - size: no word borrows, as the low word of p is all ones.
  words[at] = k < 0 ? MODULUS_LOW_WORD - low : low;
  words[at + 1] = k < 0 ? MODULUS_HIGH_WORD - high : high;
}

/** The element at byte `offset`; it must be below 2^53. */
export function readNumber(words: Uint32Array, offset: number): number {
  const at = offset / 4;
  const high = words[at + 1]!;
  assert(high < SAFE_HIGH_WORD, "only elements below 2^53 become numbers");
  return high * WORD + words[at]!;
}
