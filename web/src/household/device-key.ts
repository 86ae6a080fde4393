// This device's key: made in the browser, which never gives it out, and the request for its certificate.
import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

/** A key that can sign here, and that nobody can read: not extractable. */
export function createDeviceKey(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY, false, ["sign", "verify"]);
}

/**
 * A signed request (PKCS #10, PEM) for a certificate with a one-time code, which says whose it is: a new meter does not
 * know its name yet, nor a supplier's browser its number.
 */
export async function requestFor(
  keys: CryptoKeyPair,
  role: "meter" | "supplier" = "meter",
): Promise<string> {
  const name = [{ CN: [role] }];
  const signingAlgorithm = SIGNING;
  const request = await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm });
  return request.toString("pem");
}
