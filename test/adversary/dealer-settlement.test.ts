// A settlement with a dealer, all parties in one process: what comes of it is what the plain rules say, once unmasked;
// a reading that does not fit is refused alone; an evaluator that changes what it keeps is found out before anything is
// revealed.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Link } from "../../src/channel/channel.ts";
import { memoryLinks } from "../../src/channel/memory.ts";
import { maskRow } from "../../src/client/row-sharing.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { serveEvaluator } from "../../src/dealer/evaluator-links.ts";
import { MarketAttempts } from "../../src/dealer/market-attempts.ts";
import { KEPT, MaskKeys } from "../../src/dealer/mask-keys.ts";
import { metersOf, tellFirst } from "../../src/evaluator/periods/covered-meters.ts";
import { dealtReadings } from "../../src/evaluator/periods/dealt-settlement.ts";
import { fullRows } from "../../src/evaluator/received-rows.ts";
import { type CheckedReadings, checkReadings } from "../../src/evaluator/settlement-session.ts";
import { Field } from "../../src/field/field.ts";
import { MODULUS_BITS } from "../../src/field/prime.ts";
import { type Reading, readingLayout, readingOf, readingRows } from "../../src/market/reading.ts";
import { settledMarket } from "../../src/market/settled-market.test-helper.ts";
import { amountsOf, meteredUnits } from "../../src/market/settlement-oracle.ts";
import { periodPrices } from "../../src/market/tariffs.ts";
import { AbortError } from "../../src/mpc/abort.ts";
import { closePeers, meshedPeers } from "../../src/mpc/parties.test-helper.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { expandMask } from "../../src/sharing/masks.ts";
import { MASK_NAME_BYTES, NONCE_BYTES, writeMaskName } from "../../src/wire/dealer-messages.ts";
import { toHex } from "../../src/wire/hex.ts";
import type { Decision } from "../../src/wire/records.ts";
import { completeSetting } from "../../src/wire/setting.ts";

const PARTIES = 2;
const { priorityOrder: _, ...setting } = completeSetting({ engine: "dealer", parties: PARTIES });
const address = { host: "127.0.0.1", port: 1 };
const url = "https://one.example";
const market = settledMarket(
  { estimate_wh: 70 },
  {
    parameters: { suppliers: ["Aurora", "Borealis"], minimum_group: 1 },
    setting,
    evaluators: [0, 1].map((i) => ({ name: `evaluator ${i}`, url, peers: [address] })),
    dealer: { name: "dealer", url, links: address },
  },
);
const start = market.firstPeriod;
const layout = readingLayout(market.parameters.energyBits);
const estimateWh = market.settlement!.estimateWh;
const PRICE_TICK = 1_234;
const CLEARED = "0c".repeat(16);
const PRIME = 2n ** BigInt(MODULUS_BITS) - 1n;
const keys = new MaskKeys(randomBytes(32), market.id);
const field = new Field();
const tools = { field, primitives: nodePrimitives };

/** What a meter has traded and says; `netUnits` null without an order, `reading` null without one. */
interface Household {
  readonly netUnits: number | null;
  readonly reading: Reading | null;
  readonly fits: boolean;
}

const anyHousehold: fc.Arbitrary<Household> = fc
  .record({
    netUnits: fc.option(fc.integer({ min: -(2 ** 20), max: 2 ** 20 })),
    metered: fc.option(fc.record({ importedWh: fc.nat(2_000), exportedWh: fc.nat(2_000) })),
    error: fc.constantFrom(0, 0, 0, 1),
  })
  .map(({ netUnits, metered, error }) => {
    const reading = metered === null ? null : readingOf(metered, netUnits ?? 0);
    if (reading === null || error === 0) return { netUnits, reading, fits: true };
    const wrong = { ...reading, surplusUnits: reading.surplusUnits + error };
    return { netUnits, reading: wrong, fits: false };
  });

const maskOf = (seed: Uint8Array, length: number) => {
  const mask = field.alloc(length);
  expandMask(field, nodePrimitives, seed, mask);
  return mask;
};

