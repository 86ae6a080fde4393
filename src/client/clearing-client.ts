// What the meters and suppliers of a market do around a clearing, for a file of orders at once: split every order
// into shares, send each evaluator its part only, and put the results together from the evaluators' shares.
import { ChannelError, type Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { Order, Outcome } from "../market/order.ts";
import { orderLayout } from "../market/order-layout.ts";
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { ClearCommand, ClearedAnswer } from "../wire/session-messages.ts";
import { type AnsweredPhase, ClearingAnswers, type CompletedAttempt } from "./clearing-answers.ts";
import { fetchOutcome } from "./clearing-results.ts";
import { ClientDealing } from "./dealer-orders.ts";
import type { EvaluatorConnection } from "./evaluator-connection.ts";
import { type Sharing, sharingOf } from "./sharing.ts";

const ORDERS_AT_ONCE = 2048;

export type ClearRequest = Omit<ClearCommand, "type" | "count" | "dealing">;

export interface ClientTools {
  readonly field: Field;
  readonly primitives: Primitives;
  readonly clock: Clock;
}

export interface ClientProgress {
  /** `results`: an evaluator has cleared the period. */
  readonly phase: "share" | AnsweredPhase;
  /** 0 while the orders are shared; more than 1 when evaluators began again without one that failed. */
  readonly attempt: number;
  /** How many orders all evaluators have been sent. */
  readonly ordersSent: number;
}

export interface ClearedPeriod {
  readonly outcome: Outcome;
  /** The public coin of the priority order, in hexadecimal; null if the order is hidden. */
  readonly coin: string | null;
  readonly shareMs: number;
  /** The slowest evaluator's, and the most that one sent to the others. */
  readonly offlineMs: number;
  readonly onlineMs: number;
  readonly bytesSentPerEvaluator: number;
  readonly elementsSentPerEvaluator: number;
  readonly rounds: number;
  readonly onlineRounds: number;
  readonly peakRssBytes: number;
  readonly rejected: ClearedAnswer["rejected"];
  /** The attempt that the results are of: more than 1 when evaluators failed. */
  readonly attempt: number;
  /** The first order's shares by evaluator's number, to show what they look like. */
  readonly firstOrderShares: readonly Uint8Array[];
}

/** Where a clearing takes place. */
export interface ClearingPlace {
  /** The evaluators that are there. */
  readonly evaluators: readonly EvaluatorConnection[];
  readonly dealer: DealerPlace | null;
}

export interface DealerPlace {
  /** Where the evaluators find it. */
  readonly host: string;
  readonly port: number;
  /** A link of the client's own, for one clearing: what is dealt for it ends with the link. */
  reach(): Promise<Link>;
}

/**
 * Has the evaluators clear `orders`: those that are there, of all that the setting names. Throws
 * EvaluatorFailedError when too many of them fail, or when their answers do not fit together.
 */
export async function clearPrivately(
  tools: ClientTools,
  place: ClearingPlace,
  request: ClearRequest,
  orders: readonly Order[],
  onProgress: (progress: ClientProgress) => void = () => {},
): Promise<ClearedPeriod> {
  const { evaluators, dealer } = place;
  const { priceBits, energyBits, revealedSuppliers, setting } = request;
  const layout = orderLayout(priceBits, energyBits, revealedSuppliers.length);
  const session =
    setting.engine === "dealer" && dealer !== null
      ? await openDealing(tools.field, dealer, setting.parties)
      : null;
  const sharing = sharingOf(tools, setting, layout, session?.own ?? null);
  const clearing = new Clearing(tools, evaluators, sharing, request, orders, onProgress);
  const dealing = session?.forEvaluators ?? null;
  try {
    return await clearing.run({ type: "clear", count: orders.length, ...request, dealing });
  } finally {
    for (const evaluator of evaluators) evaluator.finishClearing();
    session?.link.close();
  }
}

/** Has the dealer open a session for one clearing. */
async function openDealing(field: Field, dealer: DealerPlace, parties: number) {
  const link = await dealer.reach();
  const own = await ClientDealing.open(field, link, parties);
  return { link, own, forEvaluators: { host: dealer.host, port: dealer.port, id: own.id } };
}

class Clearing {
  private readonly tools: ClientTools;
  private readonly evaluators: readonly EvaluatorConnection[];
  private readonly request: ClearRequest;
  private readonly orders: readonly Order[];
  private readonly onProgress: (progress: ClientProgress) => void;
  private readonly sharing: Sharing;
  private readonly answers: ClearingAnswers;
  private ordersSent = 0;
  private over = false;

  constructor(
    tools: ClientTools,
    evaluators: readonly EvaluatorConnection[],
    sharing: Sharing,
    request: ClearRequest,
    orders: readonly Order[],
    onProgress: (progress: ClientProgress) => void,
  ) {
    this.tools = tools;
    this.evaluators = evaluators;
    this.request = request;
    this.orders = orders;
    this.onProgress = onProgress;
    this.sharing = sharing;
    this.answers = new ClearingAnswers(
      evaluators,
      request.setting,
      sharing.leastShares,
      tools.clock,
      (phase, attempt) => this.tell(phase, attempt),
    );
  }

  async run(command: ClearCommand): Promise<ClearedPeriod> {
    const { clock } = this.tools;
    this.tell("share", 0);
    const begin = clock.nowMs();
    for (const evaluator of this.evaluators) {
      evaluator.beginClearing(command, this.answers.listenerOf(evaluator));
    }
    const sent = this.sendOrders().then((shares) => ({ shares, shareMs: clock.nowMs() - begin }));
    sent.catch(() => {}); // Awaited below, unless the clearing fails first.
    try {
      for (;;) {
        const completed = await this.answers.completed();
        const { shares, shareMs } = await sent;
        const outcome = await fetchOutcome(
          this.tools,
          this.sharing,
          completed,
          this.orders,
          this.request.revealedSuppliers,
        );
        if (outcome !== null) return this.report(completed, outcome, shareMs, shares);
      }
    } finally {
      this.over = true;
    }
  }

  private tell(phase: ClientProgress["phase"], attempt: number): void {
    this.onProgress({ phase, attempt, ordersSent: this.ordersSent });
  }

  private report(
    { attempt, answers }: CompletedAttempt,
    outcome: Outcome,
    shareMs: number,
    firstOrderShares: readonly Uint8Array[],
  ): ClearedPeriod {
    const most = (of: (answer: ClearedAnswer) => number) => Math.max(...answers.map(of));
    return {
      outcome,
      attempt,
      shareMs,
      offlineMs: most((answer) => answer.offlineMs),
      onlineMs: most((answer) => answer.onlineMs),
      bytesSentPerEvaluator: most((answer) => answer.bytesSent),
      elementsSentPerEvaluator: most((answer) => answer.elementsSent),
      rounds: most((answer) => answer.rounds),
      onlineRounds: most((answer) => answer.onlineRounds),
      peakRssBytes: most((answer) => answer.peakRssBytes),
      coin: answers[0]!.coin,
      rejected: answers[0]!.rejected,
      firstOrderShares,
    };
  }

  /** Splits the orders and sends each evaluator its part, as far as it is there. Returns the first order's shares. */
  private async sendOrders(): Promise<Uint8Array[]> {
    const { orders } = this;
    let firstOrderShares: Uint8Array[] = [];
    for (let from = 0; from < orders.length && !this.over; from += ORDERS_AT_ONCE) {
      const piece = orders.slice(from, from + ORDERS_AT_ONCE);
      const shares = await this.sharing.split(piece);
      if (from === 0) firstOrderShares = shares.map((streams) => firstOf(streams, piece.length));
      await Promise.all(
        this.evaluators.map((evaluator) => this.sendTo(evaluator, shares[evaluator.number]!)),
      );
      this.ordersSent += piece.length;
      this.tell("share", 0);
    }
    return firstOrderShares;
  }

  /** Sends one evaluator its streams of a piece. One that takes nothing for too long is given up. */
  private async sendTo(
    evaluator: EvaluatorConnection,
    streams: readonly Uint8Array[],
  ): Promise<void> {
    if (evaluator.lost) return;
    const cancel = this.tools.clock.timer(LIMITS.silenceMs, () => {
      const what = `${evaluator.name} took no orders for ${LIMITS.silenceMs / 1000} s`;
      evaluator.close(new ChannelError("peer-silent", what));
    });
    try {
      for (const [stream, part] of streams.entries()) await evaluator.sendShares(stream, part);
    } catch (error) {
      // That a link has ended is reported by who reads its answers, with a better reason.
      if (!(error instanceof ChannelError)) throw error;
    } finally {
      cancel();
    }
  }
}

/** What one evaluator receives of the first of `count` orders. */
function firstOf(streams: readonly Uint8Array[], count: number): Uint8Array {
  return Uint8Array.from(streams.flatMap((bytes) => [...bytes.subarray(0, bytes.length / count)]));
}
