// What an evaluator could count on the wire must not depend on what anybody asked for: markets of the
// same size exchange the same number of bytes in the same number of rounds, whatever the orders are.
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalMarket } from "../../src/agents/local-market.ts";
import type { ClearRequest } from "../../src/client/clearing-client.ts";
import type { Order } from "../../src/market/order.ts";
import { completeSetting } from "../../src/wire/setting.ts";

const COUNT = 500;

const of = (make: (index: number) => Omit<Order, "meter">): Order[] =>
  Array.from({ length: COUNT }, (_, index) => ({ meter: `m${index}`, ...make(index) }));

const markets: readonly (readonly [what: string, orders: Order[]])[] = [
  [
    "a lively market",
    of((i) => ({
      side: i % 2 === 0 ? "buy" : "sell",
      energyWh: 1 + ((i * 97) % 5000),
      limitTick: (i * 1117) % 4096,
      supplier: i % 3,
    })),
  ],
  ["nobody at home", of(() => ({ side: "idle", energyWh: 0, limitTick: null, supplier: 0 }))],
  [
    "buyers only, of the most there is",
    of(() => ({ side: "buy", energyWh: 65_535, limitTick: 4095, supplier: 2 })),
  ],
  [
    "all on the margin",
    of((i) => ({ side: i === 0 ? "sell" : "buy", energyWh: 999, limitTick: 7, supplier: 1 })),
  ],
  [
    "prices that do not meet",
    of((i) => ({
      side: i < 10 ? "buy" : "sell",
      energyWh: 1,
      limitTick: i < 10 ? 0 : 4095,
      supplier: i % 3,
    })),
  ],
];

let market: LocalMarket;

beforeAll(async () => {
  market = await LocalMarket.start();
});

afterAll(() => market.stop());

it.each(["pro-rata", "priority"] as const)(
  "traffic says nothing of the orders, %s",
  async (rationing) => {
    const request: ClearRequest = {
      priceBits: 12,
      energyBits: 16,
      priceRule: "midpoint",
      rationing,
      revealedSuppliers: [true, true, false],
      setting: completeSetting({ engine: "replicated" }),
    };
    const seen = [];
    const traded = new Set<boolean>();
    for (const [what, orders] of markets) {
      const cleared = await market.clear(request, orders);
      traded.add(cleared.outcome.traded);
      // Whether anything trades is public, and an opening of the price follows if it does: that round
      // and its one element belong to what everybody may learn.
      seen.push({
        what,
        traded: cleared.outcome.traded,
        bytes: cleared.bytesSentPerEvaluator,
        rounds: cleared.rounds,
      });
    }
    expect(traded).toEqual(new Set([true, false]));
    for (const kind of [true, false]) {
      const alike = seen.filter((one) => one.traded === kind);
      expect(alike.length).toBeGreaterThan(1);
      for (const one of alike) expect({ ...one, what: alike[0]!.what }).toEqual(alike[0]);
    }
    const [lively, idle] = [seen[0]!, seen[1]!];
    // The opening of the price: one frame of one element, one round.
    expect(lively.rounds - idle.rounds).toBe(1);
    expect(lively.bytes - idle.bytes).toBe(8 + 8);
  },
);
