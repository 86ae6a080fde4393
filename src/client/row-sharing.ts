// How a row of bits that a meter sends of a period is shared among the evaluators, by the market's setting: split, or
// with a dealer hidden under a mask, the same for all.
import type { Field } from "../field/field.ts";
import type { Primitives } from "../platform/primitives.ts";
import { expandMask } from "../sharing/masks.ts";
import type { Setting } from "../wire/setting.ts";
import { type SharingSetting, shareRows } from "./share-orders.ts";

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
}

/** What hides one row, and no other: of the dealer's (DealerApi.rowMask). */
export interface RowMask {
  /** By which evaluators name the mask to the dealer: 16 bytes. */
  readonly nonce: Uint8Array;
  readonly seed: Uint8Array;
}

export type RowSharing =
  | SharingSetting
  | { readonly engine: "dealer"; readonly parties: number; readonly mask: RowMask };

/** How rows are shared in a market of this setting; null when a mask is missing. */
export function rowSharing(setting: Setting, mask: RowMask | null): RowSharing | null {
  const { engine, parties, threshold } = setting;
  if (engine !== "dealer") return { engine, parties, threshold };
  return mask === null ? null : { engine, parties, mask };
}

/** Per evaluator the pieces of a row (market/order-pieces.ts) with so many bits. */
export function shareRow(
  tools: Tools,
  sharing: RowSharing,
  row: Uint8Array,
  bits: number,
): readonly (readonly Uint8Array[])[] {
  if (sharing.engine !== "dealer") return shareRows(tools, sharing, row, row.length);
  const piece = maskRow(tools, sharing.mask, row.subarray(0, bits));
  return Array.from({ length: sharing.parties }, () => [piece]);
}

/** The name of a row's mask, and the row minus the mask: uniformly random to whoever does not know the seed. */
export function maskRow(
  { field, primitives }: Tools,
  { nonce, seed }: RowMask,
  row: Uint8Array,
): Uint8Array {
  const [values, mask] = [field.alloc(row.length), field.alloc(row.length)];
  field.setNumbers(values, row);
  expandMask(field, primitives, seed, mask);
  field.sub(values, values, mask);
  const bytes = field.toBytes(values);
  field.free(values);
  field.free(mask);
  const piece = new Uint8Array(nonce.length + bytes.length);
  piece.set(nonce);
  piece.set(bytes, nonce.length);
  return piece;
}
