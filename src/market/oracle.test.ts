// The market's rules against examples worked by hand and against brute force over all prices.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../platform/assert.ts";
import { bruteForce, type RandomMarket, randomMarket } from "./brute-force.test-helper.ts";
import {
  bookOf,
  type ClearingRules,
  clearInClear,
  clearingLines,
  MAX_TOTAL_ENERGY_WH,
  unitsAbove,
} from "./oracle.ts";
import type { Order, Outcome, Side } from "./order.ts";
import { UNITS_PER_WH } from "./order.ts";
import { PRICE_RULES, type PriceRule, RATIONINGS, type Rationing } from "./parameters.ts";

function order(side: Side, energyWh: number, limitTick: number | null, supplier = 0): Order {
  return { meter: "", side, energyWh, limitTick, supplier };
}

function rules(changes: Partial<ClearingRules> = {}): ClearingRules {
  return {
    priceBits: 6,
    priceRule: "midpoint",
    rationing: "pro-rata",
    supplierCount: 1,
    revealedSuppliers: [true],
    ...changes,
  };
}

function clear(orders: readonly Order[], changes: Partial<ClearingRules> = {}): Outcome {
  return clearInClear(orders, rules(changes), Uint32Array.from(orders.keys()));
}

const tradedWh = (outcome: Outcome) => Array.from(outcome.tradedUnits, (u) => u / UNITS_PER_WH);

describe("examples worked by hand", () => {
  // Demand 100 Wh at 30, 50 at 20; supply 80 at 10, 40 at 25. At 20..24 supply is 80, and demand
  // 150 or 100; at 25..30 supply is 120 and demand 100: 25 is the one price where 100 Wh change
  // hands.
  const orders = [
    order("buy", 100, 30),
    order("buy", 50, 20),
    order("sell", 80, 10),
    order("sell", 40, 25),
  ];

  test("the seller at the margin sells what is still wanted", () => {
    const outcome = clear(orders);
    expect(outcome.priceTick).toBe(25);
    expect(tradedWh(outcome)).toEqual([100, 0, 80, 20]);
    expect(outcome.suppliers).toEqual([{ boughtUnits: 102_400, soldUnits: 102_400 }]);
  });

  test("price rules choose within the interval", () => {
    // 10 Wh each: every price from 11 to 20 clears.
    const pair = [order("sell", 10, 11), order("buy", 10, 20)];
    expect(clear(pair, { priceRule: "lower" }).priceTick).toBe(11);
    expect(clear(pair, { priceRule: "upper" }).priceTick).toBe(20);
    expect(clear(pair, { priceRule: "midpoint" }).priceTick).toBe(15);
  });

  test("pro-rata shares the margin in units of 2^-10 Wh, rounding by priority", () => {
    // 10 Wh for 3 buyers of 10 Wh: floor(10240 / 30) = 341 units per Wh, 10 units left, all to the
    // first.
    const buyers = [order("buy", 10, 30), order("buy", 10, 30), order("buy", 10, 30)];
    const market = [order("sell", 10, 5), ...buyers];
    const outcome = clearInClear(market, rules(), Uint32Array.of(2, 0, 1, 3));
    expect([...outcome.tradedUnits]).toEqual([10_240, 3410, 3420, 3410]);
    expect(outcome.priceTick).toBe(30);
  });

  test("priority serves the buyers at the margin one after the other", () => {
    const buyers = [order("buy", 7, 30), order("buy", 7, 30), order("buy", 7, 30)];
    const market = [order("sell", 10, 5), ...buyers];
    const byPriority = rules({ rationing: "priority" });
    const outcome = clearInClear(market, byPriority, Uint32Array.of(3, 1, 0, 2));
    expect(tradedWh(outcome)).toEqual([10, 3, 0, 7]);
  });

  test("among sellers at the margin, priority lets the first keep their energy", () => {
    const sellers = [order("sell", 7, 10), order("sell", 7, 10), order("sell", 7, 10)];
    const market = [order("buy", 10, 30), ...sellers];
    const byPriority = rules({ rationing: "priority" });
    const outcome = clearInClear(market, byPriority, Uint32Array.of(3, 1, 0, 2));
    expect(tradedWh(outcome)).toEqual([10, 3, 7, 0]);
  });

  test("no price where nothing trades", () => {
    const nothing = { traded: false, priceTick: null };
    for (const market of [
      [],
      [order("idle", 0, null)],
      [order("buy", 10, 63), order("buy", 5, 0)],
      [order("sell", 10, 0)],
      [order("sell", 10, 21), order("buy", 10, 20)],
      [order("sell", 0, 5), order("buy", 10, 20)],
    ]) {
      const outcome = clear(market);
      expect(outcome).toMatchObject(nothing);
      expect(tradedWh(outcome)).toEqual(market.map(() => 0));
    }
  });

  test("suppliers' sums are by customer, withheld where not revealed", () => {
    const market = [
      order("buy", 10, 20, 0),
      order("buy", 4, 20, 1),
      order("sell", 6, 5, 0),
      order("sell", 8, 5, 2),
    ];
    const outcome = clear(market, { supplierCount: 3, revealedSuppliers: [true, false, true] });
    expect(outcome.suppliers).toEqual([
      { boughtUnits: 10_240, soldUnits: 6144 },
      null,
      { boughtUnits: 0, soldUnits: 8192 },
    ]);
  });

  test("a priority that is no permutation, or more energy than can be counted, is an error", () => {
    const pair = [order("sell", 1, 0), order("buy", 1, 1)];
    for (const priority of [Uint32Array.of(0), Uint32Array.of(1, 1), Uint32Array.of(0, 2)]) {
      expect(() => clearInClear(pair, rules(), priority)).toThrow(InvariantError);
    }
    expect(() => clear([order("buy", MAX_TOTAL_ENERGY_WH, 3), order("sell", 1, 3)])).toThrow(
      InvariantError,
    );
  });

  test("shares are exact at the largest energies", () => {
    const half = 2 ** 41;
    const market = [order("sell", half - 1, 0), order("buy", half, 3), order("buy", half, 3)];
    const outcome = clear(market);
    const bought = outcome.tradedUnits[1]! + outcome.tradedUnits[2]!;
    expect(outcome.tradedUnits[0]).toBe((half - 1) * UNITS_PER_WH);
    expect(bought).toBe((half - 1) * UNITS_PER_WH);
    // floor((2^41 - 1) * 1024 / 2^42) = 511 units per Wh, and one more for each Wh of the first.
    // one more.
    expect(outcome.tradedUnits[1]).toBe(half * 512);
  });
});

