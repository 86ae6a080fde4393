// What finding the lines by sorting costs; that it finds them is shown with all else in clearing.test.ts.
import { expect, it } from "vitest";
import { costOf, Parties } from "../mpc/engines.test-helper.ts";
import { radixWidths } from "../mpc/radix-sort.ts";
import { prepareClearing, type SecretRules } from "./preparation.ts";

const rules = {
  rationing: "pro-rata",
  algorithm: "sort",
  priorityOrder: "public",
  revealedSuppliers: [],
} as const;

it.each([
  { count: 100, priceRule: "midpoint", rounds: 46 },
  { count: 100, priceRule: "upper", rounds: 41 },
  { count: 1500, priceRule: "midpoint", rounds: 58 },
  { count: 1500, priceRule: "lower", rounds: 53 },
] as const)("$count orders, $priceRule: $rounds rounds", async ({ count, priceRule, rounds }) => {
  const parties = await Parties.start("replicated");
  const own: SecretRules = { ...rules, priceRule };
  try {
    const costs = await parties.run(async (engine) => {
      const column = () => engine.constant(new Uint8Array(count).fill(1));
      const keyBits = Array.from({ length: 13 }, column);
      const book = { keyBits, energy: column(), suppliers: [] };
      const { lines, pool, offered } = await prepareClearing(engine, own, book);
      const comparisons = lines.gates.length;
      const before = pool.left;
      const cost = await costOf(engine, async () => {
        const found = await lines.find(engine, pool, offered);
        await found.price();
      });
      expect(before - pool.left).toBe(comparisons);
      return { ...cost, comparisons, perOrder: lines.onlineElements };
    });
    const opened = radixWidths(13).length + 1;
    for (const { rounds: taken, elements, comparisons, perOrder } of costs) {
      expect(taken).toBe(rounds);
      const expected = count * (perOrder + opened) + 31 * comparisons;
      // A search among few orders takes no steps; one among many takes some on its upper level.
      expect(elements / expected).toBeGreaterThan(0.95);
      expect(elements / expected).toBeLessThan(1.01);
    }
  } finally {
    parties.close();
  }
});
