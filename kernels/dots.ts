// Sums of products with lazy reduction. A block's products of limbs are summed without overflow,
// then enter sums per lane, in halves (see lanes.ts). A memory of 4 GiB has fewer than 2^29
// elements, so there are at most 2^28 blocks, and each sum of 32-bit halves stays below 2^60.
import {
  copyPadded, highLimbs, lowerSum, lowLimbs, productsU, productsV, rotated, SCRATCH_A, SCRATCH_B,
  SCRATCH_C, SCRATCH_D, sumOfLanes,
} from "./lanes";

/**
 * low + middle 2^31 + high 2^62 mod p, where `all` is the total of middle + low + high mod 2^64.
 * With 2^61 = 1 each half is a rotation by its weight; the sum is below 2^60 + 5 (2^61 + 2^33) <
 * 2^64 per lane.
 */
function assemble(
  low: v128, lowHigh: v128, high: v128, highHigh: v128, all: v128, middleHigh: v128,
): u64 {
  const middle = i64x2.sub(i64x2.sub(all, low), high);
  const lows = i64x2.add(lowerSum(low, lowHigh), rotated(lowHigh, 32));
  const highs = i64x2.add(rotated(lowerSum(high, highHigh), 1), rotated(highHigh, 33));
  const middles = i64x2.add(rotated(lowerSum(middle, middleHigh), 31), rotated(middleHigh, 2));
  return sumOfLanes(i64x2.add(i64x2.add(lows, highs), middles));
}

/**
 * sum a_i b_i of n elements. A block is eight elements, four products per lane: low <= 4 (2^31 -
 * 1)^2 < 2^64, middle < 4 2^62 = 2^64, high < 2^62.
 */
function dotRange(a: usize, b: usize, n: i32): u64 {
  let low = i64x2.splat(0);
  let lowHigh = low;
  let high = low;
  let highHigh = low;
  let all = low;
  let middleHigh = low;
  let blocks = n >> 3;
  let rest = n & 7;
  for (;;) {
    for (; blocks > 0; blocks--, a += 64, b += 64) {
      const al = lowLimbs(v128.load(a), v128.load(a, 16));
      const ah = highLimbs(v128.load(a), v128.load(a, 16));
      const bl = lowLimbs(v128.load(b), v128.load(b, 16));
      const bh = highLimbs(v128.load(b), v128.load(b, 16));
      const ak = i32x4.add(al, ah);
      const bk = i32x4.add(bl, bh);
      const cl = lowLimbs(v128.load(a, 32), v128.load(a, 48));
      const ch = highLimbs(v128.load(a, 32), v128.load(a, 48));
      const dl = lowLimbs(v128.load(b, 32), v128.load(b, 48));
      const dh = highLimbs(v128.load(b, 32), v128.load(b, 48));
      const ck = i32x4.add(cl, ch);
      const dk = i32x4.add(dl, dh);
      const blockLow = i64x2.add(
        i64x2.add(productsU(al, bl), productsV(al, bl)),
        i64x2.add(productsU(cl, dl), productsV(cl, dl)),
      );
      const blockHigh = i64x2.add(
        i64x2.add(productsU(ah, bh), productsV(ah, bh)),
        i64x2.add(productsU(ch, dh), productsV(ch, dh)),
      );
      const blockAll = i64x2.add(
        i64x2.add(productsU(ak, bk), productsV(ak, bk)),
        i64x2.add(productsU(ck, dk), productsV(ck, dk)),
      );
      const blockMiddle = i64x2.sub(i64x2.sub(blockAll, blockLow), blockHigh);
      low = i64x2.add(low, blockLow);
      high = i64x2.add(high, blockHigh);
      all = i64x2.add(all, blockAll);
      lowHigh = i64x2.add(lowHigh, i64x2.shr_u(blockLow, 32));
      highHigh = i64x2.add(highHigh, i64x2.shr_u(blockHigh, 32));
      middleHigh = i64x2.add(middleHigh, i64x2.shr_u(blockMiddle, 32));
    }
    if (rest == 0) break;
    a = copyPadded(SCRATCH_A, a, rest, 8);
    b = copyPadded(SCRATCH_B, b, rest, 8);
    blocks = 1;
    rest = 0;
  }
  return assemble(low, lowHigh, high, highHigh, all, middleHigh);
}

