// What follows delivery, in the browser: keeps what the household has metered, makes one reading of each period of it
// and sends it to all evaluators until each has confirmed it, asks which counted, and fetches the bills of months that
// are closed. Killed at any point, it goes on at the next load.
import { signal } from "@preact/signals";
import type { MeterClient } from "../../../src/client/meter-client.ts";
import { netUnitsOf } from "../../../src/client/own-bill.ts";
import { decodeReading, encodeReading } from "../../../src/client/prepared-reading.ts";
import type { SubmissionAnswer } from "../../../src/client/submission.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { monthClosureOf, monthOf, settlementDueOf } from "../../../src/market/tariffs.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import type { MarketClock } from "../../../src/platform/market-clock.ts";
import type { SignedReadingReceipt } from "../../../src/wire/settlement-records.ts";
import type { Entry } from "./gateway.ts";
import { knownMonths, type MeteredEntry } from "./own-periods.ts";
import type {
  MeteredPeriod,
  ReadingsStore,
  StoredBill,
  StoredCounting,
  StoredReading,
} from "./readings-store.ts";

interface MeteringOptions {
  readonly market: MarketDocument;
  readonly client: MeterClient;
  readonly store: ReadingsStore;
  readonly clock: Clock;
  readonly time: MarketClock;
  /** The household's orders and what came of them. */
  readonly orders: () => ReadonlyMap<number, Entry>;
}

const KEPT_S = 62 * 24 * 3600;
const SENT_AT_ONCE = 8;
const ASKED_AT_ONCE = 2;
const LOOK_AGAIN_MS = 500;
const PAUSE = { leastMs: 1_500, mostMs: 60_000 };
const NOTHING: MeteredEntry = { wanted: null, readings: [], counting: null, troubles: new Map() };

export class Metering {
  readonly #options: MeteringOptions;
  readonly #entries = new Map<number, MeteredEntry>();
  readonly #bills = new Map<string, StoredBill>();
  readonly #sending = new Set<number>();
  readonly #asking = new Set<string>();
  /** By what is asked: not again before, in milliseconds of the clock, and the last pause. */
  readonly #later = new Map<string, { readonly atMs: number; readonly pauseMs: number }>();
  readonly #stop = new AbortController();
  /** Counts changes: whoever reads it is rendered again. */
  readonly revision = signal(0);
  /** Why the bill of a month could not be had, when that is so. */
  readonly billTrouble = signal<string | null>(null);

  private constructor(options: MeteringOptions) {
    this.#options = options;
  }

  /** With everything that this browser has kept. */
  static async open(options: MeteringOptions): Promise<Metering> {
    const metering = new Metering(options);
    const kept = await options.store.all(options.time.nowS() - KEPT_S);
    for (const wanted of kept.metered) metering.#change(wanted.periodStart, { wanted });
    for (const reading of kept.readings) metering.#add(reading);
    for (const counting of kept.countings) metering.#change(counting.periodStart, { counting });
    for (const bill of kept.bills) metering.#bills.set(bill.month, bill);
    return metering;
  }

  /** By start of the period; read `revision` to follow it. */
  get entries(): ReadonlyMap<number, MeteredEntry> {
    return this.#entries;
  }

