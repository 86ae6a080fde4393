// Seeded draws, so that every lie of a test can be told again.

/** A number from 0 to below 1. */
export type Draw = () => number;

/** mulberry32 */
export function drawsFrom(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const below = (draw: Draw, limit: number): number => Math.floor(draw() * limit);
