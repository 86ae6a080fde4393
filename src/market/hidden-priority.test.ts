// The hidden priority order: a valid rationing by the rules in clear, in an order that is anyone's equally often.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clearInPlain } from "../client/clear-in-plain.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Security } from "../mpc/engine.ts";
import type { EngineKind } from "../mpc/engines.test-helper.ts";
import { ALGORITHMS } from "../wire/setting.ts";
import { randomMarket } from "./brute-force.test-helper.ts";
import { bookOf, clearInClear, clearingLines, unitsAbove } from "./oracle.ts";
import { type Order, type Outcome, tradedFromAbove, UNITS_PER_WH } from "./order.ts";
import { orderLayout } from "./order-layout.ts";
import { PRICE_RULES, RATIONINGS } from "./parameters.ts";
import type { SecretRules } from "./preparation.ts";
import { clearOnShares } from "./shared-clearing.test-helper.ts";

const PRICE_BITS = 6;
const layout = orderLayout(PRICE_BITS, 16, 3);
const field = new Field();

type Clear = (rules: SecretRules, orders: readonly Order[]) => Promise<Outcome>;

const inPlain: Clear = (rules, orders) =>
  clearInPlain(field, nodePrimitives, layout, rules, orders, null);
const onShares =
  (kind: EngineKind, security: Security = "semi-honest"): Clear =>
  (rules, orders) =>
    clearOnShares(layout, rules, orders, new Uint32Array(0), { kind, security });

const anyRules: fc.Arbitrary<SecretRules> = fc.record({
  priceRule: fc.constantFrom(...PRICE_RULES),
  rationing: fc.constantFrom(...RATIONINGS),
  algorithm: fc.constantFrom(...ALGORITHMS),
  priorityOrder: fc.constant("hidden"),
  revealedSuppliers: fc.constant([true, true, true]),
});

/**
 * What each order on the line gets beside its equal share, in units handed out one per Wh; [extra, most] per order. It
 * does not matter which priority the oracle is asked about: all but this is the same.
 */
function extrasOf(rules: SecretRules, orders: readonly Order[], outcome: Outcome) {
  const book = bookOf(orders);
  const { upper } = clearingLines(book, PRICE_BITS);
  const forwards = Uint32Array.from(orders.keys());
  const [first, last] = [forwards, forwards.toReversed()].map((priority) =>
    unitsAbove(book, upper, rules.rationing, priority),
  );
  const unit = rules.rationing === "priority" ? UNITS_PER_WH : 1;
  const above = orders.map((order, i) => tradedFromAbove(order, outcome.tradedUnits[i]!));
  const rest = [...orders.keys()].filter((i) => book.keys[i] !== upper);
  for (const i of rest) if (orders[i]!.side !== "idle") expect(above[i]).toBe(first![i]);
  const list = [...orders.keys()].filter((i) => book.keys[i] === upper && book.energyWh[i]! > 0);
  const energy = list.reduce((sum, i) => sum + book.energyWh[i]!, 0);
  const total = list.reduce((sum, i) => sum + first![i]!, 0);
  expect(list.reduce((sum, i) => sum + last![i]!, 0)).toBe(total);
  // Everybody's share of the whole units per Wh.
  const share = energy > 0 ? Math.floor(total / unit / energy) : 0;
  const extras = list.map((i) => ({
    extra: above[i]! / unit - share * book.energyWh[i]!,
    most: book.energyWh[i]!,
  }));
  return { extras, remainder: total / unit - share * energy };
}

function expectValid(rules: SecretRules, orders: readonly Order[], outcome: Outcome): void {
  const forwards = Uint32Array.from(orders.keys());
  const oracle = clearInClear(
    orders,
    { ...rules, priceBits: PRICE_BITS, supplierCount: 3 },
    forwards,
  );
  expect(outcome).toMatchObject({ traded: oracle.traded, priceTick: oracle.priceTick });
  const { extras, remainder } = extrasOf(rules, orders, outcome);
  let handedOut = 0;
  for (const { extra, most } of extras) {
    expect(Number.isInteger(extra) && extra >= 0 && extra <= most).toBe(true);
    handedOut += extra;
  }
  expect(handedOut).toBe(remainder);
  // In turn until nothing is left: at most one order gets a part.
  expect(extras.filter(({ extra, most }) => extra > 0 && extra < most).length).toBeLessThan(2);
  for (const k of [0, 1, 2]) {
    const sumOf = (side: string) =>
      orders.reduce(
        (sum, order, i) =>
          order.side === side && order.supplier === k ? sum + outcome.tradedUnits[i]! : sum,
        0,
      );
    expect(outcome.suppliers[k]).toEqual({ boughtUnits: sumOf("buy"), soldUnits: sumOf("sell") });
  }
}

const clearings = [
  { name: "plain", clear: inPlain, runs: 300 },
  { name: "replicated", clear: onShares("replicated"), runs: 60 },
  { name: "verified replicated", clear: onShares("replicated", "malicious"), runs: 15 },
  { name: "Shamir", clear: onShares("shamir-3"), runs: 20 },
  { name: "dealer's", clear: onShares("dealer-2"), runs: 15 },
];

describe.each(clearings)("on the $name engine", ({ clear, runs }) => {
  it("every order gets what the rules allow, and all of it is handed out", async () => {
    const markets = fc.oneof(
      randomMarket({ maxOrders: 24, priceBits: PRICE_BITS }),
      randomMarket({ maxOrders: 200, priceBits: PRICE_BITS }),
    );
    const property = fc.asyncProperty(anyRules, markets, async (rules, { orders }) => {
      expectValid(rules, orders, await clear(rules, orders));
    });
    await fc.assert(property, { numRuns: runs });
  });
});

describe.each([
  { name: "plain", clear: inPlain, runs: 400 },
  { name: "replicated", clear: onShares("replicated"), runs: 80 },
])("on the $name engine", ({ clear, runs }) => {
  it.each(ALGORITHMS)("by %s: everybody is served first equally often", async (algorithm) => {
    const order = (side: Order["side"], energyWh: number, limitTick: number): Order => ({
      meter: "",
      side,
      energyWh,
      limitTick,
      supplier: 0,
    });
    // Four buyers at one price, and one Wh.
    const buyers = Array.from({ length: 4 }, () => order("buy", 1, 20));
    const orders = [...buyers, order("sell", 1, 5)];
    const rules: SecretRules = {
      priceRule: "midpoint",
      rationing: "priority",
      algorithm,
      priorityOrder: "hidden",
      revealedSuppliers: [false, false, false],
    };
    const served = [0, 0, 0, 0];
    for (let run = 0; run < runs; run++) {
      const { tradedUnits } = await clear(rules, orders);
      const first = tradedUnits.indexOf(UNITS_PER_WH);
      served[first]! += 1;
    }
    const expected = runs / 4;
    const chiSquare = served.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // Three degrees of freedom: exceeded once in 10^9.
    expect(chiSquare).toBeLessThan(45);
  });
});
