// A rehearsal of a market on this machine: its service as processes, its meters and suppliers in this one, over a span
// of periods. Collects what the meters and suppliers themselves found out, and what is public.
import { join } from "node:path";
import { Field } from "../field/field.ts";
import { deadlineOf } from "../market/market-document.ts";
import { monthClosureOf, monthOf } from "../market/tariffs.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { marketClock } from "../platform/market-clock.ts";
import { textOfPeriod } from "../wire/records.ts";
import { type EvaluatorAccess, evaluatorAccess } from "./evaluator-access.ts";
import { LocalService, type LocalServiceFiles } from "./local-service.ts";
import { waitUntil } from "./market-wait.ts";
import { failedChecks } from "./meter/history.ts";
import type { KeptBill } from "./meter/kept-bill.ts";
import type { MeterEvent } from "./meter/meter.ts";
import { type OpenedMeter, openMeterAt } from "./meter/meter-program.ts";
import type { OrderSource } from "./meter/order-sources.ts";
import type { ReadingSource } from "./meter/reading-sources.ts";
import type { RehearsalProgress, RehearsedMonth, RehearsedPeriod } from "./rehearsal-results.ts";
import type { AggregateRow } from "./supplier/aggregate-file.ts";
import type { ClosedMonth } from "./supplier/payables-file.ts";
import { openSupplierAt } from "./supplier/supplier-program.ts";

export interface RehearsalOptions {
  readonly files: LocalServiceFiles;
  /** Where the meters keep their histories. */
  readonly folder: string;
  /** Each with the folder of its identity. */
  readonly meters: readonly {
    readonly identity: string;
    readonly source: OrderSource;
    /** What it meters; none in a market without settlement. */
    readonly readings?: ReadingSource;
  }[];
  readonly suppliers: readonly { readonly identity: string }[];
  /** The span of periods: the start of the first, and how many. */
  readonly first: number;
  readonly periods: number;
  /** Whether meters go on with orders after the span. */
  readonly goesOn: boolean;
  /** Within how many periods before the gate closes each meter sends its order. */
  readonly leadPeriods: number;
  /** Called when meters have found out more. */
  readonly onProgress?: (progress: RehearsalProgress) => void;
  readonly clock?: Clock;
}

const CONNECTIONS = 16;
/** In periods: how long after the last deadline everybody may take to find out. */
const GRACE_PERIODS = 8;
const GRACE_LEAST_MS = 5_000;
/** Closing a month settles the periods again whose readings came late: that takes a while on a busy machine. */
const CLOSING_MS = 180_000;

