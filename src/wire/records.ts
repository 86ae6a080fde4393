// What evaluators state about orders and periods, as JSON, and the exact bytes that they sign for each.
import { z } from "zod";
import { MAX_PARTIES } from "./setting.ts";

export const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
export const meterId = hex(32);
export const orderId = hex(64);
export const evaluatorNumber = z
  .int()
  .min(0)
  .max(MAX_PARTIES - 1);
/** The start of a settlement period in UTC, e.g. 2025-06-01T12:15:00Z. */
export const periodText = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);

/** Seconds since 1970 UTC as text of a period, and back. */
export const textOfPeriod = (start: number): string =>
  `${new Date(start * 1000).toISOString().slice(0, 19)}Z`;
export const periodOfText = (text: string): number => Date.parse(text) / 1000;

/** ECDSA P-256 with SHA-256, r and s (IEEE P1363), base64. */
export const signatureText = z.base64();
/** With the certificate of each signer (DER), so that a record can be checked against the authority alone. */
export const signaturesSchema = z.array(
  z.strictObject({
    evaluator: evaluatorNumber,
    certificate: z.base64(),
    signature: signatureText,
  }),
);

/** What an evaluator confirms to a meter: it holds this order, durably, and will count it if all others do. */
export const receiptSchema = z.strictObject({
  market: z.string(),
  period: periodText,
  evaluator: evaluatorNumber,
  meter: meterId,
  sequence: z.int().min(0),
  order: orderId,
});
export type Receipt = z.infer<typeof receiptSchema>;
export const signedReceiptSchema = z.strictObject({
  receipt: receiptSchema,
  signature: signatureText,
});
export type SignedReceipt = z.infer<typeof signedReceiptSchema>;

export const PERIOD_STATES = [
  "open",
  "closed",
  "agreed",
  "clearing",
  "cleared",
  "published",
  "settling",
  "settled",
  "void",
] as const;
export type PeriodState = (typeof PERIOD_STATES)[number];

export const VOID_REASONS = ["no-quorum", "abort", "failed"] as const;

/** The set of orders that counts in a period: what `merkle.ts` makes of their names, in order of meters. */
export const agreedSchema = z.strictObject({ count: z.int().min(0), root: hex(64) });
export type Agreed = z.infer<typeof agreedSchema>;

/** All that evaluators make public about a period. One period has one decision, the same at all of them, for ever. */
export const decisionSchema = z.strictObject({
  market: z.string(),
  period: periodText,
  /** The attempt that led to it: the number of the ballot in which it was proposed first. */
  attempt: z.int().min(1),
  outcome: z.enum(["cleared", "void"]),
  /** Why it is void; null when it is not. */
  reason: z.enum(VOID_REASONS).nullable(),
  agreed: agreedSchema.nullable(),
  /** The evaluators that took part in that attempt. */
  members: z.array(evaluatorNumber),
  /** Those of them that computed, and hold shares of the results. */
  active: z.array(evaluatorNumber),
  traded: z.boolean(),
  priceTick: z.int().min(0).nullable(),
  /** The public coin of the priority order; null if the order is hidden or nothing was cleared. */
  coin: hex(64).nullable(),
  /** Positions in the agreed set of orders that failed a check and counted as nothing. */
  rejected: z.array(z.int().min(0)),
  /** Per supplier, whether it may learn its sums: enough of its customers sent an order. */
  revealedSuppliers: z.array(z.boolean()),
  /** The dealer's session in which it was cleared, by which it knows the masks of results; absent without a dealer. */
  dealing: hex(32).optional(),
});
export type Decision = z.infer<typeof decisionSchema>;

export const signedDecisionSchema = z.strictObject({
  decision: decisionSchema,
  signatures: signaturesSchema,
});
export type SignedDecision = z.infer<typeof signedDecisionSchema>;

/** GET /v1/periods/{period}: what an evaluator says about a period. */
export const periodRecordSchema = z.strictObject({
  period: periodText,
  state: z.enum(PERIOD_STATES),
  gateClosure: periodText,
  deadline: periodText,
  /** How many ballots there were: more than one when evaluators failed. */
  attempts: z.int().min(0),
  agreed: agreedSchema.nullable(),
  decision: signedDecisionSchema.nullable(),
});
export type PeriodRecord = z.infer<typeof periodRecordSchema>;

/** GET /v1/periods/{period}/result: this evaluator's share of a meter's energy above the line. */
export const resultSchema = z.strictObject({
  period: periodText,
  attempt: z.int().min(1),
  evaluator: evaluatorNumber,
  /** The meter's place in the agreed set; null when its order is not in it. */
  position: z.int().min(0).nullable(),
  /** The order that counted. */
  order: orderId.nullable(),
  rejected: z.boolean(),
  /** Null when this evaluator did not compute, or the order did not count. */
  share: z.base64().nullable(),
});
export type ResultShare = z.infer<typeof resultSchema>;

/** GET /v1/periods/{period}/aggregate: this evaluator's shares of a supplier's sums, bought then sold. */
export const aggregateSchema = z.strictObject({
  period: periodText,
  attempt: z.int().min(1),
  evaluator: evaluatorNumber,
  supplier: z.int().min(0),
  withheld: z.boolean(),
  share: z.base64().nullable(),
});
export type AggregateShare = z.infer<typeof aggregateSchema>;

/** GET /v1/periods/{period}/inclusion/{meter}: that a meter's order is in the agreed set (RFC 9162, section 2.1). */
export const inclusionSchema = z.strictObject({
  period: periodText,
  agreed: agreedSchema,
  meter: meterId,
  order: orderId,
  position: z.int().min(0),
  path: z.array(hex(64)),
});
export type Inclusion = z.infer<typeof inclusionSchema>;

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The bytes of a receipt that are signed. */
export const receiptBytes = (receipt: Receipt): Uint8Array<ArrayBuffer> => {
  const { market, period, evaluator, meter, sequence, order } = receipt;
  const parts = ["hushwatt receipt 1", market, period, evaluator, meter, sequence, order];
  return utf8(parts.join("\n"));
};

/** The bytes of a decision that are signed: its fields in the order of the schema, as JSON. */
export const decisionBytes = (decision: Decision): Uint8Array<ArrayBuffer> =>
  utf8(`hushwatt decision 1\n${JSON.stringify(decisionSchema.parse(decision))}`);
