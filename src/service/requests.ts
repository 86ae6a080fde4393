// What is kept of a request while it is answered, and what happens with every one of them: bounds, headers of answers,
// measurements, logs.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Clock } from "../platform/clock.ts";
import { type ProblemCode, ProblemError } from "../wire/problems.ts";
import { ANSWER_HEADERS } from "./answer-headers.ts";
import type { HttpsLimits } from "./https-limits.ts";
import { RetryLaterError } from "./problem-answers.ts";
import type { SignedBy } from "./signed-requests.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who has signed it, at the routes that ask for it. */
    signer: SignedBy | null;
    /** The problem that it was answered with, or what became of what it brought. */
    outcome: RequestOutcome | null;
  }
}

export type RequestOutcome = "accepted" | "known" | ProblemCode;

export interface AnsweredRequest {
  readonly method: string;
  /** The path with the names of its parameters; "none" where there is none. */
  readonly route: string;
  /** "aborted" when the connection ended before the answer had left. */
  readonly status: string;
  readonly seconds: number;
  readonly outcome: RequestOutcome | null;
}

/** Told of what happens, for measurements. */
export interface RequestEvents {
  inFlight(count: number): void;
  answered(request: AnsweredRequest): void;
  /** What came was no request. */
  broken(problem: ProblemCode): void;
}

export interface RequestBounds {
  /** From now on new requests are told to come again. */
  stopped: boolean;
  inFlight: number;
}

export interface WatchContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: HttpsLimits;
  readonly events: RequestEvents;
}

/** For all listeners of a process together. */
export const newBounds = (): RequestBounds => ({ stopped: false, inFlight: 0 });

/** Adds to `app` what happens with every request. */
export function watchRequests(
  app: FastifyInstance,
  context: WatchContext,
  bounds: RequestBounds,
): void {
  app.decorateRequest("signer", null);
  app.decorateRequest("outcome", null);
  app.addHook("onRequest", async (request, reply) => {
    bounds.inFlight += 1;
    measure(context, request, reply, () => {
      bounds.inFlight -= 1;
      return bounds.inFlight;
    });
    context.events.inFlight(bounds.inFlight);
    reply.headers({ ...ANSWER_HEADERS, "x-request-id": request.id });
    if (bounds.stopped) {
      reply.header("connection", "close");
      throw new RetryLaterError("busy", "this process stops", 1);
    }
    if (bounds.inFlight > context.limits.requestsInFlight) {
      throw new RetryLaterError("busy", "too many requests are being answered", 1);
    }
    checkForm(request);
  });
}

function checkForm({ method, headers, raw }: FastifyRequest): void {
  if (headers.host === undefined && raw.httpVersion === "1.1") {
    throw new ProblemError("malformed-request", "the header Host is missing");
  }
  const hasBody =
    headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
  if (hasBody && (method === "GET" || method === "HEAD")) {
    throw new ProblemError("malformed-request", `a request with ${method} has no body`);
  }
}

/** Counts and logs a request when its answer has left, or its connection has ended. */
function measure(
  { clock, events, log }: WatchContext,
  request: FastifyRequest,
  reply: FastifyReply,
  onEnd: () => number,
): void {
  const startedMs = clock.nowMs();
  const { raw } = reply;
  raw.once("close", () => {
    events.inFlight(onEnd());
    const route = request.routeOptions.url ?? "none";
    const status = raw.writableFinished ? String(raw.statusCode) : "aborted";
    const seconds = (clock.nowMs() - startedMs) / 1000;
    const { outcome, id: requestId, method } = request;
    events.answered({ method, route, status, seconds, outcome });
    const party = request.signer?.party;
    log.debug({ requestId, method, route, status, seconds, outcome, party }, "request");
  });
}
