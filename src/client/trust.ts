// Whom a client believes: evaluators with a certificate of the market's authority, for what they have signed. The same
// in Node and in a browser.
import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import { base64ToArrayBuffer } from "structured-headers";
import { type Party, partyFromUri, partyName, sameParty } from "../crypto/party.ts";
import { type Clock, systemClock } from "../platform/clock.ts";

/** Something is not signed by whom it should be; says what is wrong. */
export class TrustError extends Error {
  override readonly name = "TrustError";
}

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;
/** Certificates whose keys are kept: each evaluator has one, and a new one every year or so. */
const MOST_KEYS = 256;
/** Signatures that were found right are kept: all evaluators give the same ones with a decision. */
const MOST_SIGNATURES = 64;

interface KnownKey {
  readonly key: CryptoKey;
  readonly fromMs: number;
  readonly toMs: number;
}

export class Trust {
  readonly #authority: X509Certificate;
  readonly #clock: Clock;
  readonly #known = new Map<string, KnownKey>();
  readonly #right = new Set<string>();

  /** `authorityPem` is the certificate of the market's authority. Throws TrustError when it is none. */
  constructor(authorityPem: string, clock: Clock = systemClock) {
    try {
      this.#authority = new X509Certificate(authorityPem);
    } catch {
      throw new TrustError("the market document has no certificate of an authority");
    }
    this.#clock = clock;
  }

  /**
   * Verifies that the evaluator signed `bytes`. `certificate` is its certificate, in PEM or as DER in base64,
   * `signature` r and s in base64. Throws TrustError.
   */
  async verify(
    evaluator: number,
    certificate: string,
    bytes: Uint8Array<ArrayBuffer>,
    signature: string,
  ): Promise<void> {
    const { key, fromMs, toMs } = await this.#keyOf(evaluator, certificate);
    const now = this.#clock.utcMs();
    if (now < fromMs || now >= toMs) {
      throw new TrustError(`the certificate of evaluator ${evaluator} is not valid now`);
    }
    const name = `${evaluator} ${certificate} ${signature} ${new TextDecoder("latin1").decode(bytes)}`;
    if (this.#right.has(name)) return;
    const signed = base64ToArrayBuffer(signature);
    if (!(await crypto.subtle.verify(SIGNATURE, key, signed, bytes))) {
      throw new TrustError(`the signature of evaluator ${evaluator} is wrong`);
    }
    if (this.#right.size >= MOST_SIGNATURES) this.#right.clear();
    this.#right.add(name);
  }

  async #keyOf(evaluator: number, certificate: string): Promise<KnownKey> {
    const name = `${evaluator} ${certificate}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const read = await this.#read(evaluator, certificate);
    if (this.#known.size >= MOST_KEYS) this.#known.clear();
    this.#known.set(name, read);
    return read;
  }

  async #read(evaluator: number, text: string): Promise<KnownKey> {
    const whose = `the certificate given for evaluator ${evaluator}`;
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(text);
    } catch {
      throw new TrustError(`${whose} is none`);
    }
    const party = partyIn(certificate);
    if (party === null || !sameParty(party, { role: "evaluator", id: String(evaluator) })) {
      throw new TrustError(`${whose} is that of ${party === null ? "nobody" : partyName(party)}`);
    }
    const publicKey = await this.#authority.publicKey.export();
    const issued =
      certificate.issuer === this.#authority.subject &&
      (await certificate.verify({ publicKey, signatureOnly: true }).catch(() => false));
    if (!issued) throw new TrustError(`${whose} is not of the market's authority`);
    return {
      key: await certificate.publicKey.export(KEY, ["verify"]),
      fromMs: certificate.notBefore.getTime(),
      toMs: certificate.notAfter.getTime(),
    };
  }
}

/** The one party that a certificate names; null when there is none or more than one. */
function partyIn({ extensions }: X509Certificate): Party | null {
  const names = extensions.flatMap((extension) =>
    extension instanceof SubjectAlternativeNameExtension ? extension.names.items : [],
  );
  const parties = names.flatMap(({ type, value }) =>
    type === "url" ? (partyFromUri(value) ?? []) : [],
  );
  return parties.length === 1 ? parties[0]! : null;
}
