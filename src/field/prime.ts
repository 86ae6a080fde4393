// The field F_p, p = 2^61 - 1 (a Mersenne prime). An element is a canonical little-endian u64 in
// [0, p - 1].

/** Bits of the modulus p = 2^61 - 1. */
export const MODULUS_BITS = 61;

/** Bytes of an element, in memory and on the wire. */
export const ELEMENT_BYTES = 8;

/** The halves of p as 32-bit words, for code that works without BigInt. */
export const MODULUS_LOW_WORD = 0xffffffff;
export const MODULUS_HIGH_WORD = 0x1fffffff;
