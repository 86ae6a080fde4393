// The market's certificate authority and the certificates of its parties: X.509 with ECDSA on
// P-256. A party's private key is generated where it is used; the authority only ever sees a signed
// request.

import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  PemConverter,
  type Pkcs10CertificateRequest,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { systemClock } from "../platform/clock.ts";
import { CertificateError } from "./certificate-error.ts";
import { namesExtension, type OtherNames } from "./certificate-names.ts";
import {
  createKeyAndRequest,
  generateKeys,
  KEY_ALGORITHM,
  privateKeyPemOf,
  requestFor,
  SIGNING_ALGORITHM,
} from "./certificate-requests.ts";
import { type Party, partyName } from "./party.ts";
import { type RevocationList, signRevocations } from "./revocations.ts";

export { CertificateError } from "./certificate-error.ts";
export { partyOf, supplierOf } from "./certificate-names.ts";
export { createKeyAndRequest, type KeyAndRequest } from "./certificate-requests.ts";

const DAY_MS = 24 * 3600 * 1000;
/** The clocks of the parties may differ by this much. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;
const AUTHORITY_VALIDITY_DAYS = 3650;

export interface ValidityOptions {
  /** Begin of the validity, in milliseconds since 1970 UTC; five minutes ago unless given. */
  readonly notBeforeMs?: number;
  /** How long the certificate is valid from then on; 365 days unless given. */
  readonly validityDays?: number;
}

export interface IssueOptions extends ValidityOptions, OtherNames {
  /** Something else than the request says who asks (a one-time code): it may name nobody. */
  readonly mayNameNobody?: boolean;
}

/** What a party needs to prove who it is: everything in PEM. */
export interface Identity {
  readonly party: Party;
  readonly privateKeyPem: string;
  readonly certificatePem: string;
  /** The certificate of the market's authority, against which others are checked. */
  readonly authorityPem: string;
}

/** An authority's key (PKCS #8) and its own certificate, in PEM, as it is stored. */
export interface AuthorityKey {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
}

/** The certificate authority of one market. */
export interface Authority {
  readonly marketName: string;
  readonly certificatePem: string;
  /**
   * A certificate for the key of `requestPem` and for `party`, in PEM. Throws CertificateError when
   * the request is malformed, is not signed with its own key, has another kind of key, or names
   * another party (a meter's may name none, and others' with `mayNameNobody`).
   */
  issue(requestPem: string, party: Party, options?: IssueOptions): Promise<string>;
  /** Signs a list of revoked certificates: in PEM. */
  signRevocations(list: RevocationList): Promise<string>;
}

function validity(options: ValidityOptions): { notBefore: Date; notAfter: Date } {
  const notBeforeMs = options.notBeforeMs ?? systemClock.utcMs() - CLOCK_TOLERANCE_MS;
  const notAfterMs = notBeforeMs + (options.validityDays ?? 365) * DAY_MS;
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}

async function issueCertificate(
  issuer: X509Certificate,
  signingKey: CryptoKey,
  request: Pkcs10CertificateRequest,
  party: Party,
  options: IssueOptions,
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
      namesExtension(party, options),
      await SubjectKeyIdentifierExtension.create(request.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return certificate.toString("pem");
}

const SUBJECT_PREFIX = "Hushwatt market ";

/**
 * A new authority's key and certificate. `marketName` (1 to 40 characters) becomes part of its
 * certificate's subject. The certificate is valid for ten years unless told otherwise.
 */
export async function generateAuthorityKey(
  marketName: string,
  options: ValidityOptions = {},
): Promise<AuthorityKey> {
  if (marketName.length < 1 || marketName.length > 40) {
    throw new CertificateError(`market name "${marketName}" must have 1 to 40 characters`);
  }
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`${SUBJECT_PREFIX}${marketName}`] }],
    ...validity({ validityDays: AUTHORITY_VALIDITY_DAYS, ...options }),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    privateKeyPem: await privateKeyPemOf(keys.privateKey),
    certificatePem: certificate.toString("pem"),
  };
}

/** The authority of a stored key. Throws CertificateError when key or certificate are none. */
export async function authorityOf({
  privateKeyPem,
  certificatePem,
}: AuthorityKey): Promise<Authority> {
  let certificate: X509Certificate;
  let signingKey: CryptoKey;
  try {
    certificate = new X509Certificate(certificatePem);
    const key = PemConverter.decodeFirst(privateKeyPem);
    signingKey = await crypto.subtle.importKey("pkcs8", key, KEY_ALGORITHM, false, ["sign"]);
  } catch {
    throw new CertificateError("the authority's key or certificate is not one in PEM");
  }
  const subject = certificate.subjectName.getField("CN")[0] ?? "";
  if (!subject.startsWith(SUBJECT_PREFIX)) {
    throw new CertificateError(`the certificate of "${subject}" is not that of an authority`);
  }
  return {
    marketName: subject.slice(SUBJECT_PREFIX.length),
    certificatePem,
    issue: async (requestPem, party, options = {}) => {
      const request = await requestFor(requestPem, party, options.mayNameNobody);
      return issueCertificate(certificate, signingKey, request, party, options);
    },
    signRevocations: (list) => signRevocations(certificate, signingKey, list),
  };
}

/** A new authority with its own key, which stays in this process; see generateAuthorityKey. */
export async function createAuthority(
  marketName: string,
  options: ValidityOptions = {},
): Promise<Authority> {
  return authorityOf(await generateAuthorityKey(marketName, options));
}

/** Key, request and certificate of `party` in one go, for markets set up on one machine. */
export async function issueIdentity(
  authority: Authority,
  party: Party,
  options?: IssueOptions,
): Promise<Identity> {
  const { privateKeyPem, requestPem } = await createKeyAndRequest(party);
  const certificatePem = await authority.issue(requestPem, party, options);
  return { party, privateKeyPem, certificatePem, authorityPem: authority.certificatePem };
}
