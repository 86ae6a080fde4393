// Sending an order or a reading to an evaluator until it has confirmed it: pauses between attempts double, and end when
// it is taken no more. What an evaluator confirms is verified before it counts.
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import type { Signer } from "../wire/http-signature.ts";
import { TransportError } from "../wire/http-transport.ts";
import { receiptBytes, type SignedReceipt, textOfPeriod } from "../wire/records.ts";
import { readingReceiptBytes, type SignedReadingReceipt } from "../wire/settlement-records.ts";
import { AnswerError, ApiError, type CallOptions, type EvaluatorApi } from "./evaluator-api.ts";
import type { PreparedOrder } from "./prepared-order.ts";
import type { PreparedReading } from "./prepared-reading.ts";
import { type Trust, TrustError } from "./trust.ts";

/** What one evaluator has said to what was sent: exactly one of the two is not null. */
export interface Submission<Receipt = SignedReceipt> {
  readonly evaluator: number;
  /** Verified: this evaluator holds exactly this order, or this reading. */
  readonly receipt: Receipt | null;
  /** Why there is no receipt. */
  readonly problem: string | null;
}

export interface Submitting<Receipt = SignedReceipt> {
  readonly market: string;
  readonly meter: string;
  readonly signer: Signer;
  readonly trust: Trust;
  readonly clock: Clock;
  /** Real milliseconds until evaluators take it no more: the gate or the month is closed; 0 when it is. */
  readonly untilClosureMs: () => number;
  /** A random number from 0 to 1. */
  readonly fraction: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Told whenever an evaluator has confirmed or refused it, or has not answered. */
  readonly onAnswer?: ((answer: SubmissionAnswer<Receipt>) => void) | undefined;
}

export interface SubmissionAnswer<Receipt = SignedReceipt> extends Submission<Receipt> {
  /** When it is not asked again. */
  readonly isFinal: boolean;
  /** When nobody answered there. */
  readonly isUnreached: boolean;
}

type Prepared = PreparedOrder | PreparedReading;

/** How what is sent differs from one kind to the other. */
interface Exchange<P extends Prepared, Receipt> {
  send(
    api: EvaluatorApi,
    signer: Signer,
    prepared: P,
    options: CallOptions,
  ): Promise<{ readonly receipt: Receipt }>;
  /** The receipt of what the evaluator has. */
  held(
    api: EvaluatorApi,
    signer: Signer,
    periodStart: number,
    options: CallOptions,
  ): Promise<Receipt>;
  /** What the receipt states, and what it must name. */
  statement(receipt: Receipt): Stated;
  named(prepared: P): Readonly<Record<string, string>>;
}

interface Stated {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: string;
}

const ORDERS: Exchange<PreparedOrder, SignedReceipt> = {
  send: (api, signer, { periodStart, bodies }, options) =>
    api.submitOrder(signer, periodStart, bodies[api.evaluator]!, options),
  held: (api, signer, periodStart, options) => api.receipt(signer, periodStart, options),
  statement: ({ receipt, signature }) => ({
    fields: receipt,
    bytes: receiptBytes(receipt),
    signature,
  }),
  named: ({ orderId }) => ({ order: orderId }),
};

const READINGS: Exchange<PreparedReading, SignedReadingReceipt> = {
  send: (api, signer, { periodStart, bodies }, options) =>
    api.submitReading(signer, periodStart, bodies[api.evaluator]!, options),
  held: (api, signer, periodStart, options) => api.readingReceipt(signer, periodStart, options),
  statement: ({ receipt, signature }) => ({
    fields: receipt,
    bytes: readingReceiptBytes(receipt),
    signature,
  }),
  named: ({ readingId }) => ({ reading: readingId }),
};

/** Sends an order's body of one evaluator. Rejects only when the signal is aborted. */
export const submitOrderTo = (
  api: EvaluatorApi,
  prepared: PreparedOrder,
  context: Submitting,
): Promise<Submission> => submitTo(ORDERS, api, prepared, context);

/** Sends a reading's body of one evaluator. Rejects only when the signal is aborted. */
export const submitReadingTo = (
  api: EvaluatorApi,
  prepared: PreparedReading,
  context: Submitting<SignedReadingReceipt>,
): Promise<Submission<SignedReadingReceipt>> => submitTo(READINGS, api, prepared, context);

