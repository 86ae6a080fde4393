// What every store keeps to, whatever database is behind it: orders, periods, agreed sets, results, leases.
import { describe, expect, it } from "vitest";
import { InvariantError } from "../platform/assert.ts";
import { type EvaluatorStore, type Lease, LeaseLostError } from "./evaluator-store.ts";
import {
  agreedOf,
  decisionOf,
  entryOf,
  inOrder,
  KINDS,
  leaseOf,
  MINUTE_MS,
  MOST_VERSIONS,
  signedBy,
  testStores,
  voidOf,
} from "./stores.test-helper.ts";
import { meterOf, orderOf, PERIOD } from "./test-orders.test-helper.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe.each(KINDS)("orders in %s", (kind) => {
  const { open } = testStores(kind);

  it("takes new orders, and tells what is not new", async () => {
    const store = await open();
    expect(store.kind).toBe(kind);
    const add = (...orders: ReturnType<typeof orderOf>[]) => store.addOrders(orders, MOST_VERSIONS);
    expect(await add()).toEqual([]);
    expect(await add(orderOf(1, 3), orderOf(2, 0))).toEqual(["accepted", "accepted"]);
    expect(await add(orderOf(1, 3))).toEqual(["known"]);
    expect(await add(orderOf(1, 3, "b"))).toEqual(["conflict"]);
    expect(await add(orderOf(1, 2))).toEqual(["stale"]);
    expect(await add(orderOf(1, 4))).toEqual(["accepted"]);
    expect(await add(orderOf(1, 3))).toEqual(["known"]);
    expect(await add(orderOf(1, 3, "b"))).toEqual(["conflict"]);
    // The same meter in one batch: one after the other.
    expect(
      await add(orderOf(3, 1), orderOf(3, 1), orderOf(3, 1, "b"), orderOf(3, 2), orderOf(3, 0)),
    ).toEqual(["accepted", "known", "conflict", "accepted", "stale"]);
    // Another period is another matter.
    expect(await add(orderOf(1, 0, "a", PERIOD + 900))).toEqual(["accepted"]);
    expect(await store.orderEntries(PERIOD)).toEqual(
      inOrder(
        [orderOf(1, 3), orderOf(1, 4), orderOf(2, 0), orderOf(3, 1), orderOf(3, 2)].map(entryOf),
      ),
    );
  });

  it("lets a meter replace its order so many times", async () => {
    const store = await open();
    const five = [0, 1, 2, 3, 4].map((sequence) => orderOf(1, sequence));
    expect(await store.addOrders(five, 4)).toEqual([
      "accepted",
      "accepted",
      "accepted",
      "accepted",
      "too-many",
    ]);
    expect(await store.addOrders([orderOf(1, 9), orderOf(1, 3)], 4)).toEqual(["too-many", "known"]);
    expect(await store.lastOrder(PERIOD, meterOf(1))).toEqual(entryOf(orderOf(1, 3)));
    expect(await store.lastOrder(PERIOD, meterOf(2))).toBe(null);
    expect(await store.lastOrder(PERIOD + 900, meterOf(1))).toBe(null);
  });

  it("takes no order once the period is closed, and still knows those that it has", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    await store.addOrders([orderOf(1, 1), orderOf(1, 2)], MOST_VERSIONS);
    await store.closePeriod(lease, PERIOD);
    await store.closePeriod(lease, PERIOD);
    const late = [orderOf(1, 2), orderOf(1, 1), orderOf(1, 3), orderOf(2, 1), orderOf(1, 2, "b")];
    expect(await store.addOrders(late, MOST_VERSIONS)).toEqual([
      "known",
      "known",
      "closed",
      "closed",
      "closed",
    ]);
    const mixed = [orderOf(2, 1), orderOf(2, 1, "a", PERIOD + 900)];
    expect(await store.addOrders(mixed, MOST_VERSIONS)).toEqual(["closed", "accepted"]);
    expect(await store.orderEntries(PERIOD)).toHaveLength(2);
  });

  it("lists many orders, all of a meter together", async () => {
    const store = await open();
    // Meters have one, two or three orders, so that those of one meter lie across every round number.
    const orders = Array.from({ length: 30_000 }, (_, i) =>
      Array.from({ length: 1 + (i % 3) }, (_, sequence) => orderOf(i, sequence)),
    ).flat();
    for (let at = 0; at < orders.length; at += 15_000) {
      const results = await store.addOrders(orders.slice(at, at + 15_000), MOST_VERSIONS);
      expect(new Set(results)).toEqual(new Set(["accepted"]));
    }
    expect(await store.orderEntries(PERIOD)).toEqual(inOrder(orders.map(entryOf)));
  });

  it("hands over the bodies of the orders asked for, in that order", async () => {
    const store = await open();
    const orders = Array.from({ length: 1_700 }, (_, i) => [orderOf(i, 1), orderOf(i, 2)]).flat();
    await store.addOrders(orders, MOST_VERSIONS);
    const asked = orders.filter((_, i) => i % 3 !== 0).toReversed();
    const bodies: [number, string][] = [];
    await store.orderBodies(PERIOD, asked, (index, body) => {
      bodies.push([index, new TextDecoder().decode(body)]);
    });
    expect(bodies).toEqual(asked.map(({ body }, i) => [i, new TextDecoder().decode(body)]));
  });

  it("forgets the bodies of decided periods, and keeps the names", async () => {
    const store = await open();
    const lease = await leaseOf(store);
    const starts = [PERIOD, PERIOD + 900, PERIOD + 1800];
    for (const start of starts) {
      await store.addOrders([orderOf(1, 1, "a", start), orderOf(2, 1, "a", start)], MOST_VERSIONS);
    }
    await store.decide(lease, PERIOD, signedBy(voidOf(1), 0));
    await store.decide(lease, PERIOD + 1800, signedBy(voidOf(1, PERIOD + 1800), 0));
    expect(await store.forgetOrders(PERIOD + 1800)).toBe(2);
    expect(await store.forgetOrders(PERIOD + 1800)).toBe(0);
    const left: number[] = [];
    for (const start of starts) {
      const entries = await store.orderEntries(start);
      expect(entries).toHaveLength(2);
      await store.orderBodies(start, entries, () => left.push(start));
    }
    expect(left).toEqual([PERIOD + 900, PERIOD + 900, PERIOD + 1800, PERIOD + 1800]);
  });
});

