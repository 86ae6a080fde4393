// The household's gateway in the browser: keeps each order before it sends it, sends it to all evaluators until each has
// confirmed it, and fetches and verifies what came of it. Orders for all periods that are open, zero orders among
// them, are placed ahead: closing the page loses nothing that was placed. Killed at any point, it goes on at the next load.
import { signal } from "@preact/signals";
import type { MeterClient } from "../../../src/client/meter-client.ts";
import type { Submission } from "../../../src/client/order-submission.ts";
import type { ClearOrder, PreparedOrder } from "../../../src/client/prepared-order.ts";
import { IDLE } from "../../../src/client/standing-rule.ts";
import {
  deadlineOf,
  gateClosureOf,
  type MarketDocument,
  orderWindow,
} from "../../../src/market/market-document.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import { LIMITS } from "../../../src/platform/limits.ts";
import type { MarketClock } from "../../../src/platform/market-clock.ts";
import type { Primitives } from "../../../src/platform/primitives.ts";
import { openPeriods } from "../market/schedule.ts";
import type { HouseholdDatabase, OrderOrigin, StoredOrder, StoredOutcome } from "./database.ts";

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

export interface Entry {
  readonly order: StoredOrder;
  readonly outcome: StoredOutcome | null;
  /** By evaluator, why it has not confirmed the order yet; empty where nothing is amiss. */
  readonly troubles: ReadonlyMap<number, string>;
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
/** Orders that are placed ahead: so many at a time, and a pause between two, so that no evaluator is asked too often. */
const AHEAD_AT_ONCE = 2;
const AHEAD_PAUSE_MS = 180;
const LOOK_AGAIN_MS = 1_000;
/** The last replacements are left for the person. */
const RULE_VERSIONS = LIMITS.orderVersions - 6;
/** Outcomes are asked for in this part of the period after the gate has closed. */
const FIRST_ASKED = { from: 0.3, to: 0.8 };
const ASKED_AGAIN_LEAST_MS = 1_500;
const ASKED_AGAIN_MOST_MS = 60_000;
const OUTCOMES_AT_ONCE = 4;

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #entries = new Map<number, Entry>();
  readonly #sending = new Map<number, AbortController>();
  /** By period: not to be asked for again before, in milliseconds of the clock, and the last pause. */
  readonly #asking = new Map<number, { readonly atMs: number; readonly pauseMs: number }>();
  readonly #stop = new AbortController();
  #busyAhead = 0;
  #busyAsking = 0;
  /** Counts changes of any entry: whoever reads it is rendered again. */
  readonly revision = signal(0);
  /** Why no outcome could be had, when that is so; empty when all is well. */
  readonly trouble = signal("");

  private constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** With everything that this browser has kept. */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    const from = options.time.nowS() - KEPT_S;
    const { database } = options;
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

  stop(): void {
    this.#stop.abort(new Error("stopped"));
    for (const sending of this.#sending.values()) sending.abort(new Error("stopped"));
  }

  async #loop(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#placeAhead();
      this.#askForOutcomes();
      await clock.sleep(LOOK_AGAIN_MS / 4, this.#stop.signal).catch(() => {});
    }
  }

