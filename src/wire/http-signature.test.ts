// Signed requests: against the standard's example and an independent implementation; what is refused.
import { createPublicKey, createVerify, verify, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { httpbis } from "http-message-signatures";
import { type InnerList, parseDictionary } from "structured-headers";
import { describe, expect, it } from "vitest";
import { createAuthority, issueIdentity } from "../crypto/certificates.ts";
import {
  type RequestToRead,
  readSignature,
  SignatureFormatError,
  type Signer,
  signatureBase,
  signRequest,
} from "./http-signature.ts";

const party = { role: "meter", id: "0123456789abcdef0123456789abcdef" } as const;
const identity = await issueIdentity(await createAuthority("Rosenweg"), party);
const certificate = new X509Certificate(identity.certificatePem);
const key = await crypto.subtle.importKey(
  "pkcs8",
  Buffer.from(identity.privateKeyPem.replace(/-----[^-]+-----|\s/g, ""), "base64"),
  { name: "ECDSA", namedCurve: "P-256" },
  false,
  ["sign"],
);
const signer: Signer = {
  party,
  certificateDer: new Uint8Array(certificate.raw),
  sign: async (bytes) => {
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    return new Uint8Array(await crypto.subtle.sign(algorithm, key, new Uint8Array(bytes)));
  },
};
const NOW = 1_748_779_200;
const path = "/v1/periods/2025-06-01T12:00:00Z/order";
const order = {
  method: "PUT",
  path,
  headers: { "Content-Type": "application/vnd.hushwatt.order" },
  body: new Uint8Array([1, 2, 3]),
};
const question = { method: "GET", path, headers: { accept: "application/json" } };

const asRead = (
  { method, path: requested }: { method: string; path: string },
  headers: Readonly<Record<string, string>>,
): RequestToRead => ({ method, path: requested, headers: (name) => headers[name] });

const verifies = (base: Uint8Array, signature: Uint8Array): boolean =>
  verify("sha256", base, { key: certificate.publicKey, dsaEncoding: "ieee-p1363" }, signature);

describe("the signature base", () => {
  it("is that of the example in RFC 9421, B.2.4, which its key has signed", () => {
    const digest =
      "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
    const values = new Map([
      ["@status", "200"],
      ["content-type", "application/json"],
      ["content-digest", digest],
      ["content-length", "23"],
    ]);
    const input =
      'sig-b24=("@status" "content-type" "content-digest" "content-length")' +
      ';created=1618884473;keyid="test-key-ecc-p256"';
    const base = signatureBase(values, parseDictionary(input).get("sig-b24") as InnerList);
    expect(new TextDecoder().decode(base)).toBe(
      `"@status": 200\n"content-type": application/json\n"content-digest": ${digest}\n` +
        `"content-length": 23\n"@signature-params": ${input.slice("sig-b24=".length)}`,
    );
    const publicKey = createPublicKey(
      "-----BEGIN PUBLIC KEY-----\n" +
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n" +
        "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n" +
        "-----END PUBLIC KEY-----",
    );
    const signature =
      "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";
    const checked = createVerify("sha256").update(base);
    expect(checked.verify({ key: publicKey, dsaEncoding: "ieee-p1363" }, signature, "base64")).toBe(
      true,
    );
  });
});

describe("a signed request", () => {
  it("gives back who signed what, when and for whom", async () => {
    const headers = await signRequest(order, signer, 2, NOW + 0.7);
    const { base, signature, contentDigest, certificateDer, ...rest } = readSignature(
      asRead(order, headers),
    );
    expect(rest).toEqual({ keyId: `meter-${party.id}`, createdS: NOW, recipient: 2 });
    expect(certificateDer).toEqual(signer.certificateDer);
    expect(contentDigest).toEqual(
      new Uint8Array(await crypto.subtle.digest("SHA-256", order.body)),
    );
    expect(verifies(base, signature)).toBe(true);
    expect(headers["content-type"]).toBe(order.headers["Content-Type"]);
  });

  it("without a body covers no digest", async () => {
    const headers = await signRequest(question, signer, 0, NOW);
    const read = readSignature(asRead(question, headers));
    expect(read.contentDigest).toBeNull();
    expect(verifies(read.base, read.signature)).toBe(true);
    expect(headers.accept).toBe("application/json");
  });

  it("is accepted by an independent implementation", async () => {
    for (const request of [order, question]) {
      const headers = await signRequest(request, signer, 1, NOW);
      const keyLookup = async () => ({
        id: `meter-${party.id}`,
        algs: ["ecdsa-p256-sha256"],
        verify: async (data: Buffer, signature: Buffer) => verifies(data, signature),
      });
      const { method } = request;
      const message = { method, url: `https://evaluator.example${path}`, headers };
      expect(await httpbis.verifyMessage({ keyLookup, tolerance: 1e12 }, message)).toBe(true);
      const elsewhere = { ...message, url: "https://evaluator.example/v1/market" };
      expect(await httpbis.verifyMessage({ keyLookup, tolerance: 1e12 }, elsewhere)).toBe(false);
    }
  });

  it("does not verify when anything that it covers is changed", async () => {
    const headers = await signRequest(order, signer, 2, NOW);
    const changes: readonly [{ method: string; path: string }, Record<string, string>][] = [
      [{ ...order, method: "POST" }, {}],
      [{ ...order, path: path.replace("12:00", "12:15") }, {}],
      [order, { "hushwatt-evaluator": "1" }],
      [order, { "content-type": "application/json" }],
      [order, { "content-digest": headers["content-digest"]!.replace(/:./, ":x") }],
      [order, { "client-cert": headers["client-cert"]!.replace(/:./, ":N") }],
      [
        order,
        { "signature-input": headers["signature-input"]!.replace("created=17", "created=18") },
      ],
      [order, { "signature-input": headers["signature-input"]!.replace("meter-0", "meter-1") }],
    ];
    for (const [request, changed] of changes) {
      const read = readSignature(asRead(request, { ...headers, ...changed }));
      expect([changed, verifies(read.base, read.signature)]).toEqual([changed, false]);
    }
  });
});

describe("reading refuses", async () => {
  const headers = await signRequest(order, signer, 2, NOW);
  const input = headers["signature-input"]!;
  const withHeaders = (changed: Record<string, string | undefined>) => () =>
    readSignature({ ...order, headers: (name) => ({ ...headers, ...changed })[name] });

  it.each([
    ["no Signature-Input", { "signature-input": undefined }, /signature-input is missing/],
    ["no Signature", { signature: undefined }, /signature is missing/],
    ["no evaluator", { "hushwatt-evaluator": undefined }, /hushwatt-evaluator is missing/],
    ["no digest", { "content-digest": undefined }, /content-digest is missing/],
    ["another label", { "signature-input": `x${input}` }, /exactly one member, hw/],
    ["two signatures", { "signature-input": `${input}, other=()` }, /exactly one member, hw/],
    ["no list", { "signature-input": "hw=1" }, /list of components/],
    ["another list", { "signature-input": input.replace('"@path" ', "") }, /cover exactly/],
    ["more components", { "signature-input": input.replace(")", ' "date")') }, /cover exactly/],
    [
      "component parameters",
      { "signature-input": input.replace('"@path"', '"@path";req') },
      /cover/,
    ],
    ["unknown parameters", { "signature-input": `${input};nonce="1"` }, /unknown .* nonce/],
    ["no time", { "signature-input": input.replace(/created=\d+;/, "") }, /created must/],
    ["a fraction", { "signature-input": input.replace(`=${NOW}`, "=1.5") }, /created must/],
    ["no key", { "signature-input": input.replace(/;keyid="[^"]*"/, "") }, /keyid must/],
    ["another algorithm", { "signature-input": input.replace("p256-", "p384-") }, /alg must be/],
    ["a short signature", { signature: "hw=:AAAA:" }, /64 bytes/],
    ["a named signature", { signature: "hw=abc" }, /64 bytes/],
    ["an evaluator's name", { "hushwatt-evaluator": "two" }, /number of an evaluator/],
    ["two evaluators", { "hushwatt-evaluator": "2, 1" }, /number of an evaluator/],
    ["an evaluator too high", { "hushwatt-evaluator": "16" }, /number of an evaluator/],
    ["a certificate in PEM", { "client-cert": identity.certificatePem }, /not ASCII/],
    ["a certificate's name", { "client-cert": '"meter"' }, /client-cert must be/],
    ["two certificates", { "client-cert": ":AAAA:, :AAAA:" }, /client-cert is no structured/],
    ["another digest", { "content-digest": "sha-512=:AAAA:" }, /content-digest must be/],
    [
      "two digests",
      { "content-digest": `${headers["content-digest"]}, md5=:AAAA:` },
      /nothing else/,
    ],
    ["a broken line", { "content-type": 'a"\n"@path": /' }, /content-type is empty or/],
  ])("%s", (_, changed, message) => {
    expect(withHeaders(changed)).toThrow(SignatureFormatError);
    expect(withHeaders(changed)).toThrow(message);
  });

  it("a body that the signature leaves out, and a query", async () => {
    const bare = await signRequest(question, signer, 2, NOW);
    for (const extra of [
      { "content-length": "3" },
      { "transfer-encoding": "chunked" },
      { "content-type": "text/plain" },
    ]) {
      const read = () => readSignature(asRead(question, { ...bare, ...extra }));
      expect(read).toThrow(/content-type|cover exactly/);
    }
    expect(() => readSignature(asRead({ ...question, path: `${path}?x=1` }, bare))).toThrow(
      "no query",
    );
  });

  it("whatever else it gets, with the same error", () => {
    const names = ["signature-input", "signature", "client-cert", "content-digest"];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `hw=${text}`),
          fc.stringMatching(/^hw=\(.*$/),
        ),
        (name, text) => {
          expect(withHeaders({ [name]: text })).toThrow(SignatureFormatError);
        },
      ),
    );
  });
});
