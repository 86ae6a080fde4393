// Whole clearing sessions of three evaluators in one process, with a record of every frame between
// them.

import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { runClearing } from "../../src/evaluator/clearing-session.ts";
import { replicatedIntake } from "../../src/evaluator/order-intake.ts";
import { Field } from "../../src/field/field.ts";
import type { Order, Side } from "../../src/market/order.ts";
import { orderLayout } from "../../src/market/order-layout.ts";
import { distribute } from "../../src/market/shared-clearing.test-helper.ts";
import { closePeers, meshedPeers, type SentFrame } from "../../src/mpc/parties.test-helper.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { Primitives } from "../../src/platform/primitives.ts";
import type { ClearCommand } from "../../src/wire/session-messages.ts";
import { completeSetting } from "../../src/wire/setting.ts";

export const layout = orderLayout(12, 16, 3);

export const defaultCommand: Omit<ClearCommand, "count"> = {
  type: "clear",
  priceBits: 12,
  energyBits: 16,
  priceRule: "midpoint",
  rationing: "pro-rata",
  revealedSuppliers: [true, true, true],
  setting: completeSetting({ engine: "replicated" }),
  dealing: null,
};

export interface RecordedSession {
  readonly traded: boolean;
  readonly rejectedCount: number;
  /** In the order in which they were sent, of all parties. */
  readonly frames: readonly SentFrame[];
}

/**
 * Clears `orders` from their shares, exactly as the evaluators' processes do, and records all
 * frames.
 */
export async function recordSession(
  orders: readonly Order[],
  command: Omit<ClearCommand, "count"> = defaultCommand,
  primitives: Primitives = nodePrimitives,
): Promise<RecordedSession> {
  const count = orders.length;
  const received = distribute(layout, orders);
  const frames: SentFrame[] = [];
  const peers = meshedPeers(3, (frame) => {
    frames.push(frame);
    return undefined;
  });
  try {
    const results = await Promise.all(
      peers.map((mesh, party) => {
        const field = new Field();
        const intake = replicatedIntake(field, nodePrimitives, party, count, layout);
        intake.streams.forEach((stream, index) => {
          stream.write(received[party]![index]!, 0);
        });
        const reachDealer = () => Promise.reject(new Error("there is no dealer"));
        const tools = { field, primitives, clock: systemClock, onPhase: () => {}, reachDealer };
        const parties = { peers: mesh, active: [0, 1, 2] };
        return runClearing(tools, parties, command, intake, true);
      }),
    );
    const [first] = results;
    const rejectedCount = first!.rejected.filter((reason) => reason !== null).length;
    return { traded: first!.traded, rejectedCount, frames };
  } finally {
    closePeers(peers);
  }
}

/** `count` orders by rules for their side, price and energy. */
export function market(
  count: number,
  side: (i: number) => Side,
  limitTick: (i: number) => number,
  energyWh: (i: number) => number,
): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    meter: `meter-${i}`,
    side: side(i),
    energyWh: side(i) === "idle" ? 0 : energyWh(i),
    limitTick: limitTick(i),
    supplier: i % 3,
  }));
}
