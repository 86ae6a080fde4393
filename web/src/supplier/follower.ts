// Fetches and verifies a supplier's sums for the span that the person looks at, newest first, and keeps them. What is
// not decided or settled yet is asked for again until it is.
import { signal } from "@preact/signals";
import { UnavailableError } from "../../../src/client/statements.ts";
import type { SupplierClient } from "../../../src/client/supplier-client.ts";
import { gateClosureOf, type MarketDocument } from "../../../src/market/market-document.ts";
import { monthClosureOf, monthOf, settlementDueOf } from "../../../src/market/tariffs.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import type { MarketClock } from "../../../src/platform/market-clock.ts";
import { periodsIn } from "../market/schedule.ts";
import type { MeteredSums, StoredMonth, StoredPeriod, SupplierDatabase } from "./database.ts";

/** How many periods are asked about at once. */
const AT_ONCE = 4;
/** When after its gate has closed a period is asked about first, as a part of a period. */
const ASKED_AFTER = 0.5;
const LOOK_MS = 500;
/** What is not there is asked for again after a part of a period, within bounds. */
const AGAIN = 1 / 8;
const AGAIN_LEAST_MS = 1_000;
const AGAIN_MOST_MS = 30_000;

interface FollowerOptions {
  readonly market: MarketDocument;
  readonly client: SupplierClient;
  readonly database: SupplierDatabase;
  readonly clock: Clock;
  readonly time: MarketClock;
}

export interface Trouble {
  readonly problem: string;
  /** Too few evaluators answer; otherwise what they say cannot be believed, or they refuse. */
  readonly isUnreached: boolean;
}

interface Missing {
  readonly clearing: boolean;
  readonly metered: boolean;
}

const NOTHING_MISSING: Missing = { clearing: false, metered: false };

