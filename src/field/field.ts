// Arithmetic on vectors over F_p, p = 2^61 - 1, by WebAssembly kernels on the vectors' own memory.
// Elementwise, `dst` may be one of the inputs; overlap at a distance is not allowed except in
// copy. All elements are canonical unless a method says otherwise. Vectors belong to this field's
// memory.
import { assert } from "../platform/assert.ts";
import { instantiateKernels, type Kernels } from "./kernels.generated.ts";
import { FieldMemory, type IndexVector, type Vector } from "./memory.ts";
import { readNumber, writeNumber } from "./numbers.ts";
import { ELEMENT_BYTES } from "./prime.ts";

/** Where a scalar given as a number stands for a kernel; within the memory's scratch space. */
const SCALAR_OFFSET = 16;

export class Field {
  readonly memory: FieldMemory;
  readonly #kernels: Kernels;

  /** The kernels over `memory`, by default a new one of up to 4 GiB. */
  constructor(memory: FieldMemory = new FieldMemory()) {
    this.memory = memory;
    this.#kernels = instantiateKernels(memory.wasmMemory);
  }

  /** As FieldMemory.alloc: contents undefined; throws OutOfFieldMemory. */
  alloc(length: number): Vector {
    return this.memory.alloc(length);
  }

  /** As FieldMemory.free. */
  free(v: Vector): void {
    this.memory.free(v);
  }

  // Data in and out.

  /** Every element of dst = value, a whole number from 0 to 2^53 - 1. */
  fill(dst: Vector, value: number): void {
    assert(value >= 0, "fill takes a number that is not negative");
    this.#kernels.fill(dst.offset, this.#scalar(value), dst.length);
  }

  /** dst_i = values_i mod p; safe integers of either sign. */
  setNumbers(dst: Vector, values: ArrayLike<number>): void {
    assert(dst.length === values.length, "setNumbers: one number per element");
    const words = this.memory.words;
    for (let i = 0; i < dst.length; i++) {
      writeNumber(words, dst.offset + i * ELEMENT_BYTES, values[i]!);
    }
  }

  /** The elements as numbers. Each must be below 2^53: asserted. */
  toNumbers(v: Vector): Float64Array {
    const words = this.memory.words;
    const numbers = new Float64Array(v.length);
    for (let i = 0; i < v.length; i++) {
      numbers[i] = readNumber(words, v.offset + i * ELEMENT_BYTES);
    }
    return numbers;
  }

  /**
   * Raw copy of whole elements into dst from `elementOffset` on; see isCanonical for foreign
   * bytes.
   */
  setBytes(dst: Vector, bytes: Uint8Array, elementOffset = 0): void {
    assert(bytes.length % ELEMENT_BYTES === 0, "setBytes takes whole elements");
    this.setBytesAt(dst, bytes, elementOffset * ELEMENT_BYTES);
  }

  /** Raw copy of any bytes into dst at `byteOffset`, for pieces that may split elements. */
  setBytesAt(dst: Vector, bytes: Uint8Array, byteOffset: number): void {
    const inside = byteOffset >= 0 && byteOffset + bytes.length <= dst.length * ELEMENT_BYTES;
    assert(inside, "the bytes must lie within the vector");
    this.memory.bytes(dst).set(bytes, byteOffset);
  }

  /** A fresh copy of the elements, 8 bytes each, little-endian. */
  toBytes(v: Vector): Uint8Array<ArrayBuffer> {
    return this.memory.bytes(v).slice();
  }

  /** Whether all elements are below p: what foreign bytes must be before any arithmetic. */
  isCanonical(v: Vector): boolean {
    return this.#kernels.isCanonical(v.offset, v.length) === 1;
  }

  /** Whether two vectors of one length have the same elements; all must be public. */
  equal(a: Vector, b: Vector): boolean {
    sameLength(a, b);
    const bytes = this.memory.bytes(b);
    return this.memory.bytes(a).every((byte, at) => byte === bytes[at]);
  }

  /** Per element 0 if it is 0, else 1; for public vectors. */
  nonZero(v: Vector): Uint8Array {
    const words = this.memory.words;
    const found = new Uint8Array(v.length);
    for (let i = 0, at = v.offset / 4; i < found.length; i++, at += 2) {
      found[i] = words[at]! | words[at + 1]! ? 1 : 0;
    }
    return found;
  }

