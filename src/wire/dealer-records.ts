// What a market's dealer tells meters and suppliers over HTTPS, as JSON.
import { z } from "zod";
import { NONCE_BYTES } from "./dealer-messages.ts";
import { hex, meterId, periodText, signedDecisionSchema } from "./records.ts";
import { MAX_PARTIES } from "./setting.ts";

export const DECISION_MEDIA_TYPE = "application/vnd.hushwatt.decision+json";
/** The longest decision with its signatures that a dealer reads: some 500,000 rejected orders. */
export const MOST_DECISION_BYTES = 4 * 2 ** 20;

/** What a meter chooses for one row, at random and only once: 32 hexadecimal digits. */
export const maskNonce = hex(2 * NONCE_BYTES);

/** GET /v1/periods/{period}/masks/{nonce}: from which the mask of one order is expanded (sharing/masks.ts). */
export const rowMaskSchema = z.strictObject({
  period: periodText,
  meter: meterId,
  nonce: maskNonce,
  seed: z.base64(),
});
export type RowMask = z.infer<typeof rowMaskSchema>;

/** POST /v1/periods/{period}/result-mask or aggregate-mask: what a result is hidden under; little-endian elements. */
export const resultMaskSchema = z.strictObject({
  period: periodText,
  attempt: z.int().min(1),
  mask: z.base64(),
});
export type ResultMask = z.infer<typeof resultMaskSchema>;

/** The body of those: the decision, with signatures of at least a majority of the evaluators. */
export const provenDecisionSchema = signedDecisionSchema.refine(
  ({ signatures }) => signatures.length <= MAX_PARTIES,
  { error: `at most ${MAX_PARTIES} signatures` },
);
