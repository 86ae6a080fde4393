// The public record of a market, as all of its evaluators tell it: side by side, with signatures verified. For whoever
// watches the market; nothing here needs a key.
import type { MarketDocument } from "../market/market-document.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { type Decision, type PeriodRecord, periodOfText } from "../wire/records.ts";
import { commonDecision } from "./decisions.ts";
import type { CallOptions, EvaluatorApi } from "./evaluator-api.ts";
import type { Heard } from "./statements.ts";
import { Trust } from "./trust.ts";

export interface OperatorClientOptions {
  readonly market: MarketDocument;
  /** One per evaluator, by number. */
  readonly apis: readonly EvaluatorApi[];
  readonly clock?: Clock;
}

export interface EvaluatorReach {
  readonly evaluator: number;
  /** Why it could not be asked; null when it answered. */
  readonly problem: string | null;
}

export interface PeriodStatus {
  readonly periodStart: number;
  /** By evaluator; null where it did not answer or does not know the period. */
  readonly records: readonly (PeriodRecord | null)[];
  /** What enough evaluators have signed; null when they have decided nothing, or contradict each other. */
  readonly decision: Decision | null;
  /** What contradicts what, or cannot be believed, in words; empty when all is well. */
  readonly disagreements: readonly string[];
}

export interface MarketStatus {
  readonly evaluators: readonly EvaluatorReach[];
  /** Newest first. */
  readonly periods: readonly PeriodStatus[];
}

/** Records asked for at once. */
const AT_ONCE = 1000;

export class OperatorClient {
  readonly #options: OperatorClientOptions;
  readonly #trust: Trust;

  constructor(options: OperatorClientOptions) {
    this.#options = options;
    this.#trust = new Trust(options.market.authorityPem, options.clock ?? systemClock);
  }

  /**
   * The known periods that begin from `from` on and before `to` (seconds since 1970 UTC). Evaluators that cannot be
   * reached are named; rejects only when the signal is aborted.
   */
  async status(from: number, to: number, { signal }: CallOptions = {}): Promise<MarketStatus> {
    const told = await Promise.all(
      this.#options.apis.map(async (api) => {
        const { evaluator } = api;
        try {
          return { evaluator, problem: null, records: await allPeriods(api, from, to, signal) };
        } catch (error) {
          signal?.throwIfAborted();
          return { evaluator, problem: messageOf(error), records: null };
        }
      }),
    );
    const starts = new Set(told.flatMap(({ records }) => [...(records?.keys() ?? [])]));
    const periods: PeriodStatus[] = [];
    for (const start of [...starts].toSorted((a, b) => b - a)) {
      const heard = told.map(({ evaluator, problem, records }) => ({
        evaluator,
        problem,
        record: records?.get(start) ?? null,
      }));
      periods.push(await this.#periodStatus(start, heard));
    }
    return { evaluators: told.map(({ evaluator, problem }) => ({ evaluator, problem })), periods };
  }

  async #periodStatus(
    periodStart: number,
    heard: readonly Heard<PeriodRecord>[],
  ): Promise<PeriodStatus> {
    const records = heard.map(({ record }) => record);
    try {
      const decided = await commonDecision(this.#options.market, this.#trust, periodStart, heard);
      const failed = decided?.checks.filter(({ name, ok }) => !ok && name !== "answers") ?? [];
      return {
        periodStart,
        records,
        decision: decided?.decision ?? null,
        disagreements: failed.map(({ detail }) => detail),
      };
    } catch (error) {
      return { periodStart, records, decision: null, disagreements: [messageOf(error)] };
    }
  }
}

/** An evaluator's records by start of their period. */
async function allPeriods(
  api: EvaluatorApi,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): Promise<Map<number, PeriodRecord>> {
  const records = new Map<number, PeriodRecord>();
  for (let end = to; ; ) {
    const piece = await api.periods(from, end, AT_ONCE, { signal });
    for (const record of piece) records.set(periodOfText(record.period), record);
    const next = Math.min(end, ...piece.map(({ period }) => periodOfText(period)));
    // An evaluator may give fewer at once; it is done when it has nothing older.
    if (piece.length === 0 || next >= end || next <= from) return records;
    end = next;
  }
}
