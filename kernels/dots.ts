// Sums of products with lazy reduction. A block's products of limbs are summed without overflow,
// then enter sums per lane, in halves (see lanes.ts). A memory of 4 GiB has fewer than 2^29
// elements, so there are at most 2^28 blocks, and each sum of 32-bit halves stays below 2^60.
import {
  copyPadded, fold, highLimbs, lowerSum, lowLimbs, modulus, productsU, productsV, rotated,
  SCRATCH_A, SCRATCH_B, SCRATCH_C, SCRATCH_D, sumOfLanes,
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

// @ts-ignore: decorator
@inline function looseProduct(low: v128, high: v128, all: v128): v128 {
  const middle = i64x2.sub(i64x2.sub(all, low), high);
  const t = i64x2.add(i64x2.add(low, i64x2.add(high, high)), i64x2.shr_u(middle, 30));
  const shifted = v128.and(i64x2.shl(middle, 31), modulus());
  return i64x2.add(fold(t), shifted);
}

/**
 * sum_j c_j (r_j^2 + 2 r_j q_j) = sum_j c_j w_j with w = r (r + 2 q). t = r + 2 q < 3 2^61 folds
 * to at most p + 2, so tl < 2^31 and th <= 2^30, and for w the bounds of one product hold: low <
 * 2^62, middle < 2^62 + 2^31, high < 2^60. w itself is left in [0, 2p) < 2^62: wl < 2^31, wh <
 * 2^31. A block is four elements, two products c w per lane: low < 2 2^62, high < 2 2^61, middle <
 * 2 (2^62 + 2^61) < 2^64; so ends = low + 2 high < 2^64.
 */
function squaresRange(r: usize, q: usize, c: usize, n: i32): u64 {
  let ends = i64x2.splat(0);
  let endsHigh = ends;
  let middle = ends;
  let middleHigh = ends;
  let blocks = n >> 2;
  let rest = n & 3;
  for (;;) {
    for (; blocks > 0; blocks--, r += 32, q += 32, c += 32) {
      const ru = v128.load(r);
      const rv = v128.load(r, 16);
      const qu = v128.load(q);
      const qv = v128.load(q, 16);
      const tu = fold(i64x2.add(ru, i64x2.add(qu, qu)));
      const tv = fold(i64x2.add(rv, i64x2.add(qv, qv)));
      const rl = lowLimbs(ru, rv);
      const rh = highLimbs(ru, rv);
      const rk = i32x4.add(rl, rh);
      const tl = lowLimbs(tu, tv);
      const th = highLimbs(tu, tv);
      const tk = i32x4.add(tl, th);
      const wu = looseProduct(productsU(rl, tl), productsU(rh, th), productsU(rk, tk));
      const wv = looseProduct(productsV(rl, tl), productsV(rh, th), productsV(rk, tk));
      const wl = lowLimbs(wu, wv);
      const wh = highLimbs(wu, wv);
      const wk = i32x4.add(wl, wh);
      const cl = lowLimbs(v128.load(c), v128.load(c, 16));
      const ch = highLimbs(v128.load(c), v128.load(c, 16));
      const ck = i32x4.add(cl, ch);
      const blockLow = i64x2.add(productsU(cl, wl), productsV(cl, wl));
      const blockHigh = i64x2.add(productsU(ch, wh), productsV(ch, wh));
      const blockAll = i64x2.add(productsU(ck, wk), productsV(ck, wk));
      const blockMiddle = i64x2.sub(i64x2.sub(blockAll, blockLow), blockHigh);
      const blockEnds = i64x2.add(blockLow, i64x2.add(blockHigh, blockHigh));
      ends = i64x2.add(ends, blockEnds);
      middle = i64x2.add(middle, blockMiddle);
      endsHigh = i64x2.add(endsHigh, i64x2.shr_u(blockEnds, 32));
      middleHigh = i64x2.add(middleHigh, i64x2.shr_u(blockMiddle, 32));
    }
    if (rest == 0) break;
    r = copyPadded(SCRATCH_A, r, rest, 4);
    q = copyPadded(SCRATCH_B, q, rest, 4);
    c = copyPadded(SCRATCH_C, c, rest, 4);
    blocks = 1;
    rest = 0;
  }
  const endsSum = i64x2.add(lowerSum(ends, endsHigh), rotated(endsHigh, 32));
  const middles = i64x2.add(rotated(lowerSum(middle, middleHigh), 31), rotated(middleHigh, 2));
  return sumOfLanes(i64x2.add(endsSum, middles));
}

/** dst_i = sum_j coefficients_j (rows0_ij^2 + 2 rows0_ij rows1_ij) for n rows of m elements */
export function combineRowSquares(
  dst: usize, rows0: usize, rows1: usize, coefficients: usize, m: i32, n: i32,
): void {
  const step = <usize>m << 3;
  for (; n > 0; n--, dst += 8, rows0 += step, rows1 += step) {
    store<u64>(dst, squaresRange(rows0, rows1, coefficients, m));
  }
}
