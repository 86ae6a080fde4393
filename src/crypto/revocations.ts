// Lists of revoked certificates: X.509 certificate revocation lists, signed by the market's authority. Each has a
// number higher than the one before, and says until when the next is to be expected.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  Extension,
  type Name,
  PemConverter,
  X509Certificate,
  X509Crl,
  X509CrlGenerator,
  X509CrlReason,
} from "@peculiar/x509";
import { CertificateError } from "./certificate-error.ts";
import { serialText } from "./certificate-names.ts";
import { SIGNING_ALGORITHM } from "./certificate-requests.ts";

const NUMBER_EXTENSION = "2.5.29.20";
const INTEGER_TAG = 2;

/** What an authority signs. */
export interface RevocationList {
  /** 1 or more, higher than that of every list before. */
  readonly number: number;
  readonly revoked: readonly { readonly serial: string; readonly revokedMs: number }[];
  /** When it was made, and until when the next one is made; in milliseconds since 1970 UTC. */
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
}

/** A list whose signature was verified. */
export interface Revocations {
  readonly number: number;
  /** Serial numbers of the revoked certificates, as in KnownParty. */
  readonly serials: ReadonlySet<string>;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
}

/** DER of a small natural number. */
function integerDer(number: number): Uint8Array<ArrayBuffer> {
  const digits = number.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  // A first bit that is set would make it negative.
  const bytes = Buffer.from(
    Number.parseInt(even.slice(0, 2), 16) > 0x7f ? `00${even}` : even,
    "hex",
  );
  return Uint8Array.of(INTEGER_TAG, bytes.length, ...bytes);
}

function integerOf(der: Uint8Array): number {
  const [tag, length] = der;
  const number = Number(`0x${Buffer.from(der.subarray(2)).toString("hex") || "x"}`);
  if (tag === INTEGER_TAG && length === der.length - 2 && Number.isSafeInteger(number))
    return number;
  throw new CertificateError("the list of revoked certificates has no proper number");
}

/** Signs a list with the key of `authority`: in PEM. */
export async function signRevocations(
  authority: X509Certificate,
  signingKey: CryptoKey,
  list: RevocationList,
): Promise<string> {
  const crl = await X509CrlGenerator.create({
    issuer: authority.subjectName as Name,
    thisUpdate: new Date(list.thisUpdateMs),
    nextUpdate: new Date(list.nextUpdateMs),
    signingAlgorithm: SIGNING_ALGORITHM,
    signingKey,
    entries: list.revoked.map(({ serial, revokedMs }) => ({
      serialNumber: serial.length % 2 === 0 ? serial : `0${serial}`,
      revocationDate: new Date(revokedMs),
      // Without any extension the entry would get an empty list of them, which OpenSSL refuses.
      reason: X509CrlReason.privilegeWithdrawn,
    })),
    extensions: [
      await AuthorityKeyIdentifierExtension.create(authority.publicKey),
      new Extension(NUMBER_EXTENSION, false, integerDer(list.number)),
    ],
  });
  return `${PemConverter.encode(crl.rawData, "X509 CRL")}\n`;
}

/**
 * Reads a list (PEM or DER) and verifies that the authority signed it. Throws CertificateError "malformed" or
 * "unknown-authority". Whether the list is still current is for the caller to judge, by `nextUpdateMs`.
 */
export async function readRevocations(
  list: string | Uint8Array<ArrayBuffer>,
  authorityPem: string,
): Promise<Revocations> {
  let crl: X509Crl;
  let entries: X509Crl["entries"];
  let numberDer: ArrayBuffer | undefined;
  try {
    crl = new X509Crl(list);
    entries = crl.entries;
    numberDer = crl.getExtension(NUMBER_EXTENSION)?.value;
  } catch {
    throw new CertificateError("this is no list of revoked certificates in PEM or DER");
  }
  const authority = new X509Certificate(authorityPem);
  const signed = await crl.verify({ publicKey: authority }).catch(() => false);
  if (!signed || crl.issuer !== authority.subject) {
    throw new CertificateError(
      "the list of revoked certificates is not signed by the market's authority",
      "unknown-authority",
    );
  }
  if (numberDer === undefined || crl.nextUpdate === undefined) {
    throw new CertificateError("the list of revoked certificates has no number or no next update");
  }
  return {
    number: integerOf(new Uint8Array(numberDer)),
    serials: new Set(entries.map(({ serialNumber }) => serialText(serialNumber))),
    thisUpdateMs: crl.thisUpdate.getTime(),
    nextUpdateMs: crl.nextUpdate.getTime(),
  };
}

/** The number of a list (PEM), whoever signed it. Throws when it is none. */
export function listNumberOf(list: string): number {
  const number = new X509Crl(list).getExtension(NUMBER_EXTENSION)?.value;
  if (number === undefined) throw new CertificateError("the list has no number");
  return integerOf(new Uint8Array(number));
}
