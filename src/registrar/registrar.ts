// The registrar of a market: enrols its parties, revokes their certificates and signs the list of revoked ones. Sees
// requests for certificates only, never a party's private key and never an order.
import { readFile } from "node:fs/promises";
import { readRequest } from "../crypto/certificate-requests.ts";
import type { Authority } from "../crypto/certificates.ts";
import { loadAuthority } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { type Party, partyName, sameParty } from "../crypto/party.ts";
import { type MarketDocument, parseMarketDocument } from "../market/market-document.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { toHex } from "../wire/hex.ts";
import { ProblemError } from "../wire/problems.ts";
import { codeHash, newCode } from "./enrolment-codes.ts";
import { type IssuingOptions, issueCertificate, newMeter } from "./issuing.ts";
import { checkPartyOf } from "./market-parties.ts";
import { type MarketPaths, marketPaths } from "./market-paths.ts";
import { RegistrarError } from "./registrar-error.ts";
import { type CodeRole, type Enrolment, Registry } from "./registry.ts";
import { publishRevocations } from "./revocation-signing.ts";

const DAY_MS = 24 * 3600 * 1000;

/** What a party gets: with its private key, an identity. */
export interface Issued {
  readonly party: Party;
  /** The number of a meter's supplier; null for others. */
  readonly supplier: number | null;
  readonly certificatePem: string;
  readonly authorityPem: string;
}

export interface EnrolOptions {
  /** The number of a meter's supplier. */
  readonly supplier?: number;
  /** Issue another certificate for a party that has one. */
  readonly renew?: boolean;
  readonly validityDays?: number;
}

const hasEnded = ({ revokedMs, expiresMs }: Enrolment, nowMs: number): boolean =>
  revokedMs !== null || expiresMs <= nowMs;

export class Registrar {
  readonly market: MarketDocument;
  readonly #paths: MarketPaths;
  readonly #authority: Authority;
  readonly #registry: Registry;
  readonly #clock: Clock;

  private constructor(
    market: MarketDocument,
    paths: MarketPaths,
    authority: Authority,
    registry: Registry,
    clock: Clock,
  ) {
    this.market = market;
    this.#paths = paths;
    this.#authority = authority;
    this.#registry = registry;
    this.#clock = clock;
  }

  /** Opens the registrar of the market in a folder that initMarket made. Rejects with an error for people to read. */
  static async open(marketFolder: string, clock: Clock = systemClock): Promise<Registrar> {
    const paths = marketPaths(marketFolder);
    const text = await readFile(paths.market, "utf8").catch(() => {
      throw new RegistrarError(
        `there is no market in ${marketFolder} (no ${paths.market}): make one with hushwatt init`,
      );
    });
    let market: MarketDocument;
    try {
      market = parseMarketDocument(text);
    } catch (error) {
      throw new RegistrarError(`${paths.market}: ${messageOf(error)}`);
    }
    const authority = await loadAuthority(paths.registrar);
    if (authority.certificatePem.trim() !== market.authorityPem.trim()) {
      throw new RegistrarError(`${paths.registrar} has the authority of another market`);
    }
    return new Registrar(market, paths, authority, Registry.open(paths.registry), clock);
  }

  close(): void {
    this.#registry.close();
  }

  get authorityPem(): string {
    return this.#authority.certificatePem;
  }

  /** How many meters are enrolled. */
  get meters(): number {
    return this.#registry.count("meter", this.#clock.utcMs());
  }

  /** The number of the supplier of a name. Throws RegistrarError. */
  supplierNumber(name: string): number {
    const { suppliers } = this.market;
    const number = suppliers.indexOf(name);
    if (number >= 0) return number;
    throw new RegistrarError(`there is no supplier "${name}"; there are ${suppliers.join(", ")}`);
  }

