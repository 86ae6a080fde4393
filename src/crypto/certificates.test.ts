// Certificates of a market and identities on disk: what is issued, and what is refused.

import { X509Certificate } from "node:crypto";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import {
  CertificateError,
  createAuthority,
  createKeyAndRequest,
  issueIdentity,
  partyOf,
} from "./certificates.ts";
import { readIdentity, writeIdentity } from "./identity-files.ts";
import {
  PARTY_ROLES,
  type Party,
  partyFromName,
  partyFromUri,
  partyName,
  partyUri,
} from "./party.ts";

const party: Party = { role: "meter", id: "home-17" };
const authority = await createAuthority("Rosenweg");
const identity = await issueIdentity(authority, party);

function derOf(pem: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new X509Certificate(pem).raw);
}

describe("party names", () => {
  it("come back from their URI and from their name", () => {
    const anyParty = fc.record({
      role: fc.constantFrom(...PARTY_ROLES),
      id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$/),
    });
    fc.assert(
      fc.property(anyParty, (some) => {
        expect(partyFromUri(partyUri(some))).toEqual(some);
        expect(partyFromName(partyName(some))).toEqual(some);
      }),
    );
  });

  it("are refused when they are not of the form", () => {
    const uris = ["urn:hushwatt:thief:1", "urn:hushwatt:meter:", "urn:hushwatt:meter:a:b", "x"];
    expect(uris.map(partyFromUri)).toEqual([null, null, null, null]);
    expect(partyFromUri(`urn:hushwatt:meter:${"a".repeat(49)}`)).toBeNull();
    expect(partyFromUri("urn:hushwatt:meter:1\n")).toBeNull();
    expect(["meter", "thief-1", "-1", "", "meter-1:2"].map(partyFromName)).toEqual(
      Array(5).fill(null),
    );
  });
});

describe("a certificate", () => {
  it("names its party, in DER and in PEM", () => {
    expect(partyOf(identity.certificatePem)).toEqual(party);
    expect(partyOf(derOf(identity.certificatePem))).toEqual(party);
    expect(partyOf(authority.certificatePem)).toBeNull();
    expect(partyOf("nonsense")).toBeNull();
    expect(partyOf(new Uint8Array(40))).toBeNull();
  });

  it("is signed by the authority, may sign nothing itself, and serves both ends of a link", () => {
    const certificate = new X509Certificate(identity.certificatePem);
    const issuer = new X509Certificate(authority.certificatePem);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect([certificate.ca, issuer.ca]).toEqual([false, true]);
    expect(certificate.subject).toBe("CN=meter-home-17");
    expect(certificate.subjectAltName).toBe("URI:urn:hushwatt:meter:home-17");
    expect(new Set(certificate.keyUsage)).toEqual(
      new Set(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]),
    );
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  });

  it("is valid for the time asked for, by default from now on", async () => {
    const notBeforeMs = Date.UTC(2030, 0, 1);
    const later = await issueIdentity(authority, party, { notBeforeMs, validityDays: 2 });
    const certificate = new X509Certificate(later.certificatePem);
    expect(Date.parse(certificate.validFrom)).toBe(notBeforeMs);
    expect(Date.parse(certificate.validTo)).toBe(Date.UTC(2030, 0, 3));
    const usual = new X509Certificate(identity.certificatePem);
    expect(Date.parse(usual.validFrom)).toBeLessThan(systemClock.utcMs());
    expect(Date.parse(usual.validTo)).toBeGreaterThan(systemClock.utcMs() + 300 * 24 * 3600_000);
  });
});

describe("an authority", () => {
  it("issues for the party that the request names, and no other", async () => {
    const { requestPem } = await createKeyAndRequest(party);
    expect(partyOf(await authority.issue(requestPem, party))).toEqual(party);
    const other: Party = { role: "operator", id: "home-17" };
    await expect(authority.issue(requestPem, other)).rejects.toThrow(
      "names meter-home-17, expected operator-home-17",
    );
  });

  it("refuses a request that was changed after it was signed", async () => {
    const { requestPem } = await createKeyAndRequest({ role: "meter", id: "home-18" });
    const der = Buffer.from(requestPem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    const changed = Buffer.from(der.toString("latin1").replaceAll("home-18", "home-19"), "latin1");
    const label = "CERTIFICATE REQUEST-----";
    const pem = `-----BEGIN ${label}\n${changed.toString("base64")}\n-----END ${label}`;
    const victim: Party = { role: "meter", id: "home-19" };
    await expect(authority.issue(pem, victim)).rejects.toThrow("not signed with the key");
  });

  it("refuses what is no request, and names that cannot be", async () => {
    await expect(authority.issue("nonsense", party)).rejects.toThrow(CertificateError);
    await expect(authority.issue(identity.certificatePem, party)).rejects.toThrow("PKCS #10");
    await expect(createKeyAndRequest({ role: "meter", id: "a b" })).rejects.toThrow('"a b"');
    await expect(createAuthority("")).rejects.toThrow("1 to 40 characters");
  });
});

describe("identity files", async () => {
  const root = await mkdtemp(join(tmpdir(), "hushwatt-identity-"));
  afterAll(() => rm(root, { recursive: true }));
  const write = async (name: string): Promise<string> => {
    const dir = join(root, name);
    await writeIdentity(dir, identity);
    return dir;
  };

  it("give back the identity, and are for their owner only", async () => {
    const dir = await write("good");
    expect(await readIdentity(dir)).toEqual(identity);
    const modes = await Promise.all(
      [dir, join(dir, "key.pem"), join(dir, "certificate.pem")].map(async (path) => {
        const { mode } = await stat(path);
        return mode & 0o777;
      }),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  it("that are missing or malformed are named", async () => {
    await expect(readIdentity(join(root, "nowhere"))).rejects.toThrow(
      /key\.pem: the file does not/,
    );
    for (const file of ["key.pem", "certificate.pem", "authority.pem"]) {
      const dir = await write(`bad-${file}`);
      await writeFile(join(dir, file), "nonsense");
      await expect(readIdentity(dir)).rejects.toThrow(`${join(dir, file)} does not hold`);
    }
  });

  it("that do not belong together are refused", async () => {
    const stranger = await issueIdentity(await createAuthority("Rosenweg"), party);
    const otherKey = await issueIdentity(authority, party);
    const dir = await write("mixed");
    await writeFile(join(dir, "key.pem"), otherKey.privateKeyPem);
    await expect(readIdentity(dir)).rejects.toThrow("is not that of");
    await writeIdentity(dir, { ...identity, authorityPem: stranger.authorityPem });
    await expect(readIdentity(dir)).rejects.toThrow("is not signed by the authority");
    await writeIdentity(dir, { ...identity, certificatePem: authority.certificatePem });
    await expect(readIdentity(dir)).rejects.toThrow("names no party");
  });

  it("with a key that others may read are refused", async () => {
    const dir = await write("open");
    await chmod(join(dir, "key.pem"), 0o644);
    await expect(readIdentity(dir)).rejects.toThrow("chmod 600");
  });
});
