// The gateway beside a household's meter: for every settlement period it sends exactly one order before the gate
// closes, a zero order when it has nothing to trade, and fetches and checks its outcome; readings and bills follow
// (metering.ts). It keeps everything in its history before anything depends on it, so it may be killed at any point and
// started again.
import type { MeterClient } from "../../client/meter-client.ts";
import { type ClearOrder, decodePrepared, encodePrepared } from "../../client/prepared-order.ts";
import { IDLE } from "../../client/standing-rule.ts";
import { UnavailableError } from "../../client/statements.ts";
import {
  deadlineOf,
  gateClosureOf,
  type MarketDocument,
  orderWindow,
} from "../../market/market-document.ts";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import { type MarketClock, marketClock } from "../../platform/market-clock.ts";
import type { Primitives } from "../../platform/primitives.ts";
import { waitUntil } from "../market-wait.ts";
import type { MeterHistory, StoredOrder, StoredOutcome } from "./history.ts";
import { Metering, type MeteringEvent } from "./metering.ts";
import { OrderRefusedError } from "./order-refused.ts";
import type { OrderSource } from "./order-sources.ts";
import { noReadings, type ReadingSource } from "./reading-sources.ts";
import { fraction, submissionTime, submissionWindow } from "./submission-time.ts";

/** What a meter reports as it goes. Never an order's content: events may be logged. */
export type MeterEvent =
  | {
      readonly kind: "sent";
      readonly periodStart: number;
      readonly sequence: number;
      /** Whether every evaluator has confirmed it. */
      readonly complete: boolean;
      readonly problems: readonly string[];
    }
  | { readonly kind: "outcome"; readonly outcome: StoredOutcome }
  | { readonly kind: "problem"; readonly periodStart: number; readonly message: string }
  | MeteringEvent;

export interface MeterOptions {
  readonly market: MarketDocument;
  readonly client: MeterClient;
  readonly history: MeterHistory;
  readonly source: OrderSource;
  /** What was metered; without it, and in a market without settlement, no readings are sent. */
  readonly readings?: ReadingSource | undefined;
  /** Index of the meter's supplier. */
  readonly supplier: number;
  readonly primitives: Pick<Primitives, "randomBytes">;
  readonly clock?: Clock;
  /** Within how many periods before the gate closes it sends its order, at a random moment. */
  readonly leadPeriods?: number;
  /** No orders for periods that begin then or later: for rehearsals, which end. */
  readonly to?: number | undefined;
  readonly onEvent?: (event: MeterEvent) => void;
}

const DEFAULT_LEAD_PERIODS = 2;
/** Outcomes are asked for at a random moment in this part of the period after the gate has closed. */
const FIRST_ASKED = { from: 0.6, to: 1.1 };
/** The pause before asking or sending again, as parts of a period: it doubles from the first to the longest. */
const PAUSE = { first: 1 / 4, longest: 1 };
/** What was sent is kept this long, for disputes; an outcome is asked for no longer either. */
const KEPT_S = 31 * 24 * 3600;
/** The same of readings: they are sent until their month is closed. */
const READINGS_KEPT_S = 100 * 24 * 3600;

