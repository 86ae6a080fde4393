// What evaluators see of a clearing besides shares: the trade flag, the price if there is one, and
// otherwise only masked numbers.
import { describe, expect, it } from "vitest";
import { plainBook } from "../client/clear-in-plain.ts";
import { atThreeParties } from "../mpc/parties.test-helper.ts";
import { ALGORITHMS, PRIORITY_ORDERS } from "../wire/setting.ts";
import { clearPeriod } from "./clearing.ts";
import type { Order, Side } from "./order.ts";
import { orderLayout } from "./order-layout.ts";
import { prepareClearing, type SecretRules } from "./preparation.ts";

const layout = orderLayout(12, 16, 3);
const rules: SecretRules = {
  priceRule: "midpoint",
  rationing: "pro-rata",
  algorithm: "descent",
  priorityOrder: "public",
  revealedSuppliers: [true, true, true],
};

/** Forty orders by rules for their side and price. */
const market = (side: (i: number) => Side, limitTick: (i: number) => number): Order[] =>
  Array.from({ length: 40 }, (_, i) => ({
    meter: "",
    side: side(i),
    energyWh: side(i) === "idle" ? 0 : 100 + i,
    limitTick: limitTick(i),
    supplier: i % 3,
  }));

describe("what is opened", () => {
  /** The openings of evaluator 0 while the period clears: their values as text. */
  async function openings(orders: readonly Order[], by: Partial<SecretRules> = {}) {
    const own = { ...rules, ...by };
    const priority = own.priorityOrder === "hidden" ? null : Uint32Array.from(orders.keys());
    const results = await atThreeParties(async (engine) => {
      const prepared = await prepareClearing(engine, own, plainBook(engine, layout, orders));
      const opened: string[] = [];
      for (const opening of ["open", "openVerified"] as const) {
        const open = engine[opening].bind(engine);
        engine[opening] = async (a) => {
          const at = opened.push("") - 1;
          const value = await open(a);
          opened[at] = new BigUint64Array(engine.field.toBytes(value).buffer).join();
          return value;
        };
      }
      const { traded, priceTick } = await clearPeriod(engine, prepared, priority);
      return { traded, priceTick, opened };
    });
    return results[0]!;
  }

  const lengths = (opened: readonly string[]) => opened.map((values) => values.split(",").length);

  const ways = ALGORITHMS.flatMap((algorithm) =>
    PRIORITY_ORDERS.map((priorityOrder) => ({ algorithm, priorityOrder })),
  );

  it.each(ways)("$algorithm, $priorityOrder: no price without trade", async (way) => {
    const trading = await openings(
      market(
        (i) => (i % 2 ? "buy" : "sell"),
        (i) => (i % 2 ? 900 : i),
      ),
      way,
    );
    expect(trading.traded).toBe(true);
    expect(trading.opened.slice(-2)).toEqual(["1", String(trading.priceTick)]);
    for (const none of [
      market(
        () => "idle",
        () => 0,
      ),
      market(
        () => "buy",
        (i) => 77 * i,
      ),
      market(
        () => "sell",
        (i) => 4000 - i,
      ),
      market(
        (i) => (i % 2 ? "buy" : "sell"),
        (i) => (i % 2 ? 5 : 6),
      ),
    ]) {
      const quiet = await openings(none, way);
      expect(quiet).toMatchObject({ traded: false, priceTick: null });
      expect(quiet.opened.at(-1)).toBe("0");
      // All openings before are those of the trading market, one for one: there is none of a price.
      expect(lengths(quiet.opened)).toEqual(lengths(trading.opened).slice(0, -1));
    }
  });

  it.each(ways)("$algorithm, $priorityOrder: nothing alike is opened twice", async (way) => {
    const same = market(
      () => "sell",
      (i) => 10 + i,
    );
    const [first, second] = [await openings(same, way), await openings(same, way)];
    // A sort also opens permutations of all orders: one per digit, and one for the way back.
    const isPermutation = (values: string) =>
      values.split(",").length === 40 && values.split(",").every((value) => Number(value) < 40);
    const permutations = [...first.opened, ...second.opened].filter(isPermutation);
    expect(permutations).toHaveLength(way.algorithm === "sort" ? 2 * 4 : 0);
    expect(new Set(permutations).size).toBe(permutations.length);
    const large = (opened: readonly string[]) =>
      opened
        .filter((values) => !isPermutation(values))
        .flatMap((values) => values.split(",").map(BigInt))
        .filter((value) => value > 7n);
    const [values, others] = [large(first.opened), new Set(large(second.opened))];
    expect(values.length).toBeGreaterThan(100);
    expect(values.filter((value) => others.has(value))).toEqual([]);
    // Masked comparisons are uniform below 2^61: half of them above 2^60, within 6 standard
    // deviations.
    const high = values.filter((value) => value >= 2n ** 60n).length;
    expect(Math.abs(high - values.length / 2)).toBeLessThan(3 * Math.sqrt(values.length));
  });

  it("the opened digits of the line are masked: each bit and pair is as often 0 as 1", async () => {
    const orders = market(
      (i) => (i % 2 ? "buy" : "sell"),
      (i) => (i % 2 ? 900 : i),
    );
    const runs = 80;
    const ones: number[] = [];
    for (let run = 0; run < runs; run++) {
      const { opened } = await openings(orders);
      // All bits but the trade flag, which comes before the price: 13 per line, of two lines.
      const bits = opened
        .slice(0, -2)
        .filter((values) => /^[01](,[01])*$/.test(values))
        .flatMap((values) => values.split(",").map(Number));
      expect(bits).toHaveLength(26);
      const pairs = bits.map((bit, i) => bit ^ bits[(i + 1) % bits.length]!);
      [...bits, ...pairs].forEach((bit, i) => {
        ones[i] = (ones[i] ?? 0) + bit;
      });
    }
    // 6.5 standard deviations; a bit without mask is 40 from the middle.
    for (const count of ones) {
      expect(Math.abs(count - runs / 2)).toBeLessThan(6.5 * Math.sqrt(runs / 4));
    }
  });

  it("a market without orders opens nothing", async () => {
    expect(await openings([])).toEqual({ traded: false, priceTick: null, opened: [] });
  });
});