/** What evaluators keep of the clearing: values minus masks that nobody is told. */
function keptTrades(nets: readonly number[]): Uint8Array {
  const name = { kind: "order", periodStart: start, attempt: 1, session: CLEARED } as const;
  const mask = maskOf(keys.result({ ...name, party: KEPT.trades }), 2 * nets.length);
  const [values, sold] = [field.alloc(2 * nets.length), field.alloc(2 * nets.length)];
  field.setNumbers(values, [
    ...nets.map((net) => Math.max(0, net)),
    ...nets.map((net) => Math.max(0, net)),
  ]);
  field.setNumbers(sold, [...nets.map((net) => Math.max(0, -net)), ...nets.map(() => 0)]);
  field.sub(values, values, sold);
  field.sub(values, values, mask);
  return field.toBytes(values);
}

interface Kept {
  readonly trades: Uint8Array;
  readonly rows: Uint8Array;
  readonly orderOf: Uint32Array;
}

/** Both evaluators settle; `change` may alter what one of them has. */
async function settle(
  households: readonly Household[],
  change: (kept: Kept, party: number) => void = () => {},
) {
  const all = households.map((own, i) => ({ ...own, meter: `0${i}`.repeat(16), supplier: i % 2 }));
  const entry = ({ meter, supplier }: (typeof all)[0]) => ({
    meter,
    supplier,
    sequence: 1,
    orderId: meter,
  });
  const [ordered, read] = [
    all.filter((one) => one.netUnits !== null),
    all.filter((one) => one.reading !== null),
  ];
  const [orders, readings] = [ordered.map(entry), read.map(entry)];
  const names = new Uint8Array(MASK_NAME_BYTES * read.length);
  const pieces = read.map(({ meter, reading }, i) => {
    const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
    const seed = keys.row({ kind: "reading", periodStart: start, meter, nonce: toHex(nonce) });
    const piece = maskRow(tools, { nonce, seed }, readingRows([reading!], layout));
    writeMaskName(names, i, meter, piece);
    return piece.subarray(NONCE_BYTES);
  });
  const clearing = { attempt: 1, dealing: CLEARED, priceTick: PRICE_TICK } as Decision;
  const supplies = {
    clearing,
    orders,
    trades: keptTrades(ordered.map(({ netUnits }) => netUnits!)),
    groups: { last: null, agreed: true },
  };
  const periodOf = (rejected: readonly number[]) => {
    const meters = metersOf(orders, readings, rejected);
    return {
      start,
      clearing,
      meters,
      telling: tellFirst(market, supplies.groups, start, meters, true),
    };
  };
  const links: Link[] = [];
  const attempts = new MarketAttempts({
    market,
    marketClock: { nowS: () => start + 10_000, msUntil: () => 0 },
    clock: systemClock,
    field: new Field(),
    primitives: nodePrimitives,
    keys,
    widths: { order: 1, reading: layout.bits },
    onAttempt: () => {},
  });
  const peers = meshedPeers(PARTIES);
  const places = new Map(orders.map(({ meter }, place) => [meter, place]));
  const found = await Promise.allSettled(
    peers.map((own, party) => {
      const reachDealer = async () => {
        const [link, served] = memoryLinks(`evaluator-${party}`, "dealer-0") as [Link, Link];
        links.push(link);
        void serveEvaluator({ attempts, onRefused: () => {} }, served, party);
        return link;
      };
      const kept = {
        trades: supplies.trades.slice(),
        rows: new Uint8Array(Buffer.concat(pieces)),
        orderOf: Uint32Array.from(readings, ({ meter }) => places.get(meter) ?? orders.length),
      };
      change(kept, party);
      const ownField = new Field();
      const rows = fullRows(ownField, readings.length, layout.bits);
      rows.write(kept.rows, 0);
      const toDeal = { start, revision: 0, attempt: 1, names, supplies, periodOf } as const;
      const toCheck = {
        ...kept,
        rows: [rows],
        setting: market.setting,
        layout,
        count: readings.length,
        orders: orders.length,
      };
      const ownTools = { field: ownField, primitives: nodePrimitives, reachDealer };
      return checkReadings(
        ownTools,
        { peers: own, active: [0, 1] },
        toCheck,
        dealtReadings(market, toDeal),
      );
    }),
  );
  closePeers(peers);
  for (const link of links) link.close();
  return { all, found, periodOf };
}

