// Decisions signed with an evaluator's own key, and checked against the market's authority.
import type { Identity } from "../../crypto/certificates.ts";
import type { PartyVerifier } from "../../crypto/party-verifier.ts";
import { signerOf } from "../../crypto/signing-key.ts";
import { systemClock } from "../../platform/clock.ts";
import { isSignedBy } from "../../service/evaluator-signatures.ts";
import type { DecisionSigner } from "./context.ts";

export function decisionSigner(identity: Identity, verifier: PartyVerifier): DecisionSigner {
  const signer = signerOf(identity);
  return {
    certificate: Buffer.from(signer.certificateDer).toString("base64"),
    sign: (bytes) => signer.sign(bytes),
    verify: async (evaluator, certificate, bytes, signature) =>
      isSignedBy(verifier, { evaluator, certificate, signature }, bytes, systemClock.utcMs()),
  };
}
