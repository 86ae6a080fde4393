// Exact decimal numbers as whole units of a power of ten: prices are never binary fractions.

/** The number digits * 10^-scale, below zero if `negative`. */
export interface Decimal {
  readonly negative: boolean;
  /** Without zeros in front; empty for zero. */
  readonly digits: string;
  /** Decimals after the point, 0 or more. */
  readonly scale: number;
}

/** Longer texts are refused: no price needs more. */
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
  const shortest = point < 0 ? text : text.replace(TRAILING_ZEROS, "");
  const scale = point < 0 ? 0 : Math.max(0, shortest.length - point - 1);
  const digits = shortest.replace(/[-.]/g, "").replace(/^0+/, "");
  return { negative: text.startsWith("-") && digits !== "", digits, scale };
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

/**
 * The value in units of 10^-scale, rounded down to whole ones; `exact` says whether nothing was cut
 * off. Beyond the safe integers, some number beyond them on the same side.
 */
export function unitsAt(value: Decimal, scale: number): { units: number; exact: boolean } {
  const { negative, digits } = value;
  const excess = value.scale - scale;
  const exact = excess <= 0;
  const whole = Number(
    exact ? digits + "0".repeat(-excess) : digits.slice(0, Math.max(0, digits.length - excess)),
  );
  return { units: negative ? -(exact ? whole : whole + 1) : whole, exact };
}

/**
 * Writes units * 10^-scale with exactly `scale` decimals: (1825, 2) -> "18.25", (-500, 2) ->
 * "-5.00".
 */
export function formatDecimal(units: number, scale: number): string {
  const negative = units < 0;
  const digits = String(negative ? -units : units).padStart(scale + 1, "0");
  const sign = negative ? "-" : "";
  if (scale === 0) return sign + digits;
  const point = digits.length - scale;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
