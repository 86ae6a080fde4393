// What a market's dealer tells meters and suppliers over HTTPS: the seeds of the masks of their orders, and after a
// decision what their results are hidden under. Each learns its own only, and the dealer learns no more than who asks.
import type { FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Identity } from "../crypto/certificates.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { partyName } from "../crypto/party.ts";
import type { PartyVerifier } from "../crypto/party-verifier.ts";
import { type MarketDocument, orderWindow } from "../market/market-document.ts";
import { periodsOfMonth } from "../market/tariffs.ts";
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import type { MarketClock } from "../platform/market-clock.ts";
import { type HttpsApp, httpsApp, type Route } from "../service/https-app.ts";
import { deliveredWindow, noPeriod, settledMarket, startOf } from "../service/period-text.ts";
import { checkDigest, type SignedBy, signatureChecks } from "../service/signed-requests.ts";
import {
  DECISION_MEDIA_TYPE,
  MOST_DECISION_BYTES,
  maskNonce,
  type ResultMask,
  type RowMask,
} from "../wire/dealer-records.ts";
import type { BodyKind } from "../wire/order-body.ts";
import { ProblemError } from "../wire/problems.ts";
import type { MaskKeys } from "./mask-keys.ts";
import { openapiText } from "./openapi.ts";
import { ProvenDecisions, type ProvenKind } from "./proven-decisions.ts";

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

/** What is told whom after a decision, and where. */
const TOLD = [
  { kind: "clearing", role: "meter", path: "/v1/periods/{period}/result-mask" },
  { kind: "clearing", role: "supplier", path: "/v1/periods/{period}/aggregate-mask" },
  { kind: "settlement", role: "supplier", path: "/v1/periods/{period}/metered-mask" },
  { kind: "closing", role: "meter", path: "/v1/months/{month}/bill-mask" },
  { kind: "closing", role: "supplier", path: "/v1/months/{month}/payables-mask" },
] as const satisfies readonly { kind: ProvenKind; role: string; path: string }[];

export function dealerHttp(context: DealerHttpContext): Promise<HttpsApp> {
  const { market, identity } = context;
  const checks = signatureChecks({ ...context, recipient: "dealer", limits: LIMITS });
  const decisions = new ProvenDecisions({ ...context, primitives: nodePrimitives });
  const openapi = openapiText();
  const told = TOLD.map(
    ({ kind, role, path }): Route => ({
      method: "POST",
      path,
      before: checks(role),
      answer: (request) => resultMask(context, decisions, kind, request),
    }),
  );
  const ofRow = (kind: BodyKind, path: string): Route => ({
    method: "GET",
    path,
    before: checks("meter"),
    answer: (request) => rowMask(context, kind, parameters(request), signerIn(request)),
  });
  const routes: Route[] = [
    ofRow("order", "/v1/periods/{period}/masks/{nonce}"),
    ofRow("reading", "/v1/periods/{period}/reading-masks/{nonce}"),
    ...told,
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

/** The seed of the mask of one order or reading, for the meter that has signed. Throws ProblemError. */
function rowMask(
  { market, marketClock, keys }: DealerHttpContext,
  kind: BodyKind,
  { period, nonce }: { readonly period: string; readonly nonce: string },
  { party }: SignedBy,
): RowMask {
  if (!maskNonce.safeParse(nonce).success) {
    throw new ProblemError("malformed-request", "a mask is named by 32 hexadecimal digits");
  }
  const window = kind === "order" ? openWindow : readingsWindow;
  window(market, period, marketClock.nowS());
  const meter = party.id;
  const seed = keys.row({ kind, periodStart: startOf(period), meter, nonce });
  return { period, meter, nonce, seed: base64(seed) };
}

/** Throws ProblemError when no orders for a period are taken. */
function openWindow(market: MarketDocument, period: string, nowS: number): void {
  const window = orderWindow(market, startOf(period), nowS);
  if (window === "no-period") throw noPeriod({ market }, period);
  if (window === "too-early") {
    throw new ProblemError("too-early", `orders for ${period} are not taken yet`);
  }
  if (window === "closed")
    throw new ProblemError("gate-closed", "the gate of this period is closed");
}

/** Throws ProblemError when no readings of a period are taken. */
function readingsWindow(market: MarketDocument, period: string, nowS: number): void {
  if (deliveredWindow(settledMarket({ market }), period, nowS) === "open") return;
  throw new ProblemError("month-closed", "readings of this month are not taken any more");
}

/** The seed of what hides that which the signer is told by a decision. Throws ProblemError. */
function resultMask(
  { market, keys }: DealerHttpContext,
  decisions: ProvenDecisions,
  kind: ProvenKind,
  request: FastifyRequest,
): ResultMask {
  const signer = signerIn(request);
  const { party } = signer;
  const body = bodyOf(request);
  checkDigest(signer, body);
  const asked = request.params as Partial<Record<"period" | "month", string>>;
  const subject = asked.period ?? asked.month ?? "";
  const { about, attempt, session, told } = decisions.sessionOf(kind, body, subject);
  if (party.role === "supplier" && told[Number(party.id)] !== true) {
    throw new ProblemError("withheld", `this supplier is told nothing about ${about}`);
  }
  const periodStart =
    kind === "closing" ? periodsOfMonth(settledMarket({ market }), about).from : startOf(about);
  const computed = ({ clearing: "order", settlement: "reading", closing: "month" } as const)[kind];
  const name = { kind: computed, periodStart, attempt, session, party: partyName(party) };
  return { about, attempt, seed: base64(keys.result(name)) };
}

function bodyOf(request: FastifyRequest): Uint8Array {
  if (request.body instanceof Uint8Array) return request.body;
  throw new ProblemError("wrong-content-type", `a decision is sent as ${DECISION_MEDIA_TYPE}`);
}
