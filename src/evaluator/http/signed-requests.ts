// Who has sent a request: checks its signature (wire/http-signature.ts) and certificate, cheap checks first. Nothing of
// the body has been read yet: that it is the one that was signed is for the route to check.
import type { FastifyRequest } from "fastify";
import { CertificateError } from "../../crypto/certificates.ts";
import { type PartyRole, partyName } from "../../crypto/party.ts";
import { type KnownParty, verifyBytes } from "../../crypto/party-verifier.ts";
import {
  type ReadSignature,
  readSignature,
  SignatureFormatError,
} from "../../wire/http-signature.ts";
import { type ProblemCode, ProblemError } from "../../wire/problems.ts";
import type { HttpContext } from "./context.ts";

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

/** The party that has signed a request, which must have this role. Throws ProblemError. */
export function signerOfRequest(
  { verifier, clock, index, limits }: HttpContext,
  request: FastifyRequest,
  role: PartyRole,
): SignedBy {
  const signature = signatureIn(request);
  if (signature.evaluator !== index) {
    const found = `the request is for evaluator ${signature.evaluator}, this is evaluator ${index}`;
    throw new ProblemError("wrong-evaluator", found);
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
  verifier: HttpContext["verifier"],
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