  /**
   * Issues the certificate of a party, or of a new meter, which gets a random name. The same request again gets the
   * same certificate. Throws RegistrarError or CertificateError.
   */
  async enrol(
    requestPem: string,
    party: Party | "new-meter",
    options: EnrolOptions = {},
  ): Promise<Issued> {
    const named = party === "new-meter" ? null : party;
    if (named !== null) checkPartyOf(this.market, named);
    if ((named?.role ?? "meter") === "meter" && options.supplier === undefined) {
      throw new RegistrarError("a meter's certificate names its supplier: say which");
    }
    const { publicKey } = await readRequest(requestPem);
    const keyHash = toHex(nodePrimitives.sha256(publicKey));
    const earlier = this.#earlier(keyHash, named, options);
    if (earlier !== null) return this.#issued(earlier);
    const enrolment = await this.#issue(requestPem, keyHash, named ?? newMeter(), options);
    // Somebody else may have been enrolled meanwhile. What was issued for nothing is forgotten: nobody has seen it.
    const added = this.#registry.transaction(() => {
      const known = this.#earlier(keyHash, named, options);
      if (known === null) this.#registry.add(enrolment);
      return known ?? enrolment;
    });
    return this.#issued(added);
  }

  /**
   * Fresh one-time codes, each for one new meter of a supplier, or for one more device of the supplier itself. They are
   * shown now and never again.
   */
  createCodes(
    supplier: number,
    count: number,
    validDays: number,
    role: CodeRole = "meter",
  ): string[] {
    const codes = Array.from({ length: count }, () => newCode(nodePrimitives));
    const hashes = codes.map((code) => codeHash(code, nodePrimitives)!);
    const expiresMs = this.#clock.utcMs() + validDays * DAY_MS;
    this.#registry.addCodes(hashes, { role, supplier, expiresMs });
    return codes;
  }

  /**
   * Exchanges a one-time code for the certificate of a new meter, or of a supplier's further device: whichever the
   * code is for, which must be `role`. Again with the same key, it gives the same certificate. Throws ProblemError
   * (malformed-request, unknown-code, wrong-role, expired-code, used-code) or CertificateError.
   */
  async redeem(code: string, requestPem: string, role: CodeRole = "meter"): Promise<Issued> {
    const hash = codeHash(code, nodePrimitives);
    const kept = hash === null ? null : this.#registry.code(hash);
    if (hash === null || kept === null) {
      throw new ProblemError("unknown-code", "no such code was issued: compare it sign by sign");
    }
    if (kept.role !== role) {
      const detail = `the code is for a ${kept.role}, not for a ${role}; it stays good`;
      throw new ProblemError("wrong-role", detail);
    }
    const { publicKey, party } = await readRequest(requestPem);
    if (party !== null) {
      const detail = `the request names ${partyName(party)}: one with a code names nobody`;
      throw new ProblemError("malformed-request", detail);
    }
    const keyHash = toHex(nodePrimitives.sha256(publicKey));
    // Read after the wait above: the same request may have come twice.
    const known = this.#registry.code(hash)!;
    if (known.serial !== null) return this.#redeemed(known.serial, keyHash);
    if (known.expiresMs <= this.#clock.utcMs()) {
      const when = new Date(known.expiresMs).toISOString();
      throw new ProblemError("expired-code", `the code was valid until ${when}: ask for another`);
    }
    const { supplier } = known;
    // A supplier has one certificate for each of its devices: its program's stays as it is.
    const [enrolled, options]: [Party, IssuingOptions] =
      role === "meter"
        ? [newMeter(), { supplier }]
        : [{ role: "supplier", id: String(supplier) }, { mayNameNobody: true }];
    const enrolment = await this.#issue(requestPem, keyHash, enrolled, options);
    // What was issued for nothing is forgotten: nobody has seen it.
    if (this.#registry.redeem(hash, enrolment)) return this.#issued(enrolment);
    const used = this.#registry.code(hash)?.serial ?? null;
    if (used !== null) return this.#redeemed(used, keyHash);
    throw new ProblemError("malformed-request", "this key is enrolled already: make a new one");
  }

  /**
   * Revokes all certificates of a party, or the one of a serial number, and signs a new list. Throws RegistrarError
   * when it has none.
   */
  async revoke(
    party: Party,
    serial?: string,
  ): Promise<{ readonly certificates: number; readonly list: number }> {
    const certificates = this.#registry.transaction(() => {
      const all = this.#registry.enrolmentsOf(party);
      const nowMs = this.#clock.utcMs();
      const valid = all.filter((one) => !hasEnded(one, nowMs)).map((one) => one.serial);
      const active = serial === undefined ? valid : valid.filter((one) => one === serial);
      if (active.length === 0) {
        const found =
          all.length === 0
            ? "was never enrolled"
            : serial === undefined || valid.length === 0
              ? "has no valid certificate any more"
              : `has no valid certificate ${serial}; it has ${valid.join(", ")}`;
        throw new RegistrarError(`${partyName(party)} ${found}: nothing to revoke`);
      }
      this.#registry.revoke(active, nowMs);
      return active.length;
    });
    return { certificates, list: await this.signRevocations() };
  }

  /** Signs the list of revoked certificates anew and replaces the file; returns the number of the list there. */
  async signRevocations(): Promise<number> {
    const path = this.#paths.revocations;
    return publishRevocations(this.#registry, this.#authority, path, this.#clock.utcMs());
  }

  /**
   * The certificate that a request was given before, if it gets the same again; null if it may get a new one. Throws
   * RegistrarError when it may not.
   */
  #earlier(keyHash: string, named: Party | null, options: EnrolOptions): Enrolment | null {
    const known = this.#enrolmentOfKey(keyHash);
    if (known !== null && options.renew !== true) {
      const same = named === null ? known.party.role === "meter" : sameParty(known.party, named);
      if (!same || known.supplier !== (options.supplier ?? null)) throw keyTaken(known);
      if (!hasEnded(known, this.#clock.utcMs())) return known;
      throw new RegistrarError(
        `the certificate of ${partyName(known.party)} has expired: give its id and say --renew`,
      );
    }
    if (known !== null && (named === null || !sameParty(known.party, named))) throw keyTaken(known);
    if (named !== null) this.#checkEarlier(named, options);
    return null;
  }

  /** The certificate of a key, if it has one; a key whose certificate was revoked does not come back. */
  #enrolmentOfKey(keyHash: string): Enrolment | null {
    const all = this.#registry.enrolmentsOfKey(keyHash);
    const revoked = all.find(({ revokedMs }) => revokedMs !== null);
    if (revoked !== undefined) {
      const whose = partyName(revoked.party);
      throw new RegistrarError(`this key was revoked as that of ${whose}: make a new one`);
    }
    return all.at(-1) ?? null;
  }

  #checkEarlier(party: Party, { renew, supplier }: EnrolOptions): void {
    const earlier = this.#registry.enrolmentsOf(party);
    const last = earlier.at(-1);
    const name = partyName(party);
    if (party.role === "meter" && last === undefined) {
      throw new RegistrarError(
        `there is no ${name}: a new meter's name is chosen here, leave it out`,
      );
    }
    if (party.role === "meter" && last?.supplier !== supplier) {
      throw new RegistrarError(
        `${name} is the customer of another supplier: revoke it and enrol it as a new meter`,
      );
    }
    const nowMs = this.#clock.utcMs();
    if (renew === true || earlier.every((one) => hasEnded(one, nowMs))) return;
    throw new RegistrarError(
      `${name} is enrolled with another key: say --renew to issue a further certificate, or revoke it first`,
    );
  }

  #issue(requestPem: string, keyHash: string, party: Party, options: IssuingOptions) {
    const { market } = this;
    const by = { market, authority: this.#authority, clock: this.#clock };
    return issueCertificate(by, { requestPem, keyHash, party }, options);
  }

  #redeemed(serial: string, keyHash: string): Issued {
    const enrolment = this.#registry.enrolment(serial);
    if (enrolment?.keyHash === keyHash) return this.#issued(enrolment);
    throw new ProblemError(
      "used-code",
      "the code was used, with another key: ask for another code",
    );
  }

  #issued({ party, supplier, certificatePem }: Enrolment): Issued {
    return { party, supplier, certificatePem, authorityPem: this.#authority.certificatePem };
  }
}

const keyTaken = ({ party }: Enrolment): RegistrarError =>
  new RegistrarError(`this key is enrolled as that of ${partyName(party)}: make a new one`);
