// The HTTP API of one evaluator, call by call. What comes back is checked for its form, and that it is about what was
// asked; whether it is true is for the caller to verify. Nothing is tried again here.
import { z } from "zod";
import type { Signer } from "../wire/http-signature.ts";
import type { HttpAnswer } from "../wire/http-transport.ts";
import { ORDER_MEDIA_TYPE, READING_MEDIA_TYPE } from "../wire/order-body.ts";
import {
  type AggregateShare,
  aggregateSchema,
  type Inclusion,
  inclusionSchema,
  type PeriodRecord,
  periodRecordSchema,
  type ResultShare,
  resultSchema,
  type SignedReceipt,
  signedReceiptSchema,
  textOfPeriod,
} from "../wire/records.ts";
import {
  type BillShare,
  billShareSchema,
  type MeteredShare,
  type MonthRecord,
  meteredSchema,
  monthRecordSchema,
  type PayableShares,
  payablesSchema,
  type ReadingInclusion,
  readingInclusionSchema,
  type SettlementRecord,
  type SignedReadingReceipt,
  settlementRecordSchema,
  signedReadingReceiptSchema,
} from "../wire/settlement-records.ts";
import { type CallOptions, ServiceHttp, type ServiceOptions } from "./evaluator-http.ts";

export { AnswerError, ApiError, type CallOptions } from "./evaluator-http.ts";

const identitySchema = z.strictObject({ certificate: z.string() });

/** What an evaluator says when it has been sent something; `isNew` is false when it was there already. */
interface Confirmed<Receipt> {
  readonly receipt: Receipt;
  readonly isNew: boolean;
}

export type EvaluatorOptions = Omit<ServiceOptions, "recipient"> & {
  /** Its number. */
  readonly evaluator: number;
};

export class EvaluatorApi {
  readonly evaluator: number;
  readonly #http: ServiceHttp;
  #certificate: string | null = null;

  constructor({ evaluator, ...options }: EvaluatorOptions) {
    this.evaluator = evaluator;
    this.#http = new ServiceHttp({ ...options, recipient: evaluator });
  }

