// The masks of a market's dealer: numbers that a seed of 16 bytes stands for, the same for whoever has the seed.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";

/** Overwrites `into` with the numbers of a seed. */
export function expandMask(
  field: Field,
  primitives: Pick<Primitives, "prg">,
  seed: Uint8Array,
  into: Vector,
): void {
  primitives.prg(seed).fill(field.memory.bytes(into));
  field.maskPrg(into);
}
