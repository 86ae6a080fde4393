// Calls to one evaluator, or to the dealer, over HTTPS: what is signed, and what becomes of refusals and of answers
// that are not what they
// should be. Nothing is tried again here.
import { z } from "zod";
import { type Clock, systemClock } from "../platform/clock.ts";
import { type Signer, signRequest } from "../wire/http-signature.ts";
import type { HttpAnswer, HttpTransport } from "../wire/http-transport.ts";
import { codeOfProblem, type ProblemCode, problemSchema } from "../wire/problems.ts";
import { type Recipient, recipientName } from "../wire/recipient.ts";

export interface ServiceOptions {
  readonly recipient: Recipient;
  /** As the market document has it; the API's paths follow. */
  readonly url: string;
  readonly send: HttpTransport;
  readonly clock?: Clock;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The evaluator or the dealer refused: the status of HTTP, the code of its problem, and its words. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** "unknown" when it is none of the catalogue: perhaps something between here and the evaluator answered. */
  readonly code: ProblemCode | "unknown";
  readonly detail: string;
  /** After how many seconds it may be tried again, where it says so. */
  readonly retryAfterS: number | null;

  constructor(
    recipient: Recipient,
    problem: Pick<ApiError, "status" | "code" | "detail" | "retryAfterS">,
  ) {
    super(`${recipientName(recipient)}: ${problem.detail}`);
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

/** Longest part of such words that is passed on. */
const MOST_DETAIL = 300;

interface Call extends CallOptions {
  readonly signer?: Signer;
  readonly method?: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The media type of the body. */
  readonly media?: string;
}

export class ServiceHttp {
  readonly #recipient: Recipient;
  readonly #base: string;
  readonly #send: HttpTransport;
  readonly #clock: Clock;

  constructor({ recipient, url, send, clock = systemClock }: ServiceOptions) {
    this.#recipient = recipient;
    this.#base = `${url.replace(/\/$/, "")}/v1`;
    this.#send = send;
    this.#clock = clock;
  }

  /** Throws ApiError when the evaluator refuses, and what the transport throws. */
  async call({ method = "GET", path, query, signer, body, media, signal }: Call) {
    const url = new URL(`${this.#base}${path}`);
    const type = media === undefined ? {} : { "content-type": media };
    const plain = { accept: "application/json", ...type };
    const request = { method, path: url.pathname, headers: plain, ...(body ? { body } : {}) };
    const nowS = this.#clock.utcMs() / 1000;
    const headers =
      signer === undefined ? plain : await signRequest(request, signer, this.#recipient, nowS);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const answer = await this.#send({ method, url: url.href, headers, body, signal });
    if (answer.status < 200 || answer.status > 299) throw this.#refusal(answer);
    return answer;
  }

  /** What the evaluator measures, as text for Prometheus. */
  async metrics({ signal }: CallOptions): Promise<string> {
    const url = this.#base.replace(/\/v1$/, "/metrics");
    const answer = await this.#send({ method: "GET", url, headers: {}, signal });
    if (answer.status !== 200) throw this.#refusal(answer);
    return new TextDecoder().decode(answer.body);
  }

  #refusal({ status, headers, body }: HttpAnswer): ApiError {
    const retryAfter = headers["retry-after"] ?? "";
    const retryAfterS = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
    const problem = problemSchema.safeParse(jsonOf(body)).data;
    const code = problem === undefined ? "unknown" : codeOfProblem(problem);
    const said = problem?.detail ?? `it answered with HTTP status ${status}`;
    const detail = said.replace(/\p{Cc}/gu, " ").slice(0, MOST_DETAIL);
    return new ApiError(this.#recipient, { status, code, detail, retryAfterS });
  }

  /** The answer's JSON. Throws AnswerError when it does not have the form. */
  parsed<T>({ body }: HttpAnswer, schema: z.ZodType<T>): T {
    const result = schema.safeParse(jsonOf(body));
    if (result.success) return result.data;
    throw this.wrong(z.prettifyError(result.error));
  }

  wrong(what: string): AnswerError {
    return new AnswerError(`${recipientName(this.#recipient)} sent a wrong answer: ${what}`);
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
