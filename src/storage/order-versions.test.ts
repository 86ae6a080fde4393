// Versions of orders against a model that is as simple as the rules: random batches, one after the other.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AddOrderResult, NewOrder } from "./evaluator-store.ts";
import { entryOf, inOrder, KINDS, leaseOf, testStores } from "./stores.test-helper.ts";
import { meterOf, orderOf, PERIOD } from "./test-orders.test-helper.ts";

const MOST = 3;
const METERS = 3;

class Model {
  readonly orders: NewOrder[] = [];
  gate: "open" | "closed" = "open";

  add(order: NewOrder): AddOrderResult {
    const own = this.orders.filter(
      ({ meter, periodStart }) => meter === order.meter && periodStart === order.periodStart,
    );
    const same = own.filter(({ sequence }) => sequence === order.sequence);
    if (same.some(({ orderId }) => orderId === order.orderId)) return "known";
    if (this.gate === "closed" && order.periodStart === PERIOD) return "closed";
    if (same.length > 0) return "conflict";
    if (own.some(({ sequence }) => sequence > order.sequence)) return "stale";
    if (own.length === MOST) return "too-many";
    this.orders.push(order);
    return "accepted";
  }

  entries(periodStart: number) {
    return inOrder(this.orders.filter((order) => order.periodStart === periodStart).map(entryOf));
  }
}

const order = fc
  .record({
    meter: fc.nat(METERS - 1),
    sequence: fc.nat(5),
    content: fc.constantFrom("a", "b"),
    later: fc.boolean(),
  })
  .map(({ meter, sequence, content, later }) =>
    orderOf(meter, sequence, content, later ? PERIOD + 900 : PERIOD),
  );
const steps = fc.array(fc.array(order, { maxLength: 8 }), { maxLength: 6 });

describe.each(KINDS)("versions of orders in %s", (kind) => {
  const { open } = testStores(kind);

  it("are those of the model", { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(8), async (batches, closeAt) => {
        const store = await open();
        const model = new Model();
        const lease = await leaseOf(store);
        for (const [at, batch] of batches.entries()) {
          if (at === closeAt) {
            await store.closePeriod(lease, PERIOD);
            model.gate = "closed";
          }
          const expected = batch.map((one) => model.add(one));
          expect(await store.addOrders(batch, MOST)).toEqual(expected);
        }
        for (const start of [PERIOD, PERIOD + 900]) {
          const entries = model.entries(start);
          expect(await store.orderEntries(start)).toEqual(entries);
          for (let meter = 0; meter < METERS; meter += 1) {
            const last = entries.find((entry) => entry.meter === meterOf(meter)) ?? null;
            expect(await store.lastOrder(start, meterOf(meter))).toEqual(last);
          }
        }
        await store.close();
      }),
      { numRuns: kind === "sqlite" ? 100 : 25 },
    );
  });
});
