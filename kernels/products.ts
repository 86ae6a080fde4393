// Products of elements by Karatsuba: three 32-bit multiplications for the four of two limbs. A
// target may be one of the inputs.

// Bounds with limbs al, bl <= 2^31 - 1 and ah, bh <= 2^30 - 1, per product:
//   low = al bl < 2^62, high = ah bh < 2^60, middle = al bh + ah bl < 2^62.
// With an addend z < 2^61: T = low + z + 2 high + (middle >> 30) < 2^62 + 2^61 + 2^61 + 2^32 <
// 2^64. al + ah < 2^32, and (al + ah)(bl + bh) - low - high = middle also where the left side
// wraps mod 2^64.
import {
  highLimbs, lowLimbs, productsU, productsV, reduceProduct, storeTail, tailU, tailV,
} from "./lanes";

/** z = a b, or z += a b, for one block; `rest` is 4 for a full one. */
// @ts-ignore: decorator
@inline function block(
  z: usize, au: v128, av: v128, bu: v128, bv: v128, accumulate: bool, rest: i32,
): void {
  const al = lowLimbs(au, av);
  const ah = highLimbs(au, av);
  const ak = i32x4.add(al, ah);
  const bl = lowLimbs(bu, bv);
  const bh = highLimbs(bu, bv);
  const bk = i32x4.add(bl, bh);
  let lowU = productsU(al, bl);
  let lowV = productsV(al, bl);
  const highU = productsU(ah, bh);
  const highV = productsV(ah, bh);
  const middleU = i64x2.sub(i64x2.sub(productsU(ak, bk), lowU), highU);
  const middleV = i64x2.sub(i64x2.sub(productsV(ak, bk), lowV), highV);
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
@inline function product(z: usize, a: usize, b: usize, n: i32, accumulate: bool): void {
  for (; n >= 4; n -= 4, z += 32, a += 32, b += 32) {
    const bu = v128.load(b);
    const bv = v128.load(b, 16);
    block(z, v128.load(a), v128.load(a, 16), bu, bv, accumulate, 4);
  }
  if (n > 0) block(z, tailU(a, n), tailV(a, n), tailU(b, n), tailV(b, n), accumulate, n);
}

// The optimising compiler takes the limbs of s out of the loop.
// @ts-ignore: decorator
@inline function productScalar(z: usize, a: usize, s: usize, n: i32, accumulate: bool): void {
  const b = v128.load_splat<u64>(s);
  for (; n >= 4; n -= 4, z += 32, a += 32) {
    block(z, v128.load(a), v128.load(a, 16), b, b, accumulate, 4);
  }
  if (n > 0) block(z, tailU(a, n), tailV(a, n), b, b, accumulate, n);
}

/** dst = a b */
export function mul(dst: usize, a: usize, b: usize, n: i32): void {
  product(dst, a, b, n, false);
}

/** dst = a s for the one element at s */
export function mulScalar(dst: usize, a: usize, s: usize, n: i32): void {
  productScalar(dst, a, s, n, false);
}

/** dst += a b */
export function multiplyAdd(dst: usize, a: usize, b: usize, n: i32): void {
  product(dst, a, b, n, true);
}

/** dst += a s for the one element at s */
export function multiplyAddScalar(dst: usize, a: usize, s: usize, n: i32): void {
  productScalar(dst, a, s, n, true);
}
