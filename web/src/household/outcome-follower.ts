// Fetches, verifies and keeps what came of the household's orders: each at a random moment after its gate has
// closed, and again, with growing pauses, until it is known.
import { signal } from "@preact/signals";
import type { MeterClient } from "../../../src/client/meter-client.ts";
import { decodePrepared } from "../../../src/client/prepared-order.ts";
import { UnavailableError } from "../../../src/client/statements.ts";
import {
  deadlineOf,
  gateClosureOf,
  type MarketDocument,
} from "../../../src/market/market-document.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import type { MarketClock } from "../../../src/platform/market-clock.ts";
import type { Primitives } from "../../../src/platform/primitives.ts";
import type { HouseholdDatabase, StoredOrder, StoredOutcome } from "./database.ts";

/** In parts of the period after the gate has closed. */
const FIRST_ASKED = { from: 0.3, to: 0.8 };
const ASKED_AGAIN_LEAST_MS = 1_500;
const ASKED_AGAIN_MOST_MS = 60_000;
const AT_ONCE = 4;

export interface OutcomeTrouble {
  readonly problem: string;
  /** When too few evaluators answer: it is asked for again. */
  readonly isUnreached: boolean;
}

interface FollowerOptions {
  readonly market: MarketDocument;
  readonly client: Pick<MeterClient, "outcome">;
  readonly database: Pick<HouseholdDatabase, "addOutcome">;
  readonly clock: Clock;
  readonly time: MarketClock;
  readonly primitives: Pick<Primitives, "randomBytes">;
}

interface Awaited {
  readonly order: StoredOrder;
  readonly outcome: StoredOutcome | null;
}

export class OutcomeFollower {
  readonly #options: FollowerOptions;
  readonly #onOutcome: (outcome: StoredOutcome) => void;
  /** By period: not to be asked for again before, in milliseconds of the clock, and the last pause. */
  readonly #asking = new Map<number, { readonly atMs: number; readonly pauseMs: number }>();
  #busy = 0;
  /** Why an outcome could not be had, when that is so. */
  readonly trouble = signal<OutcomeTrouble | null>(null);

  constructor(options: FollowerOptions, onOutcome: (outcome: StoredOutcome) => void) {
    this.#options = options;
    this.#onOutcome = onOutcome;
  }

  /** Begins to ask for those outcomes whose time has come. */
  look(entries: Iterable<Awaited>, stop: AbortSignal): void {
    const { market, time, clock } = this.#options;
    const [now, nowMs] = [time.nowS(), clock.nowMs()];
    for (const { order, outcome } of entries) {
      if (this.#busy >= AT_ONCE) return;
      const { periodStart: start } = order;
      const gate = gateClosureOf(market, start);
      if (outcome !== null || order.prepared === null || now < gate) continue;
      const known = this.#asking.get(start) ?? this.#firstAsked(gate, nowMs);
      this.#asking.set(start, known);
      if (nowMs >= known.atMs) this.#ask(order, known.pauseMs, stop);
    }
  }

  #firstAsked(gate: number, nowMs: number) {
    const { market, time } = this.#options;
    const part = FIRST_ASKED.from + (FIRST_ASKED.to - FIRST_ASKED.from) * this.#fraction();
    const dueMs = time.msUntil(gate + part * market.schedule.period_s);
    return { atMs: nowMs + dueMs, pauseMs: ASKED_AGAIN_LEAST_MS };
  }

  #ask(order: StoredOrder, pauseMs: number, stop: AbortSignal): void {
    const { periodStart: start } = order;
    this.#asking.set(start, { atMs: Number.POSITIVE_INFINITY, pauseMs });
    this.#busy += 1;
    void this.#settle(order, stop)
      .then((isKnown) => {
        if (isKnown) this.#asking.delete(start);
        else this.#askLater(start, pauseMs);
      })
      .finally(() => {
        this.#busy -= 1;
      });
  }

  #askLater(start: number, pauseMs: number): void {
    const { market, time, clock } = this.#options;
    const late = time.nowS() > deadlineOf(market, start);
    const next = Math.min(ASKED_AGAIN_MOST_MS, late ? 2 * pauseMs : pauseMs);
    this.#asking.set(start, { atMs: clock.nowMs() + next, pauseMs: next });
  }

  /** False when it is not known yet. */
  async #settle(order: StoredOrder, signal: AbortSignal): Promise<boolean> {
    const { client, database, clock } = this.#options;
    const { periodStart, sequence, prepared } = order;
    try {
      const found = await client.outcome(periodStart, decodePrepared(prepared!), { signal });
      this.trouble.value = null;
      if (found.state === "pending") return false;
      const { state, priceTick, tradedUnits, checks } = found;
      const known = { periodStart, sequence, foundMs: clock.utcMs() };
      const outcome: StoredOutcome = { ...known, state, priceTick, tradedUnits, checks };
      await database.addOutcome(outcome);
      this.#onOutcome(outcome);
      return true;
    } catch (error) {
      const isUnreached = error instanceof UnavailableError;
      if (!signal.aborted) this.trouble.value = { problem: messageOf(error), isUnreached };
      return false;
    }
  }

  /** From 0 to 1. */
  #fraction(): number {
    const [low, high] = this.#options.primitives.randomBytes(2);
    return (low! + 256 * high!) / 2 ** 16;
  }
}
