// Watches a market for whoever looks at its pages: asks all evaluators again and again for their public record,
// keeps it, and tells what has changed. Holds nothing that is not public.
import { X509Certificate } from "node:crypto";
import {
  type MarketStatus,
  OperatorClient,
  type PeriodStatus,
} from "../../client/operator-client.ts";
import { gateClosureOf, type MarketDocument } from "../../market/market-document.ts";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { type MarketClock, marketClock } from "../../platform/market-clock.ts";
import type {
  OperatorEventName,
  OperatorEvents,
  PublicEvaluator,
  PublicPeriod,
  PublicStatus,
} from "../../wire/operator-api.ts";
import { type EvaluatorAccess, evaluatorAccess } from "../evaluator-access.ts";
import { type FoundSettlement, SettlementWatch } from "./settlement-watch.ts";

/** How often evaluators are asked: in a part of a period, within bounds. */
const ASKED_AGAIN = 1 / 4;
const ASKED_AGAIN_LEAST_MS = 1_000;
const ASKED_AGAIN_MOST_MS = 5_000;
/** How long periods are kept, and how many at most. */
const KEPT_S = 62 * 24 * 3600;
const MOST_PERIODS = 20_000;
/** Periods are asked about again that began so many periods ago; undecided ones for a day. */
const AWAITED_PERIODS = 8;
const AWAITED_S = 24 * 3600;

/** How disagreements about a period's settlement begin. */
const OF_SETTLEMENT = "settlement: ";

export type WatchListener = <T extends OperatorEventName>(name: T, data: OperatorEvents[T]) => void;

export interface MarketWatchOptions {
  readonly market: MarketDocument;
  readonly clock?: Clock;
}

export class MarketWatch {
  readonly #market: MarketDocument;
  readonly #clock: Clock;
  readonly #time: MarketClock;
  readonly #access: EvaluatorAccess;
  readonly #client: OperatorClient;
  readonly #settlements: SettlementWatch;
  readonly #periods = new Map<number, PublicPeriod>();
  readonly #listeners = new Set<WatchListener>();
  #evaluators: readonly PublicEvaluator[];
  #checkedMs: number | null = null;
  /** Periods before this one are known, as far as evaluators know them. */
  #knownFrom = Number.POSITIVE_INFINITY;

