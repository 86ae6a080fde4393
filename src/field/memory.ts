// The linear memory that all field elements of a process live in, and the handles on it. The first
// 1024 bytes are the kernels' scratch space. Handles are cheap; the elements stay where they are
// until freed.
import { assert } from "../platform/assert.ts";
import { type Range, RangeAllocator } from "./allocator.ts";
import { ELEMENT_BYTES } from "./prime.ts";

const RESERVED_BYTES = 1024;
const PAGE_BYTES = 65536;
const INITIAL_PAGES = 16;
/** One page short of 4 GiB, so that the end of a vector is below 2^32 too. */
const MOST_PAGES = 65535;
/** The memory grows by at least an eighth, so that growing costs little per element. */
const GROWTH_SHIFT = 3;

/** The field memory cannot hold another vector: its limit, or that of the machine, is reached. */
export class OutOfFieldMemory extends Error {
  override readonly name = "OutOfFieldMemory";
}

/** `length` elements at byte `offset` of a memory: a handle, not the data. */
export class Vector {
  readonly memory: FieldMemory;
  readonly offset: number;
  readonly length: number;
  /** Its allocation; undefined for a slice. */
  readonly range: Range | undefined;

  /**
   * Called by FieldMemory.alloc and slice only. `range` is undefined for a slice, which has an
   * `offset`.
   */
  constructor(memory: FieldMemory, length: number, offset: number, range: Range | undefined) {
    this.memory = memory;
    this.length = length;
    this.range = range;
    this.offset = offset;
  }

  /** A view on elements `from` to `to` - 1 of the same data; never freed itself. */
  slice(from: number, to: number): Vector {
    const inside = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && to <= this.length;
    assert(inside && from <= to, "a slice must lie within its vector");
    return new Vector(this.memory, to - from, this.offset + from * ELEMENT_BYTES, undefined);
  }
}

/** `length` indices (u32) in a field memory, for Field.gather. */
export class IndexVector {
  readonly memory: FieldMemory;
  readonly offset: number;
  readonly length: number;
  readonly range: Range;
  /** The greatest index, once known; forgotten whenever a writable view is taken. */
  checkedMax: number | undefined = undefined;

  /** Called by FieldMemory.allocIndices only. */
  constructor(memory: FieldMemory, length: number, range: Range) {
    this.memory = memory;
    this.length = length;
    this.offset = range.offset;
    this.range = range;
  }
}

export class FieldMemory {
  /** What the kernels run on; grown by this class only. */
  readonly wasmMemory: WebAssembly.Memory;
  readonly #allocator = new RangeAllocator(RESERVED_BYTES);
  readonly #mostPages: number;
  readonly #reach = (end: number) => this.#growTo(end);
  #pages = INITIAL_PAGES;
  #allBytes: Uint8Array<ArrayBuffer>;
  #allWords: Uint32Array<ArrayBuffer>;

  /**
   * `maxBytes` limits the whole memory, rounded down to pages of 64 KiB (at least 1 MiB, below 4
   * GiB).
   */
  constructor(options: { maxBytes?: number } = {}) {
    const pages = Math.floor((options.maxBytes ?? MOST_PAGES * PAGE_BYTES) / PAGE_BYTES);
    this.#mostPages = Math.max(INITIAL_PAGES, Math.min(pages, MOST_PAGES));
    this.wasmMemory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: this.#mostPages });
    this.#allBytes = new Uint8Array(this.wasmMemory.buffer);
    this.#allWords = new Uint32Array(this.wasmMemory.buffer);
  }

  /** Bytes allocated now. */
  get usedBytes(): number {
    return this.#allocator.usedBytes;
  }

  /** The most bytes ever allocated at once. */
  get peakBytes(): number {
    return this.#allocator.peakBytes;
  }

  /** The whole memory as 32-bit words; valid until the next alloc. */
  get words(): Uint32Array<ArrayBuffer> {
    return this.#allWords;
  }

  /**
   * A vector of `length` elements, 16-byte aligned, contents undefined. Throws OutOfFieldMemory.
   */
  alloc(length: number): Vector {
    const range = this.#take(length, ELEMENT_BYTES);
    const vector = new Vector(this, length, range.offset, range);
    range.owner = vector;
    return vector;
  }

  /** Frees a vector that alloc returned; slices of it are void too. */
  free(v: Vector): void {
    assert(v.range !== undefined, "a slice is not freed; free the vector it was taken from");
    assert(v.memory === this, "a vector is freed in the memory it was allocated in");
    this.#allocator.give(v.range, v);
  }

  /** A vector of `length` indices, contents undefined. Throws OutOfFieldMemory. */
  allocIndices(length: number): IndexVector {
    const range = this.#take(length, Uint32Array.BYTES_PER_ELEMENT);
    const indices = new IndexVector(this, length, range);
    range.owner = indices;
    return indices;
  }

  /** Frees an index vector that allocIndices returned. */
  freeIndices(indices: IndexVector): void {
    assert(indices.memory === this, "indices are freed in the memory they were allocated in");
    this.#allocator.give(indices.range, indices);
  }

  /** Frees everything at once: every vector handed out so far is void. */
  reset(): void {
    this.#allocator.reset();
  }

  /** The bytes of a vector, a view; valid until the next alloc, which may move the memory. */
  bytes(v: Vector): Uint8Array<ArrayBuffer> {
    return this.#allBytes.subarray(v.offset, v.offset + v.length * ELEMENT_BYTES);
  }

  /**
   * The indices as a writable view; valid until the next alloc or gather, whichever comes first.
   */
  indices(indices: IndexVector): Uint32Array<ArrayBuffer> {
    indices.checkedMax = undefined;
    const from = indices.offset / Uint32Array.BYTES_PER_ELEMENT;
    return this.#allWords.subarray(from, from + indices.length);
  }

  /** Moves elements within the memory; the two vectors have one length and may overlap. */
  move(dst: Vector, src: Vector): void {
    this.#allBytes.copyWithin(dst.offset, src.offset, src.offset + src.length * ELEMENT_BYTES);
  }

  #take(length: number, unitBytes: number): Range {
    assert(Number.isSafeInteger(length) && length >= 0, "a length is a whole number, not negative");
    return this.#allocator.take(length * unitBytes, this, this.#reach);
  }

  #growTo(endBytes: number): void {
    const needed = Math.ceil(endBytes / PAGE_BYTES);
    if (needed <= this.#pages) return;
    if (needed > this.#mostPages) throw this.#full(needed, "its limit");
    const wanted = Math.max(needed, this.#pages + (this.#pages >> GROWTH_SHIFT));
    const grown = this.#grewTo(Math.min(wanted, this.#mostPages)) || this.#grewTo(needed);
    if (!grown) throw this.#full(needed, "what this machine has free, at most");
  }

  #grewTo(pages: number): boolean {
    try {
      this.wasmMemory.grow(pages - this.#pages);
    } catch {
      return false;
    }
    this.#pages = pages;
    this.#allBytes = new Uint8Array(this.wasmMemory.buffer);
    this.#allWords = new Uint32Array(this.wasmMemory.buffer);
    return true;
  }

  #full(neededPages: number, what: string): OutOfFieldMemory {
    const mebibytes = (pages: number) => Math.ceil((pages * PAGE_BYTES) / 2 ** 20);
    return new OutOfFieldMemory(
      `field memory is full: ${mebibytes(neededPages)} MiB needed, ${what} is ` +
        `${mebibytes(this.#mostPages)} MiB, ${mebibytes(this.#pages)} MiB reserved so far`,
    );
  }
}
