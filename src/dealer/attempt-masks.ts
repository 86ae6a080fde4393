// The masks of one attempt as two endless streams of elements, in the order in which evaluators use them: of all that
// they take in, and of all results.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Prg, Primitives } from "../platform/primitives.ts";
import type { KnownMasks } from "../sharing/dealer.ts";
import {
  type AttemptRequest,
  MASK_NAME_BYTES,
  NONCE_BYTES,
  RESULTS_PER_ROW,
  RESULTS_PER_SUPPLIER,
  SETTLED_PER_SUPPLIER,
  TRADES_PER_ORDER,
} from "../wire/dealer-messages.ts";
import { toHex } from "../wire/hex.ts";
import { KEPT, type MaskKeys } from "./mask-keys.ts";

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
}

/** Consecutive numbers that come from one seed. */
interface Segment {
  readonly seed: Uint8Array;
  readonly length: number;
}

const SPARE_SEED_BYTES = 16;
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

/**
 * The masks of an attempt whose session has this name; rows have `width` numbers. `keepsTrades` where periods are
 * settled.
 */
export function attemptMasks(
  tools: Tools,
  keys: MaskKeys,
  request: AttemptRequest,
  names: Uint8Array,
  { width, keepsTrades }: { readonly width: number; readonly keepsTrades: boolean },
  session: string,
): KnownMasks {
  const { kind, periodStart, attempt, count, suppliers, trades } = request;
  const result = (party: string) => keys.result({ kind, periodStart, attempt, session, party });
  const rows = function* (): Generator<Segment> {
    for (let row = 0; row < count; row++) {
      const seed = keys.row({ kind, periodStart, ...rowNameAt(names, row) });
      yield { seed, length: width };
    }
    if (trades === undefined) return;
    const { orders, ...cleared } = trades;
    const seed = keys.result({ kind: "order", periodStart, ...cleared, party: KEPT.trades });
    yield { seed, length: TRADES_PER_ORDER * orders };
  };
  const results = function* (): Generator<Segment> {
    if (keepsTrades && kind === "order") {
      yield { seed: result(KEPT.trades), length: TRADES_PER_ORDER * count };
    }
    for (let row = 0; row < count && kind === "order"; row++) {
      const { meter } = rowNameAt(names, row);
      yield { seed: result(`meter-${meter}`), length: RESULTS_PER_ROW };
    }
    const length = kind === "order" ? RESULTS_PER_SUPPLIER : SETTLED_PER_SUPPLIER;
    for (const supplier of suppliers) yield { seed: result(`supplier-${supplier}`), length };
    // How many meters are settled is known to evaluators once they know which readings they reject.
    if (kind === "reading") yield { seed: result(KEPT.amounts), length: Number.POSITIVE_INFINITY };
  };
  return { rows: stream(tools, rows()), results: stream(tools, results()) };
}

/**
 * Gives the numbers of the segments one after the other. Evaluators are dealt more than they use, in whole batches:
 * after the last segment come numbers that nobody knows.
 */
function stream({ field, primitives }: Tools, segments: Iterator<Segment>): (into: Vector) => void {
  const spare: Segment = {
    seed: primitives.randomBytes(SPARE_SEED_BYTES),
    length: Number.POSITIVE_INFINITY,
  };
  let prg: Prg | null = null;
  /** How much of the current segment is left. */
  let left = 0;
  return (into) => {
    for (let at = 0; at < into.length; ) {
      if (left === 0) {
        const next = segments.next();
        const segment = next.done === true ? spare : next.value;
        prg = primitives.prg(segment.seed);
        left = segment.length;
        continue;
      }
      const part = into.slice(at, Math.min(at + left, into.length));
      prg!.fill(field.memory.bytes(part));
      field.maskPrg(part);
      at += part.length;
      left -= part.length;
    }
  };
}
