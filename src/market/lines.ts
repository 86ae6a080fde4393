// The lines of a period on secrets: the keys x1 and x2 at which the energy offered runs out, as clearing.ts says. Two
// algorithms find them, with the same result to the unit: descent-lines.ts and sorted-lines.ts.
import type { ComparisonPool } from "../mpc/comparison.ts";
import type { Engine, Factors } from "../mpc/engine.ts";
import type { Partial, Secret } from "../mpc/shared.ts";
import { UNIT_BITS } from "./order.ts";
import type { PriceRule, Rationing } from "./parameters.ts";

export interface LineRules {
  readonly priceRule: PriceRule;
  readonly rationing: Rationing;
}

/** An algorithm that finds the lines, in one clearing. */
export interface LineAlgorithm {
  /** Its work for some orders by themselves: vectors of one element per order. The key bits are used up. */
  prepare(keyBits: readonly Secret[], energy: Secret): Promise<readonly Secret[]>;
  /** The rest, for all orders: the vectors that `prepare` makes, put together, are used up. Once only. */
  finish(columns: readonly Secret[], energy: Secret): Promise<PreparedLines>;
}

/** An algorithm that finds the lines, when all its work that needs no other order is done. */
export interface PreparedLines {
  /** The gates of the comparisons that `find` makes, in their order. */
  readonly gates: Secret;
  /** Elements that `find` sends masked per order. */
  readonly onlineElements: number;
  /** Finds the lines for the energy offered for sale (length 1). Once only. */
  find(engine: Engine, pool: ComparisonPool, offered: Secret): Promise<Lines>;
}

export interface Lines {
  /** The line by which energy is allocated. */
  readonly allocating: AllocatingLine;
  /** The tick of the clearing price. Rounds: at most 1. */
  price(): Promise<Secret>;
}

export interface AllocatingLine {
  /** Per order its energy if it is on the line, else 0; and their sum. */
  readonly onLine: Secret;
  readonly onLineTotal: Secret;
  /** Per order its energy in ration units if it is above the line, else 0: a sum of products. */
  readonly aboveLine: Factors;
  /** The energy above the line in Wh. */
  readonly aboveTotal: Partial;
}

/** Binary digits of a unit of rationed energy: pro rata shares in 2^-10 Wh, priority serves whole Wh. */
export const rationBits = (rationing: Rationing) => (rationing === "pro-rata" ? UNIT_BITS : 0);

/**
 * Which keys a price rule needs, by how much more than the energy offered is to be reached: 0 for x1, 1 for x2. Both
 * give the same allocation: they differ only when the energy at or above x1 is M exactly, and then nobody is rationed.
 * So the last one also allocates.
 */
export function lineTargets(rule: PriceRule): readonly { extra: number; allocates: boolean }[] {
  if (rule === "upper") return [{ extra: 0, allocates: true }];
  if (rule === "lower") return [{ extra: 1, allocates: true }];
  return [
    { extra: 0, allocates: false },
    { extra: 1, allocates: true },
  ];
}

/** a / 2 in the field, that is half of a where a is even. Local. */
export const half = (engine: Engine, a: Secret): Secret =>
  // 2 * 2^60 = 2^61 = 1.
  engine.scale(engine.scale(a, 2 ** 30), 2 ** 30);
