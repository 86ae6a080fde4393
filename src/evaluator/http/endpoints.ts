// The evaluator's HTTP API as a list: what can be asked, who may ask, and what the answers are. The routes are made of
// it, and so is its description (openapi.ts).
import { z } from "zod";
import type { BodyKind } from "../../wire/order-body.ts";
import type { ProblemCode } from "../../wire/problems.ts";
import {
  aggregateSchema,
  inclusionSchema,
  meterId,
  periodRecordSchema,
  periodText,
  resultSchema,
  signedReceiptSchema,
} from "../../wire/records.ts";
import {
  billShareSchema,
  meteredSchema,
  monthRecordSchema,
  monthText,
  payablesSchema,
  readingInclusionSchema,
  settlementRecordSchema,
  signedReadingReceiptSchema,
} from "../../wire/settlement-records.ts";

export interface Answer {
  readonly description: string;
  /** Null for text. */
  readonly schema: z.ZodType | null;
}

export interface Endpoint {
  readonly method: "GET" | "PUT";
  /** Parameters stand in braces. */
  readonly path: string;
  readonly summary: string;
  /** Who must have signed the request. */
  readonly signedBy: "meter" | "supplier" | null;
  readonly query: z.ZodObject | null;
  /** What the body is; null without one. */
  readonly takes: BodyKind | null;
  readonly mediaType: string;
  readonly answers: { readonly [status: number]: Answer };
  /** What can be wrong besides COMMON_PROBLEMS and, for a signed one, SIGNATURE_PROBLEMS. */
  readonly problems: readonly ProblemCode[];
}

/** Parameters of paths by name. */
export const PATH_PARAMETERS = {
  period: { schema: periodText, description: "start of a settlement period in UTC" },
  meter: { schema: meterId, description: "a meter's id" },
  month: { schema: monthText, description: "a month in the market's time zone" },
} as const;

export const COMMON_PROBLEMS: readonly ProblemCode[] = [
  "malformed-request",
  "request-timeout",
  "headers-too-large",
  "internal",
  "busy",
];

export const SIGNATURE_PROBLEMS: readonly ProblemCode[] = [
  "signature-missing",
  "bad-signature",
  "signature-expired",
  "unknown-certificate",
  "expired-certificate",
  "revoked-certificate",
  "wrong-role",
  "wrong-evaluator",
  "too-many-requests",
];

const JSON_TYPE = "application/json";

const endpoint = (
  path: string,
  summary: string,
  schema: z.ZodType | null,
  more: Partial<Endpoint> = {},
): Endpoint => ({
  method: "GET",
  path,
  summary,
  signedBy: null,
  query: null,
  takes: null,
  mediaType: JSON_TYPE,
  answers: { 200: { description: "the answer", schema } },
  problems: [],
  ...more,
});

export const periodsQuery = z.strictObject({
  /** Records of periods that begin from here on. */
  from: periodText.optional(),
  /** Records of periods that begin before. */
  to: periodText.optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, { error: "a whole number from 1 on" })
    .optional(),
});

const readySchema = z.strictObject({
  status: z.literal("ready"),
  /** Whether this process is the one that decides periods. */
  leading: z.boolean(),
  /** The evaluators that are linked, if it leads. */
  linked: z.array(z.int()),
});

