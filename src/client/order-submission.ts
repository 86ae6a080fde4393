// Sending one order to all evaluators, each until it has confirmed it: pauses between attempts double, and end when the
// gate of the period closes. What an evaluator confirms is verified before it counts.
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import type { Signer } from "../wire/http-signature.ts";
import { TransportError } from "../wire/http-transport.ts";
import { receiptBytes, type SignedReceipt, textOfPeriod } from "../wire/records.ts";
import { AnswerError, ApiError, type EvaluatorApi } from "./evaluator-api.ts";
import type { PreparedOrder } from "./prepared-order.ts";
import { type Trust, TrustError } from "./trust.ts";

/** What one evaluator has said to an order: exactly one of the two is not null. */
export interface Submission {
  readonly evaluator: number;
  /** Verified: this evaluator holds exactly this order. */
  readonly receipt: SignedReceipt | null;
  /** Why there is no receipt. */
  readonly problem: string | null;
}

export interface Submitting {
  readonly market: string;
  readonly meter: string;
  readonly signer: Signer;
  readonly trust: Trust;
  readonly clock: Clock;
  /** Real milliseconds until the gate of the order's period closes; 0 when it has. */
  readonly untilClosureMs: () => number;
  /** A random number from 0 to 1. */
  readonly fraction: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Told whenever an evaluator has confirmed or refused the order, or has not answered. */
  readonly onAnswer?: ((answer: SubmissionAnswer) => void) | undefined;
}

export interface SubmissionAnswer extends Submission {
  /** When it is not asked again. */
  readonly isFinal: boolean;
  /** When nobody answered there. */
  readonly isUnreached: boolean;
}

/** Sends the body of one evaluator. Rejects only when the signal is aborted. */
export async function submitTo(
  api: EvaluatorApi,
  prepared: PreparedOrder,
  context: Submitting,
): Promise<Submission> {
  const { evaluator } = api;
  const { clock, signal, fraction, untilClosureMs } = context;
  let pauseMs: number = LIMITS.requestBackoffFirstMs;
  for (;;) {
    try {
      const receipt = await confirmed(api, prepared, context);
      return told(context, { evaluator, receipt, problem: null }, null);
    } catch (error) {
      signal?.throwIfAborted();
      const leftMs = untilClosureMs();
      if (!mayPass(error) || leftMs === 0) {
        const receipt = await heldAlready(api, prepared, context);
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

function told({ onAnswer }: Submitting, answer: Submission, error: unknown): Submission {
  const isUnreached = answer.receipt === null && error instanceof TransportError;
  onAnswer?.({ ...answer, isFinal: true, isUnreached });
  return answer;
}

async function confirmed(
  api: EvaluatorApi,
  prepared: PreparedOrder,
  context: Submitting,
): Promise<SignedReceipt> {
  const { signer, signal } = context;
  const body = prepared.bodies[api.evaluator]!;
  const { receipt } = await api.submitOrder(signer, prepared.periodStart, body, { signal });
  await verifyReceipt(api, receipt, prepared, context);
  return receipt;
}

/** An evaluator that takes no order any more may have this one: a receipt can be lost on its way. */
async function heldAlready(
  api: EvaluatorApi,
  prepared: PreparedOrder,
  context: Submitting,
): Promise<SignedReceipt | null> {
  const { signer, signal } = context;
  try {
    const receipt = await api.receipt(signer, prepared.periodStart, { signal });
    await verifyReceipt(api, receipt, prepared, context);
    return receipt;
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}

/** Throws TrustError unless the receipt is this evaluator's for exactly this order. */
async function verifyReceipt(
  api: EvaluatorApi,
  { receipt, signature }: SignedReceipt,
  { periodStart, sequence, orderId }: PreparedOrder,
  { market, meter, trust, signal }: Submitting,
): Promise<void> {
  const { evaluator } = api;
  const right = {
    market,
    period: textOfPeriod(periodStart),
    evaluator,
    meter,
    sequence,
    order: orderId,
  };
  for (const field of Object.keys(right) as (keyof typeof right)[]) {
    if (receipt[field] === right[field]) continue;
    const found = `${field} ${receipt[field]} instead of ${right[field]}`;
    throw new TrustError(`the receipt of evaluator ${evaluator} has ${found}`);
  }
  const bytes = receiptBytes(receipt);
  try {
    await trust.verify(evaluator, await api.identity({ signal }), bytes, signature);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    // It may have a new certificate.
    const certificate = await api.identity({ signal, fresh: true });
    await trust.verify(evaluator, certificate, bytes, signature);
  }
}

const PASSING: ReadonlySet<string> = new Set(["too-many-requests", "request-timeout"]);

/** Whether another attempt may have another end. */
function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || PASSING.has(error.code);
  return error instanceof TransportError || error instanceof AnswerError;
}
