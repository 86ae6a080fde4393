// Sums of elements and checks over whole vectors.
import { canonical, fold, lowerSum, MODULUS, rotated, sumOfLanes } from "./lanes";

/**
 * The sum of n elements in [0, p). Per lane, eight elements below 2^61 are summed below 2^64 and
 * enter long sums in halves (see lanes.ts), of which there are at most 2^28: each sum of 32-bit
 * halves stays below 2^60.
 */
function sumRange(a: usize, n: i32): u64 {
  let total = i64x2.splat(0);
  let high = i64x2.splat(0);
  for (; n >= 16; n -= 16, a += 128) {
    const x = i64x2.add(
      i64x2.add(
        i64x2.add(v128.load(a), v128.load(a, 16)),
        i64x2.add(v128.load(a, 32), v128.load(a, 48)),
      ),
      i64x2.add(
        i64x2.add(v128.load(a, 64), v128.load(a, 80)),
        i64x2.add(v128.load(a, 96), v128.load(a, 112)),
      ),
    );
    total = i64x2.add(total, x);
    high = i64x2.add(high, i64x2.shr_u(x, 32));
  }
  for (; n > 0; n -= 2, a += 16) {
    const x = n >= 2 ? v128.load(a) : v128.load_zero<u64>(a);
    total = i64x2.add(total, x);
    high = i64x2.add(high, i64x2.shr_u(x, 32));
  }
  return sumOfLanes(i64x2.add(lowerSum(total, high), rotated(high, 32)));
}

/** dst = the sum of n elements */
export function sum(dst: usize, a: usize, n: i32): void {
  store<u64>(dst, sumRange(a, n));
}

/**
 * dst_k = the sum of elements k blockLength to (k + 1) blockLength - 1 of n; the last block may be
 * shorter
 */
export function blockSums(dst: usize, a: usize, blockLength: i32, n: i32): void {
  for (; n > 0; n -= blockLength, dst += 8, a += (<usize>blockLength) << 3) {
    store<u64>(dst, sumRange(a, min(n, blockLength)));
  }
}

/**
 * dst_i = a_0 + ... + a_i. The sums within a block are at most 4p and the carry below p: 5p <
 * 2^64, which folds to at most p + 7. Only the carry depends on the block before.
 */
export function prefixSums(dst: usize, a: usize, n: i32): void {
  const zero = i64x2.splat(0);
  let carry = zero;
  for (; n >= 4; n -= 4, dst += 32, a += 32) {
    const u = v128.load(a);
    const v = v128.load(a, 16);
    const inU = i64x2.add(u, v128.shuffle<i64>(zero, u, 0, 2));
    const inV = i64x2.add(v, v128.shuffle<i64>(zero, v, 0, 2));
    const before = v128.shuffle<i64>(inU, inU, 1, 1);
    const sumsU = i64x2.add(inU, carry);
    const sumsV = canonical(fold(i64x2.add(i64x2.add(inV, before), carry)));
    v128.store(dst, canonical(fold(sumsU)));
    v128.store(dst, sumsV, 16);
    carry = v128.shuffle<i64>(sumsV, sumsV, 1, 1);
  }
  let last: u64 = i64x2.extract_lane(carry, 0);
  for (; n > 0; n--, dst += 8, a += 8) {
    last += load<u64>(a);
    last = last >= MODULUS ? last - MODULUS : last;
    store<u64>(dst, last);
  }
}

/** 1 where all n words are below p, else 0 */
export function isCanonical(a: usize, n: i32): i32 {
  const p = i64x2.splat(MODULUS);
  let bits = i64x2.splat(0);
  let equal = i64x2.splat(0);
  for (; n > 0; n -= 2, a += 16) {
    const x = n >= 2 ? v128.load(a) : v128.load_zero<u64>(a);
    bits = v128.or(bits, x);
    equal = v128.or(equal, i64x2.eq(x, p));
  }
  return i32(!v128.any_true(v128.or(equal, i64x2.shr_u(bits, 61))));
}

/** The greatest of n u32 indices, 0 for none */
export function maxIndex(indices: usize, n: i32): u32 {
  let most = i32x4.splat(0);
  for (; n >= 4; n -= 4, indices += 16) most = i32x4.max_u(most, v128.load(indices));
  most = i32x4.max_u(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  most = i32x4.max_u(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  let result: u32 = i32x4.extract_lane(most, 0);
  for (; n > 0; n--, indices += 4) result = max(result, load<u32>(indices));
  return result;
}
