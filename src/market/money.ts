// Money as settlement counts it: whole units of 10^-3 ct/kWh times 2^-10 Wh, about 10^-9 ct. Totals exceed what a
// double holds exactly, so they are BigInt here, at the edge, and nowhere before.
import { ELEMENT_BYTES, MODULUS_BITS } from "../field/prime.ts";

const MODULUS = (1n << BigInt(MODULUS_BITS)) - 1n;
/** 1 ct is 1,000 price units of one kWh, which is 1,000 x 1,024 energy units. */
export const unitsOfCent = 1_024_000_000n;
/** A unit is 10^-6 x 2^-10 ct. */
const DECIMALS = 16;
const SCALED_UNIT = 10n ** BigInt(DECIMALS) / unitsOfCent;
const NO_FRACTION = /\.?0+$/;

/** Field elements, as `Field.toBytes` writes them, as numbers with a sign: from -2^60 to 2^60, neither included. */
export function signedElements(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / ELEMENT_BYTES }, (_, i) => {
    const value = view.getBigUint64(i * ELEMENT_BYTES, true);
    return 2n * value > MODULUS ? value - MODULUS : value;
  });
}

/** An amount in ct as an exact decimal without zeros at the end. */
export function exactCents(units: bigint): string {
  const size = (units < 0n ? -units : units) * SCALED_UNIT;
  const digits = String(size).padStart(DECIMALS + 1, "0");
  const whole = digits.slice(0, -DECIMALS);
  const text = `${whole}.${digits.slice(-DECIMALS)}`.replace(NO_FRACTION, "");
  return units < 0n ? `-${text}` : text;
}