export class Meter {
  readonly #options: MeterOptions;
  readonly #market: MarketDocument;
  readonly #history: MeterHistory;
  readonly #clock: Clock;
  readonly #time: MarketClock;
  readonly #periodS: number;
  readonly #onEvent: (event: MeterEvent) => void;
  /** Readings and bills; null in a market without settlement. */
  readonly metering: Metering | null;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#market = options.market;
    this.#history = options.history;
    this.#clock = options.clock ?? systemClock;
    this.#time = marketClock(this.#clock, options.market.rehearsal);
    this.#periodS = options.market.schedule.period_s;
    this.#onEvent = options.onEvent ?? (() => {});
    this.metering = options.market.settlement === null ? null : this.#newMetering(options);
  }

  #newMetering({ market, client, history, readings, supplier }: MeterOptions): Metering {
    return new Metering({
      market,
      client,
      history,
      source: readings ?? noReadings,
      supplier,
      time: this.#time,
      until: (marketS, signal) => this.#until(marketS, signal),
      fraction: () => this.#fraction(),
      onEvent: this.#onEvent,
    });
  }

  /** Takes part in the market until the signal is aborted; resolves then, when nothing is under way any more. */
  async run(signal: AbortSignal): Promise<void> {
    const tasks = new Set<Promise<void>>();
    const begin = (work: Promise<void>): void => {
      const task = work
        .catch((error: unknown) => {
          if (!signal.aborted) throw error;
        })
        .finally(() => tasks.delete(task));
      tasks.add(task);
    };
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    begin(this.#earlierPeriods(stop));
    if (this.metering !== null) begin(this.metering.run(stop));
    begin(this.#periods(stop, begin));
    try {
      while (tasks.size > 0) await Promise.race(tasks);
    } finally {
      failed.abort();
      await Promise.allSettled(tasks);
    }
  }

  /** Begins each period when its time has come. */
  async #periods(signal: AbortSignal, begin: (work: Promise<void>) => void): Promise<void> {
    const { gate_closure_periods: closure } = this.#market.schedule;
    const open = Math.floor(this.#time.nowS() / this.#periodS) + closure + 1;
    const lead = this.#options.leadPeriods ?? DEFAULT_LEAD_PERIODS;
    const { to = Number.POSITIVE_INFINITY } = this.#options;
    for (
      let start = Math.max(open * this.#periodS, this.#market.firstPeriod);
      start < to;
      start += this.#periodS
    ) {
      const window = submissionWindow(this.#market, start, lead);
      await this.#until(window.from, signal);
      begin(this.#period(start, signal));
    }
  }

  /** One period from its order to its outcome. */
  async #period(start: number, signal: AbortSignal): Promise<void> {
    const lead = this.#options.leadPeriods ?? DEFAULT_LEAD_PERIODS;
    const window = submissionWindow(this.#market, start, lead);
    if (this.#history.lastOrder(start) === null) {
      await this.#until(
        submissionTime(window, this.#time.nowS(), this.#options.primitives),
        signal,
      );
      if (this.#history.lastOrder(start) === null) await this.#orderFor(start, signal);
    }
    await this.#send(start, signal);
    await this.#until(gateClosureOf(this.#market, start), signal);
    if (this.#history.lastOrder(start) === null) return;
    await this.#follow(start, signal);
  }

  /** Prepares the period's order and keeps it. */
  async #orderFor(start: number, signal: AbortSignal): Promise<void> {
    const wish = await this.#options.source.wishFor(start).catch((error: unknown) => {
      this.#problem(start, `${messageOf(error)}; ordering nothing`);
      return IDLE;
    });
    await this.#keepOrder(start, wish, 1, signal).catch((error: unknown) => {
      // The dealer of the market has given no mask until the gate closed.
      if (!(error instanceof UnavailableError)) throw error;
      this.#problem(start, messageOf(error));
    });
  }

  /** False when another process of this meter was faster. */
  async #keepOrder(
    start: number,
    order: ClearOrder,
    sequence: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const prepared = await this.#options.client.prepareOrder(start, order, sequence, { signal });
    const encoded = encodePrepared(prepared);
    return this.#history.addOrder({ ...order, periodStart: start, sequence, prepared: encoded });
  }

  /** Sends the period's last order until every evaluator has confirmed it or the gate is closed. */
  async #send(start: number, signal: AbortSignal): Promise<void> {
    for (let pause = PAUSE.first; ; pause = Math.min(2 * pause, PAUSE.longest)) {
      if (orderWindow(this.#market, start, this.#time.nowS()) !== "open") return;
      const order = this.#history.lastOrder(start);
      if (order === null || (await this.#sendOnce(order, signal))) return;
      const next = this.#time.nowS() + pause * this.#periodS * this.#fraction();
      await this.#until(Math.min(next, gateClosureOf(this.#market, start)), signal);
    }
  }

  /** True when every evaluator has confirmed it. */
  async #sendOnce(order: StoredOrder, signal: AbortSignal): Promise<boolean> {
    const { periodStart, sequence, prepared } = order;
    const { evaluators } = this.#market;
    if (order.receipts.length === evaluators.length || prepared === null) return true;
    const answers = await this.#options.client.submit(decodePrepared(prepared), { signal });
    const receipts = answers.flatMap(({ receipt }) => receipt ?? []);
    this.#history.addReceipts(periodStart, sequence, receipts);
    const problems = answers.flatMap(({ evaluator, problem }) =>
      problem === null ? [] : `evaluator ${evaluator}: ${problem}`,
    );
    const complete = receipts.length === evaluators.length;
    this.#onEvent({ kind: "sent", periodStart, sequence, complete, problems });
    return complete;
  }

  /** Asks for a period's outcome until it is known, or leaves it to `#earlierPeriods`. */
  async #follow(start: number, signal: AbortSignal): Promise<void> {
    const closure = gateClosureOf(this.#market, start);
    const { from, to } = FIRST_ASKED;
    let next = closure + this.#periodS * (from + (to - from) * this.#fraction());
    for (let pause = PAUSE.first; next < this.#leftBehind(start); pause *= 2) {
      await this.#until(next, signal);
      if (await this.#settle(start, signal)) return;
      next = this.#time.nowS() + Math.min(pause, PAUSE.longest) * this.#periodS;
    }
  }

  /** When a period without an outcome is one of the earlier periods. */
  #leftBehind(start: number): number {
    return deadlineOf(this.#market, start) + 2 * this.#periodS;
  }

  /** Asks, once per period, for outcomes that came late: after a stop, or while evaluators could not be reached. */
  async #earlierPeriods(signal: AbortSignal): Promise<void> {
    for (;;) {
      const now = this.#time.nowS();
      for (const start of this.#history.unfinished()) {
        const tooOld = start < now - KEPT_S;
        if (this.#leftBehind(start) < now && !tooOld) await this.#settle(start, signal);
      }
      this.#history.forgetPrepared(now - KEPT_S);
      this.#history.readings.forgetPrepared(now - READINGS_KEPT_S);
      await this.#until(this.#time.nowS() + this.#periodS, signal);
    }
  }

  /** Fetches, checks and keeps a period's outcome; false when it is not known yet. */
  async #settle(start: number, signal: AbortSignal): Promise<boolean> {
    if (this.#history.outcome(start) !== null) return true;
    const order = this.#history.lastOrder(start);
    if (order === null || order.prepared === null) return true;
    const found = await this.#options.client
      .outcome(start, decodePrepared(order.prepared), { signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        this.#problem(start, messageOf(error));
        return null;
      });
    if (found === null || found.state === "pending") return false;
    const { state, priceTick, tradedUnits, checks } = found;
    const known = { periodStart: start, sequence: order.sequence };
    const outcome: StoredOutcome = { ...known, state, priceTick, tradedUnits, checks };
    this.#history.addOutcome(outcome);
    this.#onEvent({ kind: "outcome", outcome });
    return true;
  }

  /**
   * Places or replaces the order for a period now, and sends it until every evaluator has confirmed it, the gate is
   * closed or the signal is aborted. Throws OrderRefusedError when the market takes no order for the period.
   */
  async placeOrder(
    periodStart: number,
    order: ClearOrder,
    signal: AbortSignal,
  ): Promise<StoredOrder> {
    const window = orderWindow(this.#market, periodStart, this.#time.nowS());
    if (window !== "open") throw new OrderRefusedError(window);
    for (;;) {
      const sequence = (this.#history.lastOrder(periodStart)?.sequence ?? 0) + 1;
      if (await this.#keepOrder(periodStart, order, sequence, signal)) break;
    }
    await this.#send(periodStart, signal);
    return this.#history.lastOrder(periodStart)!;
  }

  #problem(periodStart: number, message: string): void {
    this.#onEvent({ kind: "problem", periodStart, message });
  }

  #fraction(): number {
    return fraction(this.#options.primitives.randomBytes(6));
  }

  #until(marketS: number, signal: AbortSignal): Promise<void> {
    return waitUntil(this.#clock, this.#time, marketS, signal);
  }
}