describe.each(KINDS)("periods in %s", (kind) => {
  const { open, database } = testStores(kind);
  const entries = [orderOf(5, 1), orderOf(2, 7), orderOf(9, 0)].map(entryOf);
  const agreed = agreedOf(entries);
  const cleared = (attempt: number) =>
    decisionOf(attempt, { agreed, traded: true, priceTick: 7, rejected: [1] });
  const results = (attempt: number) => ({
    attempt,
    orderShares: utf8("aaaabbbbcccc"),
    supplierShares: utf8("sums"),
  });

  async function closed(name?: string): Promise<{ store: EvaluatorStore; lease: Lease }> {
    const store = await open(name);
    const lease = await leaseOf(store);
    await store.closePeriod(lease, PERIOD);
    return { store, lease };
  }

  it("go from closed to published, and are the same after opening again", async () => {
    const name = await database();
    const { store, lease } = await closed(name);
    const seen = async () => (await store.period(PERIOD))!;
    expect(await store.period(PERIOD + 900)).toBe(null);
    expect(await seen()).toEqual({
      start: PERIOD,
      state: "closed",
      ballot: 0,
      agreed: null,
      prepared: null,
      hasResults: false,
      decision: null,
    });
    await store.promise(lease, PERIOD, 4);
    await store.saveAgreed(lease, PERIOD, agreed, entries);
    expect(await seen()).toMatchObject({ state: "agreed", ballot: 4, agreed });
    await store.beginClearing(lease, PERIOD);
    expect((await seen()).state).toBe("clearing");
    await store.prepare(lease, PERIOD, 4, cleared(4), results(4));
    const prepared = { ballot: 4, decision: cleared(4) };
    expect(await seen()).toMatchObject({
      state: "cleared",
      prepared,
      hasResults: true,
      decision: null,
    });
    expect(await store.lastDecided()).toBe(null);
    await store.decide(lease, PERIOD, signedBy(cleared(4), 0, 1));
    await store.closePeriod(lease, PERIOD);
    const decided = await seen();
    expect(decided).toEqual({
      start: PERIOD,
      state: "published",
      ballot: 4,
      agreed,
      prepared,
      hasResults: true,
      decision: signedBy(cleared(4), 0, 1),
    });
    await store.close();
    const again = await open(name);
    expect(await again.period(PERIOD)).toEqual(decided);
    expect(await again.lastDecided()).toBe(PERIOD);
    expect(await again.agreedEntries(PERIOD)).toEqual(entries);
    expect(await again.orderShare(PERIOD, 4, 1)).toEqual(utf8("bbbb"));
  });

  it("are listed, the last ones first", async () => {
    const { store, lease } = await closed();
    for (const at of [3, 1, 2]) await store.closePeriod(lease, PERIOD + at * 900);
    const listed = async (from: number, to: number, most: number) => {
      const rows = await store.periods(PERIOD + from * 900, PERIOD + to * 900, most);
      return rows.map(({ start }) => (start - PERIOD) / 900);
    };
    expect(await listed(0, 4, 10)).toEqual([3, 2, 1, 0]);
    expect(await listed(1, 3, 10)).toEqual([2, 1]);
    expect(await listed(0, 4, 2)).toEqual([3, 2]);
    expect(await listed(4, 9, 2)).toEqual([]);
    for (const at of [2, 1]) {
      await store.decide(lease, PERIOD + at * 900, signedBy(voidOf(1, PERIOD + at * 900), 0));
    }
    expect(await store.lastDecided()).toBe(PERIOD + 2 * 900);
  });

  it("keep the agreed set in its order, the last one only", async () => {
    const { store, lease } = await closed();
    await store.saveAgreed(lease, PERIOD, agreedOf([]), []);
    expect(await store.agreedEntries(PERIOD)).toEqual([]);
    await store.saveAgreed(lease, PERIOD, agreed, entries);
    expect(await store.agreedEntries(PERIOD)).toEqual(entries);
    const { orderId } = entries[1]!;
    expect(await store.agreedOrder(PERIOD, meterOf(2))).toEqual({ position: 1, orderId });
    const many = Array.from({ length: 45_000 }, (_, i) => entryOf(orderOf(i, 3)));
    await store.saveAgreed(lease, PERIOD, agreedOf(many), many);
    expect(await store.agreedEntries(PERIOD)).toEqual(many);
    expect((await store.agreedOrder(PERIOD, meterOf(44_999)))?.position).toBe(44_999);
    expect(await store.agreedOrder(PERIOD, meterOf(45_000))).toBe(null);
    expect(await store.agreedOrder(PERIOD + 900, meterOf(2))).toBe(null);
  });

  it("accept in the ballot promised last only", async () => {
    const { store, lease } = await closed();
    await store.promise(lease, PERIOD, 2);
    await expect(store.promise(lease, PERIOD, 2)).rejects.toThrow(InvariantError);
    await expect(store.promise(lease, PERIOD, 1)).rejects.toThrow(InvariantError);
    const prepare = (ballot: number) => store.prepare(lease, PERIOD, ballot, voidOf(1), null);
    await expect(prepare(1)).rejects.toThrow(InvariantError);
    await expect(prepare(3)).rejects.toThrow(InvariantError);
    await prepare(2);
    await store.promise(lease, PERIOD, 5);
    expect(await store.period(PERIOD)).toMatchObject({
      state: "cleared",
      ballot: 5,
      prepared: { ballot: 2, decision: voidOf(1) },
      hasResults: false,
    });
  });

  it("keep the results of what was accepted last", async () => {
    const { store, lease } = await closed();
    await store.promise(lease, PERIOD, 2);
    await store.saveAgreed(lease, PERIOD, agreed, entries);
    await store.prepare(lease, PERIOD, 2, cleared(2), results(2));
    // The same in a later ballot: what it computed is still right.
    await store.promise(lease, PERIOD, 3);
    await store.prepare(lease, PERIOD, 3, cleared(2), null);
    expect(await store.period(PERIOD)).toMatchObject({ hasResults: true, prepared: { ballot: 3 } });
    expect(await store.supplierShares(PERIOD, 2)).toEqual(utf8("sums"));
    // Another one, which others computed.
    await store.promise(lease, PERIOD, 4);
    await store.prepare(lease, PERIOD, 4, cleared(4), null);
    expect((await store.period(PERIOD))?.hasResults).toBe(false);
    expect(await store.orderShare(PERIOD, 2, 0)).toBe(null);
    expect(await store.supplierShares(PERIOD, 2)).toBe(null);
    expect(await store.agreedEntries(PERIOD)).toEqual(entries);
    // An agreed set that is not the decision's is of no use to anybody.
    await store.promise(lease, PERIOD, 5);
    await store.prepare(
      lease,
      PERIOD,
      5,
      decisionOf(5, { agreed: agreedOf(entries, "other") }),
      null,
    );
    expect((await store.period(PERIOD))?.agreed).toBe(null);
    expect(await store.agreedEntries(PERIOD)).toEqual([]);
  });

  it("have one decision for ever, with all signatures that come", async () => {
    const { store, lease } = await closed();
    await store.decide(lease, PERIOD, signedBy(cleared(3), 1));
    await store.decide(lease, PERIOD, signedBy(cleared(3), 1, 2));
    // The same fields in another order are the same decision.
    const reversed = Object.fromEntries(Object.entries(cleared(3)).toReversed()) as ReturnType<
      typeof cleared
    >;
    await store.decide(lease, PERIOD, signedBy(reversed, 0));
    const decided = await store.period(PERIOD);
    expect(decided).toMatchObject({ state: "published", decision: signedBy(cleared(3), 1, 2, 0) });
    await expect(store.decide(lease, PERIOD, signedBy(cleared(4), 0))).rejects.toThrow(
      InvariantError,
    );
    await expect(store.decide(lease, PERIOD, signedBy(voidOf(3), 0))).rejects.toThrow(
      InvariantError,
    );
    await expect(store.promise(lease, PERIOD, 9)).rejects.toThrow(InvariantError);
    await expect(store.prepare(lease, PERIOD, 0, cleared(3), null)).rejects.toThrow(InvariantError);
    await expect(store.saveAgreed(lease, PERIOD, agreed, entries)).rejects.toThrow(InvariantError);
    expect(await store.period(PERIOD)).toEqual(decided);
  });

  it("keep what belongs to the decision: results of its attempt, its agreed set", async () => {
    const { store, lease } = await closed();
    await store.promise(lease, PERIOD, 1);
    await store.saveAgreed(lease, PERIOD, agreed, entries);
    await store.prepare(lease, PERIOD, 1, cleared(1), results(1));
    await store.decide(lease, PERIOD, signedBy(cleared(2), 0));
    expect(await store.period(PERIOD)).toMatchObject({ hasResults: false, agreed });
    expect(await store.agreedEntries(PERIOD)).toEqual(entries);
    const next = PERIOD + 900;
    await store.saveAgreed(lease, next, agreed, entries);
    await store.decide(lease, next, signedBy(voidOf(1, next), 0));
    expect(await store.period(next)).toMatchObject({ state: "void", agreed, hasResults: false });
    const other = PERIOD + 1800;
    await store.saveAgreed(lease, other, agreedOf(entries, "other"), entries);
    await store.decide(lease, other, signedBy(decisionOf(1, { agreed }, other), 0));
    expect((await store.period(other))?.agreed).toBe(null);
    expect(await store.agreedEntries(other)).toEqual([]);
  });

  it("hand out one order's share of large results", async () => {
    const { store, lease } = await closed();
    const shareBytes = 16;
    const count = 1_000_003;
    const orderShares = new Uint8Array(count * shareBytes);
    const words = new Float64Array(orderShares.buffer);
    for (let i = 0; i < count; i += 1) words[(i * shareBytes) / 8] = i;
    await store.promise(lease, PERIOD, 1);
    const decision = decisionOf(1, { agreed: { ...agreed, count } });
    const supplierShares = new Uint8Array(0);
    await store.prepare(lease, PERIOD, 1, decision, { attempt: 1, orderShares, supplierShares });
    for (const position of [0, 1, 4_095, 4_096, 65_537, 500_000, count - 1]) {
      const share = await store.orderShare(PERIOD, 1, position);
      expect(share).toEqual(
        orderShares.subarray(position * shareBytes, (position + 1) * shareBytes),
      );
    }
    expect(await store.orderShare(PERIOD, 1, count)).toBe(null);
    expect(await store.orderShare(PERIOD, 2, 0)).toBe(null);
    expect(await store.supplierShares(PERIOD, 1)).toEqual(new Uint8Array(0));
  });
});

