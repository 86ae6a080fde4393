// The private computation against the rules in clear: on the plain engine and on shares of three
// evaluators the outcome is the oracle's to the unit, for all rules and for markets of every kind.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clearInPlain } from "../client/clear-in-plain.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Security } from "../mpc/engine.ts";
import type { EngineKind } from "../mpc/engines.test-helper.ts";
import { arrangementOf } from "../mpc/serve.ts";
import { ALGORITHMS } from "../wire/setting.ts";
import { randomMarket } from "./brute-force.test-helper.ts";
import { clearInClear } from "./oracle.ts";
import type { Order, Outcome, Side } from "./order.ts";
import { orderLayout } from "./order-layout.ts";
import { PRICE_RULES, RATIONINGS } from "./parameters.ts";
import type { SecretRules } from "./preparation.ts";
import { clearOnShares } from "./shared-clearing.test-helper.ts";

const SUPPLIERS = 3;

interface Market {
  readonly priceBits: number;
  readonly energyBits: number;
  readonly rules: SecretRules;
  readonly orders: readonly Order[];
  readonly priority: Uint32Array;
}

const anyRules: fc.Arbitrary<SecretRules> = fc.record({
  priceRule: fc.constantFrom(...PRICE_RULES),
  rationing: fc.constantFrom(...RATIONINGS),
  algorithm: fc.constantFrom(...ALGORITHMS),
  priorityOrder: fc.constant("public"),
  revealedSuppliers: fc.oneof(
    fc.constant([true, true, true]),
    fc.array(fc.boolean(), { minLength: SUPPLIERS, maxLength: SUPPLIERS }),
  ),
});

/** Markets of brute-force.test-helper.ts, awkward ones among them, in several widths. */
const awkward = (maxOrders: number): fc.Arbitrary<Market> =>
  fc
    .tuple(fc.constantFrom(4, 5, 6, 12, 16), fc.constantFrom(8, 16, 24), anyRules)
    .chain(([priceBits, energyBits, rules]) =>
      randomMarket({ maxOrders, priceBits, energyBits }).map(({ orders, priority }) => ({
        priceBits,
        energyBits,
        rules,
        orders,
        priority,
      })),
    );

/** A market of exactly `count` orders, crowded at few prices so that many are on the line. */
const crowded = (count: number): fc.Arbitrary<Market> => {
  const order = fc.tuple(
    fc.constantFrom<Side>("buy", "sell", "sell", "idle"),
    fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(0, 1, 65_535)),
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 0, max: SUPPLIERS - 1 }),
  );
  return fc
    .tuple(
      fc.array(order, { minLength: count, maxLength: count }),
      fc.integer({ min: 0, max: 4086 }),
      fc.integer({ min: 1, max: 10 }),
      anyRules,
    )
    .chain(([list, lowest, prices, rules]) => {
      const orders = list.map(
        ([side, energyWh, tick, supplier], i): Order => ({
          meter: `meter-${i}`,
          side,
          energyWh: side === "idle" ? 0 : energyWh,
          limitTick: side === "idle" ? null : lowest + (tick % prices),
          supplier,
        }),
      );
      return fc
        .shuffledSubarray([...orders.keys()], { minLength: count, maxLength: count })
        .map((sequence) => ({
          priceBits: 12,
          energyBits: 16,
          rules,
          orders,
          priority: Uint32Array.from(sequence),
        }));
    });
};

const layoutOf = ({ priceBits, energyBits }: Market) =>
  orderLayout(priceBits, energyBits, SUPPLIERS);
const oracle = ({ priceBits, rules, orders, priority }: Market): Outcome =>
  clearInClear(orders, { ...rules, priceBits, supplierCount: SUPPLIERS }, priority);
const plainField = new Field();
const inPlain = (market: Market) =>
  clearInPlain(
    plainField,
    nodePrimitives,
    layoutOf(market),
    market.rules,
    market.orders,
    arrangementOf(market.priority),
  );
const onShares =
  (kind: EngineKind, security: Security = "semi-honest") =>
  (market: Market) =>
    clearOnShares(layoutOf(market), market.rules, market.orders, market.priority, {
      kind,
      security,
    });

/** Compares long vectors as text: a diff of thousands of numbers would take minutes. */
function expectSame(actual: Outcome, expected: Outcome): void {
  const { tradedUnits: units, ...rest } = actual;
  const { tradedUnits: expectedUnits, ...expectedRest } = expected;
  expect(rest).toEqual(expectedRest);
  if (units.length <= 50) expect(units).toEqual(expectedUnits);
  else expect(units.join() === expectedUnits.join(), "every order's traded units").toBe(true);
}

function of(side: Side, energyWh: number, limitTick: number | null, supplier = 0): Order {
  return { meter: "", side, energyWh, limitTick, supplier };
}

const [TOP, MOST] = [2 ** 16 - 1, 2 ** 24 - 1];
const times = (count: number, order: (i: number) => Order) =>
  Array.from({ length: count }, (_, i) => order(i));

