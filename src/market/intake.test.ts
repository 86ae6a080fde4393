// Checks on received orders, at the evaluators of several settings: every kind of malformed order is rejected with
// its reason, alone, and the market clears as if it were idle; every well-formed order is accepted.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AbortError } from "../mpc/abort.ts";
import { randomMarket } from "./brute-force.test-helper.ts";
import { clearInClear } from "./oracle.ts";
import type { Order } from "./order.ts";
import { type Attack, attacksOn, shift } from "./order-attacks.test-helper.ts";
import { type OrderLayout, orderLayout, orderRows } from "./order-layout.ts";
import {
  clearReceived,
  distribute,
  type IntakeSetting,
  intakeSetting,
  takeReceived,
} from "./shared-clearing.test-helper.ts";

const ENERGY_BITS = 16;

const SETTINGS = {
  replicated: intakeSetting({ engine: "replicated" }),
  "replicated, malicious": intakeSetting({ engine: "replicated", security: "malicious" }),
  "shamir 3": intakeSetting({ engine: "shamir" }),
  "shamir 3, malicious": intakeSetting({ engine: "shamir", security: "malicious" }),
  "shamir 5": intakeSetting({ engine: "shamir", parties: 5 }),
  "shamir 5, of which 1, 2 and 4 compute": intakeSetting(
    { engine: "shamir", parties: 5, threshold: 1 },
    [1, 2, 4],
  ),
  "shamir 5, of which 1, 2 and 4 compute, malicious": intakeSetting(
    { engine: "shamir", parties: 5, threshold: 1, security: "malicious" },
    [1, 2, 4],
  ),
};

const rules = {
  algorithm: "descent",
  priorityOrder: "public",
  priceRule: "midpoint",
  rationing: "pro-rata",
  revealedSuppliers: [true, true, true],
} as const;

/** What evaluators receive after the attacks, each at its row. */
function attacked(
  orders: readonly Order[],
  layout: OrderLayout,
  plan: ReadonlyMap<number, Attack>,
  setting: IntakeSetting,
) {
  const received = distribute(layout, orders, setting);
  for (const [row, attack] of plan) {
    attack.apply({ received, layout, setting, row, order: orders[row]! });
  }
  return received;
}

/**
 * Clears after the attacks, and expects the oracle's outcome with these orders idle.
 */
async function expectRejectedAlone(
  orders: readonly Order[],
  priority: Uint32Array,
  priceBits: number,
  plan: ReadonlyMap<number, Attack>,
  setting: IntakeSetting,
): Promise<void> {
  const layout = orderLayout(priceBits, ENERGY_BITS, 3);
  const received = attacked(orders, layout, plan, setting);
  const session = await clearReceived(layout, rules, received, orders, priority, setting);

  const reasons = orders.map((_, row) => plan.get(row)?.reason ?? null);
  expect(session.rejected).toEqual(reasons);
  const counted = orders.map(
    (order, row): Order => (plan.has(row) ? { ...order, side: "idle", energyWh: 0 } : order),
  );
  const expected = clearInClear(counted, { ...rules, priceBits, supplierCount: 3 }, priority);
  expect(session.outcome).toEqual(expected);
  for (const row of plan.keys()) expect(session.outcome.tradedUnits[row]).toBe(0);
}

/** The columns of a book in clear, in which some orders are all zeros. */
function bookColumns(
  orders: readonly Order[],
  layout: OrderLayout,
  isRejected: (row: number) => boolean,
): number[][] {
  const rows = orderRows(orders, layout);
  const bits = (j: number) =>
    orders.map((_, row) => (isRejected(row) ? 0 : rows[row * layout.width + j]!));
  const energy = orders.map(({ energyWh }, row) => (isRejected(row) ? 0 : energyWh));
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, j) => from + j);
  return [
    ...range(0, layout.energy).map(bits),
    energy,
    ...range(layout.suppliers, layout.bits).map(bits),
  ];
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
const layout = orderLayout(6, ENERGY_BITS, 3);
const inTurn = Uint32Array.from(orders.keys());

/** Attacks at some of the orders, at random. */
const planned = (setting: IntakeSetting) =>
  randomMarket({ maxOrders: 40, energyBits: ENERGY_BITS }).chain((market) =>
    fc
      .array(fc.option(fc.constantFrom(...attacksOn(setting)), { freq: 2 }), {
        minLength: market.orders.length,
        maxLength: market.orders.length,
      })
      .map((chosen) => {
        const plan = chosen.flatMap((attack, row) =>
          attack === null ? [] : ([[row, attack]] as const),
        );
        return { market, plan: new Map(plan) };
      }),
  );

const semiHonest = Object.entries(SETTINGS).filter(
  ([, { setting }]) => setting.security === "semi-honest",
);
const malicious = Object.entries(SETTINGS).filter(
  ([, { setting }]) => setting.security === "malicious",
);

