// A period from orders to results with a dealer: masked orders, intake, clearing by either algorithm, and results that
// only their owners can read, at two and three evaluators; and what becomes of bad orders.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChannelError } from "../channel/channel.ts";
import type { ClientDealing } from "../client/dealer-orders.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { randomMarket } from "../market/brute-force.test-helper.ts";
import { clearPeriod } from "../market/clearing.ts";
import { clearInClear } from "../market/oracle.ts";
import { type Order, type Outcome, tradedFromAbove } from "../market/order.ts";
import { orderLayout } from "../market/order-layout.ts";
import { PRICE_RULES, RATIONINGS } from "../market/parameters.ts";
import { prepareClearing, type SecretRules } from "../market/preparation.ts";
import { AbortError } from "../mpc/abort.ts";
import { startDealerEngines } from "../mpc/dealer-parties.test-helper.ts";
import { kindOf } from "../mpc/network.ts";
import { closePeers, type FrameWatch, meshedPeers } from "../mpc/parties.test-helper.ts";
import { arrangementOf } from "../mpc/serve.ts";
import { ALGORITHMS } from "../wire/setting.ts";
import { dealerIntake } from "./dealer-intake.ts";

const SUPPLIERS = 3;
const [PRICE_BITS, ENERGY_BITS] = [6, 16];
const layout = orderLayout(PRICE_BITS, ENERGY_BITS, SUPPLIERS);

interface Cleared {
  readonly outcome: Outcome;
  readonly rejected: readonly (string | null)[];
}

/** Clears at `parties` evaluators; `change` may replace what one of them receives. */
async function clear(
  parties: number,
  orders: readonly Order[],
  rules: SecretRules,
  priority: Uint32Array,
  change: (bytes: Uint8Array, party: number) => void = () => {},
  onFrame?: FrameWatch,
): Promise<Cleared> {
  const peers = meshedPeers(parties, onFrame);
  const session = await startDealerEngines(peers);
  try {
    // In two pieces, as a client with many orders sends them.
    const half = orders.length >> 1;
    const first = await session.client.maskOrders(layout, orders.slice(0, half));
    const second = await session.client.maskOrders(layout, orders.slice(half));
    const running = session.engines.map(async (engine, party) => {
      const intake = dealerIntake(engine.field, nodePrimitives, orders.length, layout);
      const own = Uint8Array.from([...first, ...second]);
      change(own, party);
      intake.streams[0]!.write(own, 0);
      const { book, rejected } = await intake.take(engine, peers[party]!, null, true);
      const prepared = await prepareClearing(engine, rules, book);
      const hidden = rules.priorityOrder === "hidden";
      const outcome = await clearPeriod(engine, prepared, hidden ? null : arrangementOf(priority));
      const sums = outcome.suppliers.filter((of) => of !== null);
      const bytes = await engine.reveal([outcome.aboveUnits, ...sums]);
      return { rejected, traded: outcome.traded, priceTick: outcome.priceTick, bytes };
    });
    const all = await Promise.all(running.map((own) => own.catch(failing(peers))));
    for (const { traded, priceTick } of all)
      expect([traded, priceTick]).toEqual([all[0]!.traded, all[0]!.priceTick]);
    const bytesOf = (index: number) => all.map(({ bytes }) => bytes[index]!);
    return {
      rejected: all[0]!.rejected,
      outcome: {
        traded: all[0]!.traded,
        priceTick: all[0]!.priceTick,
        ...(await resultsOf(session.client, orders, rules, bytesOf)),
      },
    };
  } finally {
    closePeers(peers);
    session.close();
  }
}

/** Who fails closes its links, so that nobody waits for it. */
const failing = (peers: ReturnType<typeof meshedPeers>) => (error: unknown) => {
  closePeers(peers);
  throw error;
};

async function resultsOf(
  client: ClientDealing,
  orders: readonly Order[],
  rules: SecretRules,
  bytesOf: (index: number) => Uint8Array[],
) {
  const field = new Field();
  const numbers = async (index: number) => {
    const v = await client.result(bytesOf(index));
    return [...v.memory.bytes(v)].length === 0 ? [] : numbersOf(field, v.memory.bytes(v));
  };
  const above = await numbers(0);
  const suppliers = [];
  let index = 1;
  for (const may of rules.revealedSuppliers) {
    if (!may) suppliers.push(null);
    else {
      const [boughtUnits, soldUnits] = await numbers(index++);
      suppliers.push({ boughtUnits: boughtUnits!, soldUnits: soldUnits! });
    }
  }
  const tradedUnits = Float64Array.from(above, (units, i) => tradedFromAbove(orders[i]!, units));
  return { tradedUnits, suppliers };
}

function numbersOf(field: Field, bytes: Uint8Array): number[] {
  const v = field.alloc(bytes.length / 8);
  field.setBytes(v, bytes);
  return [...field.toNumbers(v)];
}

const anyRules: fc.Arbitrary<SecretRules> = fc.record({
  priceRule: fc.constantFrom(...PRICE_RULES),
  rationing: fc.constantFrom(...RATIONINGS),
  algorithm: fc.constantFrom(...ALGORITHMS),
  priorityOrder: fc.constant("public" as const),
  revealedSuppliers: fc.array(fc.boolean(), { minLength: SUPPLIERS, maxLength: SUPPLIERS }),
});
const marketOf = (maxOrders: number) =>
  randomMarket({ maxOrders, priceBits: PRICE_BITS, energyBits: ENERGY_BITS });
