// What evaluators state about readings, settlements and closed months, as JSON, and the exact bytes that they sign for
// each. As with clearings (records.ts): one settlement of a revision of a period, and one closing of a month, the same
// at all of them, for ever.
import { z } from "zod";
import {
  agreedSchema,
  evaluatorNumber,
  hex,
  meterId,
  orderId,
  periodText,
  signaturesSchema,
  signatureText,
} from "./records.ts";

/** A month of the market's own time zone, e.g. 2025-06. */
export const monthText = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);

/** What an evaluator confirms to a meter: it holds this reading, durably. */
export const readingReceiptSchema = z.strictObject({
  market: z.string(),
  period: periodText,
  evaluator: evaluatorNumber,
  meter: meterId,
  sequence: z.int().min(0),
  reading: orderId,
});
export type ReadingReceipt = z.infer<typeof readingReceiptSchema>;
export const signedReadingReceiptSchema = z.strictObject({
  receipt: readingReceiptSchema,
  signature: signatureText,
});
export type SignedReadingReceipt = z.infer<typeof signedReadingReceiptSchema>;

/**
 * What evaluators decide about the readings of a period: revision 0 when it is due after delivery, revision 1 when the
 * month is closed, if readings came or were corrected in between. The last revision alone counts.
 */
export const settlementSchema = z.strictObject({
  market: z.string(),
  period: periodText,
  revision: z.int().min(0).max(1),
  /** The number of the ballot in which it was proposed first. */
  attempt: z.int().min(1),
  /** The readings that evaluators agreed on, in order of meters: what merkle.ts makes of their names. */
  readings: agreedSchema,
  members: z.array(evaluatorNumber),
  /** Those of them that checked the readings: they hold shares of the trades. */
  active: z.array(evaluatorNumber),
  /** Positions in the set of readings that failed a check: estimated, as if they were missing. */
  rejected: z.array(z.int().min(0)),
  /** Meters whose order counted and whose reading is missing or rejected. */
  estimated: z.int().min(0),
  /** Per supplier, whether it may learn its customers' metered sums, and its position against other suppliers. */
  revealedSuppliers: z.array(z.boolean()),
  revealedPositions: z.array(z.boolean()),
  /** The dealer's session in which the readings were checked and settled; absent without a dealer. */
  dealing: hex(32).optional(),
});
export type Settlement = z.infer<typeof settlementSchema>;
export const signedSettlementSchema = z.strictObject({
  settlement: settlementSchema,
  signatures: signaturesSchema,
});
export type SignedSettlement = z.infer<typeof signedSettlementSchema>;

/** GET /v1/periods/{period}/settlement: what an evaluator says about the settlement of a period. */
export const settlementRecordSchema = z.strictObject({
  period: periodText,
  /** When its first settlement is made; readings are taken from the end of delivery until the month is closed. */
  due: periodText,
  /** When readings are taken no more. */
  closure: periodText,
  /** By revision. */
  settlements: z.array(signedSettlementSchema),
});
export type SettlementRecord = z.infer<typeof settlementRecordSchema>;

/**
 * GET /v1/periods/{period}/settlement/inclusion/{meter}: that a meter's reading is among those of the last settlement
 * (RFC 9162, section 2.1). If its position is among the rejected ones, it failed a check, and was estimated.
 */
export const readingInclusionSchema = z.strictObject({
  period: periodText,
  revision: z.int().min(0),
  readings: agreedSchema,
  meter: meterId,
  reading: orderId,
  position: z.int().min(0),
  path: z.array(hex(64)),
});
export type ReadingInclusion = z.infer<typeof readingInclusionSchema>;

/**
 * GET /v1/periods/{period}/metered: this evaluator's shares of what a supplier's customers imported and exported
 * (length 2, units of 2^-10 Wh), and of its position: what they bought less what they sold (length 1).
 */
export const meteredSchema = z.strictObject({
  period: periodText,
  revision: z.int().min(0),
  attempt: z.int().min(1),
  evaluator: evaluatorNumber,
  supplier: z.int().min(0),
  withheld: z.boolean(),
  share: z.base64().nullable(),
  positionWithheld: z.boolean(),
  position: z.base64().nullable(),
});
export type MeteredShare = z.infer<typeof meteredSchema>;