async function submitTo<P extends Prepared, Receipt>(
  exchange: Exchange<P, Receipt>,
  api: EvaluatorApi,
  prepared: P,
  context: Submitting<Receipt>,
): Promise<Submission<Receipt>> {
  const { evaluator } = api;
  const { clock, signal, fraction, untilClosureMs } = context;
  let pauseMs: number = LIMITS.requestBackoffFirstMs;
  for (;;) {
    try {
      const { receipt } = await exchange.send(api, context.signer, prepared, { signal });
      await verifyReceipt(api, exchange.statement(receipt), expected(exchange, prepared), context);
      return told(context, { evaluator, receipt, problem: null }, null);
    } catch (error) {
      signal?.throwIfAborted();
      const leftMs = untilClosureMs();
      if (!mayPass(error) || leftMs === 0) {
        const receipt = await heldAlready(exchange, api, prepared, context);
        const problem = receipt === null ? messageOf(error) : null;
        return told(context, { evaluator, receipt, problem }, error);
      }
      context.onAnswer?.({
        evaluator,
        receipt: null,
        problem: messageOf(error),
        isFinal: false,
        isUnreached: error instanceof TransportError,
      });
      const askedMs = error instanceof ApiError ? (error.retryAfterS ?? 0) * 1000 : 0;
      // Between half and all of the pause: meters that failed together do not come back together.
      const ownMs = pauseMs * (0.5 + 0.5 * fraction());
      await clock.sleep(Math.min(Math.max(ownMs, askedMs), leftMs), signal);
      pauseMs = Math.min(2 * pauseMs, LIMITS.requestBackoffLongestMs);
    }
  }
}

function told<Receipt>(
  { onAnswer }: Pick<Submitting<Receipt>, "onAnswer">,
  answer: Submission<Receipt>,
  error: unknown,
): Submission<Receipt> {
  const isUnreached = answer.receipt === null && error instanceof TransportError;
  onAnswer?.({ ...answer, isFinal: true, isUnreached });
  return answer;
}

/** An evaluator that takes nothing any more may have this already: a receipt can be lost on its way. */
async function heldAlready<P extends Prepared, Receipt>(
  exchange: Exchange<P, Receipt>,
  api: EvaluatorApi,
  prepared: P,
  context: Submitting<Receipt>,
): Promise<Receipt | null> {
  const { signer, signal } = context;
  try {
    const receipt = await exchange.held(api, signer, prepared.periodStart, { signal });
    await verifyReceipt(api, exchange.statement(receipt), expected(exchange, prepared), context);
    return receipt;
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}

const expected = <P extends Prepared, R>(exchange: Exchange<P, R>, prepared: P) => ({
  period: textOfPeriod(prepared.periodStart),
  sequence: prepared.sequence,
  ...exchange.named(prepared),
});

/** Throws TrustError unless the receipt is this evaluator's for exactly what was sent. */
async function verifyReceipt(
  api: EvaluatorApi,
  { fields, bytes, signature }: Stated,
  sent: Readonly<Record<string, unknown>>,
  { market, meter, trust, signal }: Omit<Submitting, "onAnswer">,
): Promise<void> {
  const { evaluator } = api;
  for (const [field, right] of Object.entries({ market, evaluator, meter, ...sent })) {
    if (fields[field] === right) continue;
    const found = `${field} ${fields[field]} instead of ${right}`;
    throw new TrustError(`the receipt of evaluator ${evaluator} has ${found}`);
  }
  try {
    await trust.verify(evaluator, await api.identity({ signal }), bytes, signature);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    // It may have a new certificate.
    const certificate = await api.identity({ signal, fresh: true });
    await trust.verify(evaluator, certificate, bytes, signature);
  }
}

/** "not-delivered": this evaluator's clock is behind. */
const PASSING: ReadonlySet<string> = new Set([
  "too-many-requests",
  "request-timeout",
  "not-delivered",
]);

/** Whether another attempt may have another end. */
function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || PASSING.has(error.code);
  return error instanceof TransportError || error instanceof AnswerError;
}
