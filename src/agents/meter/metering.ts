// The second half of a meter's work: after delivery it sends what its household metered, corrections included, until
// the month is closed; then it fetches its bill, computes it again from its own history, and says whether both agree.
// All is kept before anything depends on it. One message of the same length per period, at a random moment of the
// next.
import type { MeterClient } from "../../client/meter-client.ts";
import { netUnitsOf } from "../../client/own-bill.ts";
import { decodeReading, encodeReading, type Metered } from "../../client/prepared-reading.ts";
import { UnavailableError } from "../../client/statements.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { monthClosureOf, monthOf, periodsOfMonth } from "../../market/tariffs.ts";
import { messageOf } from "../../platform/errors.ts";
import type { MarketClock } from "../../platform/market-clock.ts";
import { textOfPeriod } from "../../wire/records.ts";
import type { MeterHistory } from "./history.ts";
import { comparedBill, type KeptBill } from "./kept-bill.ts";
import { doubtfulPeriods, ownBill } from "./own-bill.ts";
import type { StoredReading } from "./reading-history.ts";
import type { ReadingSource } from "./reading-sources.ts";

/** What a meter reports of this. Never what was metered: events may be logged. */
export type MeteringEvent =
  | {
      readonly kind: "read";
      readonly periodStart: number;
      readonly sequence: number;
      /** Whether every evaluator has confirmed it. */
      readonly complete: boolean;
      readonly problems: readonly string[];
    }
  | { readonly kind: "bill"; readonly bill: KeptBill }
  | { readonly kind: "trouble"; readonly what: string; readonly message: string };

export interface MeteringOptions {
  readonly market: MarketDocument;
  readonly client: MeterClient;
  readonly history: MeterHistory;
  readonly source: ReadingSource;
  /** Index of the meter's supplier. */
  readonly supplier: number;
  readonly time: MarketClock;
  /** Waits until the market's clock shows a moment. */
  readonly until: (marketS: number, signal: AbortSignal) => Promise<void>;
  /** A random number from 0 to 1. */
  readonly fraction: () => number;
  readonly onEvent: (event: MeteringEvent) => void;
}

/** Readings that are sent at a time. */
const AT_ONCE = 8;
/** In which part of the period after delivery a reading is sent. */
const SENT = { from: 0.05, to: 0.85 };

export class Metering {
  readonly #options: MeteringOptions;
  readonly #periodS: number;
  /** By period, what the history has of it already: a long file is not compared with the disk again and again. */
  readonly #known = new Map<number, Metered>();
  /** Bills that are there, or for months without anything. */
  readonly #done = new Set<string>();

  constructor(options: MeteringOptions) {
    this.#options = options;
    this.#periodS = options.market.schedule.period_s;
  }

