// One session of a clearing at one evaluator that computes: from its shares of orders, taken as they arrive or all at
// once, to its shares of all results.
import { clearPeriod } from "../market/clearing.ts";
import type { RejectionReason } from "../market/intake.ts";
import { Preparation, type PreparedClearing } from "../market/preparation.ts";
import { tradesOf } from "../market/settlement.ts";
import type { Engine } from "../mpc/engine.ts";
import { permutationFrom } from "../mpc/permutation.ts";
import { assert } from "../platform/assert.ts";
import type { Clock } from "../platform/clock.ts";
import type { ClearCommand } from "../wire/session-messages.ts";
import {
  activePoints,
  type DealingChoice,
  type EngineTools,
  giveUpSession,
  type SessionParties,
  type StartedEngine,
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

/** What is cleared, and with which dealer; `revealedSuppliers` are all that may be asked about in the end. */
export type SessionCommand = Omit<ClearCommand, "dealing" | "count"> & {
  readonly dealing: DealingChoice;
};

/** Which of the orders that were taken are cleared, and who learns of them. */
export interface ClearingChoice {
  readonly revealedSuppliers: readonly boolean[];
  /** Their places among those taken, in the order of the results; null for all of them as they were taken. */
  readonly positions: Uint32Array | null;
  /** Since when others wait for the result, by the monotonic clock: what is offline time. */
  readonly sinceMs: number;
}

interface ClearedOrders {
  readonly traded: boolean;
  readonly priceTick: number | null;
  /** What the priority order was made from; null if that order is hidden. */
  readonly coin: Uint8Array | null;
  /** This evaluator's output shares: of every order's energy above the line, and of the suppliers' sums. */
  readonly orderShares: Uint8Array;
  readonly supplierShares: Uint8Array;
  /** Of what each order bought less what it sold, and of what it bought; null where they are not kept. */
  readonly tradeShares: Uint8Array | null;
}

export interface SessionResult extends ClearedOrders {
  /** Per order that is cleared: null, or why it was rejected. */
  readonly rejected: readonly (RejectionReason | null)[];
  /** The session's name at a market's dealer; null without one. */
  readonly dealing: string | null;
  readonly offlineMs: number;
  readonly onlineMs: number;
  readonly bytesSent: number;
  readonly elementsSent: number;
  readonly rounds: number;
  readonly onlineRounds: number;
}

/**
 * A session with the other evaluators that compute: all of them take the same orders in the same steps. Whatever throws
 * ChannelError (another evaluator fails) or AbortError (one is found to lie) has closed the links and ended the
 * session. All of the field memory is the session's.
 */
export class ClearingSession {
  private readonly tools: SessionTools;
  private readonly parties: SessionParties;
  private readonly command: SessionCommand;
  private readonly started: StartedEngine;
  private readonly preparation: Preparation;
  private readonly sentBefore: number;
  private readonly rejected: (RejectionReason | null)[] = [];
  private state: "open" | "over" = "open";

  private constructor(
    tools: SessionTools,
    parties: SessionParties,
    command: SessionCommand,
    started: StartedEngine,
    preparation: Preparation,
    sentBefore: number,
  ) {
    this.tools = tools;
    this.parties = parties;
    this.command = command;
    this.started = started;
    this.preparation = preparation;
    this.sentBefore = sentBefore;
  }

  /** Begins with fresh keys, and does what needs no order. */
  static async start(
    tools: SessionTools,
    parties: SessionParties,
    command: SessionCommand,
  ): Promise<ClearingSession> {
    const sentBefore = bytesSent(parties);
    const { algorithm, priorityOrder } = command.setting;
    const rules = { ...command, algorithm, priorityOrder };
    let started: StartedEngine | null = null;
    try {
      started = await startEngine(tools, command, parties);
      // A key is the price's bits and the side.
      const preparation = await Preparation.start(started.engine, rules, command.priceBits + 1);
      return new ClearingSession(tools, parties, command, started, preparation, sentBefore);
    } catch (error) {
      await giveUpSession(tools, parties, started?.dealer ?? null);
      throw error;
    }
  }

  /**
   * Checks orders and does all for them that needs no other order; `orders` is freed if this is the `last` session that
   * takes them.
   */
  take(orders: OrderIntake, last: boolean): Promise<void> {
    return this.orEnd(async () => {
      const { engine } = this.started;
      const points = activePoints(this.command.setting, this.parties);
      const intake = await orders.take(engine, this.parties.peers, points, last);
      await this.preparation.add(intake.book);
      this.rejected.push(...intake.rejected);
    });
  }

  /** Clears orders that were taken. Once only. */
  clear({ revealedSuppliers, positions, sinceMs }: ClearingChoice): Promise<SessionResult> {
    return this.orEnd(async () => {
      const { tools, rejected } = this;
      const { engine, session } = this.started;
      const prepared = await this.preparation.finish(revealedSuppliers, positions);
      const closed = tools.clock.nowMs();
      const offlineRounds = engine.stats.rounds;
      tools.onPhase("online");
      const outcome = await clearPrepared(tools, this.command, engine, prepared);
      return {
        ...outcome,
        rejected:
          positions === null ? rejected : Array.from(positions, (place) => rejected[place]!),
        dealing: session,
        offlineMs: closed - sinceMs,
        onlineMs: tools.clock.nowMs() - closed,
        bytesSent: bytesSent(this.parties) - this.sentBefore,
        elementsSent: engine.stats.elementsSent,
        rounds: engine.stats.rounds,
        onlineRounds: engine.stats.rounds - offlineRounds,
      };
    });
  }

  /** Frees everything. Nothing may be under way. */
  end(): void {
    if (this.state === "over") return;
    this.state = "over";
    this.started.dealer?.close();
    this.tools.field.memory.reset();
  }

  private async orEnd<T>(work: () => Promise<T>): Promise<T> {
    assert(this.state === "open", "a session that has ended takes nothing");
    try {
      return await work();
    } catch (error) {
      this.state = "over";
      await giveUpSession(this.tools, this.parties, this.started.dealer);
      throw error;
    }
  }
}

async function clearPrepared(
  { primitives, keepTrades }: SessionTools,
  { setting }: SessionCommand,
  engine: Engine,
  prepared: PreparedClearing,
): Promise<ClearedOrders> {
  const { count } = prepared;
  const coin = setting.priorityOrder === "public" ? await engine.coin() : null;
  const arrangement = coin === null ? null : permutationFrom(primitives, coin, count);
  const outcome = await clearPeriod(engine, prepared, arrangement);
  const suppliers = outcome.suppliers.filter((sums) => sums !== null);
  const trades =
    keepTrades && count > 0 ? await tradesOf(engine, prepared, outcome.aboveUnits) : null;
  const kept = trades === null ? [] : [trades.net, trades.bought];
  // With malicious security this verifies what came after the last opening: part of the clearing.
  const revealed = await engine.reveal([...kept, outcome.aboveUnits, ...suppliers]);
  const tradeShares = revealed.splice(0, kept.length);
  const [orderShares, ...supplierShares] = revealed;
  return {
    traded: outcome.traded,
    priceTick: outcome.priceTick,
    coin,
    orderShares: orderShares!,
    supplierShares: joined(supplierShares),
    tradeShares: keepTrades ? joined(tradeShares) : null,
  };
}

/**
 * A session of one step: all orders are there. `orders` are freed as soon as they are checked if this is the `last`
 * attempt that there can be. Throws as ClearingSession does.
 */
export async function runClearing(
  tools: SessionTools,
  parties: SessionParties,
  command: SessionCommand,
  orders: OrderIntake,
  last: boolean,
): Promise<SessionResult> {
  tools.onPhase("offline");
  const sinceMs = tools.clock.nowMs();
  const session = await ClearingSession.start(tools, parties, command);
  try {
    await session.take(orders, last);
    const { revealedSuppliers } = command;
    return await session.clear({ revealedSuppliers, positions: null, sinceMs });
  } finally {
    session.end();
  }
}

const bytesSent = ({ peers }: SessionParties) =>
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
