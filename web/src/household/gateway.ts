// The household's gateway in the browser: keeps each order before it sends it, sends it to all evaluators until
// each has confirmed it, and fetches and verifies what came of it. Orders for all periods that are open, zero
// orders among them, are placed ahead: closing the page loses nothing that was placed. Killed at any point, it goes
// on at the next load.
import { type ReadonlySignal, signal } from "@preact/signals";
import type { MeterClient } from "../../../src/client/meter-client.ts";
import {
  type ClearOrder,
  decodePrepared,
  encodePrepared,
  type PreparedOrder,
} from "../../../src/client/prepared-order.ts";
import { IDLE } from "../../../src/client/standing-rule.ts";
import type { SubmissionAnswer } from "../../../src/client/submission.ts";
import { type MarketDocument, orderWindow } from "../../../src/market/market-document.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { LIMITS } from "../../../src/platform/limits.ts";
import type { MarketClock } from "../../../src/platform/market-clock.ts";
import type { Primitives } from "../../../src/platform/primitives.ts";
import { openPeriods } from "../market/schedule.ts";
import type { HouseholdDatabase, OrderOrigin, StoredOrder, StoredOutcome } from "./database.ts";
import { OutcomeFollower, type OutcomeTrouble } from "./outcome-follower.ts";

/** What the standing rule wants, period by period; null where it says nothing. */
export type WishSource = (periodStart: number) => ClearOrder | null;

export interface GatewayOptions {
  readonly market: MarketDocument;
  readonly client: MeterClient;
  readonly database: HouseholdDatabase;
  readonly clock: Clock;
  readonly time: MarketClock;
  readonly primitives: Pick<Primitives, "randomBytes">;
  readonly wish: WishSource;
}

export interface Trouble {
  /** In the evaluator's words, or the program's. */
  readonly problem: string;
  /** When it did not answer at all. */
  readonly isUnreached: boolean;
}

export interface Entry {
  readonly order: StoredOrder;
  readonly outcome: StoredOutcome | null;
  /** By evaluator, why it has not confirmed the order yet; empty where nothing is amiss. */
  readonly troubles: ReadonlyMap<number, Trouble>;
}

/** An order cannot be placed. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: "closed" | "too-early" | "no-period" | "too-often";

  constructor(code: GatewayError["code"]) {
    super(code);
    this.code = code;
  }
}

const KEPT_S = 62 * 24 * 3600;
/** What was sent is kept this long, for disputes. */
const SHARES_KEPT_S = 31 * 24 * 3600;
/**
 * Orders that are placed ahead: so many at a time, and a pause between two, so that no evaluator is asked too
 * often.
 */
