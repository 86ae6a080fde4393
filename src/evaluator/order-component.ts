// One component of all orders' shares as an evaluator receives it: components 0 and 1 as a seed per order,
// component 2 in full.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import type { Primitives } from "../platform/primitives.ts";
import { expandRows, SEED_BYTES } from "../sharing/replicated.ts";

export interface OrderComponent {
  readonly byteLength: number;
  /** Takes in received bytes at their offset. */
  write(piece: Uint8Array, offset: number): void;
  /** The component's elements of orders from..to. */
  read(from: number, to: number, into: Vector): void;
  free(): void;
}

/** The component `index` (0, 1 or 2) of `count` orders, empty. */
export function orderComponent(
  field: Field,
  primitives: Primitives,
  index: number,
  count: number,
  layout: OrderLayout,
): OrderComponent {
  return index === 2
    ? fullComponent(field, count, layout)
    : seedComponent(field, primitives, count, layout);
}

function fullComponent(field: Field, count: number, layout: OrderLayout): OrderComponent {
  const { width } = layout;
  const rows = field.alloc(count * width);
  return {
    byteLength: 8 * rows.length,
    write: (piece, offset) => field.setBytesAt(rows, piece, offset),
    read(from, to, into) {
      field.copy(into, rows.slice(from * width, to * width));
      // A meter may send anything; a number outside the field would not be an element at all.
      field.maskPrg(into);
    },
    free: () => field.free(rows),
  };
}

function seedComponent(
  field: Field,
  primitives: Primitives,
  count: number,
  layout: OrderLayout,
): OrderComponent {
  let seeds = new Uint8Array(count * SEED_BYTES);
  return {
    byteLength: count * SEED_BYTES,
    write: (piece, offset) => seeds.set(piece, offset),
    read(from, to, into) {
      const part = seeds.subarray(from * SEED_BYTES, to * SEED_BYTES);
      expandRows(field, primitives, part, layout.width, into);
    },
    free: () => {
      seeds = new Uint8Array(0);
    },
  };
}
