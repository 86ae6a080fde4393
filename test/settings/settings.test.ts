// Every setting clears a market as the plain engine does: whoever computes, with whatever security, by whichever
// algorithm. With a hidden priority order it may differ in who gets the remainder, and in nothing else.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clearInPlain } from "../../src/client/clear-in-plain.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { Field } from "../../src/field/field.ts";
import { randomMarket } from "../../src/market/brute-force.test-helper.ts";
import { type Order, type Outcome, UNITS_PER_WH } from "../../src/market/order.ts";
import { PRICE_RULES, RATIONINGS } from "../../src/market/parameters.ts";
import { permutationFrom } from "../../src/mpc/permutation.ts";
import {
  ALGORITHMS,
  activeCount,
  completeSetting,
  PRIORITY_ORDERS,
  SECURITY_LEVELS,
  type Setting,
  type SettingChoice,
  settingProblem,
} from "../../src/wire/setting.ts";
import { clearAt, layoutOf, type Market } from "./sessions.test-helper.ts";

const [LEAST_PRICE_BITS, MOST_PRICE_BITS] = [4, 6];
const ENERGY_BITS = 16;
const MOST_SUPPLIERS = 4;

interface Case {
  readonly name: string;
  readonly setting: Setting;
  /** The numbers of the evaluators that compute. */
  readonly active: readonly number[];
}

function caseOf(choice: SettingChoice, chosen?: readonly number[]): Case {
  const setting = completeSetting(choice);
  const active = chosen ?? Array.from({ length: activeCount(setting) }, (_, i) => i);
  const { engine, parties, threshold, security, algorithm, priorityOrder } = setting;
  const who = `${engine}, evaluators ${active.join(" ")} of ${parties}, threshold ${threshold}`;
  return { name: `${who}, ${security}, ${algorithm}, ${priorityOrder}`, setting, active };
}

const CASES: readonly Case[] = [
  ...SECURITY_LEVELS.flatMap((security) => [
    ...ALGORITHMS.flatMap((algorithm) =>
      PRIORITY_ORDERS.map((priorityOrder) =>
        caseOf({ engine: "replicated", security, algorithm, priorityOrder }),
      ),
    ),
    ...[3, 4, 5, 7].map((parties) => caseOf({ engine: "shamir", parties, security })),
    caseOf({ engine: "shamir", parties: 5, threshold: 1, security }, [1, 2, 4]),
    caseOf({ engine: "shamir", parties: 3, security, algorithm: "sort" }),
  ]),
  ...[2, 3].flatMap((parties) =>
    ALGORITHMS.map((algorithm) => caseOf({ engine: "dealer", parties, algorithm })),
  ),
];

const someRules = fc.record({
  priceRule: fc.constantFrom(...PRICE_RULES),
  rationing: fc.constantFrom(...RATIONINGS),
  revealedSuppliers: fc.array(fc.boolean(), { minLength: 1, maxLength: MOST_SUPPLIERS }),
});

/** Up to 60 orders, awkward markets among them. */
const anyMarket: fc.Arbitrary<Market> = fc
  .integer({ min: LEAST_PRICE_BITS, max: MOST_PRICE_BITS })
  .chain((priceBits) => {
    const markets = randomMarket({ maxOrders: 60, priceBits, energyBits: ENERGY_BITS });
    return fc.tuple(markets, someRules).map(([{ orders }, rules]) => {
      const suppliers = rules.revealedSuppliers.length;
      // Of as many suppliers as there are, where the orders have been drawn for three.
      const own = orders.map((order, i) => ({
        ...order,
        supplier: (order.supplier + i) % suppliers,
      }));
      return { ...rules, priceBits, energyBits: ENERGY_BITS, orders: own };
    });
  });