describe.each(semiHonest)("a malformed order is rejected alone: %s", (_, setting) => {
  it.each(attacksOn(setting))("$name", async (attack) => {
    for (const row of [0, 5]) {
      const received = attacked(orders, layout, new Map([[row, attack]]), setting);
      const { rejected, columns } = await takeReceived(layout, received, orders.length, setting);
      expect(rejected).toEqual(orders.map((_, i) => (i === row ? attack.reason : null)));
      expect(columns).toEqual(bookColumns(orders, layout, (i) => i === row));
    }
  });

  it("also many of them at once, in random markets", async () => {
    const property = fc.asyncProperty(planned(setting), ({ market, plan }) =>
      expectRejectedAlone(market.orders, market.priority, market.priceBits, plan, setting),
    );
    await fc.assert(property, { numRuns: setting === SETTINGS.replicated ? 40 : 10 });
  });

  it("in every one of more rows than are worked on at once", async () => {
    const many = Array.from(
      { length: 4200 },
      (_, i): Order => ({ ...orders[i % 10]!, meter: `${i}` }),
    );
    const rows = [0, 1023, 1024, 1025, 2047, 2048, 4095, 4096, 4199];
    const attacks = attacksOn(setting);
    const plan = new Map(rows.map((row, i) => [row, attacks[(5 * i) % attacks.length]!]));
    const received = attacked(many, layout, plan, setting);
    const { rejected, columns } = await takeReceived(layout, received, many.length, setting);
    expect(rejected).toEqual(many.map((_, row) => plan.get(row)?.reason ?? null));
    expect(columns).toEqual(bookColumns(many, layout, (row) => plan.has(row)));
  });
});

describe.each(Object.entries(SETTINGS))("meters whose suppliers are known: %s", (_, setting) => {
  it("may name no other one", async () => {
    const membership = Uint8Array.from(orders, ({ supplier }, i) =>
      i === 2 || i === 7 ? (supplier + 1) % 3 : supplier,
    );
    const received = distribute(layout, orders, setting);
    const { rejected, columns } = await takeReceived(
      layout,
      received,
      orders.length,
      setting,
      membership,
    );
    expect(rejected).toEqual(orders.map((_, i) => (i === 2 || i === 7 ? "invalid-order" : null)));
    expect(columns).toEqual(bookColumns(orders, layout, (row) => row === 2 || row === 7));
  });
});

describe.each(malicious)("malformed orders: %s", (_, setting) => {
  const attacks = attacksOn(setting);
  const improper = attacks.filter(({ reason }) => reason === "invalid-order");
  const misfits = attacks.filter(({ reason }) => reason === "inconsistent-shares");

  it("are rejected alone where the shares fit together", async () => {
    const plan = new Map(improper.slice(0, 9).map((attack, row) => [row, attack]));
    await expectRejectedAlone(orders, inTurn, 6, plan, setting);
    const rest = new Map(improper.slice(9).map((attack, i) => [2 * i + 1, attack]));
    await expectRejectedAlone(orders, inTurn, 6, rest, setting);
  });

  it.each(misfits)("end the session where they do not: $name", async ({ apply, holders }) => {
    const received = distribute(layout, orders, setting);
    apply({ received, layout, setting, row: 5, order: orders[5]! });
    const taken = takeReceived(layout, received, orders.length, setting);
    await expect(taken).rejects.toThrow(AbortError);
    await expect(taken).rejects.toThrow(
      `the shares of order 5 at ${holders} do not fit together: its meter lied or one of them`,
    );
  });
});

describe.each(Object.entries(SETTINGS))("well-formed orders: %s", (_, setting) => {
  it("are all accepted and clear as in clear", async () => {
    const property = fc.asyncProperty(randomMarket({ maxOrders: 60 }), (market) =>
      expectRejectedAlone(market.orders, market.priority, market.priceBits, new Map(), setting),
    );
    await fc.assert(property, { numRuns: setting === SETTINGS.replicated ? 40 : 5 });
  });

  it("may be none at all", async () => {
    await expectRejectedAlone([], new Uint32Array(0), 6, new Map(), setting);
  });

  it("may carry anything in the bit that only fills up the row", async () => {
    // 4 + 1 + 16 + 3 bits are an even number; 5 price bits make the row odd.
    const odd = orderLayout(5, ENERGY_BITS, 3);
    expect(odd.width).toBe(odd.bits + 1);
    const small = orders.map((order) => ({ ...order, limitTick: Math.min(31, order.limitTick!) }));
    const received = distribute(odd, small, setting);
    shift({ received, layout: odd, setting, row: 3, order: small[3]! }, odd.bits, 77n);
    const { rejected, columns } = await takeReceived(odd, received, small.length, setting);
    expect(rejected.every((reason) => reason === null)).toBe(true);
    expect(columns).toEqual(bookColumns(small, odd, () => false));
  });
});

describe("evaluators that stand by", () => {
  it("may have received anything", async () => {
    const setting = SETTINGS["shamir 5, of which 1, 2 and 4 compute"];
    const received = distribute(layout, orders, setting);
    for (const evaluator of [0, 3]) received[evaluator]![0]!.fill(0x5a);
    const { rejected, columns } = await takeReceived(layout, received, orders.length, setting);
    expect(rejected).toEqual(orders.map(() => null));
    expect(columns).toEqual(bookColumns(orders, layout, () => false));
  });
});