  /** Sends an order's body for the period that begins then. */
  async submitOrder(
    signer: Signer,
    periodStart: number,
    body: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<Confirmed<SignedReceipt>> {
    const path = `/periods/${textOfPeriod(periodStart)}/order`;
    const media = ORDER_MEDIA_TYPE;
    const answer = await this.#http.call({ method: "PUT", path, signer, body, media, signal });
    const receipt = this.#http.parsed(answer, signedReceiptSchema);
    return { receipt, isNew: answer.status === 201 };
  }

  /** Sends a reading's body for the period that began then. */
  async submitReading(
    signer: Signer,
    periodStart: number,
    body: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<Confirmed<SignedReadingReceipt>> {
    const path = `/periods/${textOfPeriod(periodStart)}/reading`;
    const media = READING_MEDIA_TYPE;
    const answer = await this.#http.call({ method: "PUT", path, signer, body, media, signal });
    const receipt = this.#http.parsed(answer, signedReadingReceiptSchema);
    return { receipt, isNew: answer.status === 201 };
  }

  /** The receipt of the signer's last order for a period. */
  receipt(signer: Signer, periodStart: number, options: CallOptions = {}): Promise<SignedReceipt> {
    const path = `/periods/${textOfPeriod(periodStart)}/receipt`;
    return this.#get(path, signedReceiptSchema, options, signer);
  }

  /** The receipt of the signer's last reading of a period. */
  readingReceipt(
    signer: Signer,
    periodStart: number,
    options: CallOptions = {},
  ): Promise<SignedReadingReceipt> {
    const path = `/periods/${textOfPeriod(periodStart)}/reading`;
    return this.#get(path, signedReadingReceiptSchema, options, signer);
  }

  async period(periodStart: number, options: CallOptions = {}): Promise<PeriodRecord> {
    const path = `/periods/${textOfPeriod(periodStart)}`;
    return this.#ofPeriod(await this.#get(path, periodRecordSchema, options), periodStart);
  }

  /** The records of known periods that begin from `from` on and before `to`, newest first, at most `limit`. */
  async periods(
    from: number,
    to: number,
    limit: number,
    { signal }: CallOptions = {},
  ): Promise<PeriodRecord[]> {
    const query = { from: textOfPeriod(from), to: textOfPeriod(to), limit: String(limit) };
    const answer = await this.#http.call({ path: "/periods", query, signal });
    return this.#http.parsed(answer, z.array(periodRecordSchema));
  }

  /** This evaluator's share of the signer's result: 409 "not-decided" before there is one, 410 "void" if never. */
  async result(
    signer: Signer,
    periodStart: number,
    options: CallOptions = {},
  ): Promise<ResultShare> {
    const path = `/periods/${textOfPeriod(periodStart)}/result`;
    const share = await this.#get(path, resultSchema, options, signer);
    return this.#own(this.#ofPeriod(share, periodStart));
  }

  /** This evaluator's shares of the sums of the signer, a supplier; errors as `result`. */
  async aggregate(
    signer: Signer,
    periodStart: number,
    options: CallOptions = {},
  ): Promise<AggregateShare> {
    const path = `/periods/${textOfPeriod(periodStart)}/aggregate`;
    const share = await this.#get(path, aggregateSchema, options, signer);
    return this.#own(this.#ofPeriod(share, periodStart));
  }

  async inclusion(
    periodStart: number,
    meter: string,
    options: CallOptions = {},
  ): Promise<Inclusion> {
    const path = `/periods/${textOfPeriod(periodStart)}/inclusion/${meter}`;
    const found = this.#ofPeriod(await this.#get(path, inclusionSchema, options), periodStart);
    if (found.meter !== meter) throw this.#http.wrong("it is about another meter");
    return found;
  }

  /** A proof that a meter's reading is in the set of a period's last settlement: 404 "no-reading" if it is not. */
  async readingInclusion(
    periodStart: number,
    meter: string,
    options: CallOptions = {},
  ): Promise<ReadingInclusion> {
    const path = `/periods/${textOfPeriod(periodStart)}/settlement/inclusion/${meter}`;
    const answer = await this.#get(path, readingInclusionSchema, options);
    const found = this.#ofPeriod(answer, periodStart);
    if (found.meter !== meter) throw this.#http.wrong("it is about another meter");
    return found;
  }

  /** What this evaluator says about the settlement of a period. */
  async settlement(periodStart: number, options: CallOptions = {}): Promise<SettlementRecord> {
    const path = `/periods/${textOfPeriod(periodStart)}/settlement`;
    return this.#ofPeriod(await this.#get(path, settlementRecordSchema, options), periodStart);
  }

  /** Its shares of what the customers of the signer, a supplier, metered: 409 "not-settled" before a settlement. */
  async metered(
    signer: Signer,
    periodStart: number,
    options: CallOptions = {},
  ): Promise<MeteredShare> {
    const path = `/periods/${textOfPeriod(periodStart)}/metered`;
    const share = await this.#get(path, meteredSchema, options, signer);
    return this.#own(this.#ofPeriod(share, periodStart));
  }

  /** What this evaluator says about a month, such as 2025-06. */
  async month(month: string, options: CallOptions = {}): Promise<MonthRecord> {
    return this.#ofMonth(await this.#get(`/months/${month}`, monthRecordSchema, options), month);
  }

  /** Its shares of the signer's bill: 409 "month-open" before the month is closed. */
  async bill(signer: Signer, month: string, options: CallOptions = {}): Promise<BillShare> {
    const share = await this.#get(`/months/${month}/bill`, billShareSchema, options, signer);
    return this.#own(this.#ofMonth(share, month));
  }

  /** Its shares of what the customers of the signer, a supplier, owe; errors as `bill`. */
  async payables(signer: Signer, month: string, options: CallOptions = {}): Promise<PayableShares> {
    const shares = await this.#get(`/months/${month}/payables`, payablesSchema, options, signer);
    return this.#own(this.#ofMonth(shares, month));
  }

  /** The text of the market document that this evaluator works by. */
  async market({ signal }: CallOptions = {}): Promise<string> {
    const { body } = await this.#http.call({ path: "/market", signal });
    return new TextDecoder().decode(body);
  }

  /** The evaluator's certificate in PEM; the last one that it gave, unless asked for the one of now. */
  async identity({
    signal,
    fresh = false,
  }: CallOptions & { fresh?: boolean } = {}): Promise<string> {
    if (this.#certificate !== null && !fresh) return this.#certificate;
    const { certificate } = await this.#get("/identity", identitySchema, { signal });
    this.#certificate = certificate;
    return certificate;
  }

  /** What this evaluator measures, as text for Prometheus. */
  metrics({ signal }: CallOptions = {}): Promise<string> {
    return this.#http.metrics({ signal });
  }

  async #get<T>(
    path: string,
    schema: z.ZodType<T>,
    { signal }: CallOptions,
    signer?: Signer,
  ): Promise<T> {
    const signed = signer === undefined ? {} : { signer };
    const answer: HttpAnswer = await this.#http.call({ path, signal, ...signed });
    return this.#http.parsed(answer, schema);
  }

  /** Throws AnswerError when it is not about the period. */
  #ofPeriod<T extends { readonly period: string }>(answer: T, asked: number): T {
    if (answer.period === textOfPeriod(asked)) return answer;
    throw this.#http.wrong(`it is about the period ${answer.period}`);
  }

  #ofMonth<T extends { readonly month: string }>(answer: T, asked: string): T {
    if (answer.month === asked) return answer;
    throw this.#http.wrong(`it is about the month ${answer.month}`);
  }

  #own<T extends { readonly evaluator: number }>(share: T): T {
    if (share.evaluator === this.evaluator) return share;
    throw this.#http.wrong("it is that of another evaluator");
  }
}
