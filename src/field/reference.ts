// What every operation of Field computes, in plain TypeScript over bigint. Only tests use it.
import { MODULUS_BITS } from "./prime.ts";

export const P = (1n << BigInt(MODULUS_BITS)) - 1n;

type Elements = readonly bigint[];

/** The canonical representative in [0, p). */
export function mod(x: bigint): bigint {
  return ((x % P) + P) % P;
}

/** What a raw 64-bit word of a stream becomes: its low 61 bits, where p is 0. */
export function maskWord(word: bigint): bigint {
  return (word & P) % P;
}

function zip(a: Elements, b: Elements, f: (x: bigint, y: bigint) => bigint): bigint[] {
  return a.map((x, i) => mod(f(x, b.length === 1 ? b[0]! : b[i]!)));
}

export const reference = {
  add: (a: Elements, b: Elements) => zip(a, b, (x, y) => x + y),
  sub: (a: Elements, b: Elements) => zip(a, b, (x, y) => x - y),
  mul: (a: Elements, b: Elements) => zip(a, b, (x, y) => x * y),
  neg: (a: Elements) => a.map((x) => mod(-x)),
  scale: (a: Elements, k: number) => a.map((x) => mod(x * BigInt(k))),
  addNumber: (a: Elements, k: number) => a.map((x) => mod(x + BigInt(k))),
  multiplyAdd: (z: Elements, a: Elements, b: Elements) =>
    z.map((x, i) => mod(x + a[i]! * (b.length === 1 ? b[0]! : b[i]!))),
  sum: (a: Elements) => mod(a.reduce((total, x) => total + x, 0n)),
  dot: (a: Elements, b: Elements) => mod(a.reduce((total, x, i) => total + x * b[i]!, 0n)),
  maskPrg: (words: Elements) => words.map(maskWord),
  addZeroShare: (z: Elements, a: Elements, b: Elements) =>
    z.map((x, i) => mod(x + maskWord(a[i]!) - maskWord(b[i]!))),

  prefixSums(a: Elements): bigint[] {
    let total = 0n;
    return a.map((x) => {
      total = mod(total + x);
      return total;
    });
  },

  blockSums(a: Elements, blockLength: number): bigint[] {
    const blocks = Math.ceil(a.length / blockLength);
    return Array.from({ length: blocks }, (_, k) =>
      reference.sum(a.slice(k * blockLength, (k + 1) * blockLength)),
    );
  },

  gather: (a: Elements, indices: readonly number[]) => indices.map((i) => a[i]!),

  cross(x0: Elements, x1: Elements, y0: Elements, y1: Elements): bigint[] {
    const at = (y: Elements, i: number) => (y.length === 1 ? y[0]! : y[i]!);
    return x0.map((x, i) => mod(x * (at(y0, i) + at(y1, i)) + x1[i]! * at(y0, i)));
  },

  crossDot: (x0: Elements, x1: Elements, y0: Elements, y1: Elements) =>
    reference.sum(reference.cross(x0, x1, y0, y1)),

  combineRows(rows: Elements, coefficients: Elements, n: number): bigint[] {
    const m = coefficients.length;
    return Array.from({ length: n }, (_, i) =>
      reference.dot(rows.slice(i * m, (i + 1) * m), coefficients),
    );
  },

  column: (rows: Elements, m: number, j: number) => rows.filter((_, i) => i % m === j),
};
