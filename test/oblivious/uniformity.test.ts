// What a single evaluator sees is uniform whatever the orders are: the shares it receives from
// meters, alone and as a pair, and every element that it receives from the other evaluators.
// Negative controls show that the same statistics find values that are not masked.
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { Field } from "../../src/field/field.ts";
import { P } from "../../src/field/reference.ts";
import type { Order } from "../../src/market/order.ts";
import { orderRows } from "../../src/market/order-layout.ts";
import { distribute } from "../../src/market/shared-clearing.test-helper.ts";
import { kindOf } from "../../src/mpc/network.ts";
import type { SentFrame } from "../../src/mpc/parties.test-helper.ts";
import type { Primitives } from "../../src/platform/primitives.ts";
import { expandRows, SEED_BYTES } from "../../src/sharing/replicated.ts";
import { layout, market, recordSession } from "./sessions.test-helper.ts";
import { flaws, unbalancedBits, unevenBytes } from "./uniformity.test-helper.ts";

const markets = (count: number): [string, Order[]][] => [
  [
    "all idle",
    market(
      count,
      () => "idle",
      () => 0,
      () => 0,
    ),
  ],
  [
    "everybody trades at one price",
    market(
      count,
      (i) => (i % 2 ? "buy" : "sell"),
      () => 4095,
      () => 65_535,
    ),
  ],
];

const elementsOf = (bytes: Uint8Array) => new BigUint64Array(new Uint8Array(bytes).buffer);

describe.each(markets(4000))("the shares that meters send: %s", (_, orders) => {
  const received = distribute(layout, orders);

  /** A component of all orders in full. */
  function component(party: number, position: 0 | 1): BigUint64Array {
    const bytes = received[party]![position]!;
    if ((party + position) % 3 === 2) return elementsOf(bytes);
    const field = new Field();
    const v = field.alloc(orders.length * layout.width);
    expandRows(field, nodePrimitives, bytes, layout.width, v);
    return elementsOf(field.toBytes(v));
  }

  it.each([0, 1, 2])("evaluator %i receives uniform seeds and elements", (party) => {
    for (const position of [0, 1] as const) {
      const bytes = received[party]![position]!;
      const isSeed = (party + position) % 3 !== 2;
      if (isSeed) expect(unevenBytes(bytes, SEED_BYTES)).toEqual([]);
      expect(bytes.length).toBe(orders.length * (isSeed ? SEED_BYTES : 8 * layout.width));
      expect(flaws(component(party, position))).toEqual([]);
    }
  });

  it.each([0, 1, 2])("evaluator %i's two components together tell nothing either", (party) => {
    const [first, second] = [component(party, 0), component(party, 1)];
    const sums = first.map((x, i) => (x + second[i]!) % P);
    const differences = first.map((x, i) => (x + P - second[i]!) % P);
    const mixed = first.map((x, i) => x ^ second[i]!);
    expect(flaws(sums)).toEqual([]);
    expect(flaws(differences)).toEqual([]);
    expect(unbalancedBits(mixed)).toEqual([]);
  });

  it("control: all three components together are the orders' bits, and found", () => {
    const parts = [component(0, 0), component(1, 0), component(2, 0)] as const;
    const values = parts[0].map((x, i) => (x + parts[1][i]! + parts[2][i]!) % P);
    expect(values.every((bit) => bit <= 1n)).toBe(true);
    expect([...values.subarray(0, layout.width)]).toEqual(
      [...orderRows(orders.slice(0, 1), layout)].map(BigInt),
    );
    expect(flaws(values)).not.toEqual([]);
  });
});

/** Tags that carry raw bytes: keys of the session, coins, and flags of differing rows. */
function rawTags(frames: readonly SentFrame[]): Set<number> {
  const raw = new Set<number>();
  for (const { tag, payload } of frames) {
    if (["setup", "coin"].includes(kindOf(tag))) raw.add(tag);
    if (payload.length % 8 !== 0 || elementsOf(payload).some((x) => x >= P)) raw.add(tag);
  }
  return raw;
}

/** Elements that `to` receives, from one party or from both. */
function receivedBy(
  frames: readonly SentFrame[],
  raw: ReadonlySet<number>,
  to: number,
  from?: number,
) {
  const own = frames.filter(
    (frame) =>
      frame.to === to && !raw.has(frame.tag) && (from === undefined || frame.from === from),
  );
  return elementsOf(Buffer.concat(own.map(({ payload }) => payload)));
}

// Not a multiple of 8, so that one byte per order does not look like elements.
const COUNT = 1501;

describe.each(markets(COUNT))("what evaluators send each other: %s", (_, orders) => {
  it("is uniform on every link, and no element comes twice", async () => {
    const { frames } = await recordSession(orders);
    const raw = rawTags(frames);
    // Keys and the coins' chains at the start, two coins, one exchange of flags.
    expect(raw.size).toBe(5);
    for (const to of [0, 1, 2]) {
      for (const from of [(to + 1) % 3, (to + 2) % 3]) {
        const elements = receivedBy(frames, raw, to, from);
        expect(elements.length).toBeGreaterThan(1000);
        expect({ from, to, flaws: flaws(elements) }).toEqual({ from, to, flaws: [] });
      }
      expect(flaws(receivedBy(frames, raw, to))).toEqual([]);
    }
  });

  it("the flags say that nothing differs, and only that", async () => {
    const { frames } = await recordSession(orders);
    const flags = frames.filter(({ payload }) => payload.length === COUNT);
    expect(flags).toHaveLength(6);
    for (const { payload } of flags) expect(payload.every((byte) => byte === 0)).toBe(true);
  });

  it("control: without random numbers every evaluator's view is found out", async () => {
    const broken: Primitives = {
      ...nodePrimitives,
      prg: () => ({
        fill: (out) => new Uint32Array(out.buffer, out.byteOffset, out.length / 4).fill(1),
      }),
    };
    const { frames } = await recordSession(orders, undefined, broken);
    for (const to of [0, 1, 2]) {
      const found = flaws(receivedBy(frames, rawTags(frames), to)).join();
      expect(found).toContain("unbalanced bits");
      expect(found).toContain("uneven bytes");
      expect(found).toContain("repeated elements");
    }
  });
});

describe("control: the statistics", () => {
  const uniform = () => {
    const words = elementsOf(nodePrimitives.randomBytes(8 * 20_000));
    return words.map((word) => (word & P) % P);
  };

  it("accept uniform elements", () => {
    expect(flaws(uniform())).toEqual([]);
  });

  it.each<[string, (x: bigint, i: number) => bigint]>([
    ["bits in clear", (x) => x & 1n],
    ["energies in clear", (x) => x & 0xffffn],
    ["one bit that is never set", (x) => x & ~(1n << 40n)],
    ["one bit with 55 % ones", (x, i) => (i % 10 === 0 ? x | 1n : x)],
    ["masks of 60 bits", (x) => x >> 1n],
    ["every hundredth element in clear", (x, i) => (i % 100 === 0 ? 1n : x)],
    ["elements beyond the field", (x) => x + P],
  ])("find %s", (_, spoil) => {
    expect(flaws(uniform().map(spoil))).not.toEqual([]);
  });
});
