// The market's rules on plain numbers: the place to read them, and the reference for the private
// computation. Assumes orders its market allows. In short: buyers and sellers stand in one list by
// price, and the M Wh offered for sale go (back) to those who value energy most, from the top of
// the list until none is left. The key where that happens is the line.

import { assert } from "../platform/assert.ts";
import type { Order, Outcome, SupplierSums } from "./order.ts";
import { UNIT_BITS, UNITS_PER_WH } from "./order.ts";
import type { PriceRule, Rationing } from "./parameters.ts";

/** A larger sum of all orders' energies could not be counted exactly in units of 2^-10 Wh. */
export const MAX_TOTAL_ENERGY_WH = 2 ** (53 - UNIT_BITS) - 1;

export interface ClearingRules {
  readonly priceBits: number;
  readonly priceRule: PriceRule;
  readonly rationing: Rationing;
  readonly supplierCount: number;
  /** For each supplier, whether its sums are part of the outcome. */
  readonly revealedSuppliers: readonly boolean[];
}

/** The orders as the rules see them; all arrays are by order. */
export interface Book {
  /** 2 * limitTick, plus 1 for a buyer: at the same price buyers come first. */
  readonly keys: Uint32Array;
  readonly energyWh: Float64Array;
  /** Energy offered for sale in total, M. */
  readonly offeredWh: number;
}

/**
 * The highest and lowest key where the energy offered runs out; they enclose the prices that
 * clear.
 */
export interface Lines {
  readonly upper: number;
  readonly lower: number;
}

/** Reads the orders; their energies must not add up to more than MAX_TOTAL_ENERGY_WH. */
export function bookOf(orders: readonly Order[]): Book {
  const keys = Uint32Array.from(orders, (order) => keyOf(order));
  const energyWh = Float64Array.from(orders, (order) => order.energyWh);
  let offeredWh = 0;
  let totalWh = 0;
  for (const order of orders) {
    totalWh += order.energyWh;
    if (order.side === "sell") offeredWh += order.energyWh;
  }
  assert(totalWh <= MAX_TOTAL_ENERGY_WH, "more energy in one period than can be counted exactly");
  return { keys, energyWh, offeredWh };
}

function keyOf(order: Order): number {
  assert(order.side !== "idle" || order.energyWh === 0, "an idle order has no energy");
  assert(order.side === "idle" || order.limitTick !== null, "only an idle order has no price");
  return 2 * (order.limitTick ?? 0) + (order.side === "buy" ? 1 : 0);
}

/**
 * With N(x) the energy of all orders whose key is at least x:
 * upper = max { x : N(x) >= M }, lower = max { x : N(x) >= M + 1 } (0 if there is none),
 * for x in 0 .. 2^(priceBits+1) - 1. The market clears at every tick from floor(lower / 2) to
 * floor(upper / 2): at these and no others, supply and demand can be brought into balance.
 */
export function clearingLines(book: Book, priceBits: number): Lines {
  const { keys, energyWh, offeredWh } = book;
  const descending = Uint32Array.from(keys.keys()).sort((a, b) => keys[b]! - keys[a]!);
  // N is 0 above the highest key and grows only at keys that occur.
  let upper: number | null = offeredWh === 0 ? 2 ** (priceBits + 1) - 1 : null;
  let reachedWh = 0;
  for (const i of descending) {
    reachedWh += energyWh[i]!;
    if (upper === null && reachedWh >= offeredWh) upper = keys[i]!;
    if (reachedWh >= offeredWh + 1) return { upper: upper ?? 0, lower: keys[i]! };
  }
  return { upper: upper ?? 0, lower: 0 };
}

/**
 * How much of the energy each order ends up with, in units of 2^-10 Wh: all of q above the line,
 * nothing below it. Orders on the line share what remains, L of their E Wh: each gets q * rho with
 * rho = floor(L * 2^f / E), where pro-rata counts in units of 2^-10 Wh (f = 10) and priority in
 * whole Wh (f = 0). Rounding leaves R = L * 2^f - E * rho of these units; they are handed out one
 * per Wh, to the orders in the sequence of `priority` until none is left. With f = 0 that is all of
 * L, unless L = E.
 */
