// A generator's stream as 64-bit words in field memory.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Prg } from "../platform/primitives.ts";

export class WordStream {
  /** Words drawn from the generator at once, and the most that one call gives. */
  static readonly maxLength = 8192;

  private readonly field: Field;
  private readonly prg: Prg;
  private readonly buffer: Vector;
  private used = WordStream.maxLength;

  constructor(field: Field, prg: Prg) {
    this.field = field;
    this.prg = prg;
    this.buffer = field.alloc(WordStream.maxLength);
  }

  /** The next `count` raw words, valid until the next call. A remainder too short is thrown away. */
  take(count: number): Vector {
    if (this.used + count > WordStream.maxLength) {
      this.prg.fill(this.field.memory.bytes(this.buffer));
      this.used = 0;
    }
    this.used += count;
    return this.buffer.slice(this.used - count, this.used);
  }

  /** The next `count` elements, uniformly random, valid until the next call. */
  elements(count: number): Vector {
    const words = this.take(count);
    this.field.maskPrg(words);
    return words;
  }
}
