// What can be wrong with a request over HTTPS: one catalogue for evaluators, the registrar and their clients. Answers
// carry a problem as problem details (RFC 9457), application/problem+json.
import { z } from "zod";

export const PROBLEM_MEDIA_TYPE = "application/problem+json";
const TYPE_PREFIX = "urn:hushwatt:problem:";

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

/** Every problem by its code: the status that goes with it, and what it is in a few words. */
export const PROBLEMS = {
  "malformed-request": { status: 400, title: "The request is malformed" },
  "malformed-order": { status: 400, title: "The order is malformed" },
  "malformed-reading": { status: 400, title: "The reading is malformed" },
  "signature-missing": { status: 401, title: "The request is not signed" },
  "bad-signature": { status: 401, title: "The signature is not right" },
  "signature-expired": { status: 401, title: "The request was signed at another time" },
  "unknown-certificate": { status: 401, title: "The certificate is not one of this market" },
  "expired-certificate": { status: 401, title: "The certificate is not valid now" },
  "revoked-certificate": { status: 403, title: "The certificate has been revoked" },
  "unknown-code": { status: 403, title: "There is no such enrolment code" },
  "expired-code": { status: 403, title: "The enrolment code has expired" },
  "used-code": { status: 409, title: "The enrolment code was used" },
  "wrong-role": { status: 403, title: "This is for parties of another role" },
  "wrong-meter": { status: 403, title: "The order or reading is another meter's" },
  "not-found": { status: 404, title: "There is nothing at this path" },
  "unknown-period": { status: 404, title: "There is no such period" },
  "no-order": { status: 404, title: "There is no order" },
  "no-reading": { status: 404, title: "There is no reading" },
  "unknown-month": { status: 404, title: "There is no such month" },
  "no-settlement": { status: 404, title: "This market has no settlement" },
  "no-results": { status: 404, title: "This evaluator has no part of the results" },
  "method-not-allowed": { status: 405, title: "The method is not possible here" },
  "request-timeout": { status: 408, title: "The request took too long to arrive" },
  "gate-closed": { status: 409, title: "The gate of the period is closed" },
  "stale-sequence": { status: 409, title: "A later one is there already" },
  "sequence-conflict": { status: 409, title: "Another one has this sequence number" },
  "not-delivered": { status: 409, title: "The period is not over yet" },
  "not-settled": { status: 409, title: "The period is not settled yet" },
  "month-closed": { status: 409, title: "The month is closed" },
  "month-open": { status: 409, title: "The month is not closed yet" },
  "not-decided": { status: 409, title: "The period is not decided yet" },
  withheld: { status: 409, title: "It may not be told: too few customers have ordered" },
  "period-void": { status: 410, title: "The period is void" },
  "too-large": { status: 413, title: "The request is too large" },
  "wrong-content-type": { status: 415, title: "The body has another media type" },
  "wrong-evaluator": { status: 421, title: "The request is for another evaluator" },
  "wrong-market": { status: 422, title: "It is for another market" },
  "wrong-period": { status: 422, title: "It is for another period" },
  "too-early": { status: 422, title: "The period does not take orders yet" },
  "too-many-replacements": { status: 429, title: "It was replaced too often" },
  "too-many-requests": { status: 429, title: "There were too many requests" },
  "headers-too-large": { status: 431, title: "The headers are too large" },
  internal: { status: 500, title: "Something failed here" },
  "not-ready": { status: 503, title: "This process cannot do its work now" },
  busy: { status: 503, title: "There is too much to do at the moment" },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

export const problemSchema = z.strictObject({
  type: z.enum(PROBLEM_CODES.map((code) => `${TYPE_PREFIX}${code}` as const)),
  title: z.string(),
  status: z.int().min(400).max(599),
  /** What was found, and what would be right. */
  detail: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

/** The problem details of a code. */
export const problemOf = (code: ProblemCode, detail: string): Problem => ({
  type: `${TYPE_PREFIX}${code}`,
  ...PROBLEMS[code],
  detail,
});

/** The code in problem details. */
export const codeOfProblem = ({ type }: Problem): ProblemCode =>
  type.slice(TYPE_PREFIX.length) as ProblemCode;

/** A request is refused; the message is the detail, and goes to whoever sent it. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;

  constructor(code: ProblemCode, detail: string) {
    super(detail);
    this.code = code;
  }
}
