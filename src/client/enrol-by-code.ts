// Enrols a meter, or a supplier's device, with a one-time code, over HTTPS to the registrar. Trying again
// with the same request is safe: it gets the same certificate.
import {
  ENROLMENT_PATH,
  type EnrolmentAnswer,
  type EnrolmentRequest,
  enrolmentSchema,
} from "../wire/enrolment.ts";
import type { HttpTransport } from "../wire/http-transport.ts";
import { codeOfProblem, type ProblemCode, problemSchema } from "../wire/problems.ts";

/** The registrar refused, or answered something else than it should; `code` is "unknown" for the latter. */
export class EnrolmentError extends Error {
  override readonly name = "EnrolmentError";
  readonly code: ProblemCode | "unknown";

  constructor(code: ProblemCode | "unknown", message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Throws EnrolmentError, or TransportError when there is no answer. `url` is the registrar's in the market document.
 */
export async function enrolByCode(
  send: HttpTransport,
  url: string,
  request: EnrolmentRequest,
  signal?: AbortSignal,
): Promise<EnrolmentAnswer> {
  const answer = await send({
    method: "POST",
    url: `${url.replace(/\/$/, "")}${ENROLMENT_PATH}`,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(request)),
    signal,
  });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(answer.body));
  } catch {
    // Neither schema takes it.
  }
  const problem = problemSchema.safeParse(value);
  if (problem.success) {
    throw new EnrolmentError(codeOfProblem(problem.data), problem.data.detail);
  }
  const enrolment = enrolmentSchema.safeParse(value);
  if (answer.status < 300 && enrolment.success) return enrolment.data;
  const message = `the registrar answered with status ${answer.status} and nothing that can be read`;
  throw new EnrolmentError("unknown", message);
}
