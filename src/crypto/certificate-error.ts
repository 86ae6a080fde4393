// What is wrong with a certificate, a request, a key or a list of revoked certificates.

export type CertificateProblem = "unknown-authority" | "expired" | "revoked" | "malformed";

/**
 * A certificate, request, key or list that is malformed, does not fit the others or does not hold any more; says
 * what is wrong.
 */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
  readonly code: CertificateProblem;

  constructor(message: string, code: CertificateProblem = "malformed") {
    super(message);
    this.code = code;
  }
}
