// Arithmetic on lanes, shared by all kernels and inlined into each. p = 2^61 - 1; an element is a
// canonical little-endian u64 in [0, p-1]. A kernel works on blocks of four elements in two
// vectors (u: elements 0 and 1, v: elements 2 and 3). Bytes 0..1023 of the memory are scratch
// space that no vector ever occupies.

// @ts-ignore: decorator
@inline export const MODULUS: u64 = 0x1fffffffffffffff;
// @ts-ignore: decorator
@inline export const SCRATCH_A: usize = 256;
// @ts-ignore: decorator
@inline export const SCRATCH_B: usize = 384;
// @ts-ignore: decorator
@inline export const SCRATCH_C: usize = 512;
// @ts-ignore: decorator
@inline export const SCRATCH_D: usize = 640;

/** p in both lanes; as a mask, the low 61 bits. */
// @ts-ignore: decorator
@inline export function modulus(): v128 {
  return i64x2.splat(0x1fffffffffffffff);
}

/** The one conditional subtraction: lanes in [0, 2p) to [0, p). */
// @ts-ignore: decorator
@inline export function canonical(x: v128): v128 {
  const over = i64x2.gt_s(x, i64x2.splat(0x1ffffffffffffffe));
  return i64x2.sub(x, v128.and(over, modulus()));
}

/** 2^61 = 1 mod p: any lanes to the same residue in [0, p + 7]. */
// @ts-ignore: decorator
@inline export function fold(x: v128): v128 {
  return i64x2.add(v128.and(x, modulus()), i64x2.shr_u(x, 61));
}

// Limbs. An element a = al + ah 2^31 with al < 2^31 and ah < 2^30; the limbs of four elements
// stand in one i32x4 each. Doubling moves bit 31 and up into the upper half of the lane, so no
// lane shift is needed.

/** Low limbs (31 bits) of the four elements of u and v. */
// @ts-ignore: decorator
@inline export function lowLimbs(u: v128, v: v128): v128 {
  return v128.and(v128.shuffle<i32>(u, v, 0, 2, 4, 6), i32x4.splat(0x7fffffff));
}

/** High limbs (bits 31 and up) of the four elements of u and v, which must be below 2^63. */
// @ts-ignore: decorator
@inline export function highLimbs(u: v128, v: v128): v128 {
  return v128.shuffle<i32>(i64x2.add(u, u), i64x2.add(v, v), 1, 3, 5, 7);
}

/** The four 64-bit products of limbs for elements 0 and 1. */
// @ts-ignore: decorator
@inline export function productsU(a: v128, b: v128): v128 {
  return i64x2.extmul_low_i32x4_u(a, b);
}

/** The 64-bit products of limbs for elements 2 and 3. */
// @ts-ignore: decorator
@inline export function productsV(a: v128, b: v128): v128 {
  return i64x2.extmul_high_i32x4_u(a, b);
}

/**
 * Reduces low + middle 2^31 + high 2^62 to [0, p), where `low` may carry an addend. Needs middle <
 * 2^64 and T = low + 2 high + (middle >> 30) < 2^64. middle 2^31 = (middle mod 2^30) 2^31 +
 * (middle >> 30), and 2^62 = 2. The first part is a multiple of 2^31 below 2^61, so at most p + 1
 * - 2^31; T folds to at most p + 7; the sum is below 2p.
 */
// @ts-ignore: decorator
@inline export function reduceProduct(low: v128, high: v128, middle: v128): v128 {
  const t = i64x2.add(
    i64x2.add(low, i64x2.add(high, high)),
    i64x2.shr_u(middle, 30),
  );
  const shifted = v128.and(i64x2.shl(middle, 31), modulus());
  return canonical(i64x2.add(fold(t), shifted));
}

/**
 * Elements 0 and 1 of a block of which only `rest` (1, 2 or 3) elements exist; the others read as
 * 0.
 */
export function tailU(source: usize, rest: i32): v128 {
  return rest >= 2 ? v128.load(source) : v128.load_zero<u64>(source);
}

/** Elements 2 and 3 of such a block. */
export function tailV(source: usize, rest: i32): v128 {
  return rest == 3 ? v128.load_zero<u64>(source, 16) : i64x2.splat(0);
}

/** Stores the elements of such a block. */
export function storeTail(target: usize, u: v128, v: v128, rest: i32): void {
  if (rest >= 2) v128.store(target, u);
  else v128.store_lane<u64>(target, u, 0);
  if (rest == 3) v128.store_lane<u64>(target, v, 0, 16);
}

// For the ends of reductions: long sums are kept as `total` mod 2^64 and `high`, the sum of the
// upper 32-bit halves of the summands, so that the sum of the lower halves is total - high 2^32
// exactly while below 2^64.

/** The sum of the lower halves. */
// @ts-ignore: decorator
@inline export function lowerSum(total: v128, high: v128): v128 {
  return i64x2.sub(total, i64x2.shl(high, 32));
}

/**
 * x 2^k mod p for lanes below 2^60 and k in 1..60, a rotation of 61 bits: at most p + 2^(k - 1).
 */
// @ts-ignore: decorator
@inline export function rotated(x: v128, k: i32): v128 {
  return i64x2.add(v128.and(i64x2.shl(x, k), modulus()), i64x2.shr_u(x, 61 - k));
}

/** The sum of both lanes, each any u64, mod p in [0, p). */
export function sumOfLanes(x: v128): u64 {
  const lanes = fold(x);
  return reduceWord(i64x2.extract_lane(lanes, 0) + i64x2.extract_lane(lanes, 1));
}

/** Any u64 to its residue in [0, p). */
export function reduceWord(x: u64): u64 {
  const t: u64 = (x & MODULUS) + (x >> 61);
  return t >= MODULUS ? t - MODULUS : t;
}

/** Copies `count` elements into scratch space of `size` elements, padded with 0; returns it. */
export function copyPadded(target: usize, source: usize, count: i32, size: i32): usize {
  for (let i = 0; i < size; i++) {
    const x: u64 = i < count ? load<u64>(source + (<usize>i << 3)) : 0;
    store<u64>(target + (<usize>i << 3), x);
  }
  return target;
}
