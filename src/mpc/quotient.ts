// Division of secret numbers with a small quotient, digit by digit, all multiples of a digit compared at once.
import type { ComparisonPool } from "./comparison.ts";
import type { Engine } from "./engine.ts";
import type { Partial, Secret } from "./shared.ts";

const DIGIT_BITS = 5;

/** The widths of the quotient's digits, most significant first. */
function digitWidths(bits: number): number[] {
  const widths: number[] = [];
  for (let left = bits; left > 0; left -= DIGIT_BITS) widths.push(Math.min(left, DIGIT_BITS));
  return widths.length > 0 ? widths : [0];
}

/** Multiples compared for the digit at `index`: the first digit also reaches 2^width, for q = 2^bits. */
const multiples = (width: number, index: number) => 2 ** width - (index === 0 ? 0 : 1);

/** How many ungated comparisons `quotient` takes from the pool. */
export function quotientComparisons(bits: number): number {
  return digitWidths(bits).reduce((total, width, index) => total + multiples(width, index), 0);
}

/**
 * floor(dividend / divisor) for 0 <= dividend <= 2^bits divisor < 2^58, both of length 1, and the remainder.
 * For divisor 0 (then the dividend is 0) some number and remainder 0.
 * Rounds: 5 per digit of 5 bits. Leaks: nothing.
 */
export async function quotient(
  engine: Engine,
  pool: ComparisonPool,
  dividend: Partial,
  divisor: Secret,
  bits: number,
): Promise<{ quotient: Secret; remainder: Partial }> {
  let remainder = dividend;
  let result = engine.constant([0]);
  let bitsLeft = bits;
  for (const [index, width] of digitWidths(bits).entries()) {
    bitsLeft -= width;
    const unit = 2 ** bitsLeft;
    const count = multiples(width, index);
    const factors = engine.field.alloc(count);
    engine.field.setNumbers(
      factors,
      Float64Array.from({ length: count }, (_, k) => (k + 1) * unit),
    );
    const candidates = engine.mulPublic(engine.tile(divisor, count), factors);
    const differences = engine.sub(engine.tile(remainder, count), engine.partial(candidates));
    const negative = await pool.negative(engine, differences);
    const digit = await engine.reshare(
      engine.addNumber(engine.scale(engine.sum(negative), -1), count),
    );
    const taken = engine.scale(engine.partialProducts([[digit, divisor]]), unit);
    remainder = engine.sub(remainder, taken);
    result = engine.add(result, engine.scale(digit, unit));
  }
  return { quotient: result, remainder };
}
