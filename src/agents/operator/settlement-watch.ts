// The second half of watching a market: what evaluators have made public of settlements and closed months, asked for
// when it is due, a few at a time.
import type { EvaluatorApi } from "../../client/evaluator-api.ts";
import {
  commonClosing,
  commonSettlement,
  type StatementContext,
} from "../../client/settlements.ts";
import { UnavailableError } from "../../client/statements.ts";
import { Trust } from "../../client/trust.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { monthClosureOf, monthOf, settlementDueOf } from "../../market/tariffs.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import type { PublicMonth, PublicPeriod, PublicSettlement } from "../../wire/operator-api.ts";

/** Settlements asked for in one round. */
const AT_ONCE = 16;

/** What is known of a period's settlement. */
export interface FoundSettlement {
  readonly settlement: PublicSettlement | null;
  /** What cannot be believed, in words. */
  readonly disagreement: string | null;
}

export const NOT_SETTLED: FoundSettlement = { settlement: null, disagreement: null };

interface Known extends FoundSettlement {
  /** It was asked for after its month was closed: it is the last one. */
  readonly isFinal: boolean;
}

export interface SettlementWatchOptions {
  readonly market: MarketDocument;
  readonly apis: readonly EvaluatorApi[];
  readonly clock: Clock;
}

export class SettlementWatch {
  readonly #context: StatementContext;
  readonly #known = new Map<number, Known>();
  readonly #tries = new Map<number, number>();
  readonly #months = new Map<string, PublicMonth>();

  constructor({ market, apis, clock }: SettlementWatchOptions) {
    this.#context = { market, apis, trust: new Trust(market.authorityPem, clock) };
  }

  /** Of the periods that were asked about, in their order. */
  get months(): readonly PublicMonth[] {
    return [...this.#months.values()].toSorted((a, b) => (a.month < b.month ? -1 : 1));
  }

  of(start: number): FoundSettlement {
    return this.#known.get(start) ?? NOT_SETTLED;
  }

  /** Asks for what is due and not known; resolves with the starts of periods of which something new is known. */
  async learn(
    periods: Iterable<PublicPeriod>,
    nowS: number,
    signal: AbortSignal,
  ): Promise<{ readonly starts: readonly number[]; readonly hasNewMonth: boolean }> {
    const { market } = this.#context;
    if (market.settlement === null) return { starts: [], hasNewMonth: false };
    const all = [...periods].filter(({ decision }) => decision !== null).map(({ start }) => start);
    const hasNewMonth = await this.#learnMonths(all, nowS, signal);
    const due = all.filter((start) => settlementDueOf(market, start) <= nowS && this.#lacks(start));
    const tries = (start: number) => this.#tries.get(start) ?? 0;
    const asked = due.toSorted((a, b) => tries(a) - tries(b) || b - a).slice(0, AT_ONCE);
    const found = await Promise.all(asked.map((start) => this.#learnOne(start, signal)));
    return { starts: asked.filter((_, i) => found[i]), hasNewMonth };
  }

  /** Drops what is before a time. */
  forget(before: number): void {
    for (const start of this.#known.keys()) if (start < before) this.#known.delete(start);
    for (const start of this.#tries.keys()) if (start < before) this.#tries.delete(start);
  }

  #lacks(start: number): boolean {
    const known = this.#known.get(start);
    return (
      known === undefined || known.settlement === null || (!known.isFinal && this.#isClosed(start))
    );
  }

  #isClosed(start: number): boolean {
    return this.#months.get(monthOf(this.#context.market, start))?.closing != null;
  }

  async #learnOne(start: number, signal: AbortSignal): Promise<boolean> {
    const isFinal = this.#isClosed(start);
    this.#tries.set(start, (this.#tries.get(start) ?? 0) + 1);
    try {
      const common = await commonSettlement(this.#context, start, { signal });
      if (common === null) return false;
      const { revision, readings, rejected, estimated } = common.settlement;
      const counts = { readings: readings.count, rejected: rejected.length, estimated };
      this.#known.set(start, { settlement: { revision, ...counts }, disagreement: null, isFinal });
      this.#tries.delete(start);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UnavailableError) return false;
      this.#known.set(start, { settlement: null, disagreement: messageOf(error), isFinal });
      return true;
    }
  }

  async #learnMonths(
    starts: readonly number[],
    nowS: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { market } = this.#context;
    let isNew = false;
    for (const month of new Set(starts.map((start) => monthOf(market, start)))) {
      const known = this.#months.get(month);
      const closureS = monthClosureOf(market, month);
      if (known?.closing != null || (known !== undefined && closureS > nowS)) continue;
      const closing = closureS > nowS ? null : await this.#closing(month, signal);
      isNew ||= known === undefined || closing !== null;
      this.#months.set(month, { month, closureS, closing });
    }
    return isNew;
  }

  /** Null while it is open, or cannot be had. */
  async #closing(month: string, signal: AbortSignal): Promise<PublicMonth["closing"]> {
    try {
      const common = await commonClosing(this.#context, month, { signal });
      if (common === null) return null;
      return { periods: common.closing.periods, bills: common.closing.meters.count };
    } catch {
      signal.throwIfAborted();
      return null;
    }
  }
}