  /** Goes on until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { time, until, fraction } = this.#options;
    for (;;) {
      const period = Math.floor(time.nowS() / this.#periodS) * this.#periodS;
      const moment = SENT.from + (SENT.to - SENT.from) * fraction();
      await until(period + this.#periodS * (1 + moment), signal);
      await this.sendReadings(signal);
      await this.fetchBills(signal);
    }
  }

  /** Prepares, keeps and sends what the source has and evaluators have not confirmed. */
  async sendReadings(signal: AbortSignal): Promise<void> {
    const { source, history, market, time } = this.#options;
    const { rows, problems } = await source.read();
    for (const message of problems) this.#trouble("readings", message);
    const now = time.nowS();
    // For a period at most: then readings that are kept have their turn.
    const untilS = now + this.#periodS;
    for (const [start, metered] of rows) {
      if (start + this.#periodS > now || this.#isKnown(start, metered)) continue;
      if (now >= this.#closureOf(start)) continue;
      await this.#keep(start, metered, { signal, untilS });
    }
    const open = periodsOfMonth(market, this.#oldestOpenMonth(now)).from;
    const waiting = history.readings.unconfirmed(open, market.evaluators.length);
    for (let at = 0; at < waiting.length; at += AT_ONCE) {
      await Promise.all(waiting.slice(at, at + AT_ONCE).map((one) => this.#send(one, signal)));
    }
  }

  #closureOf(start: number): number {
    const { market } = this.#options;
    return monthClosureOf(market, monthOf(market, start));
  }

  /** The month of `now`, or an earlier one that is still open. */
  #oldestOpenMonth(now: number): string {
    const { market, history } = this.#options;
    let month = monthOf(market, now);
    const first = history.firstPeriod() ?? now;
    for (;;) {
      const before = periodsOfMonth(market, month).from - this.#periodS;
      if (before < first || before < market.firstPeriod || this.#closureOf(before) <= now) {
        return month;
      }
      month = monthOf(market, before);
    }
  }

  #isKnown(start: number, { importedWh, exportedWh }: Metered): boolean {
    const known = this.#known.get(start) ?? this.#options.history.readings.last(start);
    if (known === null) return false;
    this.#known.set(start, known);
    return known.importedWh === importedWh && known.exportedWh === exportedWh;
  }

  /** Prepares and keeps the reading of a period whose outcome is known. */
  async #keep(
    start: number,
    metered: Metered,
    asking: { readonly signal: AbortSignal; readonly untilS: number },
  ): Promise<void> {
    const { history, client } = this.#options;
    if (start < this.#options.market.firstPeriod) return;
    const [entry] = history.entries(start, start + 1);
    const netUnits = entry === undefined ? 0 : netUnitsOf(entry);
    // The advice needs the trade; it is tried again when that is known.
    if (netUnits === null) return;
    const sequence = (history.readings.last(start)?.sequence ?? 0) + 1;
    try {
      const prepared = await client.prepareReading(start, metered, netUnits, sequence, asking);
      const { readingId } = prepared;
      const encoded = encodeReading(prepared);
      const when = { periodStart: start, sequence };
      history.readings.add({ ...when, ...metered, netUnits, readingId, prepared: encoded });
    } catch (error) {
      asking.signal.throwIfAborted();
      this.#trouble(textOfPeriod(start), messageOf(error));
      // The dealer may give a mask later.
      if (error instanceof UnavailableError) return;
    }
    this.#known.set(start, metered);
  }

  async #send(reading: StoredReading, signal: AbortSignal): Promise<void> {
    const { client, history, market, time } = this.#options;
    const { periodStart, sequence, prepared } = reading;
    if (prepared === null || time.nowS() >= this.#closureOf(periodStart)) return;
    // For a period at most: then the others have their turn again.
    const untilS = time.nowS() + this.#periodS;
    const answers = await client.submitReading(decodeReading(prepared), { signal, untilS });
    const receipts = answers.flatMap(({ receipt }) => receipt ?? []);
    history.readings.addReceipts(periodStart, sequence, receipts);
    const problems = answers.flatMap(({ evaluator, problem }) =>
      problem === null ? [] : `evaluator ${evaluator}: ${problem}`,
    );
    const complete = receipts.length === market.evaluators.length;
    this.#options.onEvent({ kind: "read", periodStart, sequence, complete, problems });
  }

  /** Fetches the bills of months that are closed, and keeps them with the comparison. */
  async fetchBills(signal: AbortSignal): Promise<void> {
    const { history, time, market } = this.#options;
    const first = history.firstPeriod();
    if (first === null) return;
    const now = time.nowS();
    for (let start = Math.max(first, market.firstPeriod); start <= now; ) {
      const month = monthOf(market, start);
      const { to } = periodsOfMonth(market, month);
      const isDone = this.#done.has(month) || history.readings.bill(month) !== null;
      if (!isDone && monthClosureOf(market, month) <= now) await this.#fetchBill(month, signal);
      else if (isDone) this.#done.add(month);
      start = to;
    }
  }

  async #fetchBill(month: string, signal: AbortSignal): Promise<void> {
    try {
      const bill = await this.bill(month, signal);
      if (bill === null) return;
      this.#options.history.readings.addBill(bill);
      this.#done.add(month);
      this.#options.onEvent({ kind: "bill", bill });
    } catch (error) {
      signal.throwIfAborted();
      this.#trouble(month, messageOf(error));
    }
  }

  /**
   * The bill of a month, compared with the meter's own history; null while the month is open. Errors as
   * MeterClient.bill.
   */
  async bill(month: string, signal: AbortSignal): Promise<KeptBill | null> {
    const { client, market, history, supplier } = this.#options;
    const found = await client.bill(month, { signal });
    if (found.state === "open") return null;
    const stated = found.state === "closed" ? found.bill : null;
    const doubtful = doubtfulPeriods(market, history, month);
    const counted = new Map<number, string | null>();
    await this.#ask(doubtful, counted, signal);
    const expected = ownBill(market, history, supplier, month, counted);
    const compared = comparedBill(month, stated, expected, found.checks);
    if (compared.differences.length === 0) return compared;
    return { ...compared, notes: await this.#notes(month, signal) };
  }

  /** Finds out which reading counted in each period: its name, or null when none did. */
  async #ask(
    starts: readonly number[],
    counted: Map<number, string | null>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const start of starts) {
      const found = await this.#options.client.countedReading(start, { signal });
      counted.set(start, found.state === "counted" ? found.readingId : null);
    }
  }

  /** In which periods of the month something else counted than the meter sent: where a difference comes from. */
  async #notes(month: string, signal: AbortSignal): Promise<string[]> {
    const { market, history } = this.#options;
    const { from, to } = periodsOfMonth(market, month);
    const notes: string[] = [];
    for (const start of history.readings.periods(from, to)) {
      const sent = history.readings.last(start)!;
      try {
        const { state, readingId } = await this.#options.client.countedReading(start, { signal });
        const when = textOfPeriod(start);
        if (state !== "counted") notes.push(`${when}: the reading is ${state}`);
        else if (readingId !== sent.readingId) notes.push(`${when}: another reading counted`);
      } catch (error) {
        signal.throwIfAborted();
        notes.push(`${textOfPeriod(start)}: ${messageOf(error)}`);
      }
    }
    return notes;
  }

  #trouble(what: string, message: string): void {
    this.#options.onEvent({ kind: "trouble", what, message });
  }
}
