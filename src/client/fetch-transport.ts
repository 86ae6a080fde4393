// HTTP by the platform's fetch: what browsers have. A browser checks an evaluator's certificate against the
// authorities that it knows itself.
import { type Clock, systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import {
  type HttpTransport,
  TransportError,
  type TransportOptions,
} from "../wire/http-transport.ts";

/** A transport by `fetch`. Redirects are not followed: a signature is for one address. */
export function fetchTransport(
  options: TransportOptions & { readonly clock?: Clock; readonly fetch?: typeof fetch } = {},
): HttpTransport {
  const clock = options.clock ?? systemClock;
  const timeoutMs = options.timeoutMs ?? LIMITS.requestMs;
  const mostBytes = options.mostBytes ?? LIMITS.answerBytes;
  const send = options.fetch ?? fetch;
  return async ({ method, url, headers, body, signal }) => {
    const late = new AbortController();
    const cancel = clock.timer(timeoutMs, () =>
      late.abort(new TransportError(`${url}: no answer within ${timeoutMs / 1000} s`)),
    );
    try {
      const answer = await send(url, {
        method,
        headers: { ...headers },
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
        redirect: "error",
        credentials: "omit",
        cache: "no-store",
      });
      const received = await bytesOf(answer, mostBytes);
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: received };
    } catch (error) {
      signal?.throwIfAborted();
      late.signal.throwIfAborted();
      if (error instanceof TransportError) throw error;
      throw new TransportError(`cannot reach ${url}: ${reasonOf(error)}`);
    } finally {
      cancel();
    }
  };
}

async function bytesOf(answer: Response, mostBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (const reader = answer.body?.getReader(); reader !== undefined; ) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > mostBytes) {
      await reader.cancel();
      throw new TransportError(`${answer.url}: the answer has more than ${mostBytes} bytes`);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Fetch hides what happened in the cause of its error. */
const reasonOf = (error: unknown): string =>
  messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