/** Markets with 16 price bits and 24 energy bits. */
const special: readonly { name: string; orders: readonly Order[]; traded: boolean }[] = [
  { name: "no orders", orders: [], traded: false },
  { name: "one idle order", orders: [of("idle", 0, null)], traded: false },
  { name: "all idle", orders: times(30, (i) => of("idle", 0, null, i % 3)), traded: false },
  { name: "only buyers", orders: times(9, (i) => of("buy", 100 + i, 50 + i)), traded: false },
  { name: "only sellers", orders: times(9, (i) => of("sell", 100 + i, 50 + i)), traded: false },
  { name: "one buyer, alone", orders: [of("buy", MOST, TOP)], traded: false },
  { name: "one seller, alone", orders: [of("sell", MOST, 0)], traded: false },
  {
    name: "buyers below all sellers",
    orders: [...times(5, (i) => of("buy", 10, i)), ...times(5, (i) => of("sell", 10, 5 + i))],
    traded: false,
  },
  {
    name: "energies of 0 on both sides",
    orders: [...times(4, () => of("buy", 0, TOP)), ...times(4, () => of("sell", 0, 0))],
    traded: false,
  },
  { name: "one Wh", orders: [of("buy", 1, 7), of("sell", 1, 7)], traded: true },
  {
    name: "one price for all",
    orders: times(21, (i) => of(i % 3 === 0 ? "buy" : "sell", 10 + i, 500, i % 3)),
    traded: true,
  },
  {
    name: "the largest energies at the two extreme prices",
    orders: times(40, (i) => of(i % 2 ? "buy" : "sell", MOST, i % 4 < 2 ? TOP : 0, i % 3)),
    traded: true,
  },
  {
    name: "the largest supply for one Wh",
    orders: [of("buy", 1, TOP, 2), ...times(40, (i) => of("sell", MOST, 0, i % 3))],
    traded: true,
  },
  {
    name: "the largest demand for one Wh",
    orders: [of("sell", 1, 0, 2), ...times(40, (i) => of("buy", MOST, TOP, i % 3))],
    traded: true,
  },
  {
    name: "demand and supply that are equal",
    orders: [...times(7, () => of("buy", 30, 900)), ...times(3, () => of("sell", 70, 100))],
    traded: true,
  },
];

const everyRule = (revealedSuppliers: readonly boolean[]): SecretRules[] =>
  PRICE_RULES.flatMap((priceRule) =>
    RATIONINGS.flatMap((rationing) =>
      ALGORITHMS.map((algorithm) => {
        const priorityOrder = "public";
        return { priceRule, rationing, algorithm, priorityOrder, revealedSuppliers };
      }),
    ),
  );

const check = (
  markets: fc.Arbitrary<Market>,
  clear: (market: Market) => Promise<Outcome>,
  numRuns: number,
) =>
  fc.assert(
    fc.asyncProperty(markets, async (market) => expectSame(await clear(market), oracle(market))),
    // Shrinking large markets would take longer than looking at one.
    { numRuns, endOnFailure: numRuns < 100 },
  );

/**
 * Settings that clear by the same code on other shares: fewer markets, and some of the rules. Markets without orders
 * and of 500 orders are tried with each of them in test/settings/.
 */
const FURTHER = [
  { engine: "verified replicated", clear: onShares("replicated", "malicious") },
  { engine: "Shamir 3", clear: onShares("shamir-3") },
  { engine: "Shamir 3 of 5", clear: onShares("shamir-3-of-5") },
  { engine: "Shamir 5", clear: onShares("shamir-5") },
  { engine: "Shamir 7", clear: onShares("shamir-7") },
  { engine: "dealer 2", clear: onShares("dealer-2") },
  { engine: "dealer 3", clear: onShares("dealer-3") },
].map((further) => ({ ...further, first: false, small: 4, middle: 4, large: 1, stride: 5 }));

describe.each([
  { engine: "plain", clear: inPlain, first: true, small: 800, middle: 60, large: 4, stride: 1 },
  {
    engine: "replicated",
    clear: onShares("replicated"),
    first: true,
    small: 100,
    middle: 40,
    large: 2,
    stride: 1,
  },
  ...FURTHER,
])("the $engine engine clears as the oracle does", (tried) => {
  const { clear, first, small, middle, large, stride } = tried;
  const rulesToTry = (revealed: readonly boolean[]) =>
    everyRule(revealed).filter((_, index) => index % stride === 0);
  it("markets of a few orders", () => check(awkward(24), clear, small));
  it("markets of up to 200 orders", () =>
    check(fc.oneof(awkward(200), fc.integer({ min: 0, max: 200 }).chain(crowded)), clear, middle));
  it.each(first ? [127, 128, 129, 500] : [127, 128, 129])("a market of %i orders", (count) =>
    check(crowded(count), clear, large),
  );
  it("a market of 2000 orders", () => check(crowded(2000), clear, large));
  it("every rule on the same market", async () => {
    const [market] = fc.sample(crowded(40), { numRuns: 1, seed: 7 });
    for (const rules of rulesToTry([true, false, true])) {
      const given = { ...market!, rules };
      expectSame(await clear(given), oracle(given));
    }
  });

  it.each(special.filter(({ orders }) => first || orders.length > 0))(
    "$name",
    async ({ orders, traded }) => {
      for (const rules of rulesToTry([true, true, true])) {
        const priority = Uint32Array.from(orders.keys()).reverse();
        const market = { priceBits: 16, energyBits: 24, rules, orders, priority };
        const outcome = await clear(market);
        expectSame(outcome, oracle(market));
        expect(outcome.traded).toBe(traded);
        expect(outcome.priceTick === null).toBe(!traded);
      }
    },
  );

  it("the same market by both algorithms, and twice, with the same result", async () => {
    for (const market of fc.sample(crowded(60), { numRuns: first ? 3 : 1, seed: 11 })) {
      const by = (algorithm: SecretRules["algorithm"]) =>
        clear({ ...market, rules: { ...market.rules, algorithm } });
      const first = await by("descent");
      expectSame(await by("descent"), first);
      expectSame(await by("sort"), first);
      expect(first.tradedUnits).toHaveLength(60);
    }
  });
});