export class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #service: LocalService;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  /** All meters and suppliers share their connections: what they send is signed by each of them. */
  readonly #access: EvaluatorAccess;
  readonly #meters: OpenedMeter[] = [];
  readonly #rows: Map<number, AggregateRow>[];
  readonly #work: Promise<unknown>[] = [];
  /** What went wrong, in words, for whoever runs the rehearsal. */
  readonly problems: string[] = [];
  /** The last trouble of any meter in a period: told where it did not pass. */
  readonly #troubles = new Map<number, string>();
  #confirmed = 0;
  #read = 0;
  readonly #bills: (KeptBill | null)[];
  readonly #months: (ClosedMonth | null)[];
  /** Per period, how many meters know its outcome. */
  readonly #outcomes = new Map<number, number>();
  /** How many outcomes and rows are not there yet. */
  #missing: number;
  /** Aborted when none is missing any more. */
  readonly #complete = new AbortController();

  private constructor(options: RehearsalOptions, service: LocalService) {
    this.#options = options;
    this.#service = service;
    this.#clock = options.clock ?? systemClock;
    this.#access = evaluatorAccess(options.files.market, CONNECTIONS);
    this.#rows = options.suppliers.map(() => new Map<number, AggregateRow>());
    const parties = options.meters.length + options.suppliers.length;
    const months = options.files.market.settlement === null ? 0 : 1;
    this.#missing = (options.periods + months) * parties;
    this.#bills = options.meters.map(() => null);
    this.#months = options.suppliers.map(() => null);
  }

  /** Starts the service, then the meters and suppliers. */
  static async start(options: RehearsalOptions): Promise<Rehearsal> {
    const service = await LocalService.start(options.files);
    const rehearsal = new Rehearsal(options, service);
    try {
      service.onUnexpectedEnd((name) => rehearsal.problems.push(`${name} ended by itself`));
      await rehearsal.#begin();
      return rehearsal;
    } catch (error) {
      await rehearsal.stop();
      throw error;
    }
  }

  get service(): LocalService {
    return this.#service;
  }

  async #begin(): Promise<void> {
    const { meters, suppliers, folder, files, first, periods, leadPeriods } = this.#options;
    const { goesOn } = this.#options;
    const { market } = files;
    const { signal } = this.#stop;
    const [access, field] = [this.#access, new Field()];
    for (const [i, { identity, source, readings }] of meters.entries()) {
      const history = join(folder, `history-${i}.sqlite`);
      const place = {
        market,
        identity,
        history,
        source,
        readings,
        leadPeriods,
        to: goesOn ? undefined : first + periods * market.schedule.period_s,
        access,
        field,
        durable: false,
      };
      const meter = await openMeterAt(place, (event) => this.#onMeter(i, event));
      this.#meters.push(meter);
      this.#work.push(meter.meter.run(signal));
    }
    for (const [k, { identity }] of suppliers.entries()) {
      const rows = this.#rows[k]!;
      const month = this.#month();
      const { supplier } = await openSupplierAt(
        { market, identity, access },
        {
          settlements: {
            meteredState: () => "final",
            onMetered: async () => {},
            isMonthKnown: (one) => one !== month || this.#months[k] !== null,
            onMonth: async (closed) => {
              this.#months[k] = closed;
              this.#countDown(1);
            },
          },
          onTrouble: (what, message) => this.problems.push(`${what}: ${message}`),
          isKnown: (start) => rows.has(start),
          onRows: async (found) => {
            for (const row of found) rows.set(row.periodStart, row);
            this.#found(found.map(({ periodStart }) => periodStart));
          },
          onProblem: (start, message) => this.#troubles.set(start, message),
        },
      );
      const span = { from: first, to: first + periods * market.schedule.period_s };
      this.#work.push(supplier.follow(span, signal), supplier.followSettlements(span, signal));
    }
    for (const work of this.#work) {
      work.catch((error: unknown) => {
        if (!signal.aborted) this.problems.push(String(error));
      });
    }
  }

  #inSpan(start: number): boolean {
    const { first, periods, files } = this.#options;
    return start >= first && start < first + periods * files.market.schedule.period_s;
  }

  /** The month of the first period. */
  #month(): string | null {
    const { files, first } = this.#options;
    return files.market.settlement === null ? null : monthOf(files.market, first);
  }

  #onMeter(meter: number, event: MeterEvent): void {
    if (event.kind === "read") {
      if (event.complete) this.#read += 1;
      else this.#troubles.set(event.periodStart, event.problems.join("; "));
    }
    if (event.kind === "trouble") this.problems.push(`${event.what}: ${event.message}`);
    if (event.kind === "bill" && event.bill.month === this.#month()) {
      this.#bills[meter] = event.bill;
      this.#countDown(1);
    }
    if (event.kind === "sent") {
      if (event.complete) this.#confirmed += 1;
      else this.#troubles.set(event.periodStart, event.problems.join("; "));
    }
    if (event.kind === "problem") this.#troubles.set(event.periodStart, event.message);
    if (event.kind === "outcome") {
      const { periodStart } = event.outcome;
      for (const failed of failedChecks(event.outcome)) {
        const trouble = this.#troubles.get(periodStart);
        const why = trouble === undefined ? "" : ` (${trouble})`;
        this.problems.push(`${textOfPeriod(periodStart)}: a meter's check failed: ${failed}${why}`);
      }
      this.#outcomes.set(periodStart, (this.#outcomes.get(periodStart) ?? 0) + 1);
      this.#found([periodStart]);
    }
    const { meters, onProgress } = this.#options;
    const known = [...this.#outcomes.values()].filter((count) => count === meters.length);
    const bills = this.#bills.filter((bill) => bill !== null).length;
    onProgress?.({ confirmed: this.#confirmed, decided: known.length, read: this.#read, bills });
  }

  #found(starts: readonly number[]): void {
    this.#countDown(starts.filter((start) => this.#inSpan(start)).length);
  }

  #countDown(found: number): void {
    this.#missing -= found;
    if (this.#missing === 0) this.#complete.abort();
  }

  /**
   * Waits until all meters and suppliers know everything of the span, or until they had time enough, and collects
   * what they know. What is missing is among the problems. An aborted signal ends the waiting.
   */
  async finish(signal: AbortSignal): Promise<RehearsedPeriod[]> {
    const { files, first, periods, meters, suppliers } = this.#options;
    const { market } = files;
    const length = market.schedule.period_s;
    const last = first + (periods - 1) * length;
    const time = marketClock(this.#clock, market.rehearsal);
    const stop = AbortSignal.any([this.#complete.signal, signal]);
    try {
      const month = this.#month();
      const closure = month === null ? deadlineOf(market, last) : monthClosureOf(market, month);
      await waitUntil(this.#clock, time, closure + GRACE_PERIODS * length, stop);
      await this.#clock.sleep(month === null ? GRACE_LEAST_MS : CLOSING_MS, stop);
    } catch (error) {
      if (!stop.aborted) throw error;
    }
    const span = Array.from({ length: periods }, (_, t) => first + t * length);
    const entries = this.#meters.map(({ history }) => {
      const known = history.entries(first, last + 1);
      return new Map(known.map((entry) => [entry.order.periodStart, entry]));
    });
    const found = span.map((start) => ({
      start,
      meters: entries.map((known) => known.get(start) ?? null),
      suppliers: this.#rows.map((rows) => rows.get(start) ?? null),
    }));
    for (const { start, ...known } of found) {
      const unknown = known.meters.filter((entry) => entry?.outcome == null).length;
      const rows = known.suppliers.filter((row) => row === null).length;
      const when = textOfPeriod(start);
      const trouble = this.#troubles.get(start);
      const why = trouble === undefined ? "" : `: ${trouble}`;
      const missing = [
        ...(unknown > 0 ? [`${unknown} of ${meters.length} meters have no outcome`] : []),
        ...(rows > 0 ? [`${rows} of ${suppliers.length} suppliers have no sums`] : []),
      ];
      if (missing.length > 0) this.problems.push(`${when}: ${missing.join(", ")}${why}`);
    }
    return found;
  }

  /** What the month of the first period came to, when `finish` is through; null in a market without settlement. */
  month(): RehearsedMonth | null {
    const month = this.#month();
    if (month === null) return null;
    const without = this.#bills.filter((bill) => bill === null).length;
    if (without > 0) this.problems.push(`${month}: ${without} meters have no bill`);
    const unknown = this.#months.filter((closed) => closed === null).length;
    if (unknown > 0) this.problems.push(`${month}: ${unknown} suppliers have no totals`);
    return { month, bills: this.#bills, suppliers: this.#months, read: this.#read };
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the rehearsal is over"));
    await Promise.allSettled(this.#work);
    for (const meter of this.#meters) meter.close();
    this.#access.close();
    await this.#service.stop();
  }
}