  /** dst = src; they may overlap. */
  copy(dst: Vector, src: Vector): void {
    sameLength(dst, src);
    this.memory.move(dst, src);
  }

  // Elementwise.

  /** dst = a + b; b may have length 1. */
  add(dst: Vector, a: Vector, b: Vector): void {
    sameLength(dst, a);
    const kernel = isScalar(b, a) ? this.#kernels.addScalar : this.#kernels.add;
    kernel(dst.offset, a.offset, b.offset, a.length);
  }

  /** dst = a - b; b may have length 1. */
  sub(dst: Vector, a: Vector, b: Vector): void {
    sameLength(dst, a);
    const kernel = isScalar(b, a) ? this.#kernels.subScalar : this.#kernels.sub;
    kernel(dst.offset, a.offset, b.offset, a.length);
  }

  /** dst = -a */
  neg(dst: Vector, a: Vector): void {
    sameLength(dst, a);
    this.#kernels.neg(dst.offset, a.offset, a.length);
  }

  /** dst = a b; b may have length 1. */
  mul(dst: Vector, a: Vector, b: Vector): void {
    sameLength(dst, a);
    const kernel = isScalar(b, a) ? this.#kernels.mulScalar : this.#kernels.mul;
    kernel(dst.offset, a.offset, b.offset, a.length);
  }

  /** dst = k a for a safe integer k of either sign. */
  scale(dst: Vector, a: Vector, k: number): void {
    sameLength(dst, a);
    this.#kernels.mulScalar(dst.offset, a.offset, this.#scalar(k), a.length);
  }

  /** dst = a + k for a safe integer k of either sign. */
  addNumber(dst: Vector, a: Vector, k: number): void {
    sameLength(dst, a);
    this.#kernels.addScalar(dst.offset, a.offset, this.#scalar(k), a.length);
  }

  /** dst += a b; b may have length 1. */
  multiplyAdd(dst: Vector, a: Vector, b: Vector): void {
    sameLength(dst, a);
    const kernel = isScalar(b, a) ? this.#kernels.multiplyAddScalar : this.#kernels.multiplyAdd;
    kernel(dst.offset, a.offset, b.offset, a.length);
  }

  // Reductions and movement.

  /** dst, one element, = the sum of a. */
  sum(dst: Vector, a: Vector): void {
    oneElement(dst);
    this.#kernels.sum(dst.offset, a.offset, a.length);
  }

  /** dst_i = a_0 + ... + a_i */
  prefixSums(dst: Vector, a: Vector): void {
    sameLength(dst, a);
    this.#kernels.prefixSums(dst.offset, a.offset, a.length);
  }

  /** dst_k = the sum of the k-th block of `blockLength` elements of a; the last may be short. */
  blockSums(dst: Vector, a: Vector, blockLength: number): void {
    assert(Number.isInteger(blockLength) && blockLength >= 1, "a block has at least one element");
    assert(dst.length === Math.ceil(a.length / blockLength), "blockSums: one result per block");
    // A block longer than the vector is the vector; the kernel counts in 32 bits.
    const length = Math.min(blockLength, Math.max(a.length, 1));
    this.#kernels.blockSums(dst.offset, a.offset, length, a.length);
  }

  /** dst, one element, = sum a_i b_i. */
  dot(dst: Vector, a: Vector, b: Vector): void {
    oneElement(dst);
    sameLength(a, b);
    this.#kernels.dot(dst.offset, a.offset, b.offset, a.length);
  }

  /**
   * dst_i = src[indices_i]; dst must not overlap src. Indices out of range are asserted against.
   */
  gather(dst: Vector, src: Vector, indices: IndexVector): void {
    assert(dst.length === indices.length, "gather: one index per element of the result");
    if (indices.length === 0) return;
    indices.checkedMax ??= this.#kernels.maxIndex(indices.offset, indices.length) >>> 0;
    assert(indices.checkedMax < src.length, "gather: an index is beyond the source vector");
    this.#kernels.gather(dst.offset, src.offset, indices.offset, dst.length);
  }

