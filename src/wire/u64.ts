// Whole numbers below 2^53 as eight bytes, little-endian.

const HALF = 2 ** 32;
/** The largest number that is read: larger ones are not exact. */
const LARGEST_HALF = 2 ** 21 - 1;

export function putU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % HALF, true);
  view.setUint32(at + 4, Math.floor(value / HALF), true);
}

/** Null when the number is above 2^53 - 1. */
export function getU64(view: DataView, at: number): number | null {
  const high = view.getUint32(at + 4, true);
  return high > LARGEST_HALF ? null : high * HALF + view.getUint32(at, true);
}
