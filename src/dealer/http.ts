// What a market's dealer tells meters and suppliers over HTTPS: the seeds of the masks of their orders, and after a
// decision what their results are hidden under. Each learns its own only, and the dealer learns no more than who asks.
import type { FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Identity } from "../crypto/certificates.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { partyName } from "../crypto/party.ts";
import type { PartyVerifier } from "../crypto/party-verifier.ts";
import { Field } from "../field/field.ts";
import { type MarketDocument, orderWindow } from "../market/market-document.ts";
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import type { MarketClock } from "../platform/market-clock.ts";
import { type HttpsApp, httpsApp, type Route } from "../service/https-app.ts";
import { noPeriod, startOf } from "../service/period-text.ts";
import { checkDigest, type SignedBy, signatureChecks } from "../service/signed-requests.ts";
import { expandMask } from "../sharing/masks.ts";
import { RESULTS_PER_ROW, RESULTS_PER_SUPPLIER } from "../wire/dealer-messages.ts";
import {
  DECISION_MEDIA_TYPE,
  MOST_DECISION_BYTES,
  maskNonce,
  type ResultMask,
  type RowMask,
} from "../wire/dealer-records.ts";
import { ProblemError } from "../wire/problems.ts";
import type { MaskKeys } from "./mask-keys.ts";
import { openapiText } from "./openapi.ts";
import { type ClearedSession, ProvenDecisions } from "./proven-decisions.ts";

export interface DealerHttpContext {
  readonly market: MarketDocument;
  readonly marketClock: MarketClock;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly verifier: PartyVerifier;
  readonly keys: MaskKeys;
  readonly log: Logger;
}

const JSON_TYPE = "application/json";

const parameters = (request: FastifyRequest) =>
  request.params as { readonly period: string; readonly nonce: string };
const signerIn = (request: FastifyRequest): SignedBy => request.signer!;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export function dealerHttp(context: DealerHttpContext): Promise<HttpsApp> {
  const { market, identity } = context;
  const checks = signatureChecks({ ...context, recipient: "dealer", limits: LIMITS });
  const decisions = new ProvenDecisions({ ...context, primitives: nodePrimitives });
  const field = new Field();
  const openapi = openapiText();
  const ofDecision = (
    role: "meter" | "supplier",
    path: string,
    elements: number,
    check: (session: ClearedSession, signer: SignedBy) => void,
  ): Route => ({
    method: "POST",
    path,
    before: checks(role),
    answer: (request): ResultMask => {
      const signer = signerIn(request);
      const body = bodyOf(request);
      checkDigest(signer, body);
      const { period } = parameters(request);
      const periodStart = startOf(period);
      const session = decisions.sessionOf(body, period);
      check(session, signer);
      const { attempt } = session;
      const party = partyName(signer.party);
      const name = {
        kind: "order",
        periodStart,
        attempt,
        session: session.session,
        party,
      } as const;
      const mask = expanded(field, context.keys.result(name), elements);
      return { period, attempt, mask: base64(mask) };
    },
  });
  const routes: Route[] = [
    {
      method: "GET",
      path: "/v1/periods/{period}/masks/{nonce}",
      before: checks("meter"),
      answer: (request) => rowMask(context, parameters(request), signerIn(request)),
    },
    ofDecision("meter", "/v1/periods/{period}/result-mask", RESULTS_PER_ROW, () => {}),
    ofDecision(
      "supplier",
      "/v1/periods/{period}/aggregate-mask",
      RESULTS_PER_SUPPLIER,
      ({ revealedSuppliers }, { party }) => {
        if (revealedSuppliers[Number(party.id)] === true) return;
        throw new ProblemError("withheld", "this supplier is told nothing about this period");
      },
    ),
    {
      method: "GET",
      path: "/v1/market",
      answer: (_, reply) => reply.type(JSON_TYPE).send(market.text),
    },
    {
      method: "GET",
      path: "/v1/identity",
      answer: () => ({ certificate: identity.certificatePem }),
    },
    { method: "GET", path: "/health", answer: () => ({ status: "ok" }) },
    {
      method: "GET",
      path: "/openapi.json",
      answer: (_, reply) => reply.type(JSON_TYPE).send(openapi),
    },
  ];
  return httpsApp({
    ...context,
    limits: LIMITS,
    events: { inFlight: () => {}, answered: () => {}, broken: () => {} },
    routes,
    mediaTypes: [DECISION_MEDIA_TYPE],
    bodyBytes: MOST_DECISION_BYTES,
  });
}

/** The seed of the mask of one order, for the meter that has signed. Throws ProblemError. */
function rowMask(
  { market, marketClock, keys }: DealerHttpContext,
  { period, nonce }: { readonly period: string; readonly nonce: string },
  { party }: SignedBy,
): RowMask {
  if (!maskNonce.safeParse(nonce).success) {
    throw new ProblemError("malformed-request", "a mask is named by 32 hexadecimal digits");
  }
  const periodStart = startOf(period);
  const window = orderWindow(market, periodStart, marketClock.nowS());
  if (window === "no-period") throw noPeriod({ market }, period);
  if (window === "too-early") {
    throw new ProblemError("too-early", `orders for ${period} are not taken yet`);
  }
  if (window === "closed")
    throw new ProblemError("gate-closed", "the gate of this period is closed");
  const meter = party.id;
  const seed = keys.row({ kind: "order", periodStart, meter, nonce });
  return { period, meter, nonce, seed: base64(seed) };
}

function bodyOf(request: FastifyRequest): Uint8Array {
  if (request.body instanceof Uint8Array) return request.body;
  throw new ProblemError("wrong-content-type", `a decision is sent as ${DECISION_MEDIA_TYPE}`);
}

function expanded(field: Field, seed: Uint8Array, elements: number): Uint8Array {
  const mask = field.alloc(elements);
  expandMask(field, nodePrimitives, seed, mask);
  const bytes = field.toBytes(mask);
  field.free(mask);
  return bytes;
}