interface Span {
  readonly from: number;
  readonly to: number;
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #stopping = new AbortController();
  /** By period or month, when it may be asked for again (milliseconds of the clock). */
  readonly #notBefore = new Map<number | string, number>();
  readonly #busy = new Set<number | string>();
  readonly #closed = new Set<string>();
  /** By period, when its month is closed. */
  readonly #closures = new Map<number, number>();
  readonly #pauseMs: number;
  #span: Span = { from: 0, to: 0 };
  #month: string | null = null;
  /** By start of the period; a new map with every change. */
  readonly periods = signal<ReadonlyMap<number, StoredPeriod>>(new Map());
  readonly months = signal<ReadonlyMap<string, StoredMonth>>(new Map());
  /** Why something could not be had, when that is so. */
  readonly trouble = signal<Trouble | null>(null);

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { schedule, rehearsal } = options.market;
    const periodMs = (schedule.period_s * 1000) / (rehearsal?.speed ?? 1);
    this.#pauseMs = Math.min(AGAIN_MOST_MS, Math.max(AGAIN_LEAST_MS, AGAIN * periodMs));
  }

  /** What the person looks at: periods that begin from `from` on and before `to`. */
  async want(from: number, to: number): Promise<void> {
    this.#span = { from, to };
    const kept = await this.#options.database.periods(from, to);
    const all = new Map(this.periods.value);
    for (const period of kept)
      if (!all.has(period.periodStart)) all.set(period.periodStart, period);
    this.periods.value = all;
    this.#look();
  }

  /** What customers owe for a month is wanted, too. */
  async wantMonth(month: string): Promise<void> {
    this.#month = month;
    const kept = await this.#options.database.month(month);
    if (kept !== null) this.months.value = new Map(this.months.value).set(month, kept);
    this.#look();
  }

  /** Goes on until it is stopped. */
  run(): void {
    void (async () => {
      for (;;) {
        this.#look();
        await this.#options.clock.sleep(LOOK_MS, this.#stopping.signal);
      }
    })().catch(() => {}); // It was stopped.
  }

  stop(): void {
    this.#stopping.abort();
  }

  #look(): void {
    const { market, clock } = this.#options;
    const nowMs = clock.nowMs();
    const isFree = (name: number | string) =>
      !this.#busy.has(name) && nowMs >= (this.#notBefore.get(name) ?? 0);
    const month = this.#month;
    if (month !== null && this.#isMonthDue(month) && isFree(month)) {
      this.#ask(month, () => this.#askMonth(month));
    }
    const { from, to } = this.#span;
    for (const start of periodsIn(market, from, to).reverse()) {
      if (this.#busy.size >= AT_ONCE) return;
      const missing = this.#missing(start);
      if ((missing.clearing || missing.metered) && isFree(start)) {
        this.#ask(start, () => this.#askPeriod(start, missing));
      }
    }
  }

  #isMonthDue(month: string): boolean {
    const { market, time } = this.#options;
    return !this.months.value.has(month) && monthClosureOf(market, month) <= time.nowS();
  }

  #missing(start: number): Missing {
    const { market, time } = this.#options;
    const known = this.periods.value.get(start);
    if (known?.clearing != null && known.metered?.isFinal === true) return NOTHING_MISSING;
    const now = time.nowS();
    const asked = gateClosureOf(market, start) + ASKED_AFTER * market.schedule.period_s;
    const clearing = known?.clearing == null && now >= asked;
    if (market.settlement === null || settlementDueOf(market, start) > now) {
      return { clearing, metered: false };
    }
    const metered = known?.metered ?? null;
    const isClosed = this.#closureOf(start) <= now;
    return { clearing, metered: metered === null || (!metered.isFinal && isClosed) };
  }

  #closureOf(start: number): number {
    const { market } = this.#options;
    const known = this.#closures.get(start) ?? monthClosureOf(market, monthOf(market, start));
    this.#closures.set(start, known);
    return known;
  }

  /** `work` resolves with whether it is done. */
  #ask(name: number | string, work: () => Promise<boolean>): void {
    const { clock } = this.#options;
    this.#busy.add(name);
    void work()
      .then((isDone) => {
        this.trouble.value = null;
        return isDone;
      })
      .catch((error: unknown) => {
        const isUnreached = error instanceof UnavailableError;
        if (!this.#stopping.signal.aborted) {
          this.trouble.value = { problem: messageOf(error), isUnreached };
        }
        return false;
      })
      .then((isDone) => {
        this.#busy.delete(name);
        if (isDone) this.#notBefore.delete(name);
        else this.#notBefore.set(name, clock.nowMs() + this.#pauseMs);
        if (isDone && !this.#stopping.signal.aborted) this.#look();
      });
  }

  async #askPeriod(start: number, missing: Missing) {
    const clearingIs = !missing.clearing || (await this.#askClearing(start));
    const meteredIs = !missing.metered || (await this.#askMetered(start));
    return clearingIs && meteredIs;
  }

  async #askClearing(start: number): Promise<boolean> {
    const { signal: stop } = this.#stopping;
    const found = await this.#options.client.aggregate(start, { signal: stop });
    if (found.state === "pending") return false;
    const nothing = { boughtUnits: null, soldUnits: null };
    const { boughtUnits, soldUnits } = found.state === "ok" ? found : nothing;
    await this.#keep(start, { clearing: { state: found.state, boughtUnits, soldUnits } });
    return true;
  }

  async #askMetered(start: number): Promise<boolean> {
    const { market, client } = this.#options;
    // A settlement that is asked for after the closing is the last one: the closing was decided after it.
    const isFinal = await this.#isClosed(monthOf(market, start));
    const found = await client.metered(start, { signal: this.#stopping.signal });
    if (found.state === "pending") return false;
    const { imported, exported, position } = found;
    const metered: MeteredSums = {
      importedUnits: imported,
      exportedUnits: exported,
      positionUnits: position,
      isFinal,
    };
    await this.#keep(start, { metered });
    return true;
  }

  async #isClosed(month: string): Promise<boolean> {
    const { market, client, time } = this.#options;
    if (this.#closed.has(month)) return true;
    if (monthClosureOf(market, month) > time.nowS()) return false;
    const isClosed = await client.isClosed(month, { signal: this.#stopping.signal });
    if (isClosed) this.#closed.add(month);
    return isClosed;
  }

  async #askMonth(month: string): Promise<boolean> {
    const { client, database } = this.#options;
    const found = await client.month(month, { signal: this.#stopping.signal });
    if (found.state === "open") return false;
    const { customers, position } = found;
    const closed = { month, customers, position };
    await database.keepMonth(closed);
    this.months.value = new Map(this.months.value).set(month, closed);
    return true;
  }

  async #keep(start: number, found: Partial<StoredPeriod>): Promise<void> {
    const nothing = { periodStart: start, clearing: null, metered: null };
    const period: StoredPeriod = { ...nothing, ...this.periods.value.get(start), ...found };
    this.periods.value = new Map(this.periods.value).set(start, period);
    await this.#options.database.keepPeriod(period);
  }
}
