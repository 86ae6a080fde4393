// What a meter does in the market: splits its orders and readings, sends them to all evaluators, and fetches and
// verifies what came of them. Keeps nothing: its caller keeps what was prepared.
import { gateClosureOf, type MarketDocument } from "../market/market-document.ts";
import { monthClosureOf, monthOf } from "../market/tariffs.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { marketClock } from "../platform/market-clock.ts";
import type { Signer } from "../wire/http-signature.ts";
import type { BodyKind } from "../wire/order-body.ts";
import type { SignedReadingReceipt } from "../wire/settlement-records.ts";
import type { ClientTools } from "./client-tools.ts";
import { type CountedReading, countedReading } from "./counted-reading.ts";
import type { DealerApi } from "./dealer-api.ts";
import type { CallOptions, EvaluatorApi } from "./evaluator-api.ts";
import { newMask } from "./masks.ts";
import { type MeterBill, meterBill } from "./meter-bill.ts";
import { type MeterOutcome, meterOutcome } from "./meter-outcome.ts";
import {
  type ClearOrder,
  checkOrder,
  OrderInputError,
  type PreparedOrder,
  prepareOrder,
} from "./prepared-order.ts";
import {
  checkMetered,
  type Metered,
  type PreparedReading,
  prepareReading,
} from "./prepared-reading.ts";
import type { RowMask } from "./row-sharing.ts";
import { type Submission, type Submitting, submitOrderTo, submitReadingTo } from "./submission.ts";
import { Trust } from "./trust.ts";

export interface MeterClientOptions {
  readonly market: MarketDocument;
  /** One per evaluator, by number. */
  readonly apis: readonly EvaluatorApi[];
  /** In a market with a dealer. */
  readonly dealer?: DealerApi | null;
  readonly signer: Signer;
  /** The meter's id: 32 hexadecimal digits. */
  readonly meter: string;
  /** Index of its supplier, as its certificate has it. */
  readonly supplier: number;
  readonly tools: ClientTools;
  /** What several clients of one process share: what one has verified, the others need not. */
  readonly trust?: Trust;
}

const FRACTION_STEPS = 2 ** 16;

export class MeterClient {
  readonly #options: MeterClientOptions;
  readonly #clock: Clock;
  readonly #trust: Trust;

  /** Throws OrderInputError when the market has a dealer and the way to it is missing. */
  constructor(options: MeterClientOptions) {
    if (options.market.dealer !== null && !options.dealer) {
      throw new OrderInputError("this market has a dealer: a meter needs the way to it");
    }
    this.#options = options;
    this.#clock = options.tools.clock ?? systemClock;
    this.#trust = options.trust ?? new Trust(options.market.authorityPem, this.#clock);
  }

  /**
   * Splits an order for the period that begins at `periodStart` (seconds since 1970 UTC). Keep it before it is sent:
   * prepared again it would be another one, and `sequence` must be higher than that of any order sent before. Throws
   * OrderInputError when the order cannot be; in a market with a dealer it is asked for a mask until the gate closes,
   * UnavailableError if in vain.
   */
  async prepareOrder(
    periodStart: number,
    order: ClearOrder,
    sequence: number,
    { signal }: CallOptions = {},
  ): Promise<PreparedOrder> {
    const { tools, market } = this.#options;
    checkOrder(market, order, sequence);
    const closure = () => gateClosureOf(market, periodStart);
    const mask = await this.#mask("order", periodStart, closure, signal);
    return prepareOrder(tools, market, this.#options, periodStart, order, sequence, mask);
  }

  /**
   * Splits what the meter counted in the period that began at `periodStart`, as `prepareOrder` an order. `netUnits` is
   * what it bought less what it sold then, in units of 2^-10 Wh; a correction has a higher sequence number. Throws
   * ReadingInputError when the reading cannot be; in a market with a dealer it is asked for a mask until the month is
   * closed, or until `untilS` (market time) when that is sooner, UnavailableError if in vain.
   */
  async prepareReading(
    periodStart: number,
    metered: Metered,
    netUnits: number,
    sequence: number,
    { signal, untilS = Number.POSITIVE_INFINITY }: CallOptions & { readonly untilS?: number } = {},
  ): Promise<PreparedReading> {
    const { tools, market } = this.#options;
    checkMetered(market, metered, sequence);
    const closure = () => Math.min(untilS, this.#closureOf(periodStart));
    const mask = await this.#mask("reading", periodStart, closure, signal);
    const own = this.#options;
    return prepareReading(tools, market, own, periodStart, metered, netUnits, sequence, mask);
  }

  #closureOf(periodStart: number): number {
    const { market } = this.#options;
    return monthClosureOf(market, monthOf(market, periodStart));
  }

  /** A new mask of the dealer's, asked for until `untilS`, market time; null in a market without one. */
  async #mask(
    kind: BodyKind,
    periodStart: number,
    untilS: () => number,
    signal: AbortSignal | undefined,
  ): Promise<RowMask | null> {
    const { market, dealer, signer, tools } = this.#options;
    if (market.dealer === null) return null;
    const { primitives } = tools;
    const submitting = this.#submitting(untilS(), signal);
    return newMask({ ...submitting, dealer: dealer!, signer, primitives }, kind, periodStart);
  }

