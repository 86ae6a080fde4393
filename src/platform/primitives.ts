// The cryptographic primitives that the pure layers (sharing, mpc, market) are handed from outside, so
// that they know no Node built-in: crypto/node-primitives.ts implements this over node:crypto.

/** A keyed stream of pseudorandom bytes (AES-128 in counter mode). */
export interface Prg {
  /** Overwrites `out` with the next bytes of the stream. */
  fill(out: Uint8Array): void;
}

export interface Primitives {
  /** `length` fresh bytes from the operating system's generator. */
  randomBytes(length: number): Uint8Array;
  /** The stream of a 16-byte key, from its beginning. */
  prg(key: Uint8Array): Prg;
  /** SHA-256 of the concatenation of `parts`, 32 bytes. */
  sha256(...parts: Uint8Array[]): Uint8Array;
  /**
   * Expands many 16-byte seeds at once: seed s gives the blocks F(s ^ 0) , F(s ^ 1), ... with the
   * fixed-key function F(x) = AES_c(x) ^ x (Guo, Katz, Wang, Yu 2020, section 7.1).
   * `seeds` holds n seeds; the result n * blocksPerSeed * 16 bytes, seed by seed.
   */
  expandSeeds(seeds: Uint8Array, blocksPerSeed: number): Uint8Array;
}
