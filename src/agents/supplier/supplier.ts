// A supplier's program: fetches its shares of what its customers traded together, period by period, and puts them
// together; metered sums and months follow (settlements.ts). Sums of too few customers are never shown: evaluators
// withhold them, and this refuses them as well.
import type { SupplierClient } from "../../client/supplier-client.ts";
import { deadlineOf, gateClosureOf, type MarketDocument } from "../../market/market-document.ts";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import { type MarketClock, marketClock } from "../../platform/market-clock.ts";
import { waitUntil } from "../market-wait.ts";
import type { Span } from "../span.ts";
import type { AggregateRow } from "./aggregate-file.ts";
import { type SettlementSink, SupplierSettlements } from "./settlements.ts";

export interface SupplierOptions {
  readonly market: MarketDocument;
  readonly client: SupplierClient;
  readonly clock?: Clock;
  /** How many customers it has in the market, where it knows. */
  readonly customers?: number | undefined;
  /** Whether the row of a period is there already. */
  readonly isKnown: (periodStart: number) => boolean;
  /** Takes new rows, in the order of their periods; what it has kept is not fetched again. */
  readonly onRows: (rows: readonly AggregateRow[]) => Promise<void>;
  /** Says what went wrong in a period; it is tried again. */
  readonly onProblem?: (periodStart: number, message: string) => void;
  /** Where settled sums go to; without it, and in a market without settlement, they are not asked for. */
  readonly settlements?: SettlementSink | undefined;
  /** Says what went wrong with a settlement or a month; it is tried again. */
  readonly onTrouble?: (what: string, message: string) => void;
}

/** Rows that are handed on at once while catching up. */
const ROWS_AT_ONCE = 96;
/** When after the gate of a period has closed it is asked for, as a part of a period. */
const ASKED_AFTER = 0.8;

export class Supplier {
  readonly #options: SupplierOptions;
  readonly #clock: Clock;
  readonly #time: MarketClock;
  readonly #periodS: number;
  readonly #settlements: SupplierSettlements | null;

  constructor(options: SupplierOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#time = marketClock(this.#clock, options.market.rehearsal);
    this.#periodS = options.market.schedule.period_s;
    const { market, client, settlements: sink } = options;
    this.#settlements =
      sink === undefined || market.settlement === null
        ? null
        : new SupplierSettlements({
            ...sink,
            market,
            client,
            time: this.#time,
            mayShow: this.#mayShow,
            onProblem: options.onTrouble ?? (() => {}),
          });
  }

  /** Fetches what is settled and closed by now and not known yet, of periods that begin in the span. */
  async catchUpSettlements({ from, to }: Span, signal: AbortSignal): Promise<void> {
    await this.#settlements?.catchUp({ from: this.#firstAt(from), to }, signal);
  }

  /** Does so with every period and month when its time has come, until the signal is aborted. */
  async followSettlements(span: Span, signal: AbortSignal): Promise<void> {
    if (this.#settlements === null) return;
    for (;;) {
      await this.catchUpSettlements(span, signal);
      await this.#until(this.#time.nowS() + this.#periodS, signal);
    }
  }

  /** The periods of the market that must be decided by now. */
  decidedSpan(): Span {
    return this.#spanUntil(deadlineOf);
  }

  /** The periods at whose beginning, or other moment, so much time has passed already. */
  #spanUntil(moment: (market: MarketDocument, start: number) => number): Span {
    const { market } = this.#options;
    const from = market.firstPeriod;
    const passed = this.#time.nowS() - moment(market, from);
    const count = Math.max(0, Math.floor(passed / this.#periodS) + 1);
    return { from, to: from + count * this.#periodS };
  }

  /** Fetches what is decided and not known yet. Resolves with the periods that are still missing. */
  async catchUp({ from, to }: Span, signal: AbortSignal): Promise<number[]> {
    const missing: number[] = [];
    let rows: AggregateRow[] = [];
    const begin = this.#firstAt(from);
    for (let start = begin; start < to; start += this.#periodS) {
      if (this.#options.isKnown(start)) continue;
      const row = await this.#row(start, signal);
      if (row === null) missing.push(start);
      else rows.push(row);
      if (rows.length < ROWS_AT_ONCE) continue;
      await this.#options.onRows(rows);
      rows = [];
    }
    if (rows.length > 0) await this.#options.onRows(rows);
    return missing;
  }

  /** Catches up and goes on with every period when it is decided, until `to` or until the signal is aborted. */
  async follow({ from, to }: Span, signal: AbortSignal): Promise<void> {
    const asked = (market: MarketDocument, start: number) =>
      gateClosureOf(market, start) + ASKED_AFTER * this.#periodS;
    let begin = this.#firstAt(from);
    while (begin < to) {
      const end = Math.min(to, Math.max(begin, this.#spanUntil(asked).to));
      const missing = await this.catchUp({ from: begin, to: end }, signal);
      begin = missing[0] ?? end;
      const next = asked(this.#options.market, end);
      const again = this.#time.nowS() + this.#periodS / 2;
      await this.#until(missing.length > 0 ? Math.min(next, again) : next, signal);
    }
  }

  /** The first period of the market from `from` on. */
  #firstAt(from: number): number {
    const begin = Math.ceil(from / this.#periodS) * this.#periodS;
    return Math.max(begin, this.#options.market.firstPeriod);
  }

  /** Sums of fewer customers than the market's minimum group would betray them, whatever evaluators reveal. */
  get #mayShow(): boolean {
    const { customers, market } = this.#options;
    return customers === undefined || customers >= market.parameters.minimumGroup;
  }

  /** Null when it is not decided yet, or its sums could not be put together. */
  async #row(start: number, signal: AbortSignal): Promise<AggregateRow | null> {
    try {
      const found = await this.#options.client.aggregate(start, { signal });
      if (found.state === "pending") return null;
      const nothing = { periodStart: start, boughtUnits: null, soldUnits: null };
      if (found.state !== "ok") return { ...nothing, state: found.state };
      if (!this.#mayShow) return { ...nothing, state: "withheld" };
      const { state, boughtUnits, soldUnits } = found;
      return { periodStart: start, state, boughtUnits, soldUnits };
    } catch (error) {
      signal.throwIfAborted();
      this.#options.onProblem?.(start, messageOf(error));
      return null;
    }
  }

  #until(marketS: number, signal: AbortSignal): Promise<void> {
    return waitUntil(this.#clock, this.#time, marketS, signal);
  }
}