const inClear = (orders: readonly Order[], rules: SecretRules, priority: Uint32Array) =>
  clearInClear(orders, { ...rules, priceBits: PRICE_BITS, supplierCount: SUPPLIERS }, priority);

const rules: SecretRules = {
  priceRule: "midpoint",
  rationing: "pro-rata",
  algorithm: "descent",
  priorityOrder: "public",
  revealedSuppliers: [true, true, true],
};
const orders: readonly Order[] = Array.from({ length: 40 }, (_, i) => ({
  meter: `meter-${i}`,
  side: i % 2 === 0 ? "buy" : "sell",
  energyWh: 100 + 7 * i,
  limitTick: i % 2 === 0 ? 40 : 20,
  supplier: i % SUPPLIERS,
}));
const priority = Uint32Array.from(orders, (_, i) => i);

describe.each([2, 3])("with %i evaluators", (parties) => {
  it("any market clears as it does in clear", () =>
    fc.assert(
      fc.asyncProperty(marketOf(30), anyRules, async (market, any) => {
        const { outcome, rejected } = await clear(parties, market.orders, any, market.priority);
        expect(rejected.every((reason) => reason === null)).toBe(true);
        expect(outcome).toEqual(inClear(market.orders, any, market.priority));
      }),
      { numRuns: 8 },
    ));

  it("an order that is no row of bits counts as nothing, and harms no other", async () => {
    // The same to all evaluators: what was masked 0 or 1 becomes another number.
    const change = (bytes: Uint8Array) => {
      bytes[8 * (5 * layout.bits + layout.energy)]! ^= 2;
    };
    const { outcome, rejected } = await clear(parties, orders, rules, priority, change);
    expect(rejected).toEqual(orders.map((_, i) => (i === 5 ? "invalid-order" : null)));
    const others = orders.map(
      (order, i): Order =>
        i === 5 ? { ...order, side: "idle", limitTick: null, energyWh: 0 } : order,
    );
    const { tradedUnits, ...rest } = inClear(others, rules, priority);
    expect(outcome).toMatchObject(rest);
    tradedUnits.forEach((units, i) => {
      if (i !== 5) expect(outcome.tradedUnits[i]).toBe(units);
    });
  });

  it("an order that is not the same at all evaluators ends the clearing", async () => {
    const failed = clear(parties, orders, rules, priority, (bytes, party) => {
      if (party === 1) bytes[8 * 17 * layout.bits]! ^= 1;
    });
    await expect(failed).rejects.toThrow(AbortError);
    await expect(failed).rejects.toThrow("order 17");
  });
});

it("an evaluator that lies about a product of the check learns no bit of an order by it", async () => {
  // d changed by 1 adds the second factor to a product: opened at once, the check number would be that bit.
  let lied = false;
  const revealedAfter: number[] = [];
  const onFrame: FrameWatch = ({ from, tag, payload }) => {
    const kind = kindOf(tag);
    if (kind === "reveal" && lied && from !== 1) revealedAfter.push(tag);
    if (kind !== "multiplication" || from !== 1 || lied) return;
    lied = true;
    payload[0]! ^= 1;
    return payload;
  };
  const failed = clear(2, orders, rules, priority, () => {}, onFrame);
  await expect(failed).rejects.toThrow(AbortError);
  expect([lied, revealedAfter]).toEqual([true, []]);
});

it("500 orders, hidden priority: everything bought is sold, at the price in clear", async () => {
  const many = Array.from({ length: 500 }, (_, i) => ({ ...orders[i % 40]!, meter: `meter-${i}` }));
  const hidden = { ...rules, priorityOrder: "hidden" } as const;
  const sequence = Uint32Array.from(many, (_, i) => i);
  const { outcome } = await clear(2, many, hidden, sequence);
  const expected = inClear(many, rules, sequence);
  expect(outcome.priceTick).toBe(expected.priceTick);
  // Who gets the last units is a matter of chance: a unit per Wh and order at most.
  outcome.tradedUnits.forEach((units, i) => {
    expect(Math.abs(units - expected.tradedUnits[i]!)).toBeLessThanOrEqual(many[i]!.energyWh);
  });
  const sum = (side: string) =>
    many.reduce((s, order, i) => (order.side === side ? s + outcome.tradedUnits[i]! : s), 0);
  expect(sum("buy")).toBe(sum("sell"));
  expect(sum("buy")).toBeGreaterThan(0);
});

it("a client takes no result that the evaluators do not agree on", async () => {
  const peers = meshedPeers(2);
  const { engines, client, close } = await startDealerEngines(peers);
  const sent = await Promise.all(engines.map((engine) => engine.reveal([engine.constant([5, 6])])));
  const [[first], [second]] = sent as [[Uint8Array], [Uint8Array]];
  second[0]! ^= 1;
  await expect(client.result([first, second])).rejects.toThrow("different results");
  closePeers(peers);
  close();
  await expect(client.result([first, first])).rejects.toThrow(ChannelError);
});