/** dst = sum a_i b_i */
export function dot(dst: usize, a: usize, b: usize, n: i32): void {
  store<u64>(dst, dotRange(a, b, n));
}

/** dst_i = sum_j rows[i m + j] coefficients_j for n rows of m elements */
export function combineRows(dst: usize, rows: usize, coefficients: usize, m: i32, n: i32): void {
  for (; n > 0; n--, dst += 8, rows += <usize>m << 3) {
    store<u64>(dst, dotRange(rows, coefficients, m));
  }
}

/**
 * dst = sum x0_i (y0_i + y1_i) + x1_i y0_i. A block is four elements, four products per lane. s =
 * y0 + y1 is reduced in its limbs: sh < 2^31 gives its bit 30 (2^61 = 1) to sl, so sh < 2^30 and
 * sl <= 2^31. Then
 *   low <= 2 (2^31 - 1) 2^31 + 2 (2^31 - 1)^2 < 2^64, high < 4 2^60,
 *   middle <= 2 ((2^31 - 1)(2^30 - 1) + (2^30 - 1) 2^31) + 4 (2^31 - 1)(2^30 - 1) < 2^64.
 */
export function crossDot(dst: usize, x0: usize, x1: usize, y0: usize, y1: usize, n: i32): void {
  let low = i64x2.splat(0);
  let lowHigh = low;
  let high = low;
  let highHigh = low;
  let all = low;
  let middleHigh = low;
  let blocks = n >> 2;
  let rest = n & 3;
  for (;;) {
    for (; blocks > 0; blocks--, x0 += 32, x1 += 32, y0 += 32, y1 += 32) {
      const yu = v128.load(y0);
      const yv = v128.load(y0, 16);
      const yl = lowLimbs(yu, yv);
      const yh = highLimbs(yu, yv);
      const su = i64x2.add(yu, v128.load(y1));
      const sv = i64x2.add(yv, v128.load(y1, 16));
      const wide = highLimbs(su, sv);
      const sl = i32x4.add(lowLimbs(su, sv), i32x4.shr_u(wide, 30));
      const sh = v128.and(wide, i32x4.splat(0x3fffffff));
      const x0l = lowLimbs(v128.load(x0), v128.load(x0, 16));
      const x0h = highLimbs(v128.load(x0), v128.load(x0, 16));
      const x1l = lowLimbs(v128.load(x1), v128.load(x1, 16));
      const x1h = highLimbs(v128.load(x1), v128.load(x1, 16));
      const blockLow = i64x2.add(
        i64x2.add(productsU(x0l, sl), productsV(x0l, sl)),
        i64x2.add(productsU(x1l, yl), productsV(x1l, yl)),
      );
      const blockHigh = i64x2.add(
        i64x2.add(productsU(x0h, sh), productsV(x0h, sh)),
        i64x2.add(productsU(x1h, yh), productsV(x1h, yh)),
      );
      const x0k = i32x4.add(x0l, x0h);
      const x1k = i32x4.add(x1l, x1h);
      const sk = i32x4.add(sl, sh);
      const yk = i32x4.add(yl, yh);
      const blockAll = i64x2.add(
        i64x2.add(productsU(x0k, sk), productsV(x0k, sk)),
        i64x2.add(productsU(x1k, yk), productsV(x1k, yk)),
      );
      const blockMiddle = i64x2.sub(i64x2.sub(blockAll, blockLow), blockHigh);
      low = i64x2.add(low, blockLow);
      high = i64x2.add(high, blockHigh);
      all = i64x2.add(all, blockAll);
      lowHigh = i64x2.add(lowHigh, i64x2.shr_u(blockLow, 32));
      highHigh = i64x2.add(highHigh, i64x2.shr_u(blockHigh, 32));
      middleHigh = i64x2.add(middleHigh, i64x2.shr_u(blockMiddle, 32));
    }
    if (rest == 0) break;
    x0 = copyPadded(SCRATCH_A, x0, rest, 4);
    x1 = copyPadded(SCRATCH_B, x1, rest, 4);
    y0 = copyPadded(SCRATCH_C, y0, rest, 4);
    y1 = copyPadded(SCRATCH_D, y1, rest, 4);
    blocks = 1;
    rest = 0;
  }
  store<u64>(dst, assemble(low, lowHigh, high, highHigh, all, middleHigh));
}