export const ENDPOINTS = {
  putOrder: endpoint("/v1/periods/{period}/order", "submit or replace an order", null, {
    method: "PUT",
    signedBy: "meter",
    takes: "order",
    answers: {
      201: { description: "the order is kept", schema: signedReceiptSchema },
      200: { description: "this order was kept before", schema: signedReceiptSchema },
    },
    problems: [
      "malformed-order",
      "wrong-content-type",
      "too-large",
      "wrong-market",
      "wrong-meter",
      "wrong-period",
      "unknown-period",
      "too-early",
      "gate-closed",
      "stale-sequence",
      "sequence-conflict",
      "too-many-replacements",
    ],
  }),
  getReceipt: endpoint(
    "/v1/periods/{period}/receipt",
    "the receipt of the meter's last order",
    signedReceiptSchema,
    { signedBy: "meter", problems: ["unknown-period", "no-order"] },
  ),
  getPeriod: endpoint("/v1/periods/{period}", "the record of a period", periodRecordSchema, {
    problems: ["unknown-period"],
  }),
  getPeriods: endpoint(
    "/v1/periods",
    "the records of known periods, newest first",
    z.array(periodRecordSchema),
    { query: periodsQuery },
  ),
  getResult: endpoint(
    "/v1/periods/{period}/result",
    "this evaluator's share of the meter's result",
    resultSchema,
    { signedBy: "meter", problems: ["unknown-period", "not-decided", "period-void", "no-results"] },
  ),
  getAggregate: endpoint(
    "/v1/periods/{period}/aggregate",
    "this evaluator's shares of the supplier's sums",
    aggregateSchema,
    { signedBy: "supplier", problems: ["unknown-period", "not-decided", "period-void"] },
  ),
  getInclusion: endpoint(
    "/v1/periods/{period}/inclusion/{meter}",
    "proof that a meter's order counted",
    inclusionSchema,
    { problems: ["unknown-period", "not-decided", "period-void", "no-order", "no-results"] },
  ),
  putReading: endpoint(
    "/v1/periods/{period}/reading",
    "submit or correct what was metered in a period",
    null,
    {
      method: "PUT",
      signedBy: "meter",
      takes: "reading",
      answers: {
        201: { description: "the reading is kept", schema: signedReadingReceiptSchema },
        200: { description: "this reading was kept before", schema: signedReadingReceiptSchema },
      },
      problems: [
        "malformed-reading",
        "wrong-content-type",
        "too-large",
        "wrong-market",
        "wrong-meter",
        "wrong-period",
        "unknown-period",
        "no-settlement",
        "not-delivered",
        "month-closed",
        "stale-sequence",
        "sequence-conflict",
        "too-many-replacements",
      ],
    },
  ),
  getReading: endpoint(
    "/v1/periods/{period}/reading",
    "the receipt of the meter's last reading",
    signedReadingReceiptSchema,
    { signedBy: "meter", problems: ["unknown-period", "no-settlement", "no-reading"] },
  ),
  getSettlement: endpoint(
    "/v1/periods/{period}/settlement",
    "the settlements of a period, by revision",
    settlementRecordSchema,
    { problems: ["unknown-period", "no-settlement"] },
  ),
  getReadingInclusion: endpoint(
    "/v1/periods/{period}/settlement/inclusion/{meter}",
    "proof that a meter's reading counted in the last settlement of a period",
    readingInclusionSchema,
    { problems: ["unknown-period", "no-settlement", "not-settled", "no-reading", "no-results"] },
  ),
  getMetered: endpoint(
    "/v1/periods/{period}/metered",
    "this evaluator's shares of what the supplier's customers imported and exported, and of its position",
    meteredSchema,
    {
      signedBy: "supplier",
      problems: ["unknown-period", "no-settlement", "not-settled"],
    },
  ),
  getMonth: endpoint("/v1/months/{month}", "the record of a month", monthRecordSchema, {
    problems: ["unknown-month", "no-settlement"],
  }),
  getBill: endpoint(
    "/v1/months/{month}/bill",
    "this evaluator's shares of the meter's bill",
    billShareSchema,
    {
      signedBy: "meter",
      problems: ["unknown-month", "no-settlement", "month-open", "no-results"],
    },
  ),
  getPayables: endpoint(
    "/v1/months/{month}/payables",
    "this evaluator's shares of what the supplier's customers owe, and of its position",
    payablesSchema,
    {
      signedBy: "supplier",
      problems: ["unknown-month", "no-settlement", "month-open", "no-results"],
    },
  ),
  getMarket: endpoint(
    "/v1/market",
    "the market document that this evaluator works by",
    z.looseObject({ version: z.literal(1), id: z.string() }),
  ),
  getIdentity: endpoint(
    "/v1/identity",
    "this evaluator's certificate in PEM",
    z.strictObject({ certificate: z.string() }),
  ),
  getHealth: endpoint(
    "/health",
    "whether this process answers",
    z.strictObject({ status: z.literal("ok") }),
  ),
  getReady: endpoint("/ready", "whether the store answers, too", readySchema, {
    problems: ["not-ready"],
  }),
  getMetrics: endpoint("/metrics", "measurements for Prometheus", null, {
    mediaType: "text/plain",
  }),
  getOpenapi: endpoint("/openapi.json", "this description", z.looseObject({ openapi: z.string() })),
} as const satisfies Readonly<Record<string, Endpoint>>;

export type EndpointName = keyof typeof ENDPOINTS;
