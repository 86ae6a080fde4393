// Whose certificates are accepted, what their keys sign, and lists of revoked ones.
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import {
  CertificateError,
  createAuthority,
  createKeyAndRequest,
  type IssueOptions,
  issueIdentity,
  partyOf,
  supplierOf,
} from "./certificates.ts";
import type { Party } from "./party.ts";
import { PartyVerifier } from "./party-verifier.ts";
import { readRevocations } from "./revocations.ts";
import { SIGNATURE_BYTES, signerOf, verifyBytes, verifySignature } from "./signing-key.ts";

const DAY_MS = 24 * 3600 * 1000;
const METER: Party = { role: "meter", id: "00112233445566778899aabbccddeeff" };
const authority = await createAuthority("Rosenweg");
const nowMs = systemClock.utcMs();

const derOf = (pem: string) => new Uint8Array(new X509Certificate(pem).raw);
const issue = async (party: Party, options: IssueOptions = {}) =>
  derOf((await issueIdentity(authority, party, options)).certificatePem);

/** The code of the CertificateError that `work` throws. */
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CertificateError) return error.code;
    throw error;
  }
  return "none";
}

const pemOf = (label: string, der: Uint8Array) =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;
const derOfPem = (pem: string) =>
  new Uint8Array(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64"));

describe("a meter's certificate", () => {
  it("names the meter and, apart from it, its supplier", async () => {
    const { certificatePem } = await issueIdentity(authority, METER, { supplier: 12 });
    expect(partyOf(certificatePem)).toEqual(METER);
    expect(supplierOf(certificatePem)).toBe(12);
    const known = new PartyVerifier(authority.certificatePem).check(derOf(certificatePem), nowMs);
    expect(known).toMatchObject({ party: METER, supplier: 12 });
    expect(BigInt(`0x${known.serial}`)).toBe(
      BigInt(`0x${new X509Certificate(certificatePem).serialNumber}`),
    );
    expect(supplierOf(authority.certificatePem)).toBeNull();
  });

  it("is issued for a request that names nobody, which is enough for a meter only", async () => {
    const { requestPem } = await createKeyAndRequest("new-meter");
    expect(partyOf(await authority.issue(requestPem, METER))).toEqual(METER);
    const evaluator: Party = { role: "evaluator", id: "0" };
    await expect(authority.issue(requestPem, evaluator)).rejects.toThrow("names no party");
  });
});

describe("a certificate of somebody who serves", () => {
  it("has the hosts, in the form that TLS clients look for", async () => {
    const party: Party = { role: "evaluator", id: "1" };
    const der = await issue(party, { hosts: ["evaluator.example", "127.0.0.1", "::1"] });
    const certificate = new X509Certificate(der);
    expect(certificate.checkHost("evaluator.example")).toBe("evaluator.example");
    expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(certificate.checkIP("::1")).toBe("::1");
    expect(certificate.checkHost("other.example")).toBeUndefined();
    expect(new PartyVerifier(authority.certificatePem).check(der, nowMs)).toMatchObject({
      party,
      supplier: null,
    });
  });
});

describe("a party verifier", () => {
  it("refuses another authority, even one of the same name", async () => {
    const stranger = await createAuthority("Rosenweg");
    const { certificatePem } = await issueIdentity(stranger, METER);
    const verifier = new PartyVerifier(authority.certificatePem);
    expect(codeOf(() => verifier.check(derOf(certificatePem), nowMs))).toBe("unknown-authority");
    const own = new PartyVerifier(stranger.certificatePem);
    expect(codeOf(() => own.check(derOf(certificatePem), nowMs))).toBe("none");
  });

  it("looks at the time at each check", async () => {
    const der = await issue(METER, { notBeforeMs: nowMs, validityDays: 2 });
    const verifier = new PartyVerifier(authority.certificatePem);
    const checks = [nowMs + DAY_MS, nowMs - DAY_MS, nowMs + 3 * DAY_MS, nowMs + DAY_MS];
    expect(checks.map((at) => codeOf(() => verifier.check(der, at)))).toEqual([
      "none",
      "expired",
      "expired",
      "none",
    ]);
  });

  it("refuses revoked certificates, remembered or not", async () => {
    const [one, other] = [await issue(METER), await issue(METER)];
    const verifier = new PartyVerifier(authority.certificatePem, { capacity: 1 });
    const { serial } = verifier.check(one, nowMs);
    verifier.check(other, nowMs);
    const { serials } = await readRevocations(await list([serial]), authority.certificatePem);
    verifier.revoke(serials);
    expect(codeOf(() => verifier.check(one, nowMs))).toBe("revoked");
    expect(codeOf(() => verifier.check(one, nowMs))).toBe("revoked");
    expect(codeOf(() => verifier.check(other, nowMs))).toBe("none");
  });

  it("refuses everything else as malformed", async () => {
    const verifier = new PartyVerifier(authority.certificatePem);
    const good = await issue(METER);
    const malformed = [
      new Uint8Array(0),
      new Uint8Array(5_000),
      Uint8Array.of(...good, 0),
      good.slice(0, -1),
      new Uint8Array(Buffer.from(pemOf("CERTIFICATE", good))),
      derOf(authority.certificatePem),
    ];
    expect(malformed.map((der) => codeOf(() => verifier.check(der, nowMs)))).toEqual(
      malformed.map(() => "malformed"),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = good.slice();
        changed[at]! ^= flip;
        expect(["unknown-authority", "malformed"]).toContain(
          codeOf(() => verifier.check(changed, nowMs)),
        );
      }),
      { numRuns: 300 },
    );
    expect(codeOf(() => new PartyVerifier("nonsense"))).toBe("malformed");
  });
});

