// Numbers as bits in rows, the form in which meters share everything.

/** Writes the lowest `count` bits of a whole number from `at` on, most significant first. */
export function writeBits(row: Uint8Array, at: number, count: number, value: number): void {
  for (let i = 0; i < count; i++) row[at + i] = Math.floor(value / 2 ** (count - 1 - i)) % 2;
}
