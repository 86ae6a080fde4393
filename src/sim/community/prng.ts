// A small seeded generator for simulated communities: the same seed always gives the same day.
// For simulation only: it is predictable, and nothing secret may ever be drawn from it.

/** A stream of pseudorandom draws. */
export interface Prng {
  /** The next number in [0, 1), a multiple of 2^-32. */
  uniform(): number;
  /** The next number in [low, high). */
  between(low: number, high: number): number;
  /** The next draw from the standard normal distribution (Box and Muller 1958). */
  normal(): number;
  /** The next whole number in 0 .. count - 1. */
  below(count: number): number;
}

/**
 * sfc32, "small fast chaotic" (Chris Doty-Humphrey, PractRand): 128 bits of state with a counter,
 * so that its period is at least 2^32. `stream` separates the draws of independent parts of a
 * simulation: adding a draw to one household leaves all the others as they were.
 */
export function createPrng(seed: number, stream: number): Prng {
  let [a, b, c, counter] = [0, seed >>> 0, stream >>> 0, 1];
  const next = (): number => {
    const output = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + output) | 0;
    return output >>> 0;
  };
  // Seeds that differ in one bit need a dozen rounds to drift apart; the author's own seeding
  // does 12.
  for (let round = 0; round < 16; round++) next();
  const uniform = (): number => next() / 2 ** 32;
  return {
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    normal: () => {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      return radius * Math.cos(2 * Math.PI * uniform());
    },
    below: (count) => Math.floor(uniform() * count),
  };
}

/** A fresh array with the items in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], prng: Prng): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = prng.below(last + 1);
    const moved = result[last] as T;
    result[last] = result[other] as T;
    result[other] = moved;
  }
  return result;
}

/**
 * A stationary Gaussian series with mean 0 and variance 1 in which neighbours have the correlation
 * `persistence` (autoregressive of order 1): what slow clouds and habits look like.
 */
export function correlatedSeries(length: number, persistence: number, prng: Prng): number[] {
  const fresh = Math.sqrt(1 - persistence ** 2);
  const series: number[] = [];
  let level = prng.normal();
  for (let i = 0; i < length; i++) {
    series.push(level);
    level = persistence * level + fresh * prng.normal();
  }
  return series;
}