  /**
   * Sends an order to all evaluators, to each until it has confirmed it or refuses, or the gate of the period closes.
   * May be done again with the same order. Rejects only when the signal is aborted.
   */
  submit(
    prepared: PreparedOrder,
    { signal, onAnswer }: CallOptions & Pick<Submitting, "onAnswer"> = {},
  ): Promise<Submission[]> {
    const closure = gateClosureOf(this.#options.market, prepared.periodStart);
    const context = { ...this.#submitting(closure, signal), onAnswer };
    return Promise.all(this.#options.apis.map((api) => submitOrderTo(api, prepared, context)));
  }

  /** The same with a reading, until its month is closed, or until `untilS` (market time) when that is sooner. */
  submitReading(
    prepared: PreparedReading,
    {
      signal,
      untilS = Number.POSITIVE_INFINITY,
      onAnswer,
    }: CallOptions & { readonly untilS?: number } & Pick<
        Submitting<SignedReadingReceipt>,
        "onAnswer"
      > = {},
  ): Promise<Submission<SignedReadingReceipt>[]> {
    const { apis } = this.#options;
    const closure = this.#closureOf(prepared.periodStart);
    const context = { ...this.#submitting(Math.min(closure, untilS), signal), onAnswer };
    return Promise.all(apis.map((api) => submitReadingTo(api, prepared, context)));
  }

  /** `untilS` is when evaluators take it no more, market time. */
  #submitting(untilS: number, signal: AbortSignal | undefined): Omit<Submitting, "onAnswer"> {
    const { market, meter, signer, tools } = this.#options;
    const time = marketClock(this.#clock, market.rehearsal);
    return {
      market: market.id,
      meter,
      signer,
      trust: this.#trust,
      clock: this.#clock,
      untilClosureMs: () => time.msUntil(untilS),
      fraction: () => {
        const [low, high] = tools.primitives.randomBytes(2);
        return (low! + 256 * high!) / FRACTION_STEPS;
      },
      signal,
    };
  }

  /**
   * What came of an order. Throws UnavailableError when too few evaluators answer, EvaluatorsDisagreeError with the
   * evidence, TrustError and WrongSharesError when what they say cannot be believed.
   */
  outcome(
    periodStart: number,
    prepared: PreparedOrder,
    { signal }: CallOptions = {},
  ): Promise<MeterOutcome> {
    return meterOutcome({ ...this.#options, trust: this.#trust, signal }, periodStart, prepared);
  }

  /** Which reading of this meter counted in the last settlement of a period. Errors as `outcome`. */
  countedReading(periodStart: number, { signal }: CallOptions = {}): Promise<CountedReading> {
    return countedReading({ ...this.#options, trust: this.#trust, signal }, periodStart);
  }

  /** The bill of a month, such as 2025-06, as evaluators state it. Errors as `outcome`. */
  bill(month: string, { signal }: CallOptions = {}): Promise<MeterBill> {
    return meterBill({ ...this.#options, trust: this.#trust, signal }, month);
  }
}
