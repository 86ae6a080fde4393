// What a meter does in the market: splits its order, sends it to all evaluators, and fetches and verifies what came of
// it. Keeps nothing: its caller keeps the prepared order.
import type { Field } from "../field/field.ts";
import { gateClosureOf, type MarketDocument } from "../market/market-document.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { marketClock } from "../platform/market-clock.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { Signer } from "../wire/http-signature.ts";
import type { CallOptions, EvaluatorApi } from "./evaluator-api.ts";
import { type MeterOutcome, meterOutcome } from "./meter-outcome.ts";
import { type Submission, type Submitting, submitTo } from "./order-submission.ts";
import {
  type ClearOrder,
  type PreparedOrder,
  prepareOrder,
  sharedSetting,
} from "./prepared-order.ts";
import { Trust } from "./trust.ts";

export interface ClientTools {
  readonly field: Field;
  readonly primitives: Primitives;
  readonly clock?: Clock;
}

export interface MeterClientOptions {
  readonly market: MarketDocument;
  /** One per evaluator, by number. */
  readonly apis: readonly EvaluatorApi[];
  readonly signer: Signer;
  /** The meter's id: 32 hexadecimal digits. */
  readonly meter: string;
  /** Index of its supplier, as its certificate has it. */
  readonly supplier: number;
  readonly tools: ClientTools;
}

const FRACTION_STEPS = 2 ** 16;

export class MeterClient {
  readonly #options: MeterClientOptions;
  readonly #clock: Clock;
  readonly #trust: Trust;

  /** Throws OrderInputError when meters cannot send orders to such a market. */
  constructor(options: MeterClientOptions) {
    sharedSetting(options.market.setting);
    this.#options = options;
    this.#clock = options.tools.clock ?? systemClock;
    this.#trust = new Trust(options.market.authorityPem, this.#clock);
  }

  /**
   * Splits an order for the period that begins at `periodStart` (seconds since 1970 UTC). Keep it before it is sent:
   * prepared again it would be another one, and `sequence` must be higher than that of any order sent before. Throws
   * OrderInputError when the order cannot be.
   */
  async prepareOrder(
    periodStart: number,
    order: ClearOrder,
    sequence: number,
  ): Promise<PreparedOrder> {
    const { tools, market } = this.#options;
    return prepareOrder(tools, market, this.#options, periodStart, order, sequence);
  }

  /**
   * Sends an order to all evaluators, to each until it has confirmed it or refuses, or the gate of the period closes.
   * May be done again with the same order. Rejects only when the signal is aborted.
   */
  submit(
    prepared: PreparedOrder,
    { signal, onAnswer }: CallOptions & Pick<Submitting, "onAnswer"> = {},
  ): Promise<Submission[]> {
    const { market, meter, signer, apis, tools } = this.#options;
    const time = marketClock(this.#clock, market.rehearsal);
    const context = {
      market: market.id,
      meter,
      signer,
      trust: this.#trust,
      clock: this.#clock,
      untilClosureMs: () => time.msUntil(gateClosureOf(market, prepared.periodStart)),
      fraction: () => {
        const [low, high] = tools.primitives.randomBytes(2);
        return (low! + 256 * high!) / FRACTION_STEPS;
      },
      signal,
      onAnswer,
    };
    return Promise.all(apis.map((api) => submitTo(api, prepared, context)));
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
}
