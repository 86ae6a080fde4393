// Stores that several connections and processes use at the same time, and processes and servers that are killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import type { EvaluatorStore } from "./evaluator-store.ts";
import { KINDS, leaseOf, MOST_VERSIONS, testStores } from "./stores.test-helper.ts";
import { meterOf, orderOf, PERIOD } from "./test-orders.test-helper.ts";

const WRITER = join(import.meta.dirname, "store-writer.test-helper.ts");
const ROUNDS = 4;
const APART = 1_000_000;

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const startWriter = (database: string, ...first: number[]): ChildProcess =>
  spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", WRITER, database, ...first.map(String)],
    { stdio: ["ignore", "pipe", "pipe"] },
  );

/** What a writer reports until it ends: the meters whose orders are confirmed. */
async function confirmedMeters(writer: ChildProcess, onBatch: () => void): Promise<string[]> {
  const meters: string[] = [];
  for await (const line of createInterface({ input: writer.stdout! })) {
    const batch = /^batch (\d+) (\d+)$/.exec(line);
    if (batch === null) continue;
    for (let i = 0; i < Number(batch[2]); i += 1) meters.push(meterOf(Number(batch[1]) + i));
    onBatch();
  }
  return meters;
}

/** Lets a writer write until it has reported some batches and some time has gone by, and kills it. */
async function killedWriter(database: string, round: number): Promise<string[]> {
  const writer = startWriter(database, round * APART);
  const ended = once(writer, "close");
  let batches = 0;
  const meters = await confirmedMeters(writer, () => {
    batches += 1;
    // Not always at the moment of a report: a little later it is in the middle of a batch.
    if (batches === 3 + round) void systemClock.sleep(2 * round).then(() => writer.kill("SIGKILL"));
  });
  expect((await ended)[1]).toBe("SIGKILL");
  return meters;
}

async function expectAll(store: EvaluatorStore, meters: readonly string[]): Promise<void> {
  const entries = await store.orderEntries(PERIOD);
  const held = new Set(entries.map(({ meter }) => meter));
  expect(meters.length).toBeGreaterThan(0);
  expect(meters.filter((meter) => !held.has(meter))).toEqual([]);
  let bodies = 0;
  await store.orderBodies(PERIOD, entries, () => {
    bodies += 1;
  });
  expect(bodies).toBe(entries.length);
}

