// What a market's dealer tells meters and suppliers over HTTPS, as JSON.
import { z } from "zod";
import { NONCE_BYTES } from "./dealer-messages.ts";
import { hex, meterId, periodText, signedDecisionSchema } from "./records.ts";
import { MAX_PARTIES } from "./setting.ts";
import { monthText, signedClosingSchema, signedSettlementSchema } from "./settlement-records.ts";

export const DECISION_MEDIA_TYPE = "application/vnd.hushwatt.decision+json";
/** The longest decision with its signatures that a dealer reads: some 500,000 rejected orders. */
export const MOST_DECISION_BYTES = 4 * 2 ** 20;

/** What a meter chooses for one row, at random and only once: 32 hexadecimal digits. */
export const maskNonce = hex(2 * NONCE_BYTES);

/**
 * GET /v1/periods/{period}/masks/{nonce}, or reading-masks/{nonce}: from which the mask of one order or reading is
 * expanded (sharing/masks.ts).
 */
export const rowMaskSchema = z.strictObject({
  period: periodText,
  meter: meterId,
  nonce: maskNonce,
  seed: z.base64(),
});
export type RowMask = z.infer<typeof rowMaskSchema>;

/** From which the mask of what the signer is told is expanded: of a clearing, a settlement or a closing. */
export const resultMaskSchema = z.strictObject({
  /** The period or month. */
  about: z.union([periodText, monthText]),
  attempt: z.int().min(1),
  seed: z.base64(),
});
export type ResultMask = z.infer<typeof resultMaskSchema>;

const fewSignatures = ({ signatures }: { readonly signatures: readonly unknown[] }): boolean =>
  signatures.length <= MAX_PARTIES;
const tooMany = { error: `at most ${MAX_PARTIES} signatures` };

/** What is shown to the dealer: a decision with signatures of at least a majority of the evaluators. */
export const provenDecisionSchema = signedDecisionSchema.refine(fewSignatures, tooMany);
export const provenSettlementSchema = signedSettlementSchema.refine(fewSignatures, tooMany);
export const provenClosingSchema = signedClosingSchema.refine(fewSignatures, tooMany);
