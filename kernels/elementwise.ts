// Addition, movement and masking, element by element. A target may be one of the inputs; it must
// not overlap one at a distance. Every `n` is a number of elements, every other argument a byte
// offset.
import { canonical, fold, modulus, storeTail, tailU, tailV } from "./lanes";

// @ts-ignore: decorator
@inline function sumOf(a: v128, b: v128): v128 {
  return canonical(i64x2.add(a, b));
}

// @ts-ignore: decorator
@inline function differenceOf(a: v128, b: v128): v128 {
  const d = i64x2.sub(a, b);
  return i64x2.add(d, v128.and(i64x2.gt_s(b, a), modulus()));
}

/** dst = a + b */
export function add(dst: usize, a: usize, b: usize, n: i32): void {
  for (; n >= 4; n -= 4, dst += 32, a += 32, b += 32) {
    const u = sumOf(v128.load(a), v128.load(b));
    const v = sumOf(v128.load(a, 16), v128.load(b, 16));
    v128.store(dst, u);
    v128.store(dst, v, 16);
  }
  if (n == 0) return;
  const u = sumOf(tailU(a, n), tailU(b, n));
  storeTail(dst, u, sumOf(tailV(a, n), tailV(b, n)), n);
}

/** dst = a - b */
export function sub(dst: usize, a: usize, b: usize, n: i32): void {
  for (; n >= 4; n -= 4, dst += 32, a += 32, b += 32) {
    const u = differenceOf(v128.load(a), v128.load(b));
    const v = differenceOf(v128.load(a, 16), v128.load(b, 16));
    v128.store(dst, u);
    v128.store(dst, v, 16);
  }
  if (n == 0) return;
  const u = differenceOf(tailU(a, n), tailU(b, n));
  storeTail(dst, u, differenceOf(tailV(a, n), tailV(b, n)), n);
}

/** dst = a + s for the one element at s */
export function addScalar(dst: usize, a: usize, s: usize, n: i32): void {
  const b = v128.load_splat<u64>(s);
  for (; n >= 4; n -= 4, dst += 32, a += 32) {
    const u = sumOf(v128.load(a), b);
    const v = sumOf(v128.load(a, 16), b);
    v128.store(dst, u);
    v128.store(dst, v, 16);
  }
  if (n > 0) storeTail(dst, sumOf(tailU(a, n), b), sumOf(tailV(a, n), b), n);
}

/** dst = a - s for the one element at s */
export function subScalar(dst: usize, a: usize, s: usize, n: i32): void {
  const b = v128.load_splat<u64>(s);
  for (; n >= 4; n -= 4, dst += 32, a += 32) {
    const u = differenceOf(v128.load(a), b);
    const v = differenceOf(v128.load(a, 16), b);
    v128.store(dst, u);
    v128.store(dst, v, 16);
  }
  if (n > 0) storeTail(dst, differenceOf(tailU(a, n), b), differenceOf(tailV(a, n), b), n);
}

// @ts-ignore: decorator
@inline function negated(a: v128): v128 {
  const isZero = i64x2.eq(a, i64x2.splat(0));
  return v128.andnot(i64x2.sub(modulus(), a), isZero);
}

/** dst = -a */
export function neg(dst: usize, a: usize, n: i32): void {
  for (; n >= 4; n -= 4, dst += 32, a += 32) {
    const u = negated(v128.load(a));
    const v = negated(v128.load(a, 16));
    v128.store(dst, u);
    v128.store(dst, v, 16);
  }
  if (n > 0) storeTail(dst, negated(tailU(a, n)), negated(tailV(a, n)), n);
}

/** dst = the one element at s, everywhere */
export function fill(dst: usize, s: usize, n: i32): void {
  const x = v128.load_splat<u64>(s);
  for (; n >= 2; n -= 2, dst += 16) v128.store(dst, x);
  if (n == 1) v128.store_lane<u64>(dst, x, 0);
}

/** dst_i = src[indices_i], indices being u32 already known to be in range */
export function gather(dst: usize, src: usize, indices: usize, n: i32): void {
  for (; n > 0; n--, dst += 8, indices += 4) {
    store<u64>(dst, load<u64>(src + (<usize>load<u32>(indices) << 3)));
  }
}

/** dst[indices_i] = src_i, indices being u32 already known to be in range */
export function scatter(dst: usize, src: usize, indices: usize, n: i32): void {
  for (; n > 0; n--, src += 8, indices += 4) {
    store<u64>(dst + (<usize>load<u32>(indices) << 3), load<u64>(src));
  }
}

/** dst_i = rows[i m + j]: column j of n rows of m elements */
export function column(dst: usize, rows: usize, m: i32, j: i32, n: i32): void {
  rows += <usize>j << 3;
  for (; n > 0; n--, dst += 8, rows += <usize>m << 3) store<u64>(dst, load<u64>(rows));
}

// @ts-ignore: decorator
@inline function masked(word: v128): v128 {
  const low = v128.and(word, modulus());
  return v128.andnot(low, i64x2.eq(low, modulus()));
}

/** Keeps the low 61 bits of each raw word and maps p to 0, in place. */
export function maskPrg(dst: usize, n: i32): void {
  for (; n >= 4; n -= 4, dst += 32) {
    const u = masked(v128.load(dst));
    const v = masked(v128.load(dst, 16));
    v128.store(dst, u);
    v128.store(dst, v, 16);
  }
  if (n > 0) storeTail(dst, masked(tailU(dst, n)), masked(tailV(dst, n)), n);
}

/**
 * z + m(a) - m(b) for raw words a, b. The mask is enough, as p = 0 in the field, and p - (b & p) =
 * ~b & p. The sum is at most 3p - 1 = 3 2^61 - 4: it folds to at most p + 1, one conditional
 * subtraction from canonical.
 */
// @ts-ignore: decorator
@inline function withZeroShare(z: v128, a: v128, b: v128): v128 {
  const t = i64x2.add(v128.and(a, modulus()), v128.andnot(modulus(), b));
  return canonical(fold(i64x2.add(z, t)));
}

/** z += m(a) - m(b), where m is what maskPrg does to a raw word */
export function addZeroShare(z: usize, a: usize, b: usize, n: i32): void {
  for (; n >= 4; n -= 4, z += 32, a += 32, b += 32) {
    const u = withZeroShare(v128.load(z), v128.load(a), v128.load(b));
    const v = withZeroShare(v128.load(z, 16), v128.load(a, 16), v128.load(b, 16));
    v128.store(z, u);
    v128.store(z, v, 16);
  }
  if (n == 0) return;
  const u = withZeroShare(tailU(z, n), tailU(a, n), tailU(b, n));
  storeTail(z, u, withZeroShare(tailV(z, n), tailV(a, n), tailV(b, n)), n);
}
