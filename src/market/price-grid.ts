// The market's prices: 2^bits equally spaced exact decimals (ct/kWh), each known by its index, the
// tick.

import { assert } from "../platform/assert.ts";
import { formatDecimal, parseDecimal, unitsAt } from "./decimal.ts";

export const MIN_PRICE_BITS = 4;
export const MAX_PRICE_BITS = 16;
/** Grid prices are whole multiples of 10^-9 ct at the finest. */
export const MAX_PRICE_DECIMALS = 9;

export type PriceProblemKind = "not-a-number" | "off-grid" | "below" | "above";

/** Why a text is no price of the grid; `message` completes the sentence "the price is ...". */
export interface PriceProblem {
  readonly kind: PriceProblemKind;
  readonly message: string;
}

export interface GridProblem {
  readonly field: "min" | "tick" | "bits";
  readonly message: string;
}

/**
 * Checks what a PriceGrid would be made of. Null if it can be made, else what is wrong and would be
 * right. `min` and `tick` are plain decimals in ct/kWh.
 */
export function gridProblem(min: string, tick: string, bits: number): GridProblem | null {
  if (!Number.isInteger(bits) || bits < MIN_PRICE_BITS || bits > MAX_PRICE_BITS) {
    const message = `expected a whole number from ${MIN_PRICE_BITS} to ${MAX_PRICE_BITS}`;
    return { field: "bits", message };
  }
  const low = parseDecimal(min);
  const step = parseDecimal(tick);
  if (low === null) return { field: "min", message: "expected a plain decimal such as 0 or -5.00" };
  if (step === null || step.negative || step.digits === "") {
    return { field: "tick", message: "expected a plain decimal above 0 such as 0.01" };
  }
  const tooFine = `expected at most ${MAX_PRICE_DECIMALS} decimals`;
  if (low.scale > MAX_PRICE_DECIMALS) return { field: "min", message: tooFine };
  if (step.scale > MAX_PRICE_DECIMALS) return { field: "tick", message: tooFine };
  const scale = Math.max(low.scale, step.scale);
  const limit = Number.MAX_SAFE_INTEGER;
  const lowest = unitsAt(low, scale).units;
  const span = unitsAt(step, scale).units * (2 ** bits - 1);
  const last = formatDecimal(limit, scale);
  const message = `expected prices between ${formatDecimal(-limit, scale)} and ${last}, at most ${last} apart`;
  if (lowest < -limit || lowest > limit) return { field: "min", message };
  if (span > limit || lowest + span > limit) return { field: "tick", message };
  return null;
}

/** The prices min, min + tick, ..., min + (2^bits - 1) * tick. Immutable. */
export class PriceGrid {
  readonly bits: number;
  /** The number of prices, 2^bits. */
  readonly size: number;
  /** How many decimals a formatted price has. */
  readonly decimals: number;
  readonly #lowest: number;
  readonly #step: number;
  /** The ticks of texts seen before: an order file repeats few prices many times. */
  readonly #seen = new Map<string, number>();

  /** `min` and `tick` in ct/kWh must pass gridProblem. */
  constructor(min: string, tick: string, bits: number) {
    const problem = gridProblem(min, tick, bits);
    assert(problem === null, `price grid: ${problem?.field} ${problem?.message}`);
    const low = parseDecimal(min);
    const step = parseDecimal(tick);
    assert(low !== null && step !== null, "price grid: not decimals");
    this.bits = bits;
    this.size = 2 ** bits;
    this.decimals = Math.max(low.scale, step.scale);
    this.#lowest = unitsAt(low, this.decimals).units;
    this.#step = unitsAt(step, this.decimals).units;
  }

  /** The distance of two neighbouring prices, e.g. "0.05". */
  get step(): string {
    return formatDecimal(this.#step, this.decimals);
  }

  /** The tick of a price in ct/kWh ("18.25" and "18.2500" alike), or why there is none. */
  tickOf(text: string): number | PriceProblem {
    const seen = this.#seen.get(text);
    if (seen !== undefined) return seen;
    const tick = this.#locate(text);
    if (typeof tick === "number" && this.#seen.size < this.size) this.#seen.set(text, tick);
    return tick;
  }

  /** The price of a tick as an exact decimal in ct/kWh, with the grid's number of decimals. */
  format(tick: number): string {
    return formatDecimal(this.#units(tick), this.decimals);
  }

  /** The price of a tick in ct/kWh as the nearest double. */
  value(tick: number): number {
    return this.#units(tick) / 10 ** this.decimals;
  }

  #units(tick: number): number {
    assert(Number.isInteger(tick) && tick >= 0 && tick < this.size, "price grid: no such tick");
    return this.#lowest + tick * this.#step;
  }

  #locate(text: string): number | PriceProblem {
    const price = parseDecimal(text);
    if (price === null) return notANumber(text);
    const { units, exact } = unitsAt(price, this.decimals);
    const lastTick = this.size - 1;
    const highest = this.#units(lastTick);
    if (units < this.#lowest) {
      return { kind: "below", message: `below the market's lowest price ${this.format(0)}` };
    }
    if (units > highest || (units === highest && !exact)) {
      return {
        kind: "above",
        message: `above the market's highest price ${this.format(lastTick)}`,
      };
    }
    const above = units - this.#lowest;
    const rest = above % this.#step;
    const tick = (above - rest) / this.#step;
    if (exact && rest === 0) return tick;
    const nearest = `${this.format(tick)} and ${this.format(tick + 1)}`;
    return { kind: "off-grid", message: `off the grid: nearest are ${nearest}` };
  }
}

function notANumber(text: string): PriceProblem {
  const kind = "not-a-number";
  if (text === "") return { kind, message: "missing" };
  if (/^-?[0-9]+,[0-9]+$/.test(text) && text.length < 40) {
    const message = `not a number: write a decimal point, ${text.replace(",", ".")}`;
    return { kind, message };
  }
  return { kind, message: "not a number such as 18.25" };
}