  /**
   * Places, replaces or (with IDLE) withdraws the order of a period; resolves when it is kept and on its way. Throws
   * GatewayError, and OrderInputError when there cannot be such an order.
   */
  async place(periodStart: number, order: ClearOrder, origin: OrderOrigin): Promise<StoredOrder> {
    const { client, database, market, time, clock } = this.#options;
    const window = orderWindow(market, periodStart, time.nowS());
    if (window !== "open") throw new GatewayError(window);
    const sequence = (this.#entries.get(periodStart)?.order.sequence ?? 0) + 1;
    if (sequence > LIMITS.orderVersions) throw new GatewayError("too-often");
    const [prepared, { encodePrepared }] = await Promise.all([
      client.prepareOrder(periodStart, order, sequence),
      import("../../../src/client/prepared-order.ts"),
    ]);
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
    void this.#prepared(entry.order, fresh)
      .then((prepared) => {
        const onAnswer = (answer: Submission) => this.#answered(entry.order, answer);
        return client.submit(prepared, { signal: abort.signal, onAnswer });
      })
      .catch(() => {}) // Replaced or stopped: whoever did that goes on.
      .finally(() => {
        if (this.#sending.get(start) === abort) this.#sending.delete(start);
      });
  }

  async #prepared(order: StoredOrder, fresh?: PreparedOrder): Promise<PreparedOrder> {
    if (fresh !== undefined) return fresh;
    const { decodePrepared } = await import("../../../src/client/prepared-order.ts");
    return decodePrepared(order.prepared!);
  }

  #answered({ periodStart, sequence }: StoredOrder, answer: Submission): void {
    const entry = this.#entries.get(periodStart);
    if (entry === undefined || entry.order.sequence !== sequence) return;
    const { evaluator, receipt, problem } = answer;
    const troubles = new Map(entry.troubles);
    if (problem === null) troubles.delete(evaluator);
    else troubles.set(evaluator, problem);
    const receipts = receipt === null ? [] : [receipt];
    const order = { ...entry.order, receipts: [...entry.order.receipts, ...receipts] };
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
      if (planned === null || this.#sending.has(start)) continue;
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

  #askForOutcomes(): void {
    const { market, time, clock } = this.#options;
    const [now, nowMs] = [time.nowS(), clock.nowMs()];
    const { period_s: length } = market.schedule;
    for (const [start, { order, outcome }] of this.#entries) {
      if (this.#busyAsking >= OUTCOMES_AT_ONCE) return;
      if (outcome !== null || order.prepared === null || now < gateClosureOf(market, start))
        continue;
      const known = this.#asking.get(start);
      if (known === undefined) {
        const part = FIRST_ASKED.from + (FIRST_ASKED.to - FIRST_ASKED.from) * this.#fraction();
        const dueMs = time.msUntil(gateClosureOf(market, start) + part * length);
        this.#asking.set(start, { atMs: nowMs + dueMs, pauseMs: ASKED_AGAIN_LEAST_MS });
        continue;
      }
      if (nowMs < known.atMs) continue;
      this.#asking.set(start, { ...known, atMs: Number.POSITIVE_INFINITY });
      this.#busyAsking += 1;
      void this.#settle(start, order)
        .then((isKnown) => {
          if (isKnown) this.#asking.delete(start);
          else this.#askLater(start, known.pauseMs);
        })
        .finally(() => {
          this.#busyAsking -= 1;
        });
    }
  }

  #askLater(start: number, pauseMs: number): void {
    const late = this.#options.time.nowS() > deadlineOf(this.#options.market, start);
    const next = Math.min(ASKED_AGAIN_MOST_MS, late ? 2 * pauseMs : pauseMs);
    const atMs = this.#options.clock.nowMs() + next;
    this.#asking.set(start, { atMs, pauseMs: next });
  }

  /** Fetches, verifies and keeps what came of an order; false when it is not known yet. */
  async #settle(start: number, order: StoredOrder): Promise<boolean> {
    const { client, database, clock } = this.#options;
    try {
      const { signal } = this.#stop;
      const found = await client.outcome(start, await this.#prepared(order), { signal });
      this.trouble.value = "";
      if (found.state === "pending") return false;
      const { state, priceTick, tradedUnits, checks } = found;
      const outcome: StoredOutcome = {
        periodStart: start,
        sequence: order.sequence,
        state,
        priceTick,
        tradedUnits,
        checks,
        foundMs: clock.utcMs(),
      };
      await database.addOutcome(outcome);
      const entry = this.#entries.get(start);
      if (entry !== undefined) this.#set(start, { ...entry, outcome });
      return true;
    } catch (error) {
      if (!this.#stop.signal.aborted) this.trouble.value = messageOf(error);
      return false;
    }
  }

  /** From 0 to 1. */
  #fraction(): number {
    const [low, high] = this.#options.primitives.randomBytes(2);
    return (low! + 256 * high!) / 2 ** 16;
  }
}
