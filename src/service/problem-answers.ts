// Every refusal as problem details (RFC 9457): those of handlers, those of the framework, and those of requests that
// are no HTTP. An unexpected error says nothing of itself to whoever sent the request.
import { STATUS_CODES } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import {
  PROBLEM_MEDIA_TYPE,
  PROBLEMS,
  type ProblemCode,
  ProblemError,
  problemOf,
} from "../wire/problems.ts";
import { ANSWER_HEADERS } from "./answer-headers.ts";
import { errorForLog } from "./log.ts";

/** The request may be sent again after this many seconds. */
export class RetryLaterError extends ProblemError {
  readonly afterS: number;

  constructor(code: "busy" | "too-many-requests", detail: string, afterS: number) {
    super(code, detail);
    this.afterS = Math.max(1, Math.ceil(afterS));
  }
}

const FRAMEWORK_PROBLEMS: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["too-large", "the body is longer than any that is taken here"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    "wrong-content-type",
    "no body of this media type is taken here",
  ],
  FST_ERR_CTP_EMPTY_TYPE: ["wrong-content-type", "a body needs a Content-Type"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    "malformed-request",
    "the body has another length than Content-Length says",
  ],
  FST_ERR_BAD_URL: ["malformed-request", "the path has an escape (%) that is none"],
  FST_ERR_MAX_PARAM_LENGTH: ["malformed-request", "a part of the path is too long"],
};

/** The problem of anything that was thrown; null when it was not the request's fault. */
function problemIn(error: unknown, request: FastifyRequest): ProblemError | null {
  if (error instanceof ProblemError) return error;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  const known = FRAMEWORK_PROBLEMS[code ?? ""];
  if (known !== undefined) return new ProblemError(...known);
  if (request.raw.destroyed && !request.raw.complete) {
    return new ProblemError("malformed-request", "the request ended before its end");
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ProblemError("malformed-request", "the request is not one of HTTP as it must be");
  }
  return null;
}

/** Answers what was thrown while a request was handled. */
export const answerErrors =
  (log: Logger) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const found = problemIn(error, request);
    if (found === null) {
      log.error({ requestId: request.id, error: errorForLog(error) }, "unexpected error");
    }
    const problem =
      found ?? new ProblemError("internal", `the request failed here; its number is ${request.id}`);
    answerProblem(problem, request, reply);
  };

function answerProblem(problem: ProblemError, request: FastifyRequest, reply: FastifyReply): void {
  const { status } = PROBLEMS[problem.code];
  request.outcome = problem.code;
  // Those of the framework come before anything else has been done with the request.
  reply.headers({ ...ANSWER_HEADERS, "x-request-id": request.id });
  if (problem instanceof RetryLaterError) reply.header("retry-after", problem.afterS);
  if (status === 401) reply.header("www-authenticate", "Signature");
  // Text would get a character set, which JSON has not.
  const body = Buffer.from(JSON.stringify(problemOf(problem.code, problem.message)));
  reply.code(status).type(PROBLEM_MEDIA_TYPE).send(body);
}

/** A whole answer for a connection on which no request could be read; it ends with it. */
export function rawProblem(code: ProblemCode, detail: string): string {
  const body = JSON.stringify(problemOf(code, detail));
  const { status } = PROBLEMS[code];
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...Object.entries(ANSWER_HEADERS).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** What is wrong with bytes that the parser of HTTP refuses. */
export function brokenRequest(errorCode: string | undefined): readonly [ProblemCode, string] {
  if (errorCode === "HPE_HEADER_OVERFLOW") {
    return ["headers-too-large", "the headers are longer than any that are taken here"];
  }
  if (errorCode === "ERR_HTTP_REQUEST_TIMEOUT") {
    return ["request-timeout", "the request did not arrive as a whole in time"];
  }
  return ["malformed-request", "this is no request of HTTP/1.1"];
}
