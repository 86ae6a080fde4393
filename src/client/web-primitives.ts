// The primitives of platform/primitives.ts without Node, for browsers: AES and SHA-256 in JavaScript, randomness from
// the platform. Gives exactly the bytes of crypto/node-primitives.ts, at the speed that one household needs. Assumes
// a little-endian host.
import { ctr, ecb } from "@noble/ciphers/aes.js";
import { sha256 as hasher } from "@noble/hashes/sha2.js";
import { assert } from "../platform/assert.ts";
import type { Prg, Primitives } from "../platform/primitives.ts";

const BLOCK_BYTES = 16;
const KEY_BYTES = 16;
/** The platform gives no more random bytes at once. */
const MOST_RANDOM_BYTES = 65_536;

class CounterModePrg implements Prg {
  readonly #key: Uint8Array;
  /** Blocks that were begun. */
  #blocks = 0;
  /** What is left of the last one. */
  #rest = new Uint8Array();

  constructor(key: Uint8Array) {
    this.#key = key.slice();
  }

  fill(out: Uint8Array): void {
    const before = this.#rest.subarray(0, out.length);
    out.set(before);
    this.#rest = this.#rest.subarray(before.length);
    const missing = out.length - before.length;
    if (missing === 0) return;
    const blocks = Math.ceil(missing / BLOCK_BYTES);
    const counter = new Uint8Array(BLOCK_BYTES);
    const view = new DataView(counter.buffer);
    view.setUint32(8, Math.floor(this.#blocks / 2 ** 32));
    view.setUint32(12, this.#blocks % 2 ** 32);
    const stream = ctr(this.#key, counter).encrypt(new Uint8Array(blocks * BLOCK_BYTES));
    this.#blocks += blocks;
    out.set(stream.subarray(0, missing), before.length);
    this.#rest = stream.slice(missing);
  }
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const state = hasher.create();
  for (const part of parts) state.update(part);
  return state.digest();
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let from = 0; from < length; from += MOST_RANDOM_BYTES) {
    crypto.getRandomValues(bytes.subarray(from, from + MOST_RANDOM_BYTES));
  }
  return bytes;
}

/** The public key of the fixed-key function, as in crypto/node-primitives.ts. */
const expansionKey = sha256(new TextEncoder().encode("hushwatt seed expansion v1")).subarray(
  0,
  KEY_BYTES,
);

function expandSeeds(seeds: Uint8Array, blocksPerSeed: number): Uint8Array {
  assert(seeds.length % BLOCK_BYTES === 0, "seeds must be whole blocks of 16 bytes");
  assert(
    Number.isInteger(blocksPerSeed) && blocksPerSeed >= 0 && blocksPerSeed < 2 ** 32,
    "blocksPerSeed must be a 32-bit count",
  );
  const seedWords = new Uint32Array(seeds.slice().buffer);
  const inputs = new Uint32Array(seedWords.length * blocksPerSeed);
  for (let at = 0, seedAt = 0; seedAt < seedWords.length; seedAt += 4) {
    const seed = seedWords.subarray(seedAt, seedAt + 4);
    for (let block = 0; block < blocksPerSeed; block += 1, at += 4) {
      inputs.set(seed, at);
      inputs[at + 3] = seed[3]! ^ block;
    }
  }
  if (inputs.length === 0) return new Uint8Array();
  const blocks = new Uint8Array(inputs.buffer);
  const encrypted = ecb(expansionKey, { disablePadding: true }).encrypt(blocks);
  return encrypted.map((byte, i) => byte ^ blocks[i]!);
}

/** The primitives in a browser. `prg` asserts a 16-byte key, `expandSeeds` whole 16-byte seeds. */
export const webPrimitives: Primitives = {
  randomBytes,
  prg: (key) => {
    assert(key.length === KEY_BYTES, "a generator key must have 16 bytes");
    return new CounterModePrg(key);
  },
  sha256,
  expandSeeds,
};
