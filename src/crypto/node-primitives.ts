// The primitives of platform/primitives.ts over node:crypto (OpenSSL, so AES runs on the
// processor's AES instructions). Assumes a little-endian host, like every platform the project
// supports.

import { type Cipher, createCipheriv, createHash, hash, randomBytes } from "node:crypto";
import { assert } from "../platform/assert.ts";
import type { Prg, Primitives } from "../platform/primitives.ts";

/** Larger pieces leave the second-level cache and are several times slower (measured). */
const PIECE_BYTES = 64 * 1024;
const BLOCK_BYTES = 16;
const WORDS_PER_BLOCK = 4;
const KEY_BYTES = 16;
/** Parts that are no longer than this together are joined before they are hashed. */
const SHORT_BYTES = 1024;

const zeroPiece = new Uint8Array(PIECE_BYTES);
const zeroCounter = new Uint8Array(BLOCK_BYTES);

class CounterModePrg implements Prg {
  readonly #cipher: Cipher;

  constructor(key: Uint8Array) {
    this.#cipher = createCipheriv("aes-128-ctr", key, zeroCounter);
  }

  fill(out: Uint8Array): void {
    for (let from = 0; from < out.length; from += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, out.length - from);
      const zeros = length === PIECE_BYTES ? zeroPiece : zeroPiece.subarray(0, length);
      out.set(this.#cipher.update(zeros), from);
    }
  }
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return sha256AtOnce(parts[0]!);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length <= SHORT_BYTES) return sha256AtOnce(joined(parts, length));
  const state = createHash("sha256");
  for (const part of parts) state.update(part);
  return new Uint8Array(state.digest());
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Three times as fast as above on short inputs (measured), as trees of a million hashes need it. */
function sha256AtOnce(input: Uint8Array): Uint8Array {
  // A text of bytes is cheaper to make than a buffer.
  const text = hash("sha256", input, "binary");
  const digest = new Uint8Array(text.length);
  for (let i = 0; i < digest.length; i += 1) digest[i] = text.charCodeAt(i);
  return digest;
}

/**
 * The public key of the fixed-key function: any constant will do, this one has nothing up its
 * sleeve.
 */
const expansionKey = sha256(new TextEncoder().encode("hushwatt seed expansion v1")).subarray(
  0,
  KEY_BYTES,
);

// Electronic codebook mode keeps no state between blocks, so one cipher serves every call.
const expansionCipher = createCipheriv("aes-128-ecb", expansionKey, null).setAutoPadding(false);

/** The bytes as 32-bit words, copied only when they do not lie on a word boundary. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

function expandSeeds(seeds: Uint8Array, blocksPerSeed: number): Uint8Array {
  assert(seeds.length % BLOCK_BYTES === 0, "seeds must be whole blocks of 16 bytes");
  assert(
    Number.isInteger(blocksPerSeed) && blocksPerSeed >= 0 && blocksPerSeed < 2 ** 32,
    "blocksPerSeed must be a 32-bit count",
  );
  const seedWords = wordsOf(seeds);
  const outWords = new Uint32Array(seedWords.length * blocksPerSeed);
  const inputs = new Uint32Array(PIECE_BYTES / 4);
  const inputBytes = new Uint8Array(inputs.buffer);
  let seedAt = 0;
  let block = 0;
  for (let from = 0; from < outWords.length; from += inputs.length) {
    const count = Math.min(inputs.length, outWords.length - from);
    for (let i = 0; i < count; i += WORDS_PER_BLOCK) {
      inputs[i] = seedWords[seedAt]!;
      inputs[i + 1] = seedWords[seedAt + 1]!;
      inputs[i + 2] = seedWords[seedAt + 2]!;
      inputs[i + 3] = seedWords[seedAt + 3]! ^ block;
      block += 1;
      if (block === blocksPerSeed) {
        block = 0;
        seedAt += WORDS_PER_BLOCK;
      }
    }
    const encrypted = wordsOf(expansionCipher.update(inputBytes.subarray(0, count * 4)));
    for (let i = 0; i < count; i += 1) outWords[from + i] = encrypted[i]! ^ inputs[i]!;
  }
  return new Uint8Array(outWords.buffer);
}

/**
 * The primitives over node:crypto. `prg` asserts a 16-byte key, `expandSeeds` whole 16-byte seeds.
 */
export const nodePrimitives: Primitives = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  prg: (key) => {
    assert(key.length === KEY_BYTES, "a generator key must have 16 bytes");
    return new CounterModePrg(key);
  },
  sha256,
  expandSeeds,
};
