// The description of the dealer's HTTP API (OpenAPI 3.1), made of the schemas that answers have.
import { z } from "zod";
import {
  DECISION_MEDIA_TYPE,
  maskNonce,
  provenClosingSchema,
  provenDecisionSchema,
  provenSettlementSchema,
  resultMaskSchema,
  rowMaskSchema,
} from "../wire/dealer-records.ts";
import { PROBLEM_MEDIA_TYPE, problemSchema } from "../wire/problems.ts";
import { periodText } from "../wire/records.ts";
import { monthText } from "../wire/settlement-records.ts";

type Json = Readonly<Record<string, unknown>>;

const SIGNATURE =
  'Signed as requests to evaluators (RFC 9421), with Hushwatt-Evaluator: "dealer" in place of a number.';

const schemaOf = (schema: z.ZodType): Json => z.toJSONSchema(schema, { io: "input" }) as Json;

const inPath = (name: string, schema: z.ZodType, description: string): Json => ({
  name,
  in: "path",
  required: true,
  description,
  schema: schemaOf(schema),
});

const period = inPath("period", periodText, "start of a settlement period in UTC");

const month = inPath("month", monthText, "a month of the market's time zone");

const answers = (schema: z.ZodType): Json => ({
  200: { description: "the answer", content: { "application/json": { schema: schemaOf(schema) } } },
  default: {
    description: "a refusal (RFC 9457)",
    content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } },
  },
});

const maskOfResult = (
  whose: string,
  when: string,
  about: Json,
  body: { readonly what: string; readonly schema: z.ZodType },
): Json => ({
  post: {
    summary: `the seed of what ${whose} hidden under, once ${when}`,
    description: SIGNATURE,
    parameters: [about],
    requestBody: {
      required: true,
      description: `the ${body.what}, with signatures of a majority of the evaluators`,
      content: { [DECISION_MEDIA_TYPE]: { schema: schemaOf(body.schema) } },
    },
    responses: answers(resultMaskSchema),
  },
});

const CLEARING = { what: "decision", schema: provenDecisionSchema };
const SETTLEMENT = { what: "settlement", schema: provenSettlementSchema };
const CLOSING = { what: "closing", schema: provenClosingSchema };

const maskOfRow = (what: string, until: string): Json => ({
  get: {
    summary: `the seed of the mask of one ${what} of the meter that signs, until ${until}`,
    description: SIGNATURE,
    parameters: [period, inPath("nonce", maskNonce, `chosen at random for this ${what} alone`)],
    responses: answers(rowMaskSchema),
  },
});

const plain = (summary: string, schema: z.ZodType): Json => ({
  get: { summary, responses: answers(schema) },
});

/** The document. */
export const openapiText = (): string =>
  JSON.stringify({
    openapi: "3.1.0",
    info: {
      title: "Hushwatt dealer",
      version: "1",
      description: "Masks of orders, readings and results, each for the one whose it is.",
    },
    paths: {
      "/v1/periods/{period}/masks/{nonce}": maskOfRow("order", "the gate closes"),
      "/v1/periods/{period}/reading-masks/{nonce}": maskOfRow("reading", "its month is closed"),
      "/v1/periods/{period}/result-mask": maskOfResult(
        "the result of the meter that signs is",
        "the period is decided",
        period,
        CLEARING,
      ),
      "/v1/periods/{period}/aggregate-mask": maskOfResult(
        "the sums of the supplier that signs are",
        "the period is decided",
        period,
        CLEARING,
      ),
      "/v1/periods/{period}/metered-mask": maskOfResult(
        "imports, exports and position of the supplier that signs are",
        "the period is settled",
        period,
        SETTLEMENT,
      ),
      "/v1/months/{month}/bill-mask": maskOfResult(
        "the bill of the meter that signs is",
        "the month is closed",
        month,
        CLOSING,
      ),
      "/v1/months/{month}/payables-mask": maskOfResult(
        "the position of the supplier that signs and its customers' totals are",
        "the month is closed",
        month,
        CLOSING,
      ),
      "/v1/market": plain(
        "the market document that this dealer works by",
        z.looseObject({ version: z.literal(1), id: z.string() }),
      ),
      "/v1/identity": plain(
        "the dealer's certificate in PEM",
        z.strictObject({ certificate: z.string() }),
      ),
      "/health": plain("whether this process answers", z.strictObject({ status: z.literal("ok") })),
      "/openapi.json": plain("this description", z.looseObject({ openapi: z.string() })),
    },
    components: { schemas: { Problem: schemaOf(problemSchema) } },
  });
