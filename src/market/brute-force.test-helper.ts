// A second reading of the market, for tests: draws the demand and supply curves price by price and
// looks for the best one. Knows nothing of keys, lines or rounding, and is far too slow for real
// markets.

import fc from "fast-check";
import type { Order, Side } from "./order.ts";

/** Demand and supply at one price tick, in Wh. */
export interface CurvePoint {
  /** Asked for by buyers who would pay this price or more. */
  readonly demandWh: number;
  /** The part of it by buyers who would pay even more. */
  readonly eagerDemandWh: number;
  /** Offered by sellers content with this price or less. */
  readonly supplyWh: number;
  /** The part of it by sellers content with even less. */
  readonly eagerSupplyWh: number;
}

export interface BruteForceResult {
  /** The most energy any single price could trade. */
  readonly maxVolumeWh: number;
  /** All ticks at which nobody who strictly gains has to go short, in ascending order. */
  readonly clearingTicks: readonly number[];
  readonly curves: readonly CurvePoint[];
}

/** Tries every tick from 0 to 2^priceBits - 1. */
export function bruteForce(orders: readonly Order[], priceBits: number): BruteForceResult {
  const curves = Array.from({ length: 2 ** priceBits }, (_, tick) => curveAt(orders, tick));
  const volumes = curves.map((point) => Math.min(point.demandWh, point.supplyWh));
  const clearingTicks = [...curves.keys()].filter((tick) => {
    const point = curves[tick]!;
    return point.eagerDemandWh <= point.supplyWh && point.eagerSupplyWh <= point.demandWh;
  });
  return { maxVolumeWh: volumes.reduce((a, b) => Math.max(a, b), 0), clearingTicks, curves };
}

function curveAt(orders: readonly Order[], tick: number): CurvePoint {
  const point = { demandWh: 0, eagerDemandWh: 0, supplyWh: 0, eagerSupplyWh: 0 };
  for (const { side, energyWh, limitTick } of orders) {
    if (limitTick === null) continue;
    if (side === "buy" && limitTick >= tick) point.demandWh += energyWh;
    if (side === "buy" && limitTick > tick) point.eagerDemandWh += energyWh;
    if (side === "sell" && limitTick <= tick) point.supplyWh += energyWh;
    if (side === "sell" && limitTick < tick) point.eagerSupplyWh += energyWh;
  }
  return point;
}

export interface RandomMarket {
  readonly priceBits: number;
  readonly supplierCount: number;
  readonly orders: readonly Order[];
  /** All order indices in random sequence. */
  readonly priority: Uint32Array;
}

export interface RandomMarketOptions {
  /** Most orders of a market; 24 unless set. */
  readonly maxOrders?: number;
  /** 4, 5 or 6 unless set. */
  readonly priceBits?: number;
  /** 16 unless set. */
  readonly energyBits?: number;
}

/**
 * Random markets, among them the awkward ones: empty, all idle, only buyers or sellers, all at one
 * price, energies 0 and the largest, ticks 0 and the last.
 */
export function randomMarket(options: RandomMarketOptions = {}): fc.Arbitrary<RandomMarket> {
  const maxOrders = options.maxOrders ?? 24;
  const bits = options.priceBits === undefined ? fc.integer({ min: 4, max: 6 }) : null;
  return (bits ?? fc.constant(options.priceBits ?? 4)).chain((priceBits) => {
    const supplierCount = 3;
    const orders = ordersOf(priceBits, options.energyBits ?? 16, supplierCount, maxOrders);
    return orders.chain((list) =>
      fc
        .shuffledSubarray([...list.keys()], { minLength: list.length, maxLength: list.length })
        .map((sequence) => {
          const priority = Uint32Array.from(sequence);
          return { priceBits, supplierCount, orders: list, priority };
        }),
    );
  });
}

function ordersOf(
  priceBits: number,
  energyBits: number,
  supplierCount: number,
  maxOrders: number,
): fc.Arbitrary<Order[]> {
  const lastTick = 2 ** priceBits - 1;
  const maxEnergyWh = 2 ** energyBits - 1;
  const anyTick = fc.integer({ min: 0, max: lastTick });
  const someTicks = fc.oneof(
    fc.constant(anyTick),
    fc.constant(fc.constantFrom(0, lastTick)),
    anyTick.map((tick) => fc.constant(tick)),
    anyTick.map((tick) => fc.integer({ min: tick, max: Math.min(lastTick, tick + 2) })),
  );
  const someEnergies = fc.oneof(
    fc.constant(fc.integer({ min: 0, max: maxEnergyWh })),
    fc.constant(fc.integer({ min: 0, max: 7 })),
    fc.constant(fc.constantFrom(0, 1, maxEnergyWh)),
    fc.constant(fc.constant(maxEnergyWh)),
  );
  const someSides = fc.constantFrom<readonly Side[]>(
    ["buy", "sell", "idle"],
    ["buy", "sell"],
    ["buy", "buy", "buy", "sell"],
    ["buy"],
    ["sell"],
    ["idle"],
  );
  return fc.tuple(someTicks, someEnergies, someSides).chain(([ticks, energies, sides]) => {
    const supplier = fc.integer({ min: 0, max: supplierCount - 1 });
    const row = fc.tuple(fc.constantFrom(...sides), energies, ticks, supplier, fc.boolean());
    return fc.array(row, { maxLength: maxOrders }).map((rows) =>
      rows.map(([side, energyWh, tick, supplierIndex, keepsTick], i) => ({
        meter: `meter-${i}`,
        side,
        energyWh: side === "idle" ? 0 : energyWh,
        limitTick: side !== "idle" || keepsTick ? tick : null,
        supplier: supplierIndex,
      })),
    );
  });
}
