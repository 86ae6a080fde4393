// Hands out ranges of a growing address space: two-level segregated fit (Masmano, Ripoll, Crespo,
// Real 2004) with its book-keeping outside the ranges. Taking and giving back cost constant time;
// neighbours coalesce.
import { assert } from "../platform/assert.ts";

const GRAIN_BYTES = 16;
const EXACT_BINS = 32; // ranges below 32 grains: one bin per size
const SPLIT_BITS = 4; // above: 16 bins per power of two
const BIN_COUNT = EXACT_BINS + (28 - 5 + 1) * (1 << SPLIT_BITS);
const TRIES_IN_OWN_BIN = 8;

/** A range of bytes, taken or free. `owner` is what it was taken for, undefined while free. */
export interface Range {
  offset: number;
  sizeBytes: number;
  owner: object | undefined;
  before: Range | undefined;
  after: Range | undefined;
  binPrevious: Range | undefined;
  binNext: Range | undefined;
}

/** Offsets and sizes are multiples of 16 bytes, at most 2^32. */
export class RangeAllocator {
  readonly #startBytes: number;
  readonly #bins: (Range | undefined)[] = new Array<Range | undefined>(BIN_COUNT).fill(undefined);
  readonly #occupied = new Int32Array(Math.ceil(BIN_COUNT / 32));
  #last: Range | undefined;
  #topBytes: number;
  #usedBytes = 0;
  #peakBytes = 0;

  constructor(startBytes: number) {
    this.#startBytes = startBytes;
    this.#topBytes = startBytes;
  }

  /** Bytes in taken ranges. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The most bytes that ever were taken at once. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /**
   * Takes a range of at least `bytes` for `owner`. `reach(end)` is called where the address space
   * must grow to `end` bytes first; what it throws passes through and leaves the allocator as it
   * was.
   */
  take(bytes: number, owner: object, reach: (end: number) => void): Range {
    const sizeBytes = Math.max(GRAIN_BYTES, Math.ceil(bytes / GRAIN_BYTES) * GRAIN_BYTES);
    let range = this.#find(sizeBytes);
    if (range === undefined) {
      reach(this.#topBytes + sizeBytes);
      range = newRange(this.#topBytes, sizeBytes, this.#last, undefined);
      if (this.#last !== undefined) this.#last.after = range;
      this.#last = range;
      this.#topBytes += sizeBytes;
    } else {
      this.#unlink(range);
      if (range.sizeBytes > sizeBytes) this.#split(range, sizeBytes);
    }
    range.owner = owner;
    this.#usedBytes += sizeBytes;
    if (this.#usedBytes > this.#peakBytes) this.#peakBytes = this.#usedBytes;
    return range;
  }

  /** Gives a range back; `owner` must be the one it was taken for. */
  give(range: Range, owner: object): void {
    assert(range.owner === owner, "this range of field memory is not taken: freed twice?");
    range.owner = undefined;
    this.#usedBytes -= range.sizeBytes;
    const { before, after } = range;
    let merged = range;
    if (before !== undefined && before.owner === undefined) {
      this.#unlink(before);
      this.#absorbNext(before);
      merged = before;
    }
    if (after !== undefined && after.owner === undefined) {
      this.#unlink(after);
      this.#absorbNext(merged);
    }
    if (merged.after === undefined) this.#dropLast(merged);
    else this.#link(merged);
  }

  /** Gives everything back. */
  reset(): void {
    for (let range = this.#last; range !== undefined; range = range.before) range.owner = undefined;
    this.#bins.fill(undefined);
    this.#occupied.fill(0);
    this.#last = undefined;
    this.#topBytes = this.#startBytes;
    this.#usedBytes = 0;
  }

  #find(sizeBytes: number): Range | undefined {
    const own = binOf(sizeBytes);
    let range = this.#bins[own];
    for (let tries = 0; range !== undefined && tries < TRIES_IN_OWN_BIN; tries++) {
      if (range.sizeBytes >= sizeBytes) return range;
      range = range.binNext;
    }
    let word = (own + 1) >> 5;
    let bits = (this.#occupied[word] ?? 0) & (-1 << ((own + 1) & 31));
    while (bits === 0) {
      word++;
      if (word >= this.#occupied.length) return undefined;
      bits = this.#occupied[word] ?? 0;
    }
    return this.#bins[word * 32 + 31 - Math.clz32(bits & -bits)];
  }

  #split(range: Range, sizeBytes: number): void {
    const rest = newRange(
      range.offset + sizeBytes,
      range.sizeBytes - sizeBytes,
      range,
      range.after,
    );
    if (range.after !== undefined) range.after.before = rest;
    range.after = rest;
    range.sizeBytes = sizeBytes;
    this.#link(rest);
  }

  #dropLast(range: Range): void {
    this.#topBytes = range.offset;
    this.#last = range.before;
    if (range.before !== undefined) range.before.after = undefined;
  }

  #absorbNext(range: Range): void {
    const next = range.after!;
    range.sizeBytes += next.sizeBytes;
    range.after = next.after;
    if (next.after !== undefined) next.after.before = range;
    else this.#last = range;
  }

  #link(range: Range): void {
    const bin = binOf(range.sizeBytes);
    const head = this.#bins[bin];
    range.binPrevious = undefined;
    range.binNext = head;
    if (head !== undefined) head.binPrevious = range;
    this.#bins[bin] = range;
    this.#occupied[bin >> 5] = (this.#occupied[bin >> 5] ?? 0) | (1 << (bin & 31));
  }

  #unlink(range: Range): void {
    const { binPrevious, binNext } = range;
    if (binNext !== undefined) binNext.binPrevious = binPrevious;
    if (binPrevious !== undefined) {
      binPrevious.binNext = binNext;
      return;
    }
    const bin = binOf(range.sizeBytes);
    this.#bins[bin] = binNext;
    if (binNext === undefined) {
      this.#occupied[bin >> 5] = (this.#occupied[bin >> 5] ?? 0) & ~(1 << (bin & 31));
    }
  }
}

/** Every range in a higher bin than that of a size is larger than that size. */
function binOf(sizeBytes: number): number {
  const grains = sizeBytes / GRAIN_BYTES;
  if (grains < EXACT_BINS) return grains;
  const exponent = 31 - Math.clz32(grains);
  const step = (grains >> (exponent - SPLIT_BITS)) & ((1 << SPLIT_BITS) - 1);
  return EXACT_BINS + ((exponent - 5) << SPLIT_BITS) + step;
}

function newRange(
  offset: number,
  sizeBytes: number,
  before: Range | undefined,
  after: Range | undefined,
): Range {
  return {
    offset,
    sizeBytes,
    owner: undefined,
    before,
    after,
    binPrevious: undefined,
    binNext: undefined,
  };
}