  /** By month. */
  get bills(): ReadonlyMap<string, StoredBill> {
    return this.#bills;
  }

  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#look();
      await this.#options.clock.sleep(LOOK_AGAIN_MS, this.#stop.signal).catch(() => {});
    }
  }

  stop(): void {
    this.#stop.abort(new Error("stopped"));
  }

  /** Whether readings of a period are taken no more. */
  isClosed(start: number): boolean {
    const { market, time } = this.#options;
    return time.nowS() >= monthClosureOf(market, monthOf(market, start));
  }

  /**
   * Keeps what was metered, and sends it once the period is over. Returns how many were taken: those of periods that
   * are closed or before the market's first are not.
   */
  async keep(rows: readonly MeteredPeriod[]): Promise<number> {
    const { store, market } = this.#options;
    const taken = rows.filter(
      ({ periodStart }) => periodStart >= market.firstPeriod && !this.isClosed(periodStart),
    );
    await store.keepMetered(taken);
    for (const wanted of taken) {
      this.#later.delete(`send ${wanted.periodStart}`);
      this.#change(wanted.periodStart, { wanted });
    }
    this.#look();
    return taken.length;
  }

  #change(start: number, changed: Partial<MeteredEntry>): void {
    this.#entries.set(start, { ...(this.#entries.get(start) ?? NOTHING), ...changed });
    this.revision.value += 1;
  }

  #add(reading: StoredReading): void {
    const { readings } = this.#entries.get(reading.periodStart) ?? NOTHING;
    this.#change(reading.periodStart, { readings: [...readings, reading], troubles: new Map() });
  }

  /** Begins what is to be done. */
  #look(): void {
    for (const [start, entry] of this.#entries) {
      if (this.#isToSend(start, entry)) void this.#send(start);
      if (this.#isToCount(start, entry)) this.#ask(`counted ${start}`, () => this.#count(start));
    }
    const { market, time, orders } = this.#options;
    for (const month of knownMonths(market, [...orders().keys(), ...this.#entries.keys()])) {
      if (this.#bills.has(month) || time.nowS() < monthClosureOf(market, month)) continue;
      this.#ask(`bill ${month}`, () => this.#fetchBill(month));
    }
  }

  #isToSend(start: number, entry: MeteredEntry): boolean {
    if (this.#sending.size >= SENT_AT_ONCE || this.#sending.has(start)) return false;
    if (this.#waits(`send ${start}`)) return false;
    const { market, time } = this.#options;
    const last = entry.readings.at(-1);
    const isUnconfirmed = last !== undefined && last.receipts.length < market.evaluators.length;
    if (!isUnconfirmed && !isNew(entry)) return false;
    if (time.nowS() < start + market.schedule.period_s || this.isClosed(start)) return false;
    return !isNew(entry) || this.#netUnits(start) !== null;
  }

  /** The advice on what is short or left over needs the trade; null while it is not known. */
  #netUnits(start: number): number | null {
    const order = this.#options.orders().get(start);
    return order === undefined ? 0 : netUnitsOf(order);
  }

  /** Makes a reading of what was metered last, if that is new, and sends it to those that have not confirmed it. */
  async #send(start: number): Promise<void> {
    const { client, store } = this.#options;
    this.#sending.add(start);
    try {
      const entry = this.#entries.get(start)!;
      if (isNew(entry)) {
        const { importedWh, exportedWh } = entry.wanted!;
        const sequence = (entry.readings.at(-1)?.sequence ?? 0) + 1;
        const metered = { importedWh, exportedWh };
        const made = await client.prepareReading(start, metered, this.#netUnits(start)!, sequence);
        const { readingId } = made;
        const when = { periodStart: start, sequence };
        const prepared = encodeReading(made);
        const reading = { ...when, ...metered, readingId, prepared, receipts: [] };
        await store.add(reading);
        this.#add(reading);
      }
      await this.#sendLast(start);
    } catch {
      // Stopped, or it could not be kept: it is tried again.
    } finally {
      this.#sending.delete(start);
      this.#wait(`send ${start}`);
    }
  }

  async #sendLast(start: number): Promise<void> {
    const { client, market, time } = this.#options;
    const last = this.#entries.get(start)?.readings.at(-1);
    if (last?.prepared == null) return;
    // For a period at most: then a correction, or another one, has its turn.
    const untilS = time.nowS() + market.schedule.period_s;
    const onAnswer = (answer: SubmissionAnswer<SignedReadingReceipt>) =>
      this.#answered(last, answer);
    const options = { signal: this.#stop.signal, untilS, onAnswer };
    await client.submitReading(decodeReading(last.prepared), options);
  }

  #answered(sent: StoredReading, answer: SubmissionAnswer<SignedReadingReceipt>): void {
    const { readings, troubles: before } = this.#entries.get(sent.periodStart)!;
    const { evaluator, receipt, problem, isUnreached } = answer;
    const troubles = new Map(before);
    if (problem === null) troubles.delete(evaluator);
    else troubles.set(evaluator, { problem, isUnreached });
    const confirmed = (reading: StoredReading): StoredReading => {
      if (reading.sequence !== sent.sequence || receipt === null) return reading;
      const others = reading.receipts.filter((one) => one.receipt.evaluator !== evaluator);
      return { ...reading, receipts: [...others, receipt] };
    };
    this.#change(sent.periodStart, { readings: readings.map(confirmed), troubles });
    if (receipt !== null) void this.#options.store.addReceipt(sent, receipt).catch(() => {});
  }

  /** A settled period whose last reading is not known to count; a correction counts when the month is closed. */
  #isToCount(start: number, { readings, counting }: MeteredEntry): boolean {
    const { market, time } = this.#options;
    const last = readings.at(-1);
    if (last === undefined || time.nowS() < settlementDueOf(market, start)) return false;
    if (counting === null) return true;
    const isOwn = counting.state === "counted" && counting.readingId === last.readingId;
    return !isOwn && !counting.isFinal && this.#bills.has(monthOf(market, start));
  }

  /** Asks, unless that is being done or is to wait; again, with growing pauses, for as long as there is reason to. */
  #ask(name: string, work: () => Promise<void>): void {
    if (this.#asking.size >= ASKED_AT_ONCE || this.#asking.has(name) || this.#waits(name)) return;
    this.#asking.add(name);
    void work()
      .catch(() => {}) // Stopped, or the evaluators do not answer.
      .finally(() => {
        this.#asking.delete(name);
        this.#wait(name);
      });
  }

  #waits(name: string): boolean {
    const known = this.#later.get(name);
    return known !== undefined && this.#options.clock.nowMs() < known.atMs;
  }

  #wait(name: string): void {
    const before = this.#later.get(name)?.pauseMs ?? PAUSE.leastMs / 2;
    const pauseMs = Math.min(PAUSE.mostMs, 2 * before);
    this.#later.set(name, { atMs: this.#options.clock.nowMs() + pauseMs, pauseMs });
  }

  async #count(start: number): Promise<void> {
    const { client, store, market } = this.#options;
    const isFinal = this.#bills.has(monthOf(market, start));
    const found = await client.countedReading(start, { signal: this.#stop.signal });
    if (found.state === "pending") return;
    const { state, readingId, checks } = found;
    const counting: StoredCounting = { periodStart: start, state, readingId, checks, isFinal };
    await store.keepCounting(counting);
    this.#change(start, { counting });
  }

  async #fetchBill(month: string): Promise<void> {
    const { client, store, clock } = this.#options;
    try {
      const found = await client.bill(month, { signal: this.#stop.signal });
      this.billTrouble.value = null;
      if (found.state === "open") return;
      const stated = found.state === "closed" ? found.bill : null;
      const bill: StoredBill = { month, stated, checks: found.checks, foundMs: clock.utcMs() };
      await store.keepBill(bill);
      this.#bills.set(month, bill);
      this.revision.value += 1;
    } catch (error) {
      if (!this.#stop.signal.aborted) this.billTrouble.value = messageOf(error);
    }
  }
}

/** Whether something else was metered than the last reading says. */
function isNew({ wanted, readings }: MeteredEntry): boolean {
  if (wanted === null) return false;
  const last = readings.at(-1);
  return last?.importedWh !== wanted.importedWh || last.exportedWh !== wanted.exportedWh;
}