describe.each(KINDS)("%s under several hands", (kind) => {
  const { open, database, server } = testStores(kind);

  it("is made by one of four processes that start at once", async () => {
    for (let round = 0; round < 2; round += 1) {
      const name = await database();
      const ends = await Promise.all(
        [0, 1, 2, 3].map(async () => {
          const writer = startWriter(name);
          let said = "";
          writer.stderr!.on("data", (text: Buffer) => {
            said += text.toString();
          });
          const [code] = await once(writer, "close");
          return `${code} ${said}`;
        }),
      );
      expect(ends).toEqual(["0 ", "0 ", "0 ", "0 "]);
      const store = await open(name);
      expect(await store.addOrders([orderOf(1, 1)], 1)).toEqual(["accepted"]);
    }
  });

  it("shows every connection the same", async () => {
    const name = await database();
    const [a, b] = [await open(name), await open(name)];
    await a.addOrders([orderOf(1, 1)], MOST_VERSIONS);
    expect(await b.addOrders([orderOf(1, 1), orderOf(1, 0)], MOST_VERSIONS)).toEqual([
      "known",
      "stale",
    ]);
    await b.closePeriod(await leaseOf(b), PERIOD);
    expect(await a.addOrders([orderOf(2, 1)], MOST_VERSIONS)).toEqual(["closed"]);
    expect(await a.period(PERIOD)).toEqual(await b.period(PERIOD));
  });

  it("takes an order once, and one of those that contradict each other", async () => {
    const name = await database();
    const stores = await Promise.all([open(name), open(name), open(name), open(name)]);
    const meters = Array.from({ length: 300 }, (_, i) => i);
    const same = await Promise.all(
      stores.map((store) =>
        store.addOrders(
          meters.map((meter) => orderOf(meter, 1)),
          9,
        ),
      ),
    );
    const other = await Promise.all(
      stores.map((store, i) =>
        store.addOrders(
          meters.toReversed().map((meter) => orderOf(meter, 2, `${i}`)),
          9,
        ),
      ),
    );
    const limited = await Promise.all(
      stores.map((store, i) =>
        store.addOrders(
          meters.map((meter) => orderOf(meter, 3 + i)),
          3,
        ),
      ),
    );
    for (const meter of meters) {
      const results = (of: (typeof same)[number][]) => of.map((all) => all[meter]!).sort(byText);
      expect(results(same)).toEqual(["accepted", "known", "known", "known"]);
      expect(results(other)).toEqual(["accepted", "conflict", "conflict", "conflict"]);
      // There is room for one more order: later ones are too many, or too old.
      expect(results(limited).filter((result) => result === "accepted")).toHaveLength(1);
    }
    expect(await stores[0]!.orderEntries(PERIOD)).toHaveLength(3 * meters.length);
  });

  it("takes large batches for several periods at once, whatever their order", async () => {
    const name = await database();
    const stores = await Promise.all([open(name), open(name), open(name), open(name)]);
    const results = await Promise.all(
      [...stores, ...stores].map((store, writer) => {
        const orders = Array.from({ length: 2_000 }, (_, i) =>
          orderOf(writer * APART + i, 1, "a", PERIOD + 900 * ((i + writer) % 3)),
        );
        return store.addOrders(writer % 2 === 0 ? orders : orders.toReversed(), 1);
      }),
    );
    expect(new Set(results.flat())).toEqual(new Set(["accepted"]));
  });

  it("lets nothing into a period after it has been closed", async () => {
    const name = await database();
    const [a, b, closer] = [await open(name), await open(name), await open(name)];
    const lease = await leaseOf(closer);
    for (let round = 0; round < 5; round += 1) {
      const start = PERIOD + round * 900;
      const accepted: string[] = [];
      let last: readonly string[] = [];
      const write = async (store: EvaluatorStore, first: number) => {
        for (let meter = first; ; meter += 50) {
          const orders = Array.from({ length: 50 }, (_, i) => orderOf(meter + i, 1, "a", start));
          last = await store.addOrders(orders, 1);
          orders.forEach((order, i) => {
            if (last[i] === "accepted") accepted.push(order.meter);
          });
          if (last.includes("closed")) return;
        }
      };
      const writing = [write(a, 0), write(b, APART), write(b, 2 * APART)];
      await systemClock.sleep(20 + 15 * round);
      await closer.closePeriod(lease, start);
      const entries = await closer.orderEntries(start);
      await Promise.all(writing);
      expect(accepted.length).toBeGreaterThan(0);
      expect(entries.map(({ meter }) => meter)).toEqual(accepted.sort(byText));
      expect(await a.orderEntries(start)).toEqual(entries);
    }
  });

  it("holds every confirmed order when the process that added it was killed", async () => {
    const name = await database();
    const confirmed: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      confirmed.push(...(await killedWriter(name, round)));
      const store = await open(name);
      await expectAll(store, confirmed);
    }
  });

  if (kind === "sqlite") return;

  it("goes on when the server was killed, with every confirmed order", async () => {
    const name = await database();
    const store = await open(name);
    const confirmed: string[] = [];
    const failures: unknown[] = [];
    const writing = (async () => {
      for (let meter = 0; failures.length === 0; meter += 40) {
        const orders = Array.from({ length: 40 }, (_, i) => orderOf(meter + i, 1));
        await store.addOrders(orders, 1).then(
          () => confirmed.push(...orders.map((order) => order.meter)),
          (error: unknown) => failures.push(error),
        );
      }
    })();
    await systemClock.sleep(300);
    await server().kill9();
    await writing;
    await server().startAgain();
    await expectAll(store, confirmed);
    expect(await store.addOrders([orderOf(-1, 1)], 1)).toEqual(["accepted"]);
  });
});
