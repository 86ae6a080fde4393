// The rows of one component of all orders' shares, as an evaluator receives them: a seed per row, or every
// element. They stay outside field memory, so that a clearing can begin again with another engine.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { expandRows, SEED_BYTES } from "../sharing/replicated.ts";

export interface ReceivedRows {
  readonly byteLength: number;
  /** Takes in received bytes at their offset. */
  write(piece: Uint8Array, offset: number): void;
  /** The elements of rows from..to. */
  read(from: number, to: number, into: Vector): void;
  free(): void;
}

/** `count` rows of which every element arrives. */
export function fullRows(field: Field, count: number, width: number): ReceivedRows {
  const rowBytes = ELEMENT_BYTES * width;
  return storedRows(count, rowBytes, (bytes, into) => {
    field.setBytes(into, bytes);
    // A meter may send anything; a number outside the field would not be an element at all.
    field.maskPrg(into);
  });
}

/** `count` rows that arrive as seeds. */
export function seededRows(
  field: Field,
  primitives: Primitives,
  count: number,
  width: number,
): ReceivedRows {
  return storedRows(count, SEED_BYTES, (seeds, into) => {
    expandRows(field, primitives, seeds, width, into);
  });
}

function storedRows(
  count: number,
  rowBytes: number,
  expand: (bytes: Uint8Array, into: Vector) => void,
): ReceivedRows {
  const byteLength = count * rowBytes;
  let bytes = new Uint8Array(byteLength);
  return {
    byteLength,
    write: (piece, offset) => bytes.set(piece, offset),
    read(from, to, into) {
      assert(bytes.length === byteLength, "rows are read before they are freed");
      expand(bytes.subarray(from * rowBytes, to * rowBytes), into);
    },
    free() {
      // Moving the buffer away gives its memory back at once, not when the collector comes by.
      bytes.buffer.transfer(0);
      bytes = new Uint8Array(0);
    },
  };
}