  /** dst[indices_i] = src_i; the indices must be a permutation of the positions. */
  scatter(dst: Vector, src: Vector, indices: IndexVector): void {
    assert(src.length === indices.length, "scatter: one index per element of the source");
    sameLength(dst, src);
    if (indices.length === 0) return;
    indices.checkedMax ??= this.#kernels.maxIndex(indices.offset, indices.length) >>> 0;
    assert(indices.checkedMax < dst.length, "scatter: an index is beyond the target vector");
    this.#kernels.scatter(dst.offset, src.offset, indices.offset, src.length);
  }

  // Replicated secret sharing (Araki, Furukawa, Lindell, Nof, Ohara 2016): a party holds (x0, x1),
  // (y0, y1).

  /** z += x0 (y0 + y1) + x1 y0; y0 and y1 may have length 1. */
  crossAdd(z: Vector, x0: Vector, x1: Vector, y0: Vector, y1: Vector): void {
    crossLengths(z, x0, x1, y0, y1);
    const kernel = isScalar(y0, z) ? this.#kernels.crossAddScalar : this.#kernels.crossAdd;
    kernel(z.offset, x0.offset, x1.offset, y0.offset, y1.offset, z.length);
  }

  /** z = x0 (y0 + y1) + x1 y0; y0 and y1 may have length 1. */
  crossSet(z: Vector, x0: Vector, x1: Vector, y0: Vector, y1: Vector): void {
    crossLengths(z, x0, x1, y0, y1);
    const kernel = isScalar(y0, z) ? this.#kernels.crossSetScalar : this.#kernels.crossSet;
    kernel(z.offset, x0.offset, x1.offset, y0.offset, y1.offset, z.length);
  }

  /** dst, one element, = sum x0_i (y0_i + y1_i) + x1_i y0_i. */
  crossDot(dst: Vector, x0: Vector, x1: Vector, y0: Vector, y1: Vector): void {
    oneElement(dst);
    crossLengths(x0, x0, x1, y0, y1);
    sameLength(x0, y0);
    this.#kernels.crossDot(dst.offset, x0.offset, x1.offset, y0.offset, y1.offset, x0.length);
  }

  /** Makes elements of raw 64-bit words, in place: the low 61 bits, where p becomes 0. */
  maskPrg(dst: Vector): void {
    this.#kernels.maskPrg(dst.offset, dst.length);
  }

  /** z += m(a) - m(b), where a and b hold raw 64-bit words and m is what maskPrg does. */
  addZeroShare(z: Vector, a: Vector, b: Vector): void {
    sameLength(z, a);
    sameLength(z, b);
    this.#kernels.addZeroShare(z.offset, a.offset, b.offset, z.length);
  }

  // Rows: n rows of m elements, one after the other.

  /** dst_i = sum_j rows[i m + j] coefficients_j for n = dst.length, m = coefficients.length. */
  combineRows(dst: Vector, rows: Vector, coefficients: Vector): void {
    const m = coefficients.length;
    assert(rows.length === dst.length * m, "combineRows: n rows of m elements");
    this.#kernels.combineRows(dst.offset, rows.offset, coefficients.offset, m, dst.length);
  }

  /** dst_i = rows[i m + j] for n = dst.length rows: column j. */
  column(dst: Vector, rows: Vector, m: number, j: number): void {
    assert(rows.length === dst.length * m, "column: n rows of m elements");
    assert(Number.isInteger(j) && j >= 0 && j < m, "column: there are columns 0 to m - 1");
    this.#kernels.column(dst.offset, rows.offset, m, j, dst.length);
  }

  #scalar(k: number): number {
    writeNumber(this.memory.words, SCALAR_OFFSET, k);
    return SCALAR_OFFSET;
  }
}

/** Whether b is one element that goes with every element of a. Asserts equal lengths otherwise. */
function isScalar(b: Vector, a: Vector): boolean {
  if (b.length === a.length) return false;
  assert(b.length === 1, "the vectors differ in length, and the last is not a single element");
  return true;
}

function sameLength(a: Vector, b: Vector): void {
  assert(a.length === b.length, "the vectors differ in length");
}

function oneElement(dst: Vector): void {
  assert(dst.length === 1, "the result is one element");
}

function crossLengths(z: Vector, x0: Vector, x1: Vector, y0: Vector, y1: Vector): void {
  const alike = z.length === x0.length && x0.length === x1.length && y0.length === y1.length;
  assert(alike, "the vectors differ in length");
}