  constructor({ market, clock = systemClock }: MarketWatchOptions) {
    this.#market = market;
    this.#clock = clock;
    this.#time = marketClock(clock, market.rehearsal);
    this.#access = evaluatorAccess(market);
    this.#client = new OperatorClient({ market, apis: this.#access.apis, clock });
    this.#settlements = new SettlementWatch({ market, apis: this.#access.apis, clock });
    const sinceMs = clock.utcMs();
    this.#evaluators = market.evaluators.map(({ name }, evaluator) => {
      return { evaluator, name, problem: "not asked yet", sinceMs, certificateEndsMs: null };
    });
  }

  get access(): EvaluatorAccess {
    return this.#access;
  }

  /** What is known of periods that begin from `from` on and before `to`. */
  status(from: number, to: number): PublicStatus {
    const periods = [...this.#periods.values()].filter(({ start }) => start >= from && start < to);
    return {
      checkedMs: this.#checkedMs,
      evaluators: this.#evaluators,
      periods: periods.toSorted((a, b) => b.start - a.start),
      months: this.#settlements.months,
    };
  }

  /** Calls back with every change, until the returned function is called. */
  subscribe(listener: WatchListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Watches until the signal is aborted; resolves then. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#follow(signal), this.#gates(signal)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#access.close();
    }
  }

  #tell<T extends OperatorEventName>(name: T, data: OperatorEvents[T]): void {
    for (const listener of this.#listeners) listener(name, data);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { schedule, rehearsal } = this.#market;
    const periodMs = (schedule.period_s * 1000) / (rehearsal?.speed ?? 1);
    const pauseMs = Math.min(
      ASKED_AGAIN_MOST_MS,
      Math.max(ASKED_AGAIN_LEAST_MS, ASKED_AGAIN * periodMs),
    );
    for (;;) {
      const { from, to } = this.#span();
      const found = await this.#client.status(from, to, { signal });
      this.#learn(found);
      // What was before is asked for once, after what everybody wants to see first.
      if (this.#knownFrom > from && found.evaluators.some(({ problem }) => problem === null)) {
        this.#knownFrom = from;
        await this.#learnEarlier(from, signal);
      }
      await this.#learnSettlements(signal);
      await this.#clock.sleep(pauseMs, signal);
    }
  }

  async #learnEarlier(to: number, signal: AbortSignal): Promise<void> {
    const from = Math.max(this.#market.firstPeriod, Math.floor(this.#time.nowS()) - KEPT_S);
    if (from < to) this.#learn(await this.#client.status(from, to, { signal }));
  }

  async #learnSettlements(signal: AbortSignal): Promise<void> {
    const known = this.#periods.values();
    const { starts, hasNewMonth } = await this.#settlements.learn(known, this.#time.nowS(), signal);
    for (const start of starts) this.#learnPeriod(this.#withSettlement(this.#periods.get(start)!));
    if (hasNewMonth) this.#tell("months", this.#settlements.months);
  }

  #withSettlement(period: PublicPeriod): PublicPeriod {
    const { settlement, disagreement }: FoundSettlement = this.#settlements.of(period.start);
    const also = disagreement === null ? [] : [`${OF_SETTLEMENT}${disagreement}`];
    const others = period.disagreements.filter((one) => !one.startsWith(OF_SETTLEMENT));
    return { ...period, settlement, disagreements: [...others, ...also] };
  }

  /** From the first period that is awaited to the last whose gate closes soon. */
  #span(): { readonly from: number; readonly to: number } {
    const { period_s: length, gate_closure_periods: closure } = this.#market.schedule;
    const now = Math.floor(this.#time.nowS() / length) * length;
    const undecided = [...this.#periods.values()].filter(({ decision }) => decision === null);
    const awaited = undecided.map(({ start }) => start).filter((one) => one > now - AWAITED_S);
    const from = Math.min(now - AWAITED_PERIODS * length, ...awaited);
    return { from: Math.max(this.#market.firstPeriod, from), to: now + (closure + 2) * length };
  }

  #learn(status: MarketStatus): void {
    const nowMs = this.#clock.utcMs();
    this.#checkedMs = nowMs;
    const before = this.#evaluators;
    this.#evaluators = before.map((known) => {
      const { problem } = status.evaluators[known.evaluator]!;
      const same = (problem === null) === (known.problem === null);
      const certificateEndsMs = certificateEndOf(status, known) ?? known.certificateEndsMs;
      return { ...known, problem, sinceMs: same ? known.sinceMs : nowMs, certificateEndsMs };
    });
    const changed = this.#evaluators.some(
      ({ problem, certificateEndsMs }, i) =>
        problem !== before[i]!.problem || certificateEndsMs !== before[i]!.certificateEndsMs,
    );
    if (changed) this.#tell("evaluators", this.#evaluators);
    for (const period of status.periods.toReversed()) {
      this.#learnPeriod(this.#withSettlement(publicPeriod(period)));
    }
    this.#forget();
  }

  #learnPeriod(period: PublicPeriod): void {
    const known = this.#periods.get(period.start);
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(period)) return;
    this.#periods.set(period.start, period);
    this.#tell("period", period);
  }

  #forget(): void {
    const oldest = this.#time.nowS() - KEPT_S;
    const starts = [...this.#periods.keys()].toSorted((a, b) => a - b);
    const surplus = starts.slice(0, Math.max(0, starts.length - MOST_PERIODS));
    for (const start of [...surplus, ...starts.filter((one) => one < oldest)]) {
      this.#periods.delete(start);
    }
    this.#settlements.forget(oldest);
  }

  /** Tells when gates close. */
  async #gates(signal: AbortSignal): Promise<void> {
    const { schedule, firstPeriod } = this.#market;
    const { period_s: length, gate_closure_periods: closure } = schedule;
    const next = (Math.floor(this.#time.nowS() / length) + closure + 1) * length;
    for (let start = Math.max(firstPeriod, next); ; start += length) {
      const gate = gateClosureOf(this.#market, start);
      for (let leftMs = 1; leftMs > 0; ) {
        leftMs = this.#time.msUntil(gate);
        await this.#clock.sleep(Math.min(leftMs, LONGEST_SLEEP_MS), signal);
      }
      this.#tell("gate", { start });
    }
  }
}

/** Timers take no longer time than 2^31 ms. */
const LONGEST_SLEEP_MS = 24 * 3600 * 1000;

const publicPeriod = (period: PeriodStatus): PublicPeriod => ({
  start: period.periodStart,
  states: period.records.map((record) => record?.state ?? null),
  attempts: Math.max(0, ...period.records.map((record) => record?.attempts ?? 0)),
  decision: period.decision,
  disagreements: period.disagreements,
  settlement: null,
});

/** Until when the certificate is valid that the evaluator signed its last decision with; null when there is none. */
function certificateEndOf(
  { periods }: MarketStatus,
  { evaluator }: Pick<PublicEvaluator, "evaluator">,
): number | null {
  for (const { records } of periods) {
    const signed = records[evaluator]?.decision?.signatures ?? [];
    const own = signed.find((one) => one.evaluator === evaluator);
    if (own === undefined) continue;
    try {
      const certificate = new X509Certificate(Buffer.from(own.certificate, "base64"));
      return certificate.validToDate.getTime();
    } catch {
      // That it is none is told as a disagreement.
    }
  }
  return null;
}
