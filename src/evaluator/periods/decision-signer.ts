// Decisions signed with an evaluator's own key, and checked against the market's authority.
import type { Identity } from "../../crypto/certificates.ts";
import { type PartyVerifier, verifyBytes } from "../../crypto/party-verifier.ts";
import { signerOf } from "../../crypto/signing-key.ts";
import { systemClock } from "../../platform/clock.ts";
import type { DecisionSigner } from "./context.ts";

export function decisionSigner(identity: Identity, verifier: PartyVerifier): DecisionSigner {
  const signer = signerOf(identity);
  return {
    certificate: Buffer.from(signer.certificateDer).toString("base64"),
    sign: (bytes) => signer.sign(bytes),
    async verify(evaluator, certificate, bytes, signature) {
      try {
        const known = verifier.check(Buffer.from(certificate, "base64"), systemClock.utcMs());
        const { role, id } = known.party;
        if (role !== "evaluator" || id !== String(evaluator)) return false;
        return verifyBytes(known.publicKey, bytes, signature);
      } catch {
        return false;
      }
    },
  };
}
