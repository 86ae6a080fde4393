// Orders at the evaluators of a dealer session: each receives the same bits minus masks that the dealer told the meter,
// and holds authenticated shares of the masks.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { type ReceivedOrders, takeOrders } from "../market/intake.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import { DealerEngine } from "../mpc/dealer-engine.ts";
import { Network, type Peers } from "../mpc/network.ts";
import { Secret } from "../mpc/shared.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { OrderIntake } from "./order-intake.ts";
import { fullRows, type ReceivedRows } from "./received-rows.ts";

/** Rows worked on at once: they stay in the cache. */
const ROWS_AT_ONCE = 1024;

/** Every evaluator receives `layout.bits` elements per order (client/dealer-orders.ts). */
export function dealerIntake(
  field: Field,
  primitives: Primitives,
  count: number,
  layout: OrderLayout,
): OrderIntake {
  const rows = fullRows(field, count, layout.bits);
  return {
    streams: [rows],
    async take(engine, peers, _active, last) {
      assert(engine instanceof DealerEngine, "masked orders are for a dealer's evaluators");
      const intake = await takeOrders(
        engine,
        primitives,
        layout,
        maskedRows(engine, peers, rows, count, layout),
      );
      if (last) rows.free();
      return intake;
    },
    free: () => rows.free(),
  };
}

function maskedRows(
  engine: DealerEngine,
  peers: Peers,
  rows: ReceivedRows,
  count: number,
  { bits }: OrderLayout,
): ReceivedOrders {
  const { field } = engine;
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
    misfits: (from, to) => differing(field, peers, fingerprints.slice(from, to)),
    holders: () => `evaluators 0 to ${peers.links.length - 1}`,
  };
}

/** 1 where the others do not have the same. Rounds: 1. What a meter sent is uniform, and known to all evaluators. */
async function differing(field: Field, peers: Peers, own: Vector): Promise<Uint8Array> {
  const network = new Network(field, peers);
  const tag = network.takeTag("check");
  const links = network.others.map((party) => network.link(party));
  const theirs = links.map(() => field.alloc(own.length));
  const received = links.map((link, index) => network.receiveVector(link, tag, theirs[index]!));
  await network.sendLong(links, tag, own);
  await Promise.all(received);
  const differs = new Uint8Array(own.length);
  for (const other of theirs) {
    field.sub(other, other, own);
    const bytes = field.toBytes(other);
    bytes.forEach((byte, at) => {
      if (byte !== 0) differs[at >> 3] = 1;
    });
    field.free(other);
  }
  return differs;
}
