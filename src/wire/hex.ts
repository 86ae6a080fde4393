// Bytes as hexadecimal digits, in Node and in a browser.

/** Two lower-case digits per byte. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The bytes of an even number of hexadecimal digits. */
export function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digits.length / 2);
  writeHex(digits, bytes, 0);
  return bytes;
}

/** Writes the bytes of an even number of hexadecimal digits from `at` on. */
export function writeHex(digits: string, out: Uint8Array, at: number): void {
  for (let i = 0; i < digits.length; i += 2) {
    out[at + i / 2] = (digitAt(digits, i) << 4) | digitAt(digits, i + 1);
  }
}

const digitAt = (digits: string, i: number): number => {
  const code = digits.charCodeAt(i);
  // "0" is 0x30, "A" 0x41 and "a" 0x61.
  return code < 0x3a ? code - 0x30 : (code & 0xf) + 9;
};
