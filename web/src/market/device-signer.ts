// Signs requests with a key that the browser holds and gives to nobody.
import type { Party } from "../../../src/crypto/party.ts";
import type { Signer } from "../../../src/wire/http-signature.ts";

const ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

export const deviceSigner = (
  party: Party,
  { privateKey }: CryptoKeyPair,
  certificatePem: string,
): Signer => ({
  party,
  certificateDer: derOf(certificatePem),
  sign: async (bytes) =>
    new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, new Uint8Array(bytes))),
});

function derOf(pem: string): Uint8Array {
  const digits = pem.replace(/-----[^-]+-----|\s/g, "");
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
}
