// Exact decimal numbers as whole units of a power of ten: prices are never binary fractions.

/** The number units * 10^-scale. */
export interface Decimal {
  readonly units: bigint;
  /** Decimals after the point, 0 or more. */
  readonly scale: number;
}

/** Longer texts are refused: no price needs more, and converting them would cost quadratic time. */
const MAX_TEXT_LENGTH = 100;

const PLAIN = /^-?[0-9]+(?:\.[0-9]+)?$/;
const TRAILING_ZEROS = /\.?0+$/;

/**
 * Reads a plain decimal such as "18.25", "-5" or "18.2500". Zeros at the end of the fraction do not
 * count: the scale is the smallest that holds the value. Null for anything else, such as "", "1e1",
 * "0x10", "+1" or "18,25".
 */
export function parseDecimal(text: string): Decimal | null {
  if (text.length > MAX_TEXT_LENGTH || !PLAIN.test(text)) return null;
  const point = text.indexOf(".");
  if (point < 0) return { units: BigInt(text), scale: 0 };
  const shortest = text.replace(TRAILING_ZEROS, "");
  const scale = Math.max(0, shortest.length - point - 1);
  return { units: BigInt(shortest.replace(".", "")), scale };
}

/**
 * The plain decimal text of a finite number, with the fewest digits that name this very number:
 * 0.01 -> "0.01", 1e-7 -> "0.0000001".
 */
export function decimalTextOf(value: number): string {
  const [mantissa = "", exponentText] = String(value).split("e");
  if (exponentText === undefined) return mantissa;
  const sign = mantissa.startsWith("-") ? "-" : "";
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const exponent = Number(exponentText);
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${whole}${fraction}`;
  return `${sign}${whole}${fraction.padEnd(exponent, "0")}`;
}

/** The value in whole units of 10^-scale; `scale` must be at least the value's own. */
export function unitsAt(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}

/**
 * Writes units * 10^-scale with exactly `scale` decimals: (1825, 2) -> "18.25", (-500, 2) ->
 * "-5.00".
 */
export function formatDecimal(units: bigint | number, scale: number): string {
  const negative = units < 0;
  const digits = String(negative ? -units : units).padStart(scale + 1, "0");
  const sign = negative ? "-" : "";
  if (scale === 0) return sign + digits;
  const point = digits.length - scale;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
