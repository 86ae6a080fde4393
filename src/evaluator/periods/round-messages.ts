// What evaluators tell each other while they decide a period, or what comes after it (round.ts).
import { z } from "zod";
import type { Signed } from "../../storage/settlement-store.ts";
import { agreedSchema, signaturesSchema } from "../../wire/records.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** First of all: whether they are in the same market, and which period each of them has to decide next. */
export const statusSchema = z.strictObject({
  /** SHA-256 of the market document. */
  market: digest,
  /** Start of the period after the last decided one, in seconds since 1970 UTC. */
  next: z.int(),
  /** Whether its gate is closed, by this evaluator's clock. */
  due: z.boolean(),
  /** In a market with settlement, what is to be settled and closed next: starts of a period and of a month. */
  settling: z
    .strictObject({
      period: z.int(),
      month: z.int(),
      /** Whether they are due, by this evaluator's clock and as far as its work allows. */
      periodDue: z.boolean(),
      monthDue: z.boolean(),
    })
    .nullable(),
  /** Whether enough orders of that period wait to be prepared here (open-orders.ts). */
  prepares: z.boolean(),
  /** In how many milliseconds this evaluator has something to do again. */
  wakeMs: z.number().min(0),
});
export type Status = z.infer<typeof statusSchema>;

/** Where an evaluator stands with what is to be decided. */
export interface Position<Decision> {
  readonly decision: Signed<Decision> | null;
  /** The highest ballot that it has promised to take part in. */
  readonly ballot: number;
  /** What it has accepted, and in which ballot. */
  readonly prepared: { readonly ballot: number; readonly decision: Decision } | null;
  /** Whether it has what it computed for that. */
  readonly hasResults: boolean;
  /** Whether it finds that the deadline has passed. */
  readonly overdue: boolean;
  /** How many attempts failed here because somebody lied, and for other reasons than a crash. */
  readonly aborts: number;
  readonly failures: number;
  /** Its orders, or whatever has to be agreed on: how many, and the digest of their list (agreement.ts). */
  readonly orders: number;
  readonly ordersDigest: string;
}

export const positionSchema = <Decision>(decision: z.ZodType<Decision>) =>
  z.strictObject({
    decision: z.strictObject({ decision, signatures: signaturesSchema }).nullable(),
    ballot: z.int().min(0),
    prepared: z.strictObject({ ballot: z.int().min(1), decision }).nullable(),
    hasResults: z.boolean(),
    overdue: z.boolean(),
    aborts: z.int().min(0),
    failures: z.int().min(0),
    orders: z.int().min(0),
    ordersDigest: digest,
  }) as unknown as z.ZodType<Position<Decision>>;

/** Orders that a member has and the open session has not: how many, and the digest of their list. */
export const waitingSchema = z.strictObject({ orders: z.int().min(0), ordersDigest: digest });
/** A value that all must have before they go on. */
export const promiseSchema = z.strictObject({ promised: z.int().min(1) });
export const agreementSchema = z.strictObject({ agreed: agreedSchema });
/** What a member is about to name to the dealer: the digest of its names. */
export const namedSchema = z.strictObject({ named: digest });
/** What a member has of what a settlement needs (settlement-supplies.ts). */
export const suppliesSchema = z.strictObject({
  orders: z.boolean(),
  trades: z.boolean(),
  groups: digest,
  hasGroups: z.boolean(),
});
export type Supplies = z.infer<typeof suppliesSchema>;
/** Places of settlements of which a member has no shares. */
export const lackingSchema = z.strictObject({ lacking: z.array(z.int().min(0)) });
/** By supplier, what is open of earlier months; null from a member that does not know. */
export const openPositionsSchema = z.strictObject({
  open: z
    .array(
      z.strictObject({
        months: z.array(z.string()),
        told: z.int().min(0),
        withheld: z.int().min(0),
      }),
    )
    .nullable(),
});
/**
 * Periods of a month that a member finds changed since their first settlement, and those that it knows settled anew.
 */
export const revisionsSchema = z.strictObject({
  changed: z.array(z.int()),
  settled: z.array(z.int()),
});
/** What those that computed have found; null from those that stand by. */
export const proposalSchema = <Decision>(decision: z.ZodType<Decision>) =>
  z.strictObject({ decision: decision.nullable() }) as unknown as z.ZodType<{
    readonly decision: Decision | null;
  }>;
/** Sent when the accepted decision is durable. */
export const acceptanceSchema = z.strictObject({
  certificate: z.base64(),
  signature: z.base64(),
});
