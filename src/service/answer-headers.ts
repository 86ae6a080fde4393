// Headers that every answer has, refusals included, and what pages of other origins are told before they ask.

/** Headers that a page of another origin may send. */
const SENT_HEADERS = [
  "content-type",
  "content-digest",
  "client-cert",
  "hushwatt-evaluator",
  "signature",
  "signature-input",
];

/** Allows pages of any origin to ask: nothing here depends on cookies or on where a request comes from. */
export const CORS_PREFLIGHT = {
  "access-control-allow-headers": SENT_HEADERS.join(", "),
  "access-control-max-age": "86400",
} as const;

/** Answers are for whoever asked and for now. */
export const ANSWER_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "retry-after, x-request-id",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
} as const;
