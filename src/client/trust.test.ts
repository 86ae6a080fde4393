// Signatures of evaluators: whose are believed, and whose are not.
import { createPrivateKey, sign, X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { createAuthority, type Identity, issueIdentity } from "../crypto/certificates.ts";
import { Trust, TrustError } from "./trust.ts";

const authority = await createAuthority("Rosenweg");
const evaluator = { role: "evaluator", id: "1" } as const;
const identity = await issueIdentity(authority, evaluator);
const bytes = new TextEncoder().encode("what is signed");

const signedBy = ({ privateKeyPem }: Identity): string =>
  sign("sha256", bytes, {
    key: createPrivateKey(privateKeyPem),
    dsaEncoding: "ieee-p1363",
  }).toString("base64");

it("believes an evaluator with a certificate of the market, in PEM or DER", async () => {
  const trust = new Trust(authority.certificatePem);
  const der = new X509Certificate(identity.certificatePem).raw.toString("base64");
  for (const certificate of [identity.certificatePem, der]) {
    for (let again = 0; again < 2; again++) {
      await expect(
        trust.verify(1, certificate, bytes, signedBy(identity)),
      ).resolves.toBeUndefined();
    }
  }
});

it("believes nobody else", async () => {
  const trust = new Trust(authority.certificatePem);
  const verify = (own: Identity, as = 1) =>
    trust.verify(as, own.certificatePem, bytes, signedBy(own));
  await expect(verify(identity, 2)).rejects.toThrow("for evaluator 2 is that of evaluator-1");
  const meter = await issueIdentity(authority, { role: "meter", id: "1" });
  await expect(verify(meter)).rejects.toThrow("is that of meter-1");
  const stranger = await issueIdentity(await createAuthority("Rosenweg"), evaluator);
  await expect(verify(stranger)).rejects.toThrow("not of the market's authority");
  const elsewhere = await issueIdentity(await createAuthority("Lindenhof"), evaluator);
  await expect(verify(elsewhere)).rejects.toThrow("not of the market's authority");
  const expired = await issueIdentity(authority, evaluator, { notBeforeMs: 0, validityDays: 1 });
  await expect(verify(expired)).rejects.toThrow("not valid now");
  const other = await issueIdentity(authority, evaluator);
  await expect(trust.verify(1, identity.certificatePem, bytes, signedBy(other))).rejects.toThrow(
    "signature of evaluator 1 is wrong",
  );
  for (const certificate of ["", "nonsense", "AAAA"]) {
    const attempt = trust.verify(1, certificate, bytes, signedBy(identity));
    await expect(attempt).rejects.toThrow(TrustError);
  }
  for (const signature of ["", "AAAA"]) {
    const attempt = trust.verify(1, identity.certificatePem, bytes, signature);
    await expect(attempt).rejects.toThrow(TrustError);
  }
  expect(() => new Trust("nonsense")).toThrow(TrustError);
});
