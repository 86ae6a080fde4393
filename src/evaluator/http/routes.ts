// What is done at each endpoint of endpoints.ts: who may ask is checked before anything of the body is read.
import type { FastifyReply, FastifyRequest } from "fastify";
import { partyName } from "../../crypto/party.ts";
import type { IdentitySigner } from "../../crypto/signing-key.ts";
import { messageOf } from "../../platform/errors.ts";
import { ProblemError } from "../../wire/problems.ts";
import type { HttpContext } from "./context.ts";
import { ENDPOINTS, type EndpointName } from "./endpoints.ts";
import { InclusionTrees } from "./inclusion-trees.ts";
import { openapiDocument } from "./openapi.ts";
import { orderRoute, receiptSigner } from "./order-route.ts";
import { knownStartOf } from "./period-paths.ts";
import {
  aggregateShare,
  inclusionProof,
  periodRecord,
  periodRecords,
  resultShare,
} from "./period-routes.ts";
import { RetryLaterError } from "./problem-answers.ts";
import { type SignedBy, signerOfRequest } from "./signed-requests.ts";
import { TokenBuckets } from "./token-buckets.ts";

export interface Handler {
  /** Before anything of the body is read. */
  readonly before?: (request: FastifyRequest, reply: FastifyReply) => void;
  readonly answer: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

export interface Routes {
  readonly handlers: Readonly<Record<EndpointName, Handler>>;
  /** The longest body. */
  readonly bodyBytes: number;
  /** Resolves when no order waits to be stored. */
  drained(): Promise<void>;
}

const JSON_TYPE = "application/json";

const periodIn = (request: FastifyRequest) => (request.params as { period: string }).period;
const meterIn = (request: FastifyRequest) => (request.params as { meter: string }).meter;
const signerIn = (request: FastifyRequest): SignedBy => request.signer!;

export function routesOf(context: HttpContext, signer: IdentitySigner): Routes {
  const { market, store, identity, metrics } = context;
  const signReceipt = receiptSigner(context, signer.sign);
  const order = orderRoute(context, signReceipt);
  const trees = new InclusionTrees(store, context.limits.keptTrees);
  const signed = signatureChecks(context);
  const openapi = JSON.stringify(openapiDocument());
  const handlers: Record<EndpointName, Handler> = {
    putOrder: {
      before: (request) => {
        order.checkHeaders(request);
        signed("putOrder")(request);
      },
      answer: (request, reply) => order.take(request, reply, signerIn(request)),
    },
    getReceipt: {
      before: signed("getReceipt"),
      answer: async (request) => {
        const periodStart = knownStartOf(context, periodIn(request));
        const last = await store.lastOrder(periodStart, signerIn(request).party.id);
        if (last !== null) return signReceipt({ ...last, periodStart });
        throw new ProblemError("no-order", "there is no order of this meter for this period");
      },
    },
    getPeriod: { answer: (request) => periodRecord(context, periodIn(request)) },
    getPeriods: { answer: (request) => periodRecords(context, request.query) },
    getResult: {
      before: signed("getResult"),
      answer: (request) => resultShare(context, periodIn(request), signerIn(request)),
    },
    getAggregate: {
      before: signed("getAggregate"),
      answer: (request) => aggregateShare(context, periodIn(request), signerIn(request)),
    },
    getInclusion: {
      answer: (request) => inclusionProof(context, trees, periodIn(request), meterIn(request)),
    },
    getMarket: { answer: (_, reply) => reply.type(JSON_TYPE).send(market.text) },
    getIdentity: { answer: () => ({ certificate: identity.certificatePem }) },
    getHealth: { answer: () => ({ status: "ok" }) },
    getReady: { answer: () => readiness(context) },
    getMetrics: {
      answer: async (_, reply) =>
        reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    },
    getOpenapi: { answer: (_, reply) => reply.type(JSON_TYPE).send(openapi) },
  };
  return { handlers, bodyBytes: order.bodyBytes, drained: order.drained };
}

async function readiness({ store, metrics, log }: HttpContext) {
  try {
    await store.lastDecided();
  } catch (error) {
    log.warn(`the store does not answer: ${messageOf(error)}`);
    throw new ProblemError("not-ready", "the store does not answer");
  }
  const { leading, linked } = metrics.status;
  return { status: "ready", leading, linked };
}

/** Per endpoint what finds out who has signed a request, and whether that one may ask so often. */
function signatureChecks(
  context: HttpContext,
): (name: EndpointName) => (request: FastifyRequest) => void {
  const buckets = new TokenBuckets(context.limits);
  return (name) => {
    const { signedBy } = ENDPOINTS[name];
    return (request) => {
      const signer = signerOfRequest(context, request, signedBy ?? "meter");
      // Only who has really signed is counted: nobody can use up what others may ask.
      const waitMs = buckets.take(partyName(signer.party), context.clock.nowMs());
      if (waitMs > 0) {
        const afterS = Math.ceil(waitMs / 1000);
        throw new RetryLaterError("too-many-requests", `come again in ${afterS} s`, afterS);
      }
      request.signer = signer;
    };
  };
}
