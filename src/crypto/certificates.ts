// The market's certificate authority and the certificates of its parties: X.509 with ECDSA on
// P-256. A party's private key is generated where it is used; the authority only ever sees a signed
// request.

import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  PemConverter,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { systemClock } from "../platform/clock.ts";
import { type Party, partyFromUri, partyName, partyUri, sameParty } from "./party.ts";

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600 * 1000;
/** The clocks of the parties may differ by this much. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

/**
 * A certificate, request or key that is malformed or does not fit the others; says what is wrong.
 */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

export interface ValidityOptions {
  /** Begin of the validity, in milliseconds since 1970 UTC; five minutes ago unless given. */
  readonly notBeforeMs?: number;
  /** How long the certificate is valid from then on; 365 days unless given. */
  readonly validityDays?: number;
}

/** What a party needs to prove who it is: everything in PEM. */
export interface Identity {
  readonly party: Party;
  readonly privateKeyPem: string;
  readonly certificatePem: string;
  /** The certificate of the market's authority, against which others are checked. */
  readonly authorityPem: string;
}

export interface KeyAndRequest {
  readonly privateKeyPem: string;
  readonly requestPem: string;
}

/** The certificate authority of one market. */
export interface Authority {
  readonly marketName: string;
  readonly certificatePem: string;
  /**
   * A certificate for the key of `requestPem` and for `party`, in PEM. Throws CertificateError when
   * the request is malformed, is not signed with its own key, has another kind of key, or names
   * another party.
   */
  issue(requestPem: string, party: Party, options?: ValidityOptions): Promise<string>;
}

function validity(options: ValidityOptions): { notBefore: Date; notAfter: Date } {
  const notBeforeMs = options.notBeforeMs ?? systemClock.utcMs() - CLOCK_TOLERANCE_MS;
  const notAfterMs = notBeforeMs + (options.validityDays ?? 365) * DAY_MS;
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

function nameExtension(party: Party): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension([{ type: "url", value: partyUri(party) }]);
}

/**
 * The one party named in the subject alternative names; null when there is none or more than one.
 */
function partyNamed(extensions: readonly Extension[]): Party | null {
  const parties: (Party | null)[] = [];
  for (const extension of extensions) {
    if (!(extension instanceof SubjectAlternativeNameExtension)) continue;
    for (const name of extension.names.items) {
      if (name.type === "url") parties.push(partyFromUri(name.value));
    }
  }
  return parties.length === 1 ? parties[0]! : null;
}

async function checkRequest(requestPem: string, party: Party): Promise<Pkcs10CertificateRequest> {
  const whose = `the certificate request of ${partyName(party)}`;
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(requestPem);
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
  const named = partyNamed(request.extensions);
  if (named === null || !sameParty(named, party)) {
    const found = named === null ? "no party" : partyName(named);
    throw new CertificateError(`${whose} names ${found}, expected ${partyName(party)}`);
  }
  return request;
}

async function issueCertificate(
  issuer: X509Certificate,
  signingKey: CryptoKey,
  request: Pkcs10CertificateRequest,
  party: Party,
  options: ValidityOptions,
): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [partyName(party)] }],
    issuer: issuer.subjectName as Name,
    ...validity(options),
    signingAlgorithm: SIGNING_ALGORITHM,
    signingKey,
    publicKey: request.publicKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
      nameExtension(party),
      await SubjectKeyIdentifierExtension.create(request.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return certificate.toString("pem");
}

/**
 * A new authority with its own key, which stays in this process. `marketName` (1 to 40 characters)
 * becomes part of its certificate's subject. The certificate is valid for ten years unless told
 * otherwise.
 */
export async function createAuthority(
  marketName: string,
  options: ValidityOptions = {},
): Promise<Authority> {
  if (marketName.length < 1 || marketName.length > 40) {
    throw new CertificateError(`market name "${marketName}" must have 1 to 40 characters`);
  }
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Hushwatt market ${marketName}`] }],
    ...validity({ validityDays: 3650, ...options }),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    marketName,
    certificatePem: certificate.toString("pem"),
    issue: async (requestPem, party, issueOptions = {}) => {
      const request = await checkRequest(requestPem, party);
      return issueCertificate(certificate, keys.privateKey, request, party, issueOptions);
    },
  };
}

/** A fresh private key (PKCS #8) and the signed request for a certificate of `party`. */
export async function createKeyAndRequest(party: Party): Promise<KeyAndRequest> {
  if (partyFromUri(partyUri(party)) === null) {
    throw new CertificateError(
      `party id "${party.id}" must be 1 to 48 letters, digits, ".", "_" or "-", no sign first`,
    );
  }
  const keys = await generateKeys();
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [partyName(party)] }],
    keys,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [nameExtension(party)],
  });
  const privateKey = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    privateKeyPem: PemConverter.encode(privateKey, "PRIVATE KEY"),
    requestPem: request.toString("pem"),
  };
}

/** Key, request and certificate of `party` in one go, for markets set up on one machine. */
export async function issueIdentity(
  authority: Authority,
  party: Party,
  options?: ValidityOptions,
): Promise<Identity> {
  const { privateKeyPem, requestPem } = await createKeyAndRequest(party);
  const certificatePem = await authority.issue(requestPem, party, options);
  return { party, privateKeyPem, certificatePem, authorityPem: authority.certificatePem };
}

/**
 * The party that a certificate (DER or PEM) names, or null when it is no certificate, or names none
 * or several. Says nothing about who signed it: check that first.
 */
export function partyOf(certificate: Uint8Array<ArrayBuffer> | string): Party | null {
  try {
    return partyNamed(new X509Certificate(certificate).extensions);
  } catch {
    return null;
  }
}