export function unitsAbove(
  book: Book,
  line: number,
  rationing: Rationing,
  priority: Uint32Array,
): Float64Array {
  const { keys, energyWh, offeredWh } = book;
  const units = new Float64Array(keys.length);
  let leftWh = offeredWh;
  let onLineWh = 0;
  for (const [i, key] of keys.entries()) {
    if (key > line) {
      leftWh -= energyWh[i]!;
      units[i] = energyWh[i]! * UNITS_PER_WH;
    } else if (key === line) {
      onLineWh += energyWh[i]!;
    }
  }
  assert(leftWh >= 0, "more energy above the line than offered");
  if (onLineWh === 0) return units;
  const fractionBits = rationing === "pro-rata" ? UNIT_BITS : 0;
  const left = leftWh * 2 ** fractionBits;
  assert(leftWh <= onLineWh && left <= Number.MAX_SAFE_INTEGER, "what is left fits on the line");
  const remainder = left % onLineWh;
  const share = (left - remainder) / onLineWh;
  const unitsPerShare = UNITS_PER_WH / 2 ** fractionBits;
  let earlierWh = 0;
  for (const i of priority) {
    if (keys[i]! !== line) continue;
    const extra = Math.min(energyWh[i]!, Math.max(0, remainder - earlierWh));
    units[i] = (energyWh[i]! * share + extra) * unitsPerShare;
    earlierWh += energyWh[i]!;
  }
  return units;
}

/** The clearing tick between the two lines. */
function priceTickOf(lines: Lines, rule: PriceRule): number {
  const highest = Math.floor(lines.upper / 2);
  const lowest = Math.floor(lines.lower / 2);
  if (rule === "upper") return highest;
  if (rule === "lower") return lowest;
  return Math.floor((lowest + highest) / 2);
}

/**
 * Clears one settlement period. `priority` lists the indices of all orders, first served first. A
 * buyer trades what it ends up with, a seller what it does not keep; bought and sold energy are
 * equal exactly.
 */
export function clearInClear(
  orders: readonly Order[],
  rules: ClearingRules,
  priority: Uint32Array,
): Outcome {
  assertPermutation(priority, orders.length);
  assert(rules.revealedSuppliers.length === rules.supplierCount, "one flag per supplier");
  const book = bookOf(orders);
  const lines = clearingLines(book, rules.priceBits);
  const tradedUnits = unitsAbove(book, lines.upper, rules.rationing, priority);
  const bought = new Float64Array(rules.supplierCount);
  const sold = new Float64Array(rules.supplierCount);
  let volumeUnits = 0;
  for (const [i, order] of orders.entries()) {
    assert(order.supplier >= 0 && order.supplier < rules.supplierCount, "supplier index");
    if (order.side === "sell") {
      tradedUnits[i] = order.energyWh * UNITS_PER_WH - tradedUnits[i]!;
      sold[order.supplier]! += tradedUnits[i]!;
    } else {
      bought[order.supplier]! += tradedUnits[i]!;
      volumeUnits += tradedUnits[i]!;
    }
  }
  const traded = volumeUnits > 0;
  const suppliers = rules.revealedSuppliers.map((revealed, k): SupplierSums | null =>
    revealed ? { boughtUnits: bought[k]!, soldUnits: sold[k]! } : null,
  );
  const priceTick = traded ? priceTickOf(lines, rules.priceRule) : null;
  return { traded, priceTick, tradedUnits, suppliers };
}

function assertPermutation(priority: Uint32Array, length: number): void {
  assert(priority.length === length, "priority lists every order once");
  const listed = new Uint8Array(length);
  for (const i of priority) {
    assert(i < length && listed[i] === 0, "priority lists every order once");
    listed[i] = 1;
  }
}
