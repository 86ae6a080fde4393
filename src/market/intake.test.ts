// Checks on received orders, at three evaluators: every kind of malformed order is rejected with
// its reason, alone, and the market clears as if it were idle; every well-formed order is accepted.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mod, P } from "../field/reference.ts";
import { randomMarket } from "./brute-force.test-helper.ts";
import type { RejectionReason } from "./intake.ts";
import { clearInClear } from "./oracle.ts";
import type { Order } from "./order.ts";
import { type OrderLayout, orderLayout } from "./order-layout.ts";
import { clearReceived, distribute, type Received } from "./shared-clearing.test-helper.ts";

const ENERGY_BITS = 16;

/** Something a malicious meter may do with the shares of its own order. */
interface Attack {
  readonly name: string;
  readonly reason: RejectionReason;
  apply(received: Received, layout: OrderLayout, row: number, order: Order): void;
}

/** Adds `by` to one element of component 2, as its holders at the given parties have it. */
function shift(
  received: Received,
  layout: OrderLayout,
  row: number,
  column: number,
  by: bigint,
  holders: readonly number[] = [1, 2],
): void {
  for (const party of holders) {
    const bytes = received[party]![party === 2 ? 0 : 1]!;
    const view = new DataView(bytes.buffer, bytes.byteOffset + 8 * (row * layout.width + column));
    view.setBigUint64(0, mod(view.getBigUint64(0, true) + by), true);
  }
}

/** Changes the seed of a component as one of its two holders has it. */
function otherSeed(received: Received, party: number, position: 0 | 1, row: number): void {
  received[party]![position]![16 * row + 5]! ^= 0x40;
}

const bitOf = (order: Order, layout: OrderLayout, column: number): bigint => {
  const shiftBy = layout.energy + layout.energyBits - 1 - column;
  return BigInt((order.energyWh >>> shiftBy) & 1);
};

const toValue = (name: string, at: (layout: OrderLayout) => number, value: bigint): Attack => ({
  name,
  reason: "invalid-order",
  apply(received, layout, row, order) {
    const column = at(layout);
    const isEnergy = column >= layout.energy && column < layout.suppliers;
    let now = 0n;
    if (column < layout.priceBits) {
      now = BigInt(((order.limitTick ?? 0) >>> (layout.priceBits - 1 - column)) & 1);
    } else if (column === layout.side) now = order.side === "buy" ? 1n : 0n;
    else if (isEnergy) now = bitOf(order, layout, column);
    else if (column < layout.bits) now = column - layout.suppliers === order.supplier ? 1n : 0n;
    shift(received, layout, row, column, value - now);
  },
});

const other = (order: Order) => (order.supplier + 1) % 3;

const attacks: readonly Attack[] = [
  toValue("a price bit of 2", () => 0, 2n),
  toValue("the lowest price bit of p - 1", (layout) => layout.priceBits - 1, -1n),
  toValue("a side of 2", (layout) => layout.side, 2n),
  toValue("a side of p - 1", (layout) => layout.side, -1n),
  toValue("a huge energy bit", (layout) => layout.energy, 2n ** 40n),
  toValue("the lowest energy bit of 2", (layout) => layout.suppliers - 1, 2n),
  toValue("an energy bit of p - 1", (layout) => layout.energy + 3, -1n),
  toValue("an energy bit of one half", (layout) => layout.energy + 1, (P + 1n) / 2n),
  {
    name: "two energy bits that are none and cancel out",
    reason: "invalid-order",
    apply(received, layout, row) {
      shift(received, layout, row, layout.suppliers - 1, 2n * 7n);
      shift(received, layout, row, layout.suppliers - 2, -7n);
    },
  },
  {
    name: "two suppliers",
    reason: "invalid-order",
    apply: (received, layout, row, order) =>
      shift(received, layout, row, layout.suppliers + other(order), 1n),
  },
  {
    name: "no supplier",
    reason: "invalid-order",
    apply: (received, layout, row, order) =>
      shift(received, layout, row, layout.suppliers + order.supplier, -1n),
  },
  {
    name: "suppliers 2 and -1, which add up to 1",
    reason: "invalid-order",
    apply(received, layout, row, order) {
      shift(received, layout, row, layout.suppliers + order.supplier, 1n);
      shift(received, layout, row, layout.suppliers + other(order), -1n);
    },
  },
  ...[1, 2].map(
    (party): Attack => ({
      name: `a component 2 that differs at evaluator ${party}`,
      reason: "inconsistent-shares",
      apply(received, layout, row) {
        for (let column = 0; column < layout.bits; column++) {
          shift(received, layout, row, column, 12345n + BigInt(column), [party]);
        }
      },
    }),
  ),
  {
    name: "a component 2 that differs by 1 in the side bit only",
    reason: "inconsistent-shares",
    apply: (received, layout, row) => shift(received, layout, row, layout.side, 1n, [1]),
  },
  ...(
    [
      [0, 0, 0],
      [0, 2, 1],
      [1, 1, 0],
      [1, 0, 1],
    ] as const
  ).map(
    ([component, party, position]): Attack => ({
      name: `a seed ${component} that differs at evaluator ${party}`,
      reason: "inconsistent-shares",
      apply: (received, _, row) => otherSeed(received, party, position, row),
    }),
  ),
];

