// The HTTP API of one evaluator, call by call. What comes back is checked for its form, and that it is about what was
// asked; whether it is true is for the caller to verify. Nothing is tried again here.
import { z } from "zod";
import { type Clock, systemClock } from "../platform/clock.ts";
import { type Signer, signRequest } from "../wire/http-signature.ts";
import type { HttpAnswer, HttpTransport } from "../wire/http-transport.ts";
import { ORDER_MEDIA_TYPE } from "../wire/order-body.ts";
import { codeOfProblem, type ProblemCode, problemSchema } from "../wire/problems.ts";
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

export interface EvaluatorApiOptions {
  readonly evaluator: number;
  /** As the market document has it; the API's paths follow. */
  readonly url: string;
  readonly send: HttpTransport;
  readonly clock?: Clock;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The evaluator refused: the status of HTTP, the code of its problem, and its words. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** "unknown" when it is none of the catalogue: perhaps something between here and the evaluator answered. */
  readonly code: ProblemCode | "unknown";
  readonly detail: string;
  /** After how many seconds it may be tried again, where it says so. */
  readonly retryAfterS: number | null;

  constructor(
    evaluator: number,
    problem: Pick<ApiError, "status" | "code" | "detail" | "retryAfterS">,
  ) {
    super(`evaluator ${evaluator}: ${problem.detail}`);
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.retryAfterS = problem.retryAfterS;
  }
}

/** An answer that is not what the API promises; says what is wrong with it. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

const identitySchema = z.strictObject({ certificate: z.string() });
/** Longest part of an evaluator's words that is passed on. */
const MOST_DETAIL = 300;