describe("a signature", async () => {
  const identity = await issueIdentity(authority, METER);
  const signer = signerOf(identity);
  const bytes = new TextEncoder().encode("an order");
  const signature = await signer.sign(bytes);

  it("is by the certificate's key, in the form that browsers have", async () => {
    expect(signature.length).toBe(SIGNATURE_BYTES);
    expect(signer.party).toEqual(METER);
    const { publicKey } = new PartyVerifier(authority.certificatePem).check(
      signer.certificateDer,
      nowMs,
    );
    expect(verifyBytes(publicKey, bytes, signature)).toBe(true);
    expect(verifySignature(signer.certificateDer, bytes, signature)).toBe(true);
    const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const spki = publicKey.export({ type: "spki", format: "der" });
    const key = await crypto.subtle.importKey("spki", new Uint8Array(spki), ecdsa, false, [
      "verify",
    ]);
    expect(await crypto.subtle.verify(ecdsa, key, signature, bytes)).toBe(true);
  });

  it("holds for nothing else", async () => {
    const other = signerOf(await issueIdentity(authority, METER));
    const der = signer.certificateDer;
    expect(verifySignature(der, new TextEncoder().encode("another"), signature)).toBe(false);
    expect(verifySignature(other.certificateDer, bytes, signature)).toBe(false);
    expect(verifySignature(der, bytes, signature.slice(0, -1))).toBe(false);
    expect(verifySignature(der, bytes, new Uint8Array(SIGNATURE_BYTES))).toBe(false);
    expect(verifySignature(new Uint8Array(8), bytes, signature)).toBe(false);
  });
});

const list = (serials: readonly string[], number = 1) =>
  authority.signRevocations({
    number,
    revoked: serials.map((serial) => ({ serial, revokedMs: nowMs })),
    thisUpdateMs: nowMs,
    nextUpdateMs: nowMs + DAY_MS,
  });

describe("a list of revoked certificates", () => {
  it("is one that OpenSSL takes", async () => {
    const [pem, empty] = [await list(["1", "ff00"]), await list([])];
    for (const crl of [pem, empty]) {
      expect(() => createSecureContext({ ca: authority.certificatePem, crl })).not.toThrow();
    }
    const cut = pem.replace(/\n[^-]{8}/, "\n");
    expect(() => createSecureContext({ ca: authority.certificatePem, crl: cut })).toThrow();
  });

  it("gives back its number, its times and the serial numbers, in PEM and in DER", async () => {
    const serials = ["1", "7f", "80", "ff00", "abcdef0123456789"];
    for (const number of [1, 127, 128, 255, 256, 70_000, 2 ** 40]) {
      const pem = await list(serials, number);
      const read = await readRevocations(pem, authority.certificatePem);
      expect([read.number, read.serials]).toEqual([number, new Set(serials)]);
      expect(Math.abs(read.nextUpdateMs - read.thisUpdateMs - DAY_MS)).toBeLessThan(1_000);
      expect(await readRevocations(derOfPem(pem), authority.certificatePem)).toEqual(read);
    }
    const empty = await readRevocations(await list([], 3), authority.certificatePem);
    expect(empty.serials.size).toBe(0);
  });

  it("is refused when anything in it was changed, or another authority signed it", async () => {
    const stranger = await createAuthority("Rosenweg");
    await expect(readRevocations(await list(["5"]), stranger.certificatePem)).rejects.toMatchObject(
      { code: "unknown-authority" },
    );
    await expect(readRevocations("nonsense", authority.certificatePem)).rejects.toMatchObject({
      code: "malformed",
    });
    const der = derOfPem(await list(["1234567890abcdef"]));
    const signed = await readRevocations(der, authority.certificatePem);
    for (const at of [60, 100, 150]) {
      const changed = der.with(at, der[at]! ^ 1);
      await expect(readRevocations(changed, authority.certificatePem)).rejects.toThrow(
        CertificateError,
      );
    }
    await fc.assert(
      fc.asyncProperty(
        fc.nat(der.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const changed = der.slice();
          changed[at]! ^= flip;
          // Some bytes around what is signed may change without changing what is read.
          const read = await readRevocations(changed, authority.certificatePem).catch((error) => {
            expect(error).toBeInstanceOf(CertificateError);
            return signed;
          });
          expect(read).toEqual(signed);
        },
      ),
      { numRuns: 300 },
    );
  });
});
