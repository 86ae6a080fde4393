// One clearing at one evaluator: from its shares of all orders to its shares of all results.
import type { Link } from "../channel/channel.ts";
import { receiveBytes, sendBytes } from "../channel/long-messages.ts";
import type { Field } from "../field/field.ts";
import { clearPeriod } from "../market/clearing.ts";
import {
  type Comparer,
  type RejectionReason,
  type RowSource,
  takeOrders,
} from "../market/intake.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import { prepareClearing } from "../market/preparation.ts";
import { Network } from "../mpc/network.ts";
import { permutationFrom } from "../mpc/permutation.ts";
import { ReplicatedEngine } from "../mpc/replicated-engine.ts";
import type { Clock } from "../platform/clock.ts";
import type { Primitives } from "../platform/primitives.ts";
import { nextTurn } from "../platform/turn.ts";
import type { ClearCommand } from "../wire/session-messages.ts";
import type { Mesh } from "./mesh.ts";
import type { OrderComponent } from "./order-component.ts";

export interface SessionTools {
  readonly field: Field;
  readonly primitives: Primitives;
  readonly clock: Clock;
  /** Told when a phase begins. */
  readonly onPhase: (phase: "offline" | "online") => void;
}

export interface SessionResult {
  readonly traded: boolean;
  readonly priceTick: number | null;
  /** What the priority order was made from. */
  readonly coin: Uint8Array;
  readonly rejected: readonly (RejectionReason | null)[];
  /** This evaluator's output shares: of every order's energy above the line, and of the suppliers' sums. */
  readonly orderShares: Uint8Array;
  readonly supplierShares: Uint8Array;
  readonly offlineMs: number;
  readonly onlineMs: number;
  readonly bytesSent: number;
  readonly rounds: number;
  readonly onlineRounds: number;
}

/**
 * Runs one clearing with the other two evaluators; `components` holds this evaluator's shares of the orders and
 * is freed as soon as they are checked. Throws ChannelError when another evaluator fails.
 */
export async function runClearing(
  tools: SessionTools,
  mesh: Mesh,
  command: ClearCommand,
  layout: OrderLayout,
  components: readonly [OrderComponent, OrderComponent],
): Promise<SessionResult> {
  const { field, primitives, clock } = tools;
  const sentBefore = bytesSent(mesh);
  tools.onPhase("offline");
  const begin = clock.nowMs();
  const engine = await ReplicatedEngine.start(field, mesh, primitives, nextTurn);
  try {
    const rows: RowSource = {
      count: command.count,
      read(from, to, first, second) {
        components[0].read(from, to, first);
        components[1].read(from, to, second);
      },
    };
    const comparer = fingerprintComparer(field, mesh);
    const intake = await takeOrders(engine, comparer, primitives, layout, rows);
    for (const component of components) component.free();
    const prepared = await prepareClearing(engine, command, intake.book);
    const closed = clock.nowMs();
    const offlineRounds = engine.stats.rounds;

    tools.onPhase("online");
    const coin = await engine.coin();
    const arrangement = permutationFrom(primitives, coin, command.count);
    const outcome = await clearPeriod(engine, prepared, arrangement);
    const cleared = clock.nowMs();

    const suppliers = outcome.suppliers.filter((sums) => sums !== null);
    const [orderShares, ...supplierShares] = await engine.reveal([
      outcome.aboveUnits,
      ...suppliers,
    ]);
    return {
      traded: outcome.traded,
      priceTick: outcome.priceTick,
      coin,
      rejected: intake.rejected,
      orderShares: orderShares!,
      supplierShares: joined(supplierShares),
      offlineMs: closed - begin,
      onlineMs: cleared - closed,
      bytesSent: bytesSent(mesh) - sentBefore,
      rounds: engine.stats.rounds,
      onlineRounds: engine.stats.rounds - offlineRounds,
    };
  } finally {
    engine.end();
  }
}

const bytesSent = (mesh: Mesh) =>
  mesh.links.reduce((sum, link) => sum + (link?.stats.bytesSent ?? 0), 0);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Compares fingerprints with the neighbours: this evaluator's second component is the next one's first. */
export function fingerprintComparer(field: Field, mesh: Mesh): Comparer {
  return {
    async differing(first, second) {
      const network = new Network(field, mesh);
      const [next, previous] = [network.link(mesh.party + 1), network.link(mesh.party - 1)];
      const tags = [network.takeTag("check"), network.takeTag("check")] as const;
      const theirs = await exchange(next, previous, tags[0], field.toBytes(second));
      const mine = field.toBytes(first);
      const differs = differingRows(mine, theirs);
      // Who finds a difference tells both others; all go by what anyone found.
      const found = await Promise.all([
        exchange(next, previous, tags[1], differs),
        exchange(previous, next, tags[1], differs),
      ]);
      for (let i = 0; i < differs.length; i++) differs[i]! |= found[0][i]! | found[1][i]!;
      return differs;
    },
  };
}

/** Sends bytes to one link and receives as many from another. */
async function exchange(to: Link, from: Link, tag: number, bytes: Uint8Array): Promise<Uint8Array> {
  const [received] = await Promise.all([
    receiveBytes(from, tag, bytes.length),
    sendBytes(to, tag, bytes),
  ]);
  return received;
}

/** 1 where the 8-byte elements differ. */
function differingRows(mine: Uint8Array, theirs: Uint8Array): Uint8Array {
  const [a, b] = [mine, theirs].map((bytes) => new Uint32Array(bytes.buffer, 0, bytes.length / 4));
  const differs = new Uint8Array(mine.length / 8);
  for (let i = 0; i < differs.length; i++) {
    if (a![2 * i] !== b![2 * i] || a![2 * i + 1] !== b![2 * i + 1]) differs[i] = 1;
  }
  return differs;
}
