// The masks of one attempt as two endless streams of elements, in the order in which evaluators use them: of all
// rows,
// and of all results.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { KnownMasks } from "../sharing/dealer.ts";
import { expandMask } from "../sharing/masks.ts";
import {
  type AttemptRequest,
  MASK_NAME_BYTES,
  NONCE_BYTES,
  RESULTS_PER_ROW,
  RESULTS_PER_SUPPLIER,
} from "../wire/dealer-messages.ts";
import { toHex } from "../wire/hex.ts";
import type { MaskKeys } from "./mask-keys.ts";

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
}

/** Consecutive numbers that come from one seed. */
interface Segment {
  readonly seed: Uint8Array;
  readonly length: number;
}

const METER_BYTES = MASK_NAME_BYTES - NONCE_BYTES;

/** The meter of each row and what it chose, as evaluators name them. */
export function rowNameAt(names: Uint8Array, row: number): { meter: string; nonce: string } {
  const at = row * MASK_NAME_BYTES;
  const meterEnd = at + METER_BYTES;
  return {
    meter: toHex(names.subarray(at, meterEnd)),
    nonce: toHex(names.subarray(meterEnd, at + MASK_NAME_BYTES)),
  };
}

/** The masks of an attempt whose session has this name; rows have `width` numbers. */
export function attemptMasks(
  tools: Tools,
  keys: MaskKeys,
  { kind, periodStart, attempt, count, suppliers }: AttemptRequest,
  names: Uint8Array,
  width: number,
  session: string,
): KnownMasks {
  const result = (party: string) => keys.result({ kind, periodStart, attempt, session, party });
  const rows = stream(tools, (row) => {
    if (row >= count) return null;
    return { seed: keys.row({ kind, periodStart, ...rowNameAt(names, row) }), length: width };
  });
  const results = stream(tools, (index) => {
    if (index < count) {
      const { meter } = rowNameAt(names, index);
      return { seed: result(`meter-${meter}`), length: RESULTS_PER_ROW };
    }
    const supplier = suppliers[index - count];
    if (supplier === undefined) return null;
    return { seed: result(`supplier-${supplier}`), length: RESULTS_PER_SUPPLIER };
  });
  return { rows, results };
}

/**
 * Gives the numbers of the segments one after the other. Evaluators are dealt more than they use, in whole batches:
 * after
 * the last segment come numbers that nobody knows.
 */
function stream(
  { field, primitives }: Tools,
  segmentAt: (index: number) => Segment | null,
): (into: Vector) => void {
  const spare = primitives.prg(primitives.randomBytes(16));
  let index = 0;
  /** How much of the current segment is used. */
  let used = 0;
  return (into) => {
    for (let at = 0; at < into.length; ) {
      const segment = segmentAt(index);
      if (segment === null) {
        const rest = into.slice(at, into.length);
        spare.fill(field.memory.bytes(rest));
        field.maskPrg(rest);
        return;
      }
      const length = Math.min(segment.length - used, into.length - at);
      const whole = field.alloc(segment.length);
      expandMask(field, primitives, segment.seed, whole);
      field.copy(into.slice(at, at + length), whole.slice(used, used + length));
      field.free(whole);
      at += length;
      used += length;
      if (used < segment.length) return;
      used = 0;
      index += 1;
    }
  };
}