const AHEAD_AT_ONCE = 2;
const AHEAD_PAUSE_MS = 250;
/** How often it is looked what is to be done: in a part of a period, within bounds. */
const LOOK_AGAIN = { part: 1 / 4, leastMs: 250, mostMs: 1_000 };
/** The last replacements are left for the person. */
const RULE_VERSIONS = LIMITS.orderVersions - 6;

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #entries = new Map<number, Entry>();
  readonly #placing = new Map<number, Promise<StoredOrder>>();
  readonly #sending = new Map<number, AbortController>();
  readonly #stop = new AbortController();
  #busyAhead = 0;
  /** Counts changes of any entry: whoever reads it is rendered again. */
  readonly revision = signal(0);
  readonly #outcomes: OutcomeFollower;

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.#outcomes = new OutcomeFollower(options, (outcome) => this.#settled(outcome));
  }

  /** Why an outcome could not be had, when that is so. */
  get trouble(): ReadonlySignal<OutcomeTrouble | null> {
    return this.#outcomes.trouble;
  }

  #settled(outcome: StoredOutcome): void {
    const entry = this.#entries.get(outcome.periodStart);
    if (entry !== undefined) this.#set(outcome.periodStart, { ...entry, outcome });
  }

  /** With everything that this browser has kept. */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    const now = options.time.nowS();
    const from = now - KEPT_S;
    const { database } = options;
    await database.forgetShares(now - SHARES_KEPT_S);
    const [orders, outcomes] = await Promise.all([
      database.lastOrders(from),
      database.outcomes(from),
    ]);
    for (const [start, order] of orders) {
      const outcome = outcomes.get(start) ?? null;
      gateway.#entries.set(start, { order, outcome, troubles: new Map() });
    }
    return gateway;
  }

  /** Every period with an order; read `revision` to follow it. */
  get entries(): ReadonlyMap<number, Entry> {
    return this.#entries;
  }

  /** Takes part until it is stopped. */
  run(): void {
    for (const start of this.#entries.keys()) this.#send(start);
    void this.#loop();
  }

  /** Sends at once what is waiting to be sent again: there is reason to believe that it arrives now. */
  sendAgain(): void {
    for (const [start, { troubles }] of this.#entries) if (troubles.size > 0) this.#send(start);
  }

  stop(): void {
    this.#stop.abort(new Error("stopped"));
    for (const sending of this.#sending.values()) sending.abort(new Error("stopped"));
  }

  async #loop(): Promise<void> {
    const { clock, market } = this.#options;
    const periodMs = (market.schedule.period_s * 1000) / (market.rehearsal?.speed ?? 1);
    const { part, leastMs, mostMs } = LOOK_AGAIN;
    const pauseMs = Math.min(mostMs, Math.max(leastMs, part * periodMs));
    while (!this.#stop.signal.aborted) {
      this.#placeAhead();
      this.#outcomes.look(this.#entries.values(), this.#stop.signal);
      await clock.sleep(pauseMs, this.#stop.signal).catch(() => {});
    }
  }

  /**
   * Places, replaces or (with IDLE) withdraws the order of a period; resolves when it is kept and on its way.
   * Throws GatewayError, and OrderInputError when there cannot be such an order.
   */
  async place(periodStart: number, order: ClearOrder, origin: OrderOrigin): Promise<StoredOrder> {
    // One after the other: each takes the sequence number after the last.
    const before = this.#placing.get(periodStart);
    const placing = (async () => {
      await before?.catch(() => {});
      return this.#placeNext(periodStart, order, origin);
    })();
    this.#placing.set(periodStart, placing);
    try {
      return await placing;
    } finally {
      if (this.#placing.get(periodStart) === placing) this.#placing.delete(periodStart);
    }
  }

  async #placeNext(
    periodStart: number,
    order: ClearOrder,
    origin: OrderOrigin,
  ): Promise<StoredOrder> {
    const { client, database, market, time, clock } = this.#options;
    const window = orderWindow(market, periodStart, time.nowS());
    if (window !== "open") throw new GatewayError(window);
    const sequence = (this.#entries.get(periodStart)?.order.sequence ?? 0) + 1;
    if (sequence > LIMITS.orderVersions) throw new GatewayError("too-often");
    const prepared = await client.prepareOrder(periodStart, order, sequence);
    const stored: StoredOrder = {
      ...prepared.order,
      periodStart,
      sequence,
      origin,
      prepared: encodePrepared(prepared),
      receipts: [],
      placedMs: clock.utcMs(),
    };
    await database.addOrder(stored);
    this.#set(periodStart, { order: stored, outcome: null, troubles: new Map() });
    this.#send(periodStart, prepared);
    return stored;
  }

  /** Has the rule decide about a period again that was decided by hand. */
  leaveToRule(start: number): void {
    const entry = this.#entries.get(start);
    if (entry === undefined) return;
    this.#set(start, { ...entry, order: { ...entry.order, origin: "rule" } });
    void this.#options.database.keepOrigin(start, entry.order.sequence, "rule");
    this.#placeAhead();
  }

  #set(start: number, entry: Entry): void {
    this.#entries.set(start, entry);
    this.revision.value += 1;
  }

  /** Sends the last order of a period to those that have not confirmed it, in place of an earlier one. */
  #send(start: number, fresh?: PreparedOrder): void {
    const { market, client, time } = this.#options;
    const entry = this.#entries.get(start);
    if (entry === undefined || entry.order.prepared === null) return;
    const complete = entry.order.receipts.length === market.evaluators.length;
    if (complete || orderWindow(market, start, time.nowS()) !== "open") return;
    this.#sending.get(start)?.abort(new Error("replaced"));
    const abort = new AbortController();
    this.#sending.set(start, abort);
    const prepared = fresh ?? decodePrepared(entry.order.prepared);
    const onAnswer = (answer: SubmissionAnswer) => this.#answered(entry.order, answer);
    void client
      .submit(prepared, { signal: abort.signal, onAnswer })
      .catch(() => {}) // Replaced or stopped: whoever did that goes on.
      .finally(() => {
        if (this.#sending.get(start) === abort) this.#sending.delete(start);
      });
  }

  #answered({ periodStart, sequence }: StoredOrder, answer: SubmissionAnswer): void {
    const entry = this.#entries.get(periodStart);
    if (entry === undefined || entry.order.sequence !== sequence) return;
    const { evaluator, receipt, problem, isUnreached } = answer;
    const troubles = new Map(entry.troubles);
    if (problem === null) troubles.delete(evaluator);
    else troubles.set(evaluator, { problem, isUnreached });
    // It may have been sent again, and confirmed again.
    const others = entry.order.receipts.filter((one) => one.receipt.evaluator !== evaluator);
    const receipts = receipt === null ? entry.order.receipts : [...others, receipt];
    const order = { ...entry.order, receipts };
    this.#set(periodStart, { ...entry, order, troubles });
    if (receipt === null) return;
    void this.#options.database.addReceipt(periodStart, sequence, receipt).catch(() => {});
  }

  /** What the rule, or nobody, wants of the open periods that have no such order yet. */
  #placeAhead(): void {
    const { market, time, clock } = this.#options;
    for (const start of openPeriods(market, time.nowS())) {
      if (this.#busyAhead >= AHEAD_AT_ONCE) return;
      const planned = this.#planned(start);
      if (planned === null || this.#sending.has(start) || this.#placing.has(start)) continue;
      this.#busyAhead += 1;
      void this.place(start, planned.order, planned.origin)
        .catch(() => {})
        .then(() => clock.sleep(AHEAD_PAUSE_MS))
        .finally(() => {
          this.#busyAhead -= 1;
          if (!this.#stop.signal.aborted) this.#placeAhead();
        });
    }
  }

  /** The order to place for a period that nobody has decided by hand; null when it is there already. */
  #planned(start: number): { readonly order: ClearOrder; readonly origin: OrderOrigin } | null {
    const known = this.#entries.get(start)?.order;
    if (known?.origin === "hand") return null;
    const wish = this.#options.wish(start);
    const order = wish ?? IDLE;
    const same =
      known !== undefined &&
      known.side === order.side &&
      known.energyWh === order.energyWh &&
      known.limitTick === order.limitTick;
    if (same || (known !== undefined && known.sequence >= RULE_VERSIONS)) return null;
    return { order, origin: wish === null ? "none" : "rule" };
  }
}