const rules = {
  algorithm: "descent",
  priorityOrder: "public",
  priceRule: "midpoint",
  rationing: "pro-rata",
  revealedSuppliers: [true, true, true],
} as const;

/**
 * Clears after the attacks, each at its row, and expects the oracle's outcome with these orders
 * idle.
 */
async function expectRejectedAlone(
  orders: readonly Order[],
  priority: Uint32Array,
  priceBits: number,
  plan: ReadonlyMap<number, Attack>,
): Promise<void> {
  const layout = orderLayout(priceBits, ENERGY_BITS, 3);
  const received = distribute(layout, orders);
  for (const [row, attack] of plan) attack.apply(received, layout, row, orders[row]!);
  const session = await clearReceived(layout, rules, received, orders, priority);

  const reasons = orders.map((_, row) => plan.get(row)?.reason ?? null);
  expect(session.rejected).toEqual(reasons);
  const counted = orders.map(
    (order, row): Order => (plan.has(row) ? { ...order, side: "idle", energyWh: 0 } : order),
  );
  const expected = clearInClear(counted, { ...rules, priceBits, supplierCount: 3 }, priority);
  expect(session.outcome).toEqual(expected);
  for (const row of plan.keys()) expect(session.outcome.tradedUnits[row]).toBe(0);
}

/** Ten orders that trade, with a margin in the middle. */
const orders = Array.from(
  { length: 10 },
  (_, i): Order => ({
    meter: `meter-${i}`,
    side: i % 2 === 0 ? "buy" : "sell",
    energyWh: 100 + 37 * i,
    limitTick: i % 2 === 0 ? 40 - i : 20 + i,
    supplier: i % 3,
  }),
);
const inTurn = Uint32Array.from(orders.keys());

describe("a malformed order is rejected alone", () => {
  it.each(attacks)("$name", async (attack) => {
    for (const row of [0, 5]) {
      await expectRejectedAlone(orders, inTurn, 6, new Map([[row, attack]]));
    }
  });

  it("also many of them at once, in random markets", async () => {
    const plans = randomMarket({ maxOrders: 40, energyBits: ENERGY_BITS }).chain((market) =>
      fc
        .array(fc.option(fc.constantFrom(...attacks), { freq: 2 }), {
          minLength: market.orders.length,
          maxLength: market.orders.length,
        })
        .map((chosen) => ({ market, chosen })),
    );
    const property = fc.asyncProperty(plans, async ({ market, chosen }) => {
      const attacked = chosen.flatMap((attack, row) =>
        attack === null ? [] : ([[row, attack]] as const),
      );
      await expectRejectedAlone(
        market.orders,
        market.priority,
        market.priceBits,
        new Map(attacked),
      );
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it("in every one of more rows than are worked on at once", async () => {
    const many = Array.from(
      { length: 2100 },
      (_, i): Order => ({ ...orders[i % 10]!, meter: `${i}` }),
    );
    const rows = [0, 1023, 1024, 1025, 2047, 2048, 2099];
    const plan = new Map(rows.map((row, i) => [row, attacks[(5 * i) % attacks.length]!]));
    await expectRejectedAlone(many, Uint32Array.from(many.keys()), 6, plan);
  });
});

describe("well-formed orders", () => {
  it("are all accepted and clear as in clear", async () => {
    const property = fc.asyncProperty(randomMarket({ maxOrders: 60 }), (market) =>
      expectRejectedAlone(market.orders, market.priority, market.priceBits, new Map()),
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it("may carry anything in the bit that only fills up the row", async () => {
    // 4 + 1 + 16 + 3 bits are an even number; 5 price bits make the row odd.
    const layout = orderLayout(5, ENERGY_BITS, 3);
    expect(layout.width).toBe(layout.bits + 1);
    const small = orders.map((order) => ({ ...order, limitTick: Math.min(31, order.limitTick!) }));
    const received = distribute(layout, small);
    shift(received, layout, 3, layout.bits, 77n);
    const session = await clearReceived(layout, rules, received, small, inTurn);
    expect(session.rejected.every((reason) => reason === null)).toBe(true);
    const expected = clearInClear(small, { ...rules, priceBits: 5, supplierCount: 3 }, inTurn);
    expect(session.outcome).toEqual(expected);
  });
});
