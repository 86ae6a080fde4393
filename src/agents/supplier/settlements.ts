// The second half of a supplier's program: after delivery its customers' metered sums and its own position, and when a
// month is closed what each customer owes.
import type { SupplierClient } from "../../client/supplier-client.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { monthClosureOf, monthOf, settlementDueOf } from "../../market/tariffs.ts";
import { messageOf } from "../../platform/errors.ts";
import type { MarketClock } from "../../platform/market-clock.ts";
import { textOfPeriod } from "../../wire/records.ts";
import type { Span } from "../span.ts";
import type { MeteredRow } from "./metered-file.ts";
import type { ClosedMonth } from "./payables-file.ts";

/** Where settled sums go to. */
export interface SettlementSink {
  /** What is there already of a period. */
  readonly meteredState: (periodStart: number) => MeteredRow["state"] | null;
  /** Takes rows that are new, or final now, in the order of their periods. */
  readonly onMetered: (rows: readonly MeteredRow[]) => Promise<void>;
  readonly isMonthKnown: (month: string) => boolean;
  readonly onMonth: (month: ClosedMonth) => Promise<void>;
}

export interface SettlementsOptions extends SettlementSink {
  readonly market: MarketDocument;
  readonly client: SupplierClient;
  readonly time: MarketClock;
  /** Sums of too few customers are never shown, whatever evaluators reveal. */
  readonly mayShow: boolean;
  /** Says what went wrong with a period or month; it is tried again. */
  readonly onProblem: (what: string, message: string) => void;
}

/** Rows that are handed on at once while catching up. */
const ROWS_AT_ONCE = 96;

export class SupplierSettlements {
  readonly #options: SettlementsOptions;
  readonly #closed = new Set<string>();

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** Fetches what is settled and closed by now and not known yet, of periods that begin in the span. */
  async catchUp({ from, to }: Span, signal: AbortSignal): Promise<void> {
    const { market, time, onMetered } = this.#options;
    const length = market.schedule.period_s;
    let rows: MeteredRow[] = [];
    const months = new Set<string>();
    for (let start = from; start < to; start += length) {
      if (settlementDueOf(market, start) > time.nowS()) break;
      const month = monthOf(market, start);
      months.add(month);
      const isClosed = monthClosureOf(market, month) <= time.nowS();
      const state = this.#options.meteredState(start);
      if (state === "final" || (state === "settled" && !isClosed)) continue;
      const row = await this.#row(start, isClosed, signal);
      if (row !== null && row.state !== state) rows.push(row);
      if (rows.length < ROWS_AT_ONCE) continue;
      await onMetered(rows);
      rows = [];
    }
    if (rows.length > 0) await onMetered(rows);
    for (const month of months) await this.#month(month, signal);
  }

  async #row(start: number, isClosed: boolean, signal: AbortSignal): Promise<MeteredRow | null> {
    try {
      // A settlement that is asked for after the closing is the last one: the closing has been decided after it.
      const isFinal = isClosed && (await this.#isClosed(monthOf(this.#options.market, start)));
      const found = await this.#options.client.metered(start, { signal });
      if (found.state === "pending") return null;
      const { imported, exported, position } = found;
      const may = this.#options.mayShow;
      return {
        periodStart: start,
        importedUnits: may ? imported : null,
        exportedUnits: may ? exported : null,
        positionUnits: may ? position : null,
        state: isFinal ? "final" : "settled",
      };
    } catch (error) {
      signal.throwIfAborted();
      this.#options.onProblem(textOfPeriod(start), messageOf(error));
      return null;
    }
  }

  async #isClosed(month: string): Promise<boolean> {
    if (this.#closed.has(month)) return true;
    const isClosed = await this.#options.client.isClosed(month);
    if (isClosed) this.#closed.add(month);
    return isClosed;
  }

  async #month(month: string, signal: AbortSignal): Promise<void> {
    const { market, time, client, isMonthKnown, onMonth } = this.#options;
    if (isMonthKnown(month) || monthClosureOf(market, month) > time.nowS()) return;
    try {
      const found = await client.month(month, { signal });
      if (found.state === "open") return;
      const { customers, position } = found;
      await onMonth({ month, customers, position });
    } catch (error) {
      signal.throwIfAborted();
      this.#options.onProblem(month, messageOf(error));
    }
  }
}
