// Correlated randomness of replicated sharing (Araki et al. 2016, section 2.2): evaluator i holds the keys k_i
// and k_(i+1), where k_i is shared with evaluator i-1. From them both draw the same streams without talking.
// The parties must draw in the same order and the same amounts; a key serves one session only.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import { WordStream } from "./word-stream.ts";

const BUFFER_WORDS = WordStream.maxLength;

export class CorrelatedRandomness {
  private readonly field: Field;
  private readonly own: WordStream;
  private readonly shared: WordStream;
  /** Shares of zero made beforehand, in pieces so that they fit anywhere; the first is in use. */
  private stock: Vector[] = [];
  private stockUsed = 0;

  /** `ownKey` is k_i, `sharedKey` is k_(i+1) of evaluator i. */
  constructor(field: Field, primitives: Primitives, ownKey: Uint8Array, sharedKey: Uint8Array) {
    this.field = field;
    this.own = new WordStream(field, primitives.prg(ownKey));
    this.shared = new WordStream(field, primitives.prg(sharedKey));
  }

  /** The longest vector that one call handles. */
  static readonly maxLength = BUFFER_WORDS;

  /**
   * Makes shares of zero for about the next `count` masked elements now, so that masking them later costs an
   * addition. All evaluators must do so at the same point. What is left of an earlier stock is thrown away.
   */
  stockZeroShares(count: number): void {
    for (const piece of this.stock) this.field.free(piece);
    this.stock = [];
    this.stockUsed = 0;
    const pieces = Array.from({ length: Math.ceil(count / BUFFER_WORDS) }, () => {
      const piece = this.field.alloc(BUFFER_WORDS);
      this.field.fill(piece, 0);
      this.addZeroShare(piece);
      return piece;
    });
    this.stock = pieces;
  }

  /** z += F(k_i) - F(k_(i+1)): over the three evaluators these masks sum to zero. */
  addZeroShare(z: Vector): void {
    if (this.stock.length > 0 && this.stockUsed + z.length > BUFFER_WORDS) {
      this.field.free(this.stock.shift()!);
      this.stockUsed = 0;
    }
    const [piece] = this.stock;
    if (piece !== undefined) {
      const from = this.stockUsed;
      this.stockUsed += z.length;
      this.field.add(z, z, piece.slice(from, this.stockUsed));
      return;
    }
    this.field.addZeroShare(z, this.own.take(z.length), this.shared.take(z.length));
  }

  /** Fills this evaluator's two components of a uniformly random vector that nobody knows. */
  randomComponents(first: Vector, second: Vector): void {
    this.field.copy(first, this.own.elements(first.length));
    this.field.copy(second, this.shared.elements(second.length));
  }

  /**
   * `count` bits known to this evaluator and the previous one, and as many known to it and the next one.
   * Each as bytes 0 or 1.
   */
  commonBits(count: number): { own: Uint8Array; shared: Uint8Array } {
    return { own: this.bitsOf(this.own, count), shared: this.bitsOf(this.shared, count) };
  }

  private bitsOf(stream: WordStream, count: number): Uint8Array {
    const bits = new Uint8Array(count);
    for (let done = 0; done < count; done += 64 * BUFFER_WORDS) {
      const part = Math.min(count - done, 64 * BUFFER_WORDS);
      const bytes = this.field.memory.bytes(stream.take(Math.ceil(part / 64)));
      for (let i = 0; i < part; i++) bits[done + i] = (bytes[i >> 3]! >> (i & 7)) & 1;
    }
    return bits;
  }
}
