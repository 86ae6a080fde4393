// Traded energies as text, exactly: units of 2^-10 Wh are decimals with at most ten places.
import { UNIT_BITS, UNITS_PER_WH } from "./order.ts";

/** The decimals of k / 1024 without zeros at the end: "", ".0009765625", ..., ".9990234375". */
const FRACTIONS = Array.from({ length: UNITS_PER_WH }, (_, units) =>
  (units / UNITS_PER_WH)
    .toFixed(UNIT_BITS)
    .slice(1)
    .replace(/\.?0+$/, ""),
);

/** Units of 2^-10 Wh, a whole number from 0, as an exact decimal in Wh: 1025 -> "1.0009765625". */
export function exactWh(units: number): string {
  const fraction = units % UNITS_PER_WH;
  return `${(units - fraction) / UNITS_PER_WH}${FRACTIONS[fraction]}`;
}

/** The inverse of exactWh; null when the text is no such decimal. */
export function unitsOfWh(text: string): number | null {
  const match = /^(0|[1-9][0-9]{0,11})(\.[0-9]{1,10})?$/.exec(text);
  if (match === null) return null;
  const fraction = FRACTIONS.indexOf(match[2] ?? "");
  return fraction < 0 ? null : Number(match[1]) * UNITS_PER_WH + fraction;
}