interface Call extends CallOptions {
  readonly signer?: Signer;
  readonly method?: "GET" | "PUT";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export class EvaluatorApi {
  readonly evaluator: number;
  readonly #base: string;
  readonly #send: HttpTransport;
  readonly #clock: Clock;
  #certificate: string | null = null;

  constructor({ evaluator, url, send, clock = systemClock }: EvaluatorApiOptions) {
    this.evaluator = evaluator;
    this.#base = `${url.replace(/\/$/, "")}/v1`;
    this.#send = send;
    this.#clock = clock;
  }

  /** Sends an order's body for the period that begins then; `isNew` is false when it was there already. */
  async submitOrder(
    signer: Signer,
    periodStart: number,
    body: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<{ readonly receipt: SignedReceipt; readonly isNew: boolean }> {
    const path = `/periods/${textOfPeriod(periodStart)}/order`;
    const answer = await this.#call({ method: "PUT", path, signer, body, signal });
    return { receipt: this.#parsed(answer, signedReceiptSchema), isNew: answer.status === 201 };
  }

  /** The receipt of the signer's last order for a period. */
  async receipt(
    signer: Signer,
    periodStart: number,
    { signal }: CallOptions = {},
  ): Promise<SignedReceipt> {
    const path = `/periods/${textOfPeriod(periodStart)}/receipt`;
    return this.#parsed(await this.#call({ path, signer, signal }), signedReceiptSchema);
  }

  async period(periodStart: number, { signal }: CallOptions = {}): Promise<PeriodRecord> {
    const path = `/periods/${textOfPeriod(periodStart)}`;
    const record = this.#parsed(await this.#call({ path, signal }), periodRecordSchema);
    this.#checkPeriod(record, periodStart);
    return record;
  }

  /** The records of known periods that begin from `from` on and before `to`, newest first, at most `limit`. */
  async periods(
    from: number,
    to: number,
    limit: number,
    { signal }: CallOptions = {},
  ): Promise<PeriodRecord[]> {
    const query = { from: textOfPeriod(from), to: textOfPeriod(to), limit: String(limit) };
    const answer = await this.#call({ path: "/periods", query, signal });
    return this.#parsed(answer, z.array(periodRecordSchema));
  }

  /** This evaluator's share of the signer's result: 409 "not-decided" before there is one, 410 "void" if never. */
  async result(
    signer: Signer,
    periodStart: number,
    { signal }: CallOptions = {},
  ): Promise<ResultShare> {
    const path = `/periods/${textOfPeriod(periodStart)}/result`;
    return this.#share(await this.#call({ path, signer, signal }), resultSchema, periodStart);
  }

  /** This evaluator's shares of the sums of the signer, a supplier; errors as `result`. */
  async aggregate(
    signer: Signer,
    periodStart: number,
    { signal }: CallOptions = {},
  ): Promise<AggregateShare> {
    const path = `/periods/${textOfPeriod(periodStart)}/aggregate`;
    return this.#share(await this.#call({ path, signer, signal }), aggregateSchema, periodStart);
  }

  async inclusion(
    periodStart: number,
    meter: string,
    { signal }: CallOptions = {},
  ): Promise<Inclusion> {
    const path = `/periods/${textOfPeriod(periodStart)}/inclusion/${meter}`;
    const inclusion = this.#parsed(await this.#call({ path, signal }), inclusionSchema);
    this.#checkPeriod(inclusion, periodStart);
    if (inclusion.meter !== meter) throw this.#wrong("it is about another meter");
    return inclusion;
  }

  /** The text of the market document that this evaluator works by. */
  async market({ signal }: CallOptions = {}): Promise<string> {
    const { body } = await this.#call({ path: "/market", signal });
    return new TextDecoder().decode(body);
  }

  /** The evaluator's certificate in PEM; the last one that it gave, unless asked for the one of now. */
  async identity({
    signal,
    fresh = false,
  }: CallOptions & { fresh?: boolean } = {}): Promise<string> {
    if (this.#certificate !== null && !fresh) return this.#certificate;
    const answer = await this.#call({ path: "/identity", signal });
    this.#certificate = this.#parsed(answer, identitySchema).certificate;
    return this.#certificate;
  }

  /** What this evaluator measures, as text for Prometheus. */
  async metrics({ signal }: CallOptions = {}): Promise<string> {
    const url = this.#base.replace(/\/v1$/, "/metrics");
    const answer = await this.#send({ method: "GET", url, headers: {}, signal });
    if (answer.status !== 200) throw this.#refusal(answer);
    return new TextDecoder().decode(answer.body);
  }

  async #call({ method = "GET", path, query, signer, body, signal }: Call): Promise<HttpAnswer> {
    const url = new URL(`${this.#base}${path}`);
    const media = body === undefined ? {} : { "content-type": ORDER_MEDIA_TYPE };
    const plain = { accept: "application/json", ...media };
    const request = { method, path: url.pathname, headers: plain, ...(body ? { body } : {}) };
    const nowS = this.#clock.utcMs() / 1000;
    const headers =
      signer === undefined ? plain : await signRequest(request, signer, this.evaluator, nowS);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const answer = await this.#send({ method, url: url.href, headers, body, signal });
    if (answer.status < 200 || answer.status > 299) throw this.#refusal(answer);
    return answer;
  }

  #refusal({ status, headers, body }: HttpAnswer): ApiError {
    const retryAfter = headers["retry-after"] ?? "";
    const retryAfterS = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
    const problem = problemSchema.safeParse(jsonOf(body)).data;
    const code = problem === undefined ? "unknown" : codeOfProblem(problem);
    const said = problem?.detail ?? `it answered with HTTP status ${status}`;
    const detail = said.replace(/\p{Cc}/gu, " ").slice(0, MOST_DETAIL);
    return new ApiError(this.evaluator, { status, code, detail, retryAfterS });
  }

  #parsed<T>({ body }: HttpAnswer, schema: z.ZodType<T>): T {
    const result = schema.safeParse(jsonOf(body));
    if (result.success) return result.data;
    throw this.#wrong(z.prettifyError(result.error));
  }

  #share<T extends { readonly period: string; readonly evaluator: number }>(
    answer: HttpAnswer,
    schema: z.ZodType<T>,
    periodStart: number,
  ): T {
    const share = this.#parsed(answer, schema);
    this.#checkPeriod(share, periodStart);
    if (share.evaluator !== this.evaluator) throw this.#wrong("it is that of another evaluator");
    return share;
  }

  #checkPeriod({ period }: { readonly period: string }, asked: number): void {
    if (period !== textOfPeriod(asked)) throw this.#wrong(`it is about the period ${period}`);
  }

  #wrong(what: string): AnswerError {
    return new AnswerError(`evaluator ${this.evaluator} sent a wrong answer: ${what}`);
  }
}

/** Undefined when it is no JSON. */
function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
