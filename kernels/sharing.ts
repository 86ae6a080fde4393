// The local part of a product of replicated shares (Araki, Furukawa, Lindell, Nof, Ohara 2016): a
// party that holds (x0, x1) and (y0, y1) computes x0 (y0 + y1) + x1 y0, here with one reduction
// for both products. A target may be one of the inputs.

// Bounds. s = y0 + y1 <= 2p - 2 < 2^62 stays unreduced: its limbs are sl < 2^31 and sh < 2^31.
//   low = x0l sl + x1l yl <= 2 (2^31 - 1)^2 = 2^63 - 2^33 + 2
//   high = x0h sh + x1h yh <= (2^30 - 1)(2^31 - 1) + (2^30 - 1)^2 < 2^61 + 2^60 - 5 2^30 + 2
//   middle = x0l sh + x0h sl + x1l yh + x1h yl < 2^62 + 3 2^61 < 2^64, so middle >> 30 < 5 2^31
// T = low + z + 2 high + (middle >> 30) with z < 2^61 is below
//   2^63 + 2^61 + 2^62 + 2^61 - 2^33 - 5 2^31 + 5 2^31 + 6 < 2^64.
// The three sums of limbs are below 2^32, and Karatsuba's difference is exact where its terms wrap
// mod 2^64.
import {
  highLimbs, lowLimbs, productsU, productsV, reduceProduct, storeTail, tailU, tailV,
} from "./lanes";

/**
 * z = x0 s + x1 y, or z += x0 s + x1 y, for one block; `rest` is 4 for a full one. Here xl, xh are
 * the limbs of x0 and wl, wh those of x1.
 */
// @ts-ignore: decorator
@inline function block(
  z: usize, x0u: v128, x0v: v128, x1u: v128, x1v: v128,
  yu: v128, yv: v128, su: v128, sv: v128, accumulate: bool, rest: i32,
): void {
  const xl = lowLimbs(x0u, x0v);
  const xh = highLimbs(x0u, x0v);
  const xk = i32x4.add(xl, xh);
  const wl = lowLimbs(x1u, x1v);
  const wh = highLimbs(x1u, x1v);
  const wk = i32x4.add(wl, wh);
  const yl = lowLimbs(yu, yv);
  const yh = highLimbs(yu, yv);
  const yk = i32x4.add(yl, yh);
  const sl = lowLimbs(su, sv);
  const sh = highLimbs(su, sv);
  const sk = i32x4.add(sl, sh);
  let lowU = i64x2.add(productsU(xl, sl), productsU(wl, yl));
  let lowV = i64x2.add(productsV(xl, sl), productsV(wl, yl));
  const highU = i64x2.add(productsU(xh, sh), productsU(wh, yh));
  const highV = i64x2.add(productsV(xh, sh), productsV(wh, yh));
  const allU = i64x2.add(productsU(xk, sk), productsU(wk, yk));
  const allV = i64x2.add(productsV(xk, sk), productsV(wk, yk));
  const middleU = i64x2.sub(i64x2.sub(allU, lowU), highU);
  const middleV = i64x2.sub(i64x2.sub(allV, lowV), highV);
  if (accumulate) {
    lowU = i64x2.add(lowU, rest == 4 ? v128.load(z) : tailU(z, rest));
    lowV = i64x2.add(lowV, rest == 4 ? v128.load(z, 16) : tailV(z, rest));
  }
  const u = reduceProduct(lowU, highU, middleU);
  const v = reduceProduct(lowV, highV, middleV);
  if (rest == 4) {
    v128.store(z, u);
    v128.store(z, v, 16);
  } else storeTail(z, u, v, rest);
}

// @ts-ignore: decorator
@inline function cross(
  z: usize, x0: usize, x1: usize, y0: usize, y1: usize, n: i32, accumulate: bool,
): void {
  for (; n >= 4; n -= 4, z += 32, x0 += 32, x1 += 32, y0 += 32, y1 += 32) {
    const yu = v128.load(y0);
    const yv = v128.load(y0, 16);
    const su = i64x2.add(yu, v128.load(y1));
    const sv = i64x2.add(yv, v128.load(y1, 16));
    const x0u = v128.load(x0);
    const x0v = v128.load(x0, 16);
    block(z, x0u, x0v, v128.load(x1), v128.load(x1, 16), yu, yv, su, sv, accumulate, 4);
  }
  if (n == 0) return;
  const yu = tailU(y0, n);
  const yv = tailV(y0, n);
  const su = i64x2.add(yu, tailU(y1, n));
  const sv = i64x2.add(yv, tailV(y1, n));
  const x0u = tailU(x0, n);
  const x0v = tailV(x0, n);
  block(z, x0u, x0v, tailU(x1, n), tailV(x1, n), yu, yv, su, sv, accumulate, n);
}

// The optimising compiler takes the limbs of y and s out of the loop.
// @ts-ignore: decorator
@inline function crossScalar(
  z: usize, x0: usize, x1: usize, y0: usize, y1: usize, n: i32, accumulate: bool,
): void {
  const y = v128.load_splat<u64>(y0);
  const s = i64x2.add(y, v128.load_splat<u64>(y1));
  for (; n >= 4; n -= 4, z += 32, x0 += 32, x1 += 32) {
    const x0u = v128.load(x0);
    const x0v = v128.load(x0, 16);
    block(z, x0u, x0v, v128.load(x1), v128.load(x1, 16), y, y, s, s, accumulate, 4);
  }
  if (n == 0) return;
  const x0u = tailU(x0, n);
  const x0v = tailV(x0, n);
  block(z, x0u, x0v, tailU(x1, n), tailV(x1, n), y, y, s, s, accumulate, n);
}

/** z = x0 (y0 + y1) + x1 y0 */
export function crossSet(z: usize, x0: usize, x1: usize, y0: usize, y1: usize, n: i32): void {
  cross(z, x0, x1, y0, y1, n, false);
}

/** z += x0 (y0 + y1) + x1 y0 */
export function crossAdd(z: usize, x0: usize, x1: usize, y0: usize, y1: usize, n: i32): void {
  cross(z, x0, x1, y0, y1, n, true);
}

/** z = x0 (y0 + y1) + x1 y0 for the one element at y0 and the one at y1 */
export function crossSetScalar(z: usize, x0: usize, x1: usize, y0: usize, y1: usize, n: i32): void {
  crossScalar(z, x0, x1, y0, y1, n, false);
}

/** z += x0 (y0 + y1) + x1 y0 for the one element at y0 and the one at y1 */
export function crossAddScalar(z: usize, x0: usize, x1: usize, y0: usize, y1: usize, n: i32): void {
  crossScalar(z, x0, x1, y0, y1, n, true);
}
