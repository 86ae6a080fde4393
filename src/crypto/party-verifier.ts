// Whether a certificate is that of a party of the market, now: signed by its authority, valid, not revoked. On the path
// of every order, so that what does not change with time is remembered by the certificate's hash.
import { hash, type KeyObject, X509Certificate } from "node:crypto";
import { CertificateError } from "./certificate-error.ts";
import { partyNamed, serialText, supplierNamed } from "./certificate-names.ts";
import { type Party, partyName } from "./party.ts";

export { verifyBytes } from "./signing-key.ts";

/** Certificates remembered at most, unless told otherwise: about a kilobyte each. */
const REMEMBERED = 65_536;
/** A certificate of the market has some 600 bytes. */
const MOST_BYTES = 4_096;
const CURVE = "prime256v1";

/** Whom a certificate stands for. */
export interface KnownParty {
  readonly party: Party;
  /** Whose customer a meter is, by the supplier's number; null for all others. */
  readonly supplier: number | null;
  /** The certificate's serial number in small hexadecimal digits. */
  readonly serial: string;
  readonly publicKey: KeyObject;
}

interface Remembered extends KnownParty {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export class PartyVerifier {
  readonly #authority: X509Certificate;
  readonly #authorityKey: KeyObject;
  readonly #remembered = new Map<string, Remembered>();
  readonly #capacity: number;
  #revoked: ReadonlySet<string>;

  /** Throws CertificateError "malformed" when `authorityPem` is no certificate. */
  constructor(
    authorityPem: string,
    options: { readonly revoked?: ReadonlySet<string>; readonly capacity?: number } = {},
  ) {
    try {
      this.#authority = new X509Certificate(authorityPem);
    } catch {
      throw new CertificateError("the authority's certificate is not one in PEM");
    }
    this.#authorityKey = this.#authority.publicKey;
    this.#capacity = options.capacity ?? REMEMBERED;
    this.#revoked = options.revoked ?? new Set();
  }

  /** From now on exactly these serial numbers are revoked (of readRevocations). */
  revoke(serials: ReadonlySet<string>): void {
    this.#revoked = serials;
  }

  /**
   * Whose certificate this is. Throws CertificateError: "unknown-authority", "expired" (or not valid yet), "revoked"
   * or "malformed". `nowMs` is real time, in milliseconds since 1970 UTC.
   */
  check(certificateDer: Uint8Array, nowMs: number): KnownParty {
    if (certificateDer.length > MOST_BYTES) {
      throw new CertificateError(`a certificate must not be longer than ${MOST_BYTES} bytes`);
    }
    const digest = hash("sha256", certificateDer, "base64");
    const known = this.#remembered.get(digest) ?? this.#read(certificateDer);
    this.#remember(digest, known);
    const whose = `the certificate of ${partyName(known.party)}`;
    if (nowMs < known.notBeforeMs || nowMs > known.notAfterMs) {
      const from = new Date(known.notBeforeMs).toISOString();
      const to = new Date(known.notAfterMs).toISOString();
      throw new CertificateError(`${whose} is valid from ${from} to ${to}, not now`, "expired");
    }
    if (this.#revoked.has(known.serial)) {
      throw new CertificateError(`${whose} was revoked`, "revoked");
    }
    return known;
  }

  /** The ones used longest ago are forgotten first; only certificates of the authority come here. */
  #remember(digest: string, known: Remembered): void {
    this.#remembered.delete(digest);
    this.#remembered.set(digest, known);
    if (this.#remembered.size <= this.#capacity) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }

  #read(certificateDer: Uint8Array): Remembered {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(certificateDer);
    } catch {
      throw new CertificateError("this is no X.509 certificate in DER");
    }
    // PEM, or bytes after the certificate, would be remembered apart from it.
    if (!certificate.raw.equals(certificateDer)) {
      throw new CertificateError("this is not exactly one X.509 certificate in DER");
    }
    // Nothing in it is believed before its signature is.
    if (!certificate.checkIssued(this.#authority) || !certificate.verify(this.#authorityKey)) {
      throw new CertificateError(
        "the certificate is not signed by the authority of this market",
        "unknown-authority",
      );
    }
    const uris = urisOf(certificate.subjectAltName ?? "");
    const party = partyNamed(uris);
    if (party === null || certificate.ca) {
      throw new CertificateError("the certificate names no party of a market");
    }
    const { publicKey } = certificate;
    if (publicKey.asymmetricKeyDetails?.namedCurve !== CURVE) {
      throw new CertificateError("the certificate's key is not ECDSA on P-256");
    }
    return {
      party,
      supplier: supplierNamed(uris),
      serial: serialText(certificate.serialNumber),
      publicKey,
      notBeforeMs: certificate.validFromDate.getTime(),
      notAfterMs: certificate.validToDate.getTime(),
    };
  }
}

/** URIs in Node's text of the alternative names: "URI:urn:..., DNS:..."; a name with a comma is quoted there. */
const urisOf = (names: string): string[] =>
  names.split(", ").flatMap((name) => (name.startsWith("URI:") ? [name.slice(4)] : []));
