// Orders and readings at the evaluators of a dealer session: each receives the same bits minus masks that the dealer
// told the meter, and holds authenticated shares of the masks.
import type { Field } from "../field/field.ts";
import { takeOrders } from "../market/intake.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import type { ReceivedShares } from "../market/row-intake.ts";
import { DealerEngine } from "../mpc/dealer-engine.ts";
import type { Peers } from "../mpc/network.ts";
import { Secret } from "../mpc/shared.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { OrderIntake } from "./order-intake.ts";
import { fullRows, type ReceivedRows } from "./received-rows.ts";
import { alikeCheck } from "./share-checks.ts";

/** Rows worked on at once: they stay in the cache. */
const ROWS_AT_ONCE = 1024;

/** Every evaluator receives `layout.bits` elements per order (client/dealer-orders.ts). */
export function dealerIntake(
  field: Field,
  primitives: Primitives,
  count: number,
  layout: OrderLayout,
  membership: Uint8Array | null = null,
): OrderIntake {
  const rows = fullRows(field, count, layout.bits);
  return {
    streams: [rows],
    async take(engine, peers, _active, last) {
      assert(engine instanceof DealerEngine, "masked orders are for a dealer's evaluators");
      const received = maskedRows(engine, peers, rows, count, layout);
      const intake = await takeOrders(engine, primitives, layout, { ...received, membership });
      if (last) rows.free();
      return intake;
    },
    free: () => rows.free(),
  };
}

/**
 * Rows that all evaluators received, as an engine's Secrets: whatever meters send under masks of the dealer's, one row
 * after the other in the order of the session's masks. The engine can take such rows once.
 */
export function maskedRows(
  engine: DealerEngine,
  peers: Peers,
  rows: ReceivedRows,
  count: number,
  { bits }: Pick<OrderLayout, "bits">,
): ReceivedShares {
  const { field } = engine;
  // What a meter sent is uniform, and all evaluators may know it.
  const check = alikeCheck(field, peers);
  const fingerprints = field.alloc(count);
  return {
    count,
    async columns(from, to, weights) {
      const columns = Array.from({ length: bits }, () => [
        field.alloc(to - from),
        field.alloc(to - from),
      ]);
      for (let at = from; at < to; at += ROWS_AT_ONCE) {
        const end = Math.min(at + ROWS_AT_ONCE, to);
        const masked = field.alloc((end - at) * bits);
        rows.read(at, end, masked);
        field.combineRows(fingerprints.slice(at, end), masked, weights.slice(0, bits));
        const masks = await engine.inputMasks(masked.length);
        const received = engine.fromPublic(masked);
        const values = engine.add(masks, received);
        columns.forEach((components, j) => {
          components.forEach((component, index) => {
            const part = component.slice(at - from, end - from);
            field.column(part, values.components[index]!, bits, j);
          });
        });
        engine.free(masks, received, values);
        field.free(masked);
      }
      return columns.map((components) => new Secret(components, true));
    },
    misfits: (from, to) => check.misfits([fingerprints.slice(from, to)]),
    holders: check.holders,
    free: () => field.free(fingerprints),
  };
}