interface Case extends RandomMarket {
  readonly priceRule: PriceRule;
  readonly rationing: Rationing;
}

const cases: fc.Arbitrary<Case> = fc
  .tuple(randomMarket(), fc.constantFrom(...PRICE_RULES), fc.constantFrom(...RATIONINGS))
  .map(([market, priceRule, rationing]) => ({ ...market, priceRule, rationing }));

function outcomeOf({ orders, priority, ...of }: Case): Outcome {
  const revealedSuppliers = Array.from({ length: of.supplierCount }, () => true);
  return clearInClear(orders, { ...of, revealedSuppliers }, priority);
}

function sumUnits(orders: readonly Order[], outcome: Outcome, side: Side): number {
  return orders.reduce((sum, o, i) => sum + (o.side === side ? outcome.tradedUnits[i]! : 0), 0);
}

function check(property: (market: Case, outcome: Outcome) => void): void {
  fc.assert(
    fc.property(cases, (market) => property(market, outcomeOf(market))),
    { numRuns: 500 },
  );
}

describe("any market", () => {
  test("as much is bought as sold, and no single price could trade more", () => {
    check((market, outcome) => {
      const boughtUnits = sumUnits(market.orders, outcome, "buy");
      expect(sumUnits(market.orders, outcome, "sell")).toBe(boughtUnits);
      const { maxVolumeWh } = bruteForce(market.orders, market.priceBits);
      expect(boughtUnits).toBe(maxVolumeWh * UNITS_PER_WH);
      expect(outcome.traded).toBe(maxVolumeWh > 0);
      expect(outcome.priceTick === null).toBe(!outcome.traded);
    });
  });

  test("the price is the lowest, highest or middle one of those that clear", () => {
    check((market, outcome) => {
      if (outcome.priceTick === null) return;
      const { clearingTicks, curves, maxVolumeWh } = bruteForce(market.orders, market.priceBits);
      const lowest = clearingTicks[0]!;
      const highest = clearingTicks.at(-1)!;
      expect(clearingTicks.length).toBe(highest - lowest + 1);
      const middle = Math.floor((lowest + highest) / 2);
      const chosen = { lower: lowest, upper: highest, midpoint: middle }[market.priceRule];
      expect(outcome.priceTick).toBe(chosen);
      const { demandWh, supplyWh } = curves[chosen]!;
      expect(Math.min(demandWh, supplyWh)).toBe(maxVolumeWh);
    });
  });

  test("nobody trades beyond the limit; who would accept a worse price is served fully", () => {
    check(({ orders }, { priceTick, tradedUnits }) => {
      for (const [i, { side, energyWh, limitTick }] of orders.entries()) {
        const units = tradedUnits[i]!;
        expect(Number.isInteger(units) && units >= 0).toBe(true);
        expect(units).toBeLessThanOrEqual(energyWh * UNITS_PER_WH);
        if (side === "idle") expect(units).toBe(0);
        if (priceTick === null || limitTick === null || side === "idle") continue;
        const gain = side === "buy" ? limitTick - priceTick : priceTick - limitTick;
        if (gain > 0) expect(units).toBe(energyWh * UNITS_PER_WH);
        if (gain < 0) expect(units).toBe(0);
      }
    });
  });

  test("at most one key is rationed: pro-rata evenly, priority one order at a time", () => {
    check(({ orders, rationing }, { tradedUnits }) => {
      const partial = [...orders.keys()].filter((i) => {
        return tradedUnits[i]! > 0 && tradedUnits[i]! < orders[i]!.energyWh * UNITS_PER_WH;
      });
      const margins = new Set(partial.map((i) => `${orders[i]!.side} ${orders[i]!.limitTick}`));
      expect(margins.size).toBeLessThanOrEqual(1);
      if (rationing === "priority") expect(partial.length).toBeLessThanOrEqual(1);
      const first = orders[partial[0] ?? -1];
      if (rationing !== "pro-rata" || first === undefined) return;
      const group = [...orders.keys()].filter((i) => {
        return orders[i]!.side === first.side && orders[i]!.limitTick === first.limitTick;
      });
      const groupWh = group.reduce((sum, i) => sum + orders[i]!.energyWh, 0);
      const groupUnits = group.reduce((sum, i) => sum + tradedUnits[i]!, 0);
      for (const i of group) {
        // Rounding moves less than one unit per Wh.
        const { energyWh } = orders[i]!;
        const fairUnits = (energyWh * groupUnits) / groupWh;
        expect(Math.abs(tradedUnits[i]! - fairUnits)).toBeLessThanOrEqual(energyWh);
      }
    });
  });

  test("who comes first at the margin is at no disadvantage against an equal order", () => {
    check(({ orders, priority }, { tradedUnits }) => {
      const keptOrBought = (i: number) => {
        const { side, energyWh } = orders[i]!;
        return side === "buy" ? tradedUnits[i]! : energyWh * UNITS_PER_WH - tradedUnits[i]!;
      };
      for (const [rank, i] of priority.entries()) {
        for (const j of priority.subarray(rank + 1)) {
          const [a, b] = [orders[i]!, orders[j]!];
          const equal = a.side === b.side && a.limitTick === b.limitTick;
          if (!equal || a.energyWh !== b.energyWh) continue;
          expect(keptOrBought(i)).toBeGreaterThanOrEqual(keptOrBought(j));
        }
      }
    });
  });

  test("either line gives the same trades", () => {
    check(({ orders, priority, priceBits, rationing }) => {
      const book = bookOf(orders);
      const { upper, lower } = clearingLines(book, priceBits);
      expect(lower).toBeLessThanOrEqual(upper);
      const fromUpper = unitsAbove(book, upper, rationing, priority);
      expect(unitsAbove(book, lower, rationing, priority)).toEqual(fromUpper);
    });
  });

  test("suppliers' sums add up to the volume", () => {
    check((market, outcome) => {
      const sums = outcome.suppliers.map((s) => s ?? { boughtUnits: 0, soldUnits: 0 });
      const bought = sums.reduce((total, s) => total + s.boughtUnits, 0);
      const sold = sums.reduce((total, s) => total + s.soldUnits, 0);
      expect(bought).toBe(sumUnits(market.orders, outcome, "buy"));
      expect(sold).toBe(bought);
    });
  });
});

test("the awkward markets do occur among the random ones", () => {
  const seen = { empty: 0, idle: 0, onlyBuy: 0, onlySell: 0, rationed: 0, interval: 0 };
  for (const market of fc.sample(randomMarket(), { numRuns: 500, seed: 7 })) {
    const { orders, priceBits, priority } = market;
    const sides = new Set(orders.map((o) => o.side));
    if (orders.length === 0) seen.empty += 1;
    else if (sides.size === 1) {
      if (sides.has("idle")) seen.idle += 1;
      else if (sides.has("buy")) seen.onlyBuy += 1;
      else seen.onlySell += 1;
    }
    const book = bookOf(orders);
    const { upper, lower } = clearingLines(book, priceBits);
    const units = unitsAbove(book, upper, "pro-rata", priority);
    const full = (i: number) => units[i] === 0 || units[i] === orders[i]!.energyWh * UNITS_PER_WH;
    if (!orders.every((_, i) => full(i))) seen.rationed += 1;
    if (Math.floor(upper / 2) > Math.floor(lower / 2) && lower > 0) seen.interval += 1;
  }
  for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(2);
});
