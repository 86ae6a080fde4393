// Signatures by the keys of certificates: ECDSA on P-256 with SHA-256, as r and s of 32 bytes each (IEEE P1363).
import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { CertificateError } from "./certificate-error.ts";
import type { Identity } from "./certificates.ts";
import type { Party } from "./party.ts";

export const SIGNATURE_BYTES = 64;
const DSA_ENCODING = "ieee-p1363";

/** A party with its certificate and the use of its key, which stays inside. */
export interface IdentitySigner {
  readonly party: Party;
  readonly certificateDer: Uint8Array<ArrayBuffer>;
  /** 64 bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

/** Throws CertificateError when key or certificate are none. */
export function signerOf(identity: Identity): IdentitySigner {
  let key: KeyObject;
  let certificateDer: Uint8Array<ArrayBuffer>;
  try {
    key = createPrivateKey(identity.privateKeyPem);
    certificateDer = new Uint8Array(new X509Certificate(identity.certificatePem).raw);
  } catch {
    throw new CertificateError("the identity's key or certificate is not one in PEM");
  }
  return {
    party: identity.party,
    certificateDer,
    sign: async (bytes) =>
      new Uint8Array(sign("sha256", bytes, { key, dsaEncoding: DSA_ENCODING })),
  };
}

/** Whether `signature` over `bytes` is by the private key that belongs to `publicKey`. */
export function verifyBytes(
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  return verify("sha256", bytes, { key: publicKey, dsaEncoding: DSA_ENCODING }, signature);
}

/**
 * The same for a certificate (DER), which says nothing about whether the certificate is to be trusted: see
 * PartyVerifier. False when it is no certificate.
 */
export function verifySignature(
  certificateDer: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verifyBytes(new X509Certificate(certificateDer).publicKey, bytes, signature);
  } catch {
    return false;
  }
}
