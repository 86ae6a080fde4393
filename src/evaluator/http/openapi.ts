// The description of the HTTP API (OpenAPI 3.1), made of the list of endpoints and the schemas that the program itself
// checks with.
import { z } from "zod";
import { type BodyKind, ORDER_MEDIA_TYPE, READING_MEDIA_TYPE } from "../../wire/order-body.ts";
import {
  PROBLEM_MEDIA_TYPE,
  PROBLEMS,
  type ProblemCode,
  problemSchema,
} from "../../wire/problems.ts";
import {
  type Answer,
  COMMON_PROBLEMS,
  ENDPOINTS,
  type Endpoint,
  PATH_PARAMETERS,
  SIGNATURE_PROBLEMS,
} from "./endpoints.ts";

type Json = Readonly<Record<string, unknown>>;

const VERSION = "1";
const SIGNED_HEADERS = {
  "Hushwatt-Evaluator": "the number of the evaluator that the request is for",
  "Client-Cert": "the sender's certificate, DER in base64 between colons (RFC 9440)",
  "Signature-Input":
    'what is signed: hw=("@method" "@path" "hushwatt-evaluator" "client-cert" ...)',
  Signature: "hw=:base64: of r and s, ECDSA on P-256 with SHA-256 (RFC 9421)",
} as const;

/** The document, as JSON. */
export function openapiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [operationId, endpoint] of Object.entries(ENDPOINTS) as [string, Endpoint][]) {
    paths[endpoint.path] ??= {};
    paths[endpoint.path]![endpoint.method.toLowerCase()] = operation(operationId, endpoint);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Hushwatt evaluator",
      version: VERSION,
      description:
        "Orders and readings, and what became of them, at one of the evaluators of a market.",
    },
    paths,
    components: { schemas: { Problem: jsonSchema(problemSchema) } },
  };
}

/** The problems that an endpoint may answer with. */
export const problemsOf = ({ problems, signedBy }: Endpoint): readonly ProblemCode[] => [
  ...COMMON_PROBLEMS,
  ...(signedBy === null ? [] : SIGNATURE_PROBLEMS),
  ...problems,
];

function operation(operationId: string, endpoint: Endpoint): Json {
  return {
    operationId,
    summary: endpoint.summary,
    parameters: parametersOf(endpoint),
    ...(endpoint.takes === null ? {} : { requestBody: bodyOf(endpoint.takes) }),
    responses: { ...answersOf(endpoint), ...problemResponses(endpoint) },
  };
}

const MEDIA_TYPES = { order: ORDER_MEDIA_TYPE, reading: READING_MEDIA_TYPE } as const;

const bodyOf = (kind: BodyKind): Json => ({
  required: true,
  description: `the header of the ${kind}, and the pieces of its shares that this evaluator holds`,
  content: { [MEDIA_TYPES[kind]]: { schema: { type: "string", format: "binary" } } },
});

function parametersOf({ path, query, signedBy, takes }: Endpoint): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
    const { schema, description } = PATH_PARAMETERS[name as keyof typeof PATH_PARAMETERS];
    return { name, in: "path", required: true, description, schema: jsonSchema(schema) };
  });
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    schema: jsonSchema(schema as z.ZodType),
  }));
  const signed = { ...SIGNED_HEADERS, ...(takes === null ? {} : DIGEST_HEADER) };
  const inHeader = Object.entries(signedBy === null ? {} : signed).map(([name, description]) => ({
    name,
    in: "header",
    required: true,
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

const DIGEST_HEADER = { "Content-Digest": "sha-256=:base64: of the body (RFC 9530)" } as const;

function answersOf({ answers, mediaType }: Endpoint): Json {
  const entries = Object.entries(answers) as [string, Answer][];
  return Object.fromEntries(
    entries.map(([status, { description, schema }]) => {
      const type = schema === null ? { type: "string" } : jsonSchema(schema);
      return [status, { description, content: { [mediaType]: { schema: type } } }];
    }),
  );
}

/** One response per status, which tells the codes of its problems. */
function problemResponses(endpoint: Endpoint): Json {
  const byStatus = Map.groupBy(problemsOf(endpoint), (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("; ");
      const schema = { $ref: "#/components/schemas/Problem" };
      return [status, { description, content: { [PROBLEM_MEDIA_TYPE]: { schema } } }];
    }),
  );
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "output" });
  return rest;
}
