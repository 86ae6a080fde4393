// Getting the mask of a new order or reading from the market's dealer: asked for until it is there, or it is too late.
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import type { Primitives } from "../platform/primitives.ts";
import { NONCE_BYTES } from "../wire/dealer-messages.ts";
import type { Signer } from "../wire/http-signature.ts";
import { TransportError } from "../wire/http-transport.ts";
import type { BodyKind } from "../wire/order-body.ts";
import type { DealerApi } from "./dealer-api.ts";
import { AnswerError, ApiError } from "./evaluator-http.ts";
import type { RowMask } from "./row-sharing.ts";
import { UnavailableError } from "./statements.ts";

export interface AskingForMask {
  readonly dealer: DealerApi;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly primitives: Primitives;
  /** Real milliseconds until orders or readings are taken no more; 0 when they are not. */
  readonly untilClosureMs: () => number;
  /** A random number from 0 to 1. */
  readonly fraction: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** A mask that hides nothing else. Throws UnavailableError when the dealer gives none until it is too late. */
export async function newMask(
  context: AskingForMask,
  kind: BodyKind,
  periodStart: number,
): Promise<RowMask> {
  const { dealer, signer, clock, primitives, untilClosureMs, fraction, signal } = context;
  const nonce = primitives.randomBytes(NONCE_BYTES);
  let pauseMs: number = LIMITS.requestBackoffFirstMs;
  for (;;) {
    try {
      return await dealer.rowMask(signer, kind, periodStart, nonce, { signal });
    } catch (error) {
      signal?.throwIfAborted();
      const leftMs = untilClosureMs();
      if (!mayPass(error) || leftMs === 0) {
        throw new UnavailableError(`there is no mask for the ${kind}: ${messageOf(error)}`);
      }
      const askedMs = error instanceof ApiError ? (error.retryAfterS ?? 0) * 1000 : 0;
      const ownMs = pauseMs * (0.5 + 0.5 * fraction());
      await clock.sleep(Math.min(Math.max(ownMs, askedMs), leftMs), signal);
      pauseMs = Math.min(2 * pauseMs, LIMITS.requestBackoffLongestMs);
    }
  }
}

const PASSING: ReadonlySet<string> = new Set(["too-many-requests", "request-timeout"]);

/** Whether another attempt may have another end. */
function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || PASSING.has(error.code);
  return error instanceof TransportError || error instanceof AnswerError;
}
