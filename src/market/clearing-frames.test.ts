// Whatever the orders are, parties send the same frames: to the same party, with the same tags and lengths, in the same
// sequence; with either algorithm, priority order and security.
import { describe, expect, it } from "vitest";
import type { Security } from "../mpc/engine.ts";
import type { EngineKind } from "../mpc/engines.test-helper.ts";
import { ALGORITHMS, PRIORITY_ORDERS } from "../wire/setting.ts";
import type { Order, Side } from "./order.ts";
import { orderLayout } from "./order-layout.ts";
import type { SecretRules } from "./preparation.ts";
import { clearOnShares } from "./shared-clearing.test-helper.ts";

const layout = orderLayout(12, 16, 3);

const market = (
  count: number,
  side: (i: number) => Side,
  limitTick: (i: number) => number,
  energyWh: (i: number) => number,
): Order[] =>
  Array.from({ length: count }, (_, i) => ({
    meter: "",
    side: side(i),
    energyWh: side(i) === "idle" ? 0 : energyWh(i),
    limitTick: limitTick(i),
    supplier: i % 3,
  }));

const alternating = (i: number): Side => (i % 2 ? "buy" : "sell");

/** Markets with trade: whether there is any is public. */
const markets = (count: number): Order[][] => [
  market(
    count,
    alternating,
    (i) => (i % 2 ? 4000 : 10),
    (i) => 100 + i,
  ),
  market(
    count,
    alternating,
    () => 2000,
    () => 500,
  ),
  market(
    count,
    (i) => (i < 2 ? alternating(i) : "idle"),
    (i) => (i % 2 ? 4095 : 0),
    () => 1,
  ),
  market(
    count,
    (i) => (i === 0 ? "sell" : "buy"),
    (i) => (i * 37) % 4096,
    () => 65_535,
  ),
];

/** Per party everything that it sends, in sequence. */
async function formOf(
  rules: SecretRules,
  orders: readonly Order[],
  kind: EngineKind,
  security: Security,
): Promise<string[]> {
  const frames: string[] = [];
  const priority = Uint32Array.from(orders.keys());
  const outcome = await clearOnShares(layout, rules, orders, priority, {
    kind,
    security,
    onFrame({ from, to, tag, payload }) {
      frames[from] = `${frames[from] ?? ""}to ${to}, tag ${tag}: ${payload.length} bytes; `;
      return undefined;
    },
  });
  expect(outcome.traded).toBe(true);
  return frames;
}

const settings = ALGORITHMS.flatMap((algorithm) =>
  PRIORITY_ORDERS.flatMap((priorityOrder) => [
    { algorithm, priorityOrder, kind: "replicated", security: "semi-honest" } as const,
    { algorithm, priorityOrder, kind: "replicated", security: "malicious" } as const,
    { algorithm, priorityOrder, kind: "shamir-3", security: "semi-honest" } as const,
    { algorithm, priorityOrder, kind: "dealer-2", security: "semi-honest" } as const,
  ]),
);

describe.each(settings)("$algorithm, $priorityOrder priority, $kind, $security", (setting) => {
  it.each([9, 150])("very different markets of %i orders look alike", async (count) => {
    const { kind, security, ...own } = setting;
    const rules: SecretRules = {
      ...own,
      priceRule: "midpoint",
      rationing: "pro-rata",
      revealedSuppliers: [true, true, true],
    };
    const [first, ...others] = markets(count);
    const form = await formOf(rules, first!, kind, security);
    for (const frames of form) expect(frames.length).toBeGreaterThan(1000);
    for (const orders of others) {
      const other = await formOf(rules, orders, kind, security);
      // A comparison of strings: their difference would be thousands of lines long.
      expect(other.findIndex((frames, party) => frames !== form[party])).toBe(-1);
    }
  });
});
