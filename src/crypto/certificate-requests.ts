// Keys and signed requests for certificates (PKCS #10). A party's private key is generated where it is used; the
// authority only ever sees the request, which proves that whoever made it has the key.
import "reflect-metadata";
import {
  PemConverter,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
} from "@peculiar/x509";
import { CertificateError } from "./certificate-error.ts";
import { namesExtension, partyNamed, urisOf } from "./certificate-names.ts";
import { type Party, partyFromUri, partyName, partyUri, sameParty } from "./party.ts";

export const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
export const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

/** Everything in PEM. */
export interface KeyAndRequest {
  readonly privateKeyPem: string;
  readonly requestPem: string;
}

export function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

export async function privateKeyPemOf(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/**
 * A fresh private key (PKCS #8) and the signed request for a certificate: of `party`, or of a meter that does not
 * know its name yet because the registrar chooses it.
 */
export async function createKeyAndRequest(party: Party | "new-meter"): Promise<KeyAndRequest> {
  if (party !== "new-meter" && partyFromUri(partyUri(party)) === null) {
    throw new CertificateError(
      `party id "${party.id}" must be 1 to 48 letters, digits, ".", "_" or "-", no sign first`,
    );
  }
  const keys = await generateKeys();
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [party === "new-meter" ? "meter" : partyName(party)] }],
    keys,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: party === "new-meter" ? [] : [namesExtension(party)],
  });
  return {
    privateKeyPem: await privateKeyPemOf(keys.privateKey),
    requestPem: request.toString("pem"),
  };
}

/** What can be said of a request before it is decided for whom the certificate will be. */
export interface CheckedRequest {
  readonly request: Pkcs10CertificateRequest;
  /** Whom it names; null when it names nobody, as a new meter's. */
  readonly party: Party | null;
  /** The public key (SPKI, DER). */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a request (PEM) and checks its kind of key and that it is signed with that key. Throws CertificateError;
 * `whose` names the request in it.
 */
export async function readRequest(
  requestPem: string,
  whose = "the certificate request",
): Promise<CheckedRequest> {
  let request: Pkcs10CertificateRequest;
  let uris: string[];
  try {
    request = new Pkcs10CertificateRequest(requestPem);
    uris = urisOf(request.extensions);
  } catch {
    throw new CertificateError(`${whose} is not a PKCS #10 request in PEM`);
  }
  const key = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (key.name !== "ECDSA" || key.namedCurve !== "P-256") {
    throw new CertificateError(`${whose} has a ${key.name} key, expected ECDSA on P-256`);
  }
  if (!(await request.verify().catch(() => false))) {
    throw new CertificateError(`${whose} is not signed with the key that it contains`);
  }
  const party = partyNamed(uris);
  if (party === null && uris.length > 0) {
    throw new CertificateError(`${whose} names more than one party, or something unknown`);
  }
  return { request, party, publicKey: new Uint8Array(request.publicKey.rawData) };
}

/**
 * The request, if it is for `party`: names it or, for a meter unless told otherwise, nobody. Throws
 * CertificateError.
 */
export async function requestFor(
  requestPem: string,
  party: Party,
  mayNameNobody = party.role === "meter",
): Promise<Pkcs10CertificateRequest> {
  const whose = `the certificate request of ${partyName(party)}`;
  const { request, party: named } = await readRequest(requestPem, whose);
  if (named === null ? mayNameNobody : sameParty(named, party)) return request;
  const found = named === null ? "no party" : partyName(named);
  throw new CertificateError(`${whose} names ${found}, expected ${partyName(party)}`);
}
