// What evaluators tell each other while they decide a period (round.ts).
import { z } from "zod";
import { agreedSchema, decisionSchema, signedDecisionSchema } from "../../wire/records.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** First of all: whether they are in the same market, and which period each of them has to decide next. */
export const statusSchema = z.strictObject({
  /** SHA-256 of the market document. */
  market: digest,
  /** Start of the period after the last decided one, in seconds since 1970 UTC. */
  next: z.int(),
  /** Whether its gate is closed, by this evaluator's clock. */
  due: z.boolean(),
});

/** Where an evaluator stands with the period that is to be decided. */
export const positionSchema = z.strictObject({
  decision: signedDecisionSchema.nullable(),
  /** The highest ballot that it has promised to take part in. */
  ballot: z.int().min(0),
  /** What it has accepted, and in which ballot. */
  prepared: z.strictObject({ ballot: z.int().min(1), decision: decisionSchema }).nullable(),
  hasResults: z.boolean(),
  /** Whether it finds that the deadline has passed. */
  overdue: z.boolean(),
  /** How many attempts failed here because somebody lied, and for other reasons than a crash. */
  aborts: z.int().min(0),
  failures: z.int().min(0),
  /** Its orders: how many, and the digest of their list (agreement.ts). */
  orders: z.int().min(0),
  ordersDigest: digest,
});
export type Position = z.infer<typeof positionSchema>;

/** A value that all must have before they go on. */
export const promiseSchema = z.strictObject({ promised: z.int().min(1) });
export const agreementSchema = z.strictObject({ agreed: agreedSchema });
/** What those that computed have found; null from those that stand by. */
export const proposalSchema = z.strictObject({ decision: decisionSchema.nullable() });
/** Sent when the accepted decision is durable. */
export const acceptanceSchema = z.strictObject({
  certificate: z.base64(),
  signature: z.base64(),
});