/** Values from what every evaluator has of them, with a sign. */
function unmasked(results: readonly Uint8Array[], seed: Uint8Array): bigint[] {
  const bytes = new Uint8Array(Buffer.concat(results));
  const values = field.alloc(bytes.length / 8);
  field.setBytes(values, bytes);
  field.add(values, values, maskOf(seed, values.length));
  const all = [...new BigUint64Array(field.toBytes(values).buffer)];
  return all.map((value) => (value > PRIME / 2n ? value - PRIME : value));
}

it("comes to what the plain rules say, whoever ordered, read, or read wrongly", async () => {
  const some = fc.array(anyHousehold, { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(some, async (households) => {
      const { all, found, periodOf } = await settle(households);
      const [one, other] = found.map(
        (own) => (own as PromiseFulfilledResult<CheckedReadings>).value,
      );
      expect(other).toEqual(one);
      const read = all.filter(({ reading }) => reading !== null);
      expect(one!.rejected).toEqual(read.flatMap(({ fits }, i) => (fits ? [] : [i])));
      const { meters, telling } = periodOf(one!.rejected);
      const expected = meters.map(({ meter, supplier }) => {
        const { netUnits, reading, fits } = all.find((own) => own.meter === meter)!;
        const net = netUnits ?? 0;
        const trade = { boughtUnits: Math.max(0, net), soldUnits: Math.max(0, -net) };
        const period = { supplier, ...trade, reading: fits ? reading : null };
        const { imported, exported } = meteredUnits(period, estimateWh);
        const prices = periodPrices(market, start, PRICE_TICK);
        return { supplier, net, imported, exported, ...amountsOf(period, prices, estimateWh) };
      });
      const { session, results } = one!.dealt!;
      const name = { kind: "reading", periodStart: start, attempt: 1, session } as const;
      const amounts = unmasked(results.slice(4), keys.result({ ...name, party: KEPT.amounts }));
      expect(amounts).toEqual([
        ...expected.map(({ traded }) => traded),
        ...expected.map(({ fees }) => fees),
        ...expected.map(({ shortage }) => shortage),
        ...expected.map(({ surplus }) => surplus),
      ]);
      for (const k of [0, 1]) {
        const told = unmasked(
          results.slice(2 * k, 2 * k + 2),
          keys.result({ ...name, party: `supplier-${k}` }),
        );
        const own = expected.filter(({ supplier }) => supplier === k);
        const sum = (of: "imported" | "exported" | "net", may: boolean | undefined) =>
          may === true ? BigInt(own.reduce((total, meter) => total + meter[of], 0)) : 0n;
        // Nothing stands in the place of what is withheld.
        const { revealedSuppliers, revealedPositions } = telling;
        expect(told).toEqual([
          sum("imported", revealedSuppliers[k]),
          sum("exported", revealedSuppliers[k]),
          sum("net", revealedPositions[k]),
        ]);
      }
    }),
    { numRuns: 15 },
  );
}, 60_000);

const HOUSEHOLDS = [500, -500, 0].map((wh): Household => {
  const netUnits = 1024 * wh;
  return {
    netUnits,
    reading: readingOf({ importedWh: 700, exportedWh: 30 }, netUnits),
    fits: true,
  };
});

/** Changes one bit. */
const flip = (bytes: Uint8Array, at: number): void => {
  bytes[at] = bytes[at]! ^ 1;
};

it.each<[string, (kept: Kept) => void]>([
  ["what an order traded", ({ trades }) => flip(trades, 3)],
  ["what an order bought", ({ trades }) => flip(trades, 8 * 4)],
  ["a reading", ({ rows }) => flip(rows, 8 * 5)],
  ["whose order belongs to a reading", ({ orderOf }) => orderOf.reverse()],
])("reveals nothing when an evaluator changes %s", async (_what, lie) => {
  for (const liar of [0, 1]) {
    const { found } = await settle(HOUSEHOLDS, (kept, party) => {
      if (party === liar) lie(kept);
    });
    expect(found.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect((found[1 - liar] as PromiseRejectedResult).reason).toBeInstanceOf(AbortError);
  }
});
