// One attempt at a clearing at one evaluator that computes: from its shares of all orders to its shares of all results.
import type { Link } from "../channel/channel.ts";
import { clearPeriod } from "../market/clearing.ts";
import type { RejectionReason } from "../market/intake.ts";
import { prepareClearing } from "../market/preparation.ts";
import { tradesOf } from "../market/settlement.ts";
import type { Engine } from "../mpc/engine.ts";
import type { Peers } from "../mpc/network.ts";
import { permutationFrom } from "../mpc/permutation.ts";
import type { Clock } from "../platform/clock.ts";
import { nextTurn } from "../platform/turn.ts";
import type { ClearCommand } from "../wire/session-messages.ts";
import {
  activePoints,
  type DealingChoice,
  type EngineTools,
  type SessionParties,
  startEngine,
} from "./engine-sessions.ts";
import type { OrderIntake } from "./order-intake.ts";

export interface SessionTools extends EngineTools {
  /** Whether shares of what each order trades are kept, for settlement. */
  readonly keepTrades?: boolean;
  readonly clock: Clock;
  /** Told when a phase begins. */
  readonly onPhase: (phase: "offline" | "online") => void;
}

/** What is cleared, and with which dealer. */
export type SessionCommand = Omit<ClearCommand, "dealing"> & { readonly dealing: DealingChoice };

export interface SessionResult {
  readonly traded: boolean;
  readonly priceTick: number | null;
  /** What the priority order was made from; null if that order is hidden. */
  readonly coin: Uint8Array | null;
  readonly rejected: readonly (RejectionReason | null)[];
  /** This evaluator's output shares: of every order's energy above the line, and of the suppliers' sums. */
  readonly orderShares: Uint8Array;
  readonly supplierShares: Uint8Array;
  /** The session's name at a market's dealer; null without one. */
  readonly dealing: string | null;
  /** Of what each order bought less what it sold, and of what it bought; null where they are not kept. */
  readonly tradeShares: Uint8Array | null;
  readonly offlineMs: number;
  readonly onlineMs: number;
  readonly bytesSent: number;
  readonly elementsSent: number;
  readonly rounds: number;
  readonly onlineRounds: number;
}

/** Turns of the event loop in which operations that were under way when a link ended come to their end. */
const TURNS_TO_SETTLE = 8;

/**
 * Runs one attempt with the other evaluators that compute. `orders` holds this evaluator's shares of the orders;
 * they are
 * freed as soon as they are checked if this is the `last` attempt that there can be. Throws ChannelError when another
 * evaluator fails, AbortError when one is found to lie; the links are closed then.
 */
export async function runClearing(
  tools: SessionTools,
  parties: SessionParties,
  command: SessionCommand,
  orders: OrderIntake,
  last: boolean,
): Promise<SessionResult> {
  const { peers } = parties;
  let dealer: Link | null = null;
  try {
    tools.onPhase("offline");
    const begin = tools.clock.nowMs();
    const sentBefore = bytesSent(peers);
    const started = await startEngine(tools, command, parties);
    dealer = started.dealer;
    const result = await computeResult(
      tools,
      started.engine,
      parties,
      command,
      orders,
      last,
      begin,
    );
    return { ...result, dealing: started.session, bytesSent: bytesSent(peers) - sentBefore };
  } catch (error) {
    // Whatever is still under way ends with the links, before its memory is given to somebody else.
    for (const link of [...peers.links, dealer]) link?.close();
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await nextTurn();
    throw error;
  } finally {
    dealer?.close();
    tools.field.memory.reset();
  }
}

async function computeResult(
  tools: SessionTools,
  engine: Engine,
  parties: SessionParties,
  command: SessionCommand,
  orders: OrderIntake,
  last: boolean,
  begin: number,
): Promise<Omit<SessionResult, "bytesSent" | "dealing">> {
  const { clock, primitives } = tools;
  const { setting, count } = command;
  const { algorithm, priorityOrder } = setting;
  const intake = await orders.take(engine, parties.peers, activePoints(setting, parties), last);
  const rules = { ...command, algorithm, priorityOrder };
  const prepared = await prepareClearing(engine, rules, intake.book);
  const closed = clock.nowMs();
  const offlineRounds = engine.stats.rounds;

  tools.onPhase("online");
  const coin = priorityOrder === "public" ? await engine.coin() : null;
  const arrangement = coin === null ? null : permutationFrom(primitives, coin, count);
  const outcome = await clearPeriod(engine, prepared, arrangement);
  const suppliers = outcome.suppliers.filter((sums) => sums !== null);
  const trades =
    tools.keepTrades && count > 0 ? await tradesOf(engine, prepared, outcome.aboveUnits) : null;
  const kept = trades === null ? [] : [trades.net, trades.bought];
  // With malicious security this verifies what came after the last opening: part of the clearing.
  const revealed = await engine.reveal([...kept, outcome.aboveUnits, ...suppliers]);
  const cleared = clock.nowMs();
  const tradeShares = revealed.splice(0, kept.length);
  const [orderShares, ...supplierShares] = revealed;
  return {
    traded: outcome.traded,
    priceTick: outcome.priceTick,
    coin,
    rejected: intake.rejected,
    orderShares: orderShares!,
    supplierShares: joined(supplierShares),
    tradeShares: tools.keepTrades ? joined(tradeShares) : null,
    offlineMs: closed - begin,
    onlineMs: cleared - closed,
    elementsSent: engine.stats.elementsSent,
    rounds: engine.stats.rounds,
    onlineRounds: engine.stats.rounds - offlineRounds,
  };
}

const bytesSent = (peers: Peers) =>
  peers.links.reduce((sum, link) => sum + (link?.stats.bytesSent ?? 0), 0);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
