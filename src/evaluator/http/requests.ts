// What is kept of a request while it is answered, and what happens with every one of them: bounds, headers of answers,
// measurements, logs.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ProblemError } from "../../wire/problems.ts";
import type { OrderAnswer } from "../metrics.ts";
import { ANSWER_HEADERS } from "./answer-headers.ts";
import type { HttpContext } from "./context.ts";
import { RetryLaterError } from "./problem-answers.ts";
import type { SignedBy } from "./signed-requests.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who has signed it, at the routes that ask for it. */
    signer: SignedBy | null;
    /** The problem that it was answered with, or what became of an order or reading. */
    outcome: OrderAnswer | null;
  }
}

export interface RequestBounds {
  /** From now on new requests are told to come again. */
  stopped: boolean;
  inFlight: number;
}

/** For all listeners of a process together. */
export const newBounds = (): RequestBounds => ({ stopped: false, inFlight: 0 });

/** Adds to `app` what happens with every request. */
export function watchRequests(
  app: FastifyInstance,
  context: HttpContext,
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
    context.metrics.requestsInFlight.set(bounds.inFlight);
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
  { clock, metrics, log }: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
  onEnd: () => number,
): void {
  const startedMs = clock.nowMs();
  const { raw } = reply;
  raw.once("close", () => {
    metrics.requestsInFlight.set(onEnd());
    const route = request.routeOptions.url ?? "none";
    const status = raw.writableFinished ? String(raw.statusCode) : "aborted";
    const seconds = (clock.nowMs() - startedMs) / 1000;
    metrics.requests.inc({ method: request.method, route, status });
    metrics.requestSeconds.observe({ route }, seconds);
    const { outcome, id: requestId, method } = request;
    if (request.method === "PUT" && outcome !== null) {
      if (route.endsWith("/order")) metrics.orders.inc({ result: outcome });
      if (route.endsWith("/reading")) metrics.readings.inc({ result: outcome });
    }
    const party = request.signer?.party;
    log.debug({ requestId, method, route, status, seconds, outcome, party }, "request");
  });
}