/** Exactly `count` orders, most of which want to trade, on so few prices that many share the line. */
function marketOf(count: number): fc.Arbitrary<Market> {
  const order = fc.record({
    side: fc.constantFrom<Order["side"][]>("buy", "buy", "sell", "sell", "idle"),
    energyWh: fc.integer({ min: 0, max: 2 ** ENERGY_BITS - 1 }),
    limitTick: fc.integer({ min: 0, max: 2 ** LEAST_PRICE_BITS - 1 }),
    supplier: fc.nat(),
  });
  const orders = fc.array(order, { minLength: count, maxLength: count });
  return fc.tuple(orders, someRules).map(([drawn, rules]) => ({
    ...rules,
    priceBits: LEAST_PRICE_BITS,
    energyBits: ENERGY_BITS,
    orders: drawn.map((own, i) => ({
      ...own,
      meter: `meter-${i}`,
      energyWh: own.side === "idle" ? 0 : own.energyWh,
      supplier: own.supplier % rules.revealedSuppliers.length,
    })),
  }));
}

/** By the first setting there is, in clear, with the priority order made from `coin`. */
function inPlain(market: Market, coin: Uint8Array): Promise<Outcome> {
  const rules = { ...market, algorithm: "descent", priorityOrder: "public" } as const;
  const arrangement = permutationFrom(nodePrimitives, coin, market.orders.length);
  const layout = layoutOf(market);
  return clearInPlain(new Field(), nodePrimitives, layout, rules, market.orders, arrangement);
}

/** Clears by the setting and expects what comes out in plain. */
async function expectPlain({ setting, active }: Case, market: Market): Promise<void> {
  const { outcome, rejected, coin } = await clearAt(setting, active, market);
  expect(rejected).toEqual(market.orders.map(() => null));
  expect(coin === null).toBe(setting.priorityOrder === "hidden");
  const plain = await inPlain(market, coin ?? new Uint8Array(32));
  if (setting.priorityOrder === "public") expect(outcome).toEqual(plain);
  else expectButForRemainder(market, outcome, plain);
}

/** Whose orders the remainder went to is a matter of chance: all else is as in plain, and it all adds up. */
function expectButForRemainder(market: Market, outcome: Outcome, plain: Outcome): void {
  const { orders, rationing, revealedSuppliers } = market;
  const { traded, priceTick, tradedUnits } = outcome;
  expect([traded, priceTick]).toEqual([plain.traded, plain.priceTick]);
  const sumOf = (of: Outcome, side: Order["side"], supplier?: number) =>
    orders.reduce((sum, own, i) => {
      const counts = own.side === side && (supplier ?? own.supplier) === own.supplier;
      return counts ? sum + of.tradedUnits[i]! : sum;
    }, 0);
  expect(sumOf(outcome, "buy")).toBe(sumOf(outcome, "sell"));
  expect(sumOf(outcome, "buy")).toBe(sumOf(plain, "buy"));
  orders.forEach(({ energyWh }, i) => {
    const units = tradedUnits[i]!;
    expect(units >= 0 && units <= energyWh * UNITS_PER_WH).toBe(true);
    // The remainder is handed out in units of 2^-10 Wh, one per Wh of an order, or in whole Wh.
    if (rationing === "priority") expect(units % UNITS_PER_WH).toBe(0);
    else expect(Math.abs(units - plain.tradedUnits[i]!)).toBeLessThanOrEqual(energyWh);
  });
  const sums = revealedSuppliers.map((may, k) => ({
    boughtUnits: sumOf(outcome, "buy", k),
    soldUnits: sumOf(outcome, "sell", k),
    may,
  }));
  expect(outcome.suppliers).toEqual(sums.map(({ may, ...own }) => (may ? own : null)));
}

const SIZES = [
  { what: "any market of up to 60 orders", markets: anyMarket, numRuns: 6 },
  { what: "a market without orders", markets: marketOf(0), numRuns: 1 },
  { what: "a market of one order", markets: marketOf(1), numRuns: 1 },
  { what: "a market of 500 orders", markets: marketOf(500), numRuns: 1 },
];

it("the settings are ones that there can be, no two of them the same", () => {
  expect(CASES.map(({ setting }) => settingProblem(setting))).toEqual(CASES.map(() => null));
  for (const { setting, active } of CASES) expect(active).toHaveLength(activeCount(setting));
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(24);
});

describe.each(CASES)("$name", (own) => {
  it.each(SIZES)("$what clears as in plain", ({ markets, numRuns }) =>
    fc.assert(
      fc.asyncProperty(markets, (market) => expectPlain(own, market)),
      { numRuns },
    ),
  );
});
