// The primitives against the published AES and SHA-256 vectors and against slow straightforward
// versions.

import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "./node-primitives.ts";

const { prg, sha256, expandSeeds, randomBytes } = nodePrimitives;

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function encryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  return new Uint8Array(cipher.update(block));
}

function slowExpansion(seeds: Uint8Array, blocksPerSeed: number): Uint8Array {
  const key = sha256(Buffer.from("hushwatt seed expansion v1")).slice(0, 16);
  const blocks: Uint8Array[] = [];
  for (let seed = 0; seed < seeds.length; seed += 16) {
    for (let index = 0; index < blocksPerSeed; index += 1) {
      const x = seeds.slice(seed, seed + 16);
      for (let byte = 0; byte < 4; byte += 1) {
        x[12 + byte] = x[12 + byte]! ^ ((index >>> (8 * byte)) & 0xff);
      }
      blocks.push(encryptBlock(key, x).map((value, at) => value ^ x[at]!));
    }
  }
  return new Uint8Array(Buffer.concat(blocks));
}

describe("prg", () => {
  it("gives the encrypted counter of SP 800-38A, from a zero counter", () => {
    const key = bytesOf("2b7e151628aed2a6abf7158809cf4f3c");
    const stream = new Uint8Array(48);
    prg(key).fill(stream);
    const counters = [0, 1, 2].map((count) => {
      const block = new Uint8Array(16);
      block[15] = count;
      return encryptBlock(key, block);
    });
    expect(hexOf(stream)).toBe(counters.map(hexOf).join(""));
  });

  it("encrypts the zero block under the zero key to the known answer (AESAVS, KeySbox)", () => {
    const first = new Uint8Array(16);
    prg(new Uint8Array(16)).fill(first);
    expect(hexOf(first)).toBe("66e94bd4ef8a2c3b884cfa59ca342b2e");
  });

  it("gives the same stream however it is cut", () => {
    const key = bytesOf("000102030405060708090a0b0c0d0e0f");
    const whole = new Uint8Array(200_000);
    prg(key).fill(whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 4 }), (lengths) => {
        const stream = prg(key);
        let at = 0;
        for (const length of lengths) {
          const piece = new Uint8Array(Math.min(length, whole.length - at)).fill(0xff);
          stream.fill(piece);
          expect(Buffer.compare(piece, whole.subarray(at, at + piece.length))).toBe(0);
          at += piece.length;
        }
      }),
      { numRuns: 30 },
    );
  });

  it("refuses a key of another length", () => {
    expect(() => prg(new Uint8Array(15))).toThrow("16 bytes");
  });
});

describe("AES and SHA-256 underneath", () => {
  it("agree with the examples of FIPS 197 (appendix C.1) and FIPS 180-4", () => {
    const key = bytesOf("000102030405060708090a0b0c0d0e0f");
    const plain = bytesOf("00112233445566778899aabbccddeeff");
    expect(hexOf(encryptBlock(key, plain))).toBe("69c4e0d86a7b0430d8cdb78070b4c55a");
    expect(hexOf(sha256(Buffer.from("a"), Buffer.from("bc")))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });
});

describe("expandSeeds", () => {
  it("agrees with the slow version for any seeds, aligned or not", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 7 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        (seedCount, blocksPerSeed, shift, values) => {
          const seeds = new Uint8Array(shift + seedCount * 16).subarray(shift);
          for (let at = 0; at < seeds.length; at += 1) seeds[at] = values.next().value as number;
          const before = hexOf(seeds);
          expect(hexOf(expandSeeds(seeds, blocksPerSeed))).toBe(
            hexOf(slowExpansion(seeds, blocksPerSeed)),
          );
          expect(hexOf(seeds)).toBe(before);
        },
      ),
    );
  });

  it("agrees across the borders of its pieces", () => {
    const seeds = randomBytes(16 * 23);
    expect(Buffer.compare(expandSeeds(seeds, 701), slowExpansion(seeds, 701))).toBe(0);
  });

  it("refuses seeds that are not whole", () => {
    expect(() => expandSeeds(new Uint8Array(17), 1)).toThrow("16 bytes");
  });
});