/** That a month is closed: which settlements it sums up. */
export const closingSchema = z.strictObject({
  market: z.string(),
  month: monthText,
  attempt: z.int().min(1),
  members: z.array(evaluatorNumber),
  /** Those of them that hold shares of all totals. */
  active: z.array(evaluatorNumber),
  /** Its settled periods, and a digest of their settlements (`settlementsDigest`). */
  periods: z.int().min(0),
  settlements: hex(64),
  /** The meters with a bill, in order, as a tree of their ids (merkle.ts). */
  meters: agreedSchema,
  /** Per supplier, whether it may learn its position of the month. */
  revealedPositions: z.array(z.boolean()),
  /** The dealer's session that named the masks of bills and positions; absent without a dealer. */
  dealing: hex(32).optional(),
});
export type Closing = z.infer<typeof closingSchema>;
export const signedClosingSchema = z.strictObject({
  closing: closingSchema,
  signatures: signaturesSchema,
});
export type SignedClosing = z.infer<typeof signedClosingSchema>;

/** GET /v1/months/{month} */
export const monthRecordSchema = z.strictObject({
  month: monthText,
  /** Its periods: from the first one, up to and without the last. */
  from: periodText,
  to: periodText,
  closure: periodText,
  closing: signedClosingSchema.nullable(),
});
export type MonthRecord = z.infer<typeof monthRecordSchema>;

/** How much of a month a total covers. */
const coverage = {
  /** Periods that were settled for this meter. */
  periods: z.int().min(0),
  /** Those of them with an estimate in place of a reading. */
  estimated: z.int().min(0),
};

/**
 * GET /v1/months/{month}/bill: this evaluator's shares of the components of the signer's bill: traded, fees, shortage,
 * surplus (length 4, money units of market/settlement.ts).
 */
export const billShareSchema = z.strictObject({
  month: monthText,
  attempt: z.int().min(1),
  evaluator: evaluatorNumber,
  ...coverage,
  share: z.base64().nullable(),
});
export type BillShare = z.infer<typeof billShareSchema>;

/**
 * GET /v1/months/{month}/payables: this evaluator's shares of what each of the signer's customers owes in all (length 1
 * each, money units), and of the supplier's own position against the others (length 1, money units).
 */
export const payablesSchema = z.strictObject({
  month: monthText,
  attempt: z.int().min(1),
  evaluator: evaluatorNumber,
  supplier: z.int().min(0),
  customers: z.array(z.strictObject({ meter: meterId, ...coverage, share: z.base64().nullable() })),
  positionWithheld: z.boolean(),
  position: z.base64().nullable(),
});
export type PayableShares = z.infer<typeof payablesSchema>;

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The bytes of a reading's receipt that are signed. */
export const readingReceiptBytes = (receipt: ReadingReceipt): Uint8Array<ArrayBuffer> => {
  const { market, period, evaluator, meter, sequence, reading } = receipt;
  const parts = ["hushwatt reading receipt 1", market, period, evaluator, meter, sequence, reading];
  return utf8(parts.join("\n"));
};

/** The bytes of a settlement that are signed: its fields in the order of the schema, as JSON. */
export const settlementBytes = (settlement: Settlement): Uint8Array<ArrayBuffer> =>
  utf8(`hushwatt settlement 1\n${JSON.stringify(settlementSchema.parse(settlement))}`);

/** The bytes of a closing that are signed. */
export const closingBytes = (closing: Closing): Uint8Array<ArrayBuffer> =>
  utf8(`hushwatt closing 1\n${JSON.stringify(closingSchema.parse(closing))}`);

/** What a closing's digest is made of: the last settlement of each of its periods, in their order. */
export const settlementsText = (settlements: readonly Settlement[]): Uint8Array<ArrayBuffer> =>
  utf8(
    settlements.map((settlement) => JSON.stringify(settlementSchema.parse(settlement))).join("\n"),
  );
