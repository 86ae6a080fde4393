// Whether an evaluator has signed something, with a certificate that it sends along.
import { type PartyVerifier, verifyBytes } from "../crypto/party-verifier.ts";

export interface EvaluatorSignature {
  readonly evaluator: number;
  /** DER in base64. */
  readonly certificate: string;
  readonly signature: Uint8Array;
}

/** Whether the certificate is that evaluator's, valid now, and the signature over `bytes` made with its key. */
export function isSignedBy(
  verifier: PartyVerifier,
  { evaluator, certificate, signature }: EvaluatorSignature,
  bytes: Uint8Array,
  nowMs: number,
): boolean {
  try {
    const known = verifier.check(Buffer.from(certificate, "base64"), nowMs);
    const { role, id } = known.party;
    if (role !== "evaluator" || id !== String(evaluator)) return false;
    return verifyBytes(known.publicKey, bytes, signature);
  } catch {
    return false;
  }
}
