// The description of the dealer's HTTP API (OpenAPI 3.1), made of the schemas that answers have.
import { z } from "zod";
import {
  DECISION_MEDIA_TYPE,
  maskNonce,
  provenDecisionSchema,
  resultMaskSchema,
  rowMaskSchema,
} from "../wire/dealer-records.ts";
import { PROBLEM_MEDIA_TYPE, problemSchema } from "../wire/problems.ts";
import { periodText } from "../wire/records.ts";

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

const answers = (schema: z.ZodType): Json => ({
  200: { description: "the answer", content: { "application/json": { schema: schemaOf(schema) } } },
  default: {
    description: "a refusal (RFC 9457)",
    content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } },
  },
});

const maskOfResult = (whose: string): Json => ({
  post: {
    summary: `what ${whose} hidden under, once the period is decided`,
    description: SIGNATURE,
    parameters: [period],
    requestBody: {
      required: true,
      description: "the decision, with signatures of a majority of the evaluators",
      content: { [DECISION_MEDIA_TYPE]: { schema: schemaOf(provenDecisionSchema) } },
    },
    responses: answers(resultMaskSchema),
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
      description: "Masks of orders and results, each for the one whose it is.",
    },
    paths: {
      "/v1/periods/{period}/masks/{nonce}": {
        get: {
          summary:
            "the seed of the mask of one order of the meter that signs, until the gate closes",
          description: SIGNATURE,
          parameters: [period, inPath("nonce", maskNonce, "chosen at random for this order alone")],
          responses: answers(rowMaskSchema),
        },
      },
      "/v1/periods/{period}/result-mask": maskOfResult("the result of the meter that signs is"),
      "/v1/periods/{period}/aggregate-mask": maskOfResult(
        "the sums of the supplier that signs are",
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
