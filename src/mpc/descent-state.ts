// What a masked descent (descent.ts) keeps from digit to digit.
import type { DescentMaterial } from "./descent-material.ts";
import type { Engine } from "./engine.ts";
import type { Partial, Secret } from "./shared.ts";

export interface Descent {
  readonly material: DescentMaterial;
  /** T, length 1. */
  readonly target: Secret;
  /**
   * Null when only x is wanted. Else the weights per key are kept, and those above x come multiplied by this
   * public number.
   */
  readonly keysInUnits: number | null;
}

export interface DescentState extends Descent {
  weight: Secret;
  /** Total of the current weights. */
  total: Secret;
  /** Per bit so far: 1 - c, and the total of the weights that left for differing in it first. */
  readonly up: Secret[];
  readonly left: Secret[];
  readonly bits: Secret[];
  readonly aboveFactors: (readonly [Secret, Secret])[];
}

/** The weight above: what left at bits where x has 0. */
export function weightAbove(engine: Engine, state: DescentState): Partial {
  if (state.left.length === 0) return engine.partial(engine.constant([0]));
  return engine.partialDots([[engine.concat(state.up), engine.concat(state.left)]]);
}