describe.each(KINDS)("leases in %s", (kind) => {
  const { open, database } = testStores(kind);
  const now = PERIOD * 1000;

  it("have one holder at a time, and a higher number for each new one", async () => {
    const name = await database();
    const [a, b] = [await open(name), await open(name)];
    const first = { name: "leader", holder: "a", fence: 1 };
    expect(await a.takeLease("leader", "a", now, MINUTE_MS)).toEqual(first);
    expect(await b.takeLease("leader", "b", now + 1, MINUTE_MS)).toBe(null);
    expect(await b.takeLease("other", "b", now + 1, MINUTE_MS)).toMatchObject({ holder: "b" });
    expect(await a.takeLease("leader", "a", now + 30_000.7, MINUTE_MS)).toEqual(first);
    expect(await b.takeLease("leader", "b", now + MINUTE_MS, MINUTE_MS)).toBe(null);
    const second = { name: "leader", holder: "b", fence: 2 };
    expect(await b.takeLease("leader", "b", now + 2 * MINUTE_MS, MINUTE_MS)).toEqual(second);
    expect(await a.takeLease("leader", "a", now + 2 * MINUTE_MS, MINUTE_MS)).toBe(null);
    // Released by whoever does not hold it any more: nothing happens.
    await a.releaseLease(first);
    expect(await a.takeLease("leader", "a", now + 2 * MINUTE_MS, MINUTE_MS)).toBe(null);
    await b.releaseLease(second);
    const third = await a.takeLease("leader", "a", now + 2 * MINUTE_MS, MINUTE_MS);
    expect(third?.fence).toBeGreaterThan(2);
  });

  it("go to one of many that want them at once", async () => {
    const name = await database();
    const stores = await Promise.all([open(name), open(name), open(name), open(name)]);
    for (let round = 0; round < 5; round += 1) {
      const taken = await Promise.all(
        stores.map((store, i) =>
          store.takeLease("leader", `${round} ${i}`, now + round * 2 * MINUTE_MS, MINUTE_MS),
        ),
      );
      expect(taken.filter((lease) => lease !== null).map(({ fence }) => fence)).toEqual([
        round + 1,
      ]);
    }
  });

  it("are needed for every change of a period: who lost it changes nothing", async () => {
    const name = await database();
    const [a, b] = [await open(name), await open(name)];
    const old = (await a.takeLease("leader", "a", now, MINUTE_MS))!;
    await a.promise(old, PERIOD, 1);
    const before = await a.period(PERIOD);
    const lease = (await b.takeLease("leader", "b", now + 2 * MINUTE_MS, MINUTE_MS))!;
    const lost: readonly Lease[] = [
      old,
      { ...lease, holder: "a" },
      { ...old, name: "unknown" },
      { ...lease, fence: lease.fence + 1 },
    ];
    for (const wrong of lost) {
      const changes = [
        a.closePeriod(wrong, PERIOD),
        a.promise(wrong, PERIOD, 2),
        a.saveAgreed(wrong, PERIOD, agreedOf([]), []),
        a.beginClearing(wrong, PERIOD),
        a.prepare(wrong, PERIOD, 1, voidOf(1), null),
        a.decide(wrong, PERIOD, signedBy(voidOf(1), 0)),
        a.closePeriod(wrong, PERIOD + 900),
      ];
      const ends = await Promise.allSettled(changes);
      for (const end of ends) {
        expect(end.status === "rejected" && end.reason).toBeInstanceOf(LeaseLostError);
      }
    }
    expect(await b.period(PERIOD)).toEqual(before);
    expect(await b.period(PERIOD + 900)).toBe(null);
    await b.closePeriod(lease, PERIOD);
    expect((await a.period(PERIOD))?.state).toBe("closed");
  });
});
