// The priority order: a public random permutation made from a coin that the evaluators toss after gate closure.
import { assert } from "../platform/assert.ts";
import { LIMITS } from "../platform/limits.ts";
import type { Primitives } from "../platform/primitives.ts";

const DRAWS_AT_ONCE = 16 * 1024;
const TWO_32 = 2 ** 32;

/**
 * A uniformly random permutation of 0 .. count - 1 (Fisher-Yates; Lemire's rejection makes each draw exact).
 * The same coin gives the same permutation everywhere.
 */
export function permutationFrom(
  primitives: Primitives,
  coin: Uint8Array,
  count: number,
): Uint32Array {
  assert(count <= LIMITS.orders, "a draw times the count must be exact in a double");
  const prg = primitives.prg(primitives.sha256(coin).subarray(16, 32));
  const draws = new Uint32Array(DRAWS_AT_ONCE);
  const bytes = new Uint8Array(draws.buffer);
  let used = DRAWS_AT_ONCE;
  const permutation = new Uint32Array(count);
  for (let i = 0; i < count; i++) permutation[i] = i;
  const nextDraw = () => {
    if (used === DRAWS_AT_ONCE) {
      prg.fill(bytes);
      used = 0;
    }
    return draws[used++]!;
  };
  for (let i = count - 1; i > 0; i--) {
    const range = i + 1;
    let scaled = nextDraw() * range;
    let j = Math.floor(scaled / TWO_32);
    if (scaled - j * TWO_32 < range) {
      const rejectBelow = TWO_32 % range;
      while (scaled - j * TWO_32 < rejectBelow) {
        scaled = nextDraw() * range;
        j = Math.floor(scaled / TWO_32);
      }
    }
    const kept = permutation[i]!;
    permutation[i] = permutation[j]!;
    permutation[j] = kept;
  }
  return permutation;
}
