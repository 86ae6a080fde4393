// Who has sent a request: checks its signature (wire/http-signature.ts) and certificate, cheap checks first. Nothing of
// the body has been read yet: that it is the one that was signed is for the route to check.
import type { FastifyRequest } from "fastify";
import { CertificateError } from "../crypto/certificates.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { type PartyRole, partyName } from "../crypto/party.ts";
import { type KnownParty, type PartyVerifier, verifyBytes } from "../crypto/party-verifier.ts";
import type { Clock } from "../platform/clock.ts";
import { type ReadSignature, readSignature, SignatureFormatError } from "../wire/http-signature.ts";
import { type ProblemCode, ProblemError } from "../wire/problems.ts";
import { type Recipient, recipientName } from "../wire/recipient.ts";
import type { HttpsLimits } from "./https-limits.ts";
import { RetryLaterError } from "./problem-answers.ts";
import { TokenBuckets } from "./token-buckets.ts";

export interface SignedBy extends KnownParty {
  /** SHA-256 of the body, as signed; null for a request without one. */
  readonly contentDigest: Uint8Array | null;
  /** What was signed, and the signature in base64 on a last line. */
  readonly evidence: string;
}

const CERTIFICATE_PROBLEMS = {
  "unknown-authority": "unknown-certificate",
  malformed: "unknown-certificate",
  expired: "expired-certificate",
  revoked: "revoked-certificate",
} as const satisfies Record<CertificateError["code"], ProblemCode>;

/** What checking signatures needs from the rest of a service. */
export interface SignatureContext {
  /** Whom requests must be for. */
  readonly recipient: Recipient;
  readonly verifier: PartyVerifier;
  readonly clock: Clock;
  readonly limits: HttpsLimits;
}

/**
 * Per role what finds out who has signed a request, and whether that one may ask so often; `request.signer` is known
 * afterwards. Throws ProblemError.
 */
export function signatureChecks(
  context: SignatureContext,
): (role: PartyRole) => (request: FastifyRequest) => void {
  const buckets = new TokenBuckets(context.limits);
  return (role) => (request) => {
    const signer = signerOfRequest(context, request, role);
    // Only who has really signed is counted: nobody can use up what others may ask.
    const waitMs = buckets.take(partyName(signer.party), context.clock.nowMs());
    if (waitMs > 0) {
      const afterS = Math.ceil(waitMs / 1000);
      throw new RetryLaterError("too-many-requests", `come again in ${afterS} s`, afterS);
    }
    request.signer = signer;
  };
}

/** The body must be the one whose digest was signed. Throws ProblemError. */
export function checkDigest({ contentDigest }: SignedBy, body: Uint8Array): void {
  const digest = nodePrimitives.sha256(body);
  if (contentDigest !== null && Buffer.from(contentDigest).equals(digest)) return;
  throw new ProblemError("bad-signature", "the body is not the one whose digest was signed");
}

/** The party that has signed a request, which must have this role. Throws ProblemError. */
function signerOfRequest(
  { verifier, clock, recipient, limits }: SignatureContext,
  request: FastifyRequest,
  role: PartyRole,
): SignedBy {
  const signature = signatureIn(request);
  if (signature.recipient !== recipient) {
    const [found, right] = [recipientName(signature.recipient), recipientName(recipient)];
    throw new ProblemError("wrong-evaluator", `the request is for ${found}, this is ${right}`);
  }
  const nowMs = clock.utcMs();
  const ageS = nowMs / 1000 - signature.createdS;
  if (Math.abs(ageS) > limits.signatureAgeS) {
    const found = `it was signed ${Math.abs(Math.round(ageS))} s ${ageS > 0 ? "ago" : "ahead of now"}`;
    const right = `the clocks may differ by ${limits.signatureAgeS} s`;
    throw new ProblemError("signature-expired", `${found}; ${right}`);
  }
  const known = knownParty(verifier, signature, nowMs);
  const name = partyName(known.party);
  if (signature.keyId !== name) {
    throw new ProblemError("bad-signature", `keyid must be ${name}, whose certificate it is`);
  }
  if (known.party.role !== role) {
    throw new ProblemError("wrong-role", `this is for a ${role}, and ${name} is none`);
  }
  if (!verifyBytes(known.publicKey, signature.base, signature.signature)) {
    throw new ProblemError("bad-signature", `the signature is not that of ${name} on this request`);
  }
  const { base, contentDigest } = signature;
  const bytes = Buffer.from(signature.signature).toString("base64");
  return { ...known, contentDigest, evidence: `${Buffer.from(base).toString("ascii")}\n${bytes}` };
}

function signatureIn(request: FastifyRequest): ReadSignature {
  const { headers, method, raw } = request;
  if (headers.signature === undefined && headers["signature-input"] === undefined) {
    const right = "it needs Signature and Signature-Input (RFC 9421)";
    throw new ProblemError("signature-missing", right);
  }
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
  try {
    return readSignature({ method, path: raw.url ?? "", headers: header });
  } catch (error) {
    if (!(error instanceof SignatureFormatError)) throw error;
    throw new ProblemError("bad-signature", error.message);
  }
}

function knownParty(
  verifier: PartyVerifier,
  { certificateDer }: ReadSignature,
  nowMs: number,
): KnownParty {
  try {
    return verifier.check(certificateDer, nowMs);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new ProblemError(CERTIFICATE_PROBLEMS[error.code], error.message);
  }
}
