// What is done at each endpoint of endpoints.ts: who may ask is checked before anything of the body is read.
import type { FastifyRequest } from "fastify";
import type { IdentitySigner } from "../../crypto/signing-key.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Handler } from "../../service/https-app.ts";
import { settledMarket } from "../../service/period-text.ts";
import { type SignedBy, signatureChecks } from "../../service/signed-requests.ts";
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
import { readingReceiptSigner, readingRoute } from "./reading-route.ts";
import {
  billShare,
  meteredShare,
  monthRecord,
  payableShares,
  readingInclusion,
  settlementRecord,
} from "./settlement-routes.ts";

export interface Routes {
  readonly handlers: Readonly<Record<EndpointName, Handler>>;
  /** The longest body. */
  readonly bodyBytes: number;
  /** Resolves when no order waits to be stored. */
  drained(): Promise<void>;
}

const JSON_TYPE = "application/json";

const periodIn = (request: FastifyRequest) => (request.params as { period: string }).period;
const monthIn = (request: FastifyRequest) => (request.params as { month: string }).month;
const meterIn = (request: FastifyRequest) => (request.params as { meter: string }).meter;
const signerIn = (request: FastifyRequest): SignedBy => request.signer!;

export function routesOf(context: HttpContext, signer: IdentitySigner): Routes {
  const { market, store, identity, metrics } = context;
  const signReceipt = receiptSigner(context, signer.sign);
  const order = orderRoute(context, signReceipt);
  const trees = new InclusionTrees(context.limits.keptTrees);
  const checks = signatureChecks({ ...context, recipient: context.index });
  const signed = (name: EndpointName) => checks(ENDPOINTS[name].signedBy ?? "meter");
  const openapi = JSON.stringify(openapiDocument());
  const reading = readingHandlers(context, signer, signed);
  const handlers: Record<EndpointName, Handler> = {
    ...reading.handlers,
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
    ...settlementHandlers(context, trees, signed),
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
  return {
    handlers,
    bodyBytes: Math.max(order.bodyBytes, reading.bodyBytes),
    async drained() {
      await Promise.all([order.drained(), reading.drained()]);
    },
  };
}

type SignatureChecks = (name: EndpointName) => (request: FastifyRequest) => void;

function readingHandlers(context: HttpContext, { sign }: IdentitySigner, signed: SignatureChecks) {
  const signReceipt = readingReceiptSigner(context, sign);
  const route = readingRoute(context, signReceipt);
  const putReading: Handler = {
    before: (request) => {
      settledMarket(context);
      route.checkHeaders(request);
      signed("putReading")(request);
    },
    answer: (request, reply) => route.take(request, reply, signerIn(request)),
  };
  const getReading: Handler = {
    before: signed("getReading"),
    answer: async (request) => {
      settledMarket(context);
      const periodStart = knownStartOf(context, periodIn(request));
      const last = await context.store.lastReading(periodStart, signerIn(request).party.id);
      if (last !== null) return signReceipt({ ...last, periodStart });
      throw new ProblemError("no-reading", "there is no reading of this meter of this period");
    },
  };
  const { bodyBytes, drained } = route;
  return { bodyBytes, drained, handlers: { putReading, getReading } };
}

const settlementHandlers = (context: HttpContext, trees: InclusionTrees, signed: SignatureChecks) =>
  ({
    getSettlement: { answer: (request) => settlementRecord(context, periodIn(request)) },
    getReadingInclusion: {
      answer: (request) => readingInclusion(context, trees, periodIn(request), meterIn(request)),
    },
    getMetered: {
      before: signed("getMetered"),
      answer: (request) => meteredShare(context, periodIn(request), signerIn(request)),
    },
    getMonth: { answer: (request) => monthRecord(context, monthIn(request)) },
    getBill: {
      before: signed("getBill"),
      answer: (request) => billShare(context, monthIn(request), signerIn(request)),
    },
    getPayables: {
      before: signed("getPayables"),
      answer: (request) => payableShares(context, monthIn(request), signerIn(request)),
    },
  }) satisfies Partial<Record<EndpointName, Handler>>;

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
