// A planned span of periods on a real market, at the speed of its clock: every household sends its orders, finds out
// what it traded, sends its readings, and has its bill when the month is closed. Orders are sent up to `runAhead`
// periods before their gate closes, so that a machine that is busy for a while loses none.
import { commonDecision, hearPeriod } from "../../client/decisions.ts";
import type { PreparedOrder } from "../../client/prepared-order.ts";
import type { Metered } from "../../client/prepared-reading.ts";
import { gateClosureOf } from "../../market/market-document.ts";
import { monthClosureOf, monthOf } from "../../market/tariffs.ts";
import { assert } from "../../platform/assert.ts";
import { systemClock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import { type MarketClock, marketClock } from "../../platform/market-clock.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { waitUntil } from "../market-wait.ts";
import { type Due, dueReadings } from "./due-readings.ts";
import { Handovers, InTurn } from "./in-turn.ts";
import type { FoundPeriod, MonthCounts, MonthFound, MonthProgress } from "./month-found.ts";
import type { MonthMarket } from "./month-market.ts";
import type { MonthPlan } from "./month-plan.ts";

/** Requests of households that are under way at a time. */
const AT_ONCE = 48;
/** How long something that is due may take, in real milliseconds, before the run gives up. */
const PATIENCE_MS = 300_000;
/** What is added for each period of the month until it is closed: most of them are settled anew. */
const CLOSING_MS = 1000;
/** A run ends when as many orders were too late as there are in so many periods: it would lose all of the rest. */
const MOST_LATE_PERIODS = 20;
const ASK_AGAIN_MS = { first: 25, longest: 400 };

export class MonthRun {
  readonly #market: MonthMarket;
  readonly #plan: MonthPlan;
  readonly #runAhead: number;
  readonly #time: MarketClock;
  readonly #turn = new InTurn(AT_ONCE);
  readonly #due: Due[][][];
  readonly #onProgress: (progress: MonthProgress) => void;
  readonly #found: FoundPeriod[] = [];
  readonly #readings: (Metered | null)[][];
  readonly #counts: MonthCounts = { orders: 0, readings: 0, late: 0, corrections: 0 };
  readonly #troubles: string[] = [];
  #lateOrders = 0;
  #bills = 0;

  constructor(
    market: MonthMarket,
    plan: MonthPlan,
    runAhead: number,
    onProgress: (progress: MonthProgress) => void = () => {},
  ) {
    this.#market = market;
    this.#plan = plan;
    this.#runAhead = runAhead;
    this.#time = marketClock(systemClock, market.market.rehearsal);
    this.#onProgress = onProgress;
    this.#due = dueReadings(plan);
    this.#readings = plan.suppliers.map(() => new Array<Metered | null>(plan.periods).fill(null));
  }

  /** Runs the plan. Rejects when evaluators fail, or the signal is aborted. */
  async run(signal: AbortSignal): Promise<MonthFound> {
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    // One line of work each: orders run ahead, results and readings follow.
    const ordered = new Handovers<Ordered[]>(stop);
    const decided = new Handovers<null>(stop);
    const lines = [
      this.#each(async (t) => ordered.give(t, await this.#order(t, stop))),
      this.#each(async (t) => {
        this.#found[t] = await this.#results(t, await ordered.take(t), stop);
        decided.give(t, null);
        this.#tell();
      }),
      this.#each(async (t) => {
        await decided.take(t);
        await this.#read(t, stop);
      }),
    ];
    try {
      await Promise.all(lines);
      return await this.#close(stop);
    } finally {
      failed.abort(new Error("the run is over"));
      await Promise.allSettled(lines);
    }
  }

  async #each(work: (t: number) => Promise<void>): Promise<void> {
    for (let t = 0; t < this.#plan.periods; t++) await work(t);
  }

  #start(t: number): number {
    return this.#plan.first + t * this.#plan.periodS;
  }

  #until(marketS: number, signal: AbortSignal): Promise<void> {
    return waitUntil(systemClock, this.#time, marketS, signal);
  }

  #tell(): void {
    const decided = this.#found.length;
    this.#onProgress({ ...this.#counts, decided, bills: this.#bills });
  }

  /** Sends the orders of a period. */
  async #order(t: number, signal: AbortSignal): Promise<Ordered[]> {
    const start = this.#start(t);
    const gate = gateClosureOf(this.#market.market, start);
    await this.#until(gate - this.#runAhead * this.#plan.periodS, signal);
    return Promise.all(
      this.#market.meters.map((client, h) =>
        this.#turn.do(async () => {
          const order = await client.prepareOrder(start, this.#plan.order(h, t), 1);
          // Too late: to be refused by every evaluator would take the time of orders that are not.
          if (this.#time.nowS() >= gate) {
            this.#late(start);
            return { order, confirmed: false };
          }
          const answers = await client.submit(order, { signal });
          const confirmed = answers.every(({ receipt }) => receipt !== null);
          if (confirmed) this.#counts.orders += 1;
          else this.#trouble(start, answers.flatMap(({ problem }) => problem ?? []).join("; "));
          return { order, confirmed };
        }),
      ),
    );
  }

  /** What everybody traded in a period, when it is decided. */
  async #results(
    t: number,
    ordered: readonly Ordered[],
    signal: AbortSignal,
  ): Promise<FoundPeriod> {
    const start = this.#start(t);
    const { market, apis, trust, meters } = this.#market;
    await this.#until(gateClosureOf(market, start), signal);
    const decision = await this.#soon(
      `a decision about ${textOfPeriod(start)}`,
      signal,
      async () => {
        // One evaluator is asked until it has decided, then all.
        if ((await apis[0]!.period(start, { signal })).decision === null) return null;
        const heard = await hearPeriod(apis, start, { signal });
        if (heard.some(({ record }) => record?.decision == null)) return null;
        return (await commonDecision(market, trust, start, heard))?.decision ?? null;
      },
    );
    const netUnits = new Float64Array(meters.length);
    await Promise.all(
      meters.map((client, h) =>
        this.#turn.do(async () => {
          const { order } = ordered[h]!;
          const what = `an outcome of ${textOfPeriod(start)}`;
          const found = await this.#soon(what, signal, async () => {
            const outcome = await client.outcome(start, order, { signal });
            return outcome.state === "pending" ? null : outcome;
          });
          const traded = found.tradedUnits ?? 0;
          netUnits[h] = order.order.side === "sell" ? -traded : traded;
          const failed = found.checks.filter(({ ok }) => !ok);
          for (const { name, detail } of failed) this.#trouble(start, `${name}: ${detail}`);
        }),
      ),
    );
    return { start, decision, netUnits, confirmed: ordered.map(({ confirmed }) => confirmed) };
  }

  /** Sends what is known at the end of delivery of a period: its readings, and earlier ones that are late. */
  async #read(t: number, signal: AbortSignal): Promise<void> {
    await this.#until(this.#start(t + 1), signal);
    // Those of one household one after the other: a correction follows what it corrects.
    await Promise.all(
      this.#due[t]!.map(async (events) => {
        for (const event of events) await this.#turn.do(() => this.#send(event, signal));
      }),
    );
  }

  async #send({ h, u, k, reading }: Due, signal: AbortSignal): Promise<void> {
    const client = this.#market.meters[h]!;
    const net = this.#found[u]!.netUnits[h]!;
    const { importedWh, exportedWh, afterPeriods } = reading;
    const metered = { importedWh, exportedWh };
    const prepared = await client.prepareReading(this.#start(u), metered, net, k + 1);
    const answers = await client.submitReading(prepared, { signal });
    if (answers.some(({ receipt }) => receipt === null)) {
      const problems = answers.flatMap(({ problem }) => problem ?? []);
      this.#trouble(this.#start(u), `a reading: ${problems.join("; ")}`);
      return;
    }
    this.#readings[h]![u] = metered;
    this.#counts.readings += 1;
    if (afterPeriods > 0 && k === 0) this.#counts.late += 1;
    if (k > 0) this.#counts.corrections += 1;
  }

  /** Waits for the month to be closed, and fetches the bills. */
  async #close(signal: AbortSignal): Promise<MonthFound> {
    const { market, apis, meters, suppliers } = this.#market;
    const month = monthOf(market, this.#plan.first);
    await this.#until(monthClosureOf(market, month), signal);
    // Whoever asks while evaluators close the month keeps them from it: one asks for all.
    const patienceMs = PATIENCE_MS + CLOSING_MS * this.#plan.periods;
    const closed = async () => {
      const records = await Promise.all(apis.map((api) => api.month(month, { signal })));
      return records.every(({ closing }) => closing !== null) ? true : null;
    };
    await this.#soon(`the closing of ${month}`, signal, closed, patienceMs);
    const bills = await Promise.all(
      meters.map((client, h) =>
        this.#turn.do(async () => {
          const bill = await this.#soon(`the bill of household ${h}`, signal, async () => {
            const found = await client.bill(month, { signal });
            return found.state === "open" ? null : found;
          });
          this.#bills += 1;
          this.#tell();
          return bill;
        }),
      ),
    );
    const months = await Promise.all(
      suppliers.map((client, k) =>
        this.#soon(`the month of supplier ${k}`, signal, async () => {
          const found = await client.month(month, { signal });
          return found.state === "open" ? null : found;
        }),
      ),
    );
    const [periods, counts, troubles] = [this.#found, this.#counts, this.#troubles];
    return { month, periods, readings: this.#readings, bills, suppliers: months, counts, troubles };
  }

  /** Asks until there is an answer; rejects when it takes too long. */
  async #soon<T>(
    what: string,
    signal: AbortSignal,
    ask: () => Promise<T | null>,
    patienceMs = PATIENCE_MS,
  ): Promise<T> {
    const deadline = systemClock.nowMs() + patienceMs;
    let last = "there is none";
    let pauseMs = ASK_AGAIN_MS.first;
    for (;;) {
      try {
        const answer = await ask();
        if (answer !== null) return answer;
      } catch (error) {
        signal.throwIfAborted();
        last = messageOf(error);
      }
      if (systemClock.nowMs() > deadline) throw new Error(`waited too long for ${what}: ${last}`);
      await systemClock.sleep(pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, ASK_AGAIN_MS.longest);
    }
  }

  /** Throws when there are too many of them. */
  #late(start: number): void {
    this.#trouble(start, "an order was too late: this machine is slower than its clock");
    this.#lateOrders += 1;
    if (this.#lateOrders <= MOST_LATE_PERIODS * this.#market.meters.length) return;
    const { speed } = this.#market.market.rehearsal!;
    const periodMs = Math.round((this.#plan.periodS * 1000) / speed);
    throw new Error(
      `this machine is slower than its clock: ${this.#lateOrders} orders were too late until ` +
        `${textOfPeriod(start)}; a period needs more than ${periodMs} ms`,
    );
  }

  #trouble(start: number, what: string): void {
    assert(what !== "", "a trouble has words");
    this.#troubles.push(`${textOfPeriod(start)}: ${what}`);
  }
}

interface Ordered {
  readonly order: PreparedOrder;
  readonly confirmed: boolean;
}
