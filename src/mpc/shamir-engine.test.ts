// What is particular to the Shamir engine: costs as documented, any 2t + 1 of the evaluators compute, nothing leaves a
// party unmasked or twice under one mask, groups for shuffles, and lies that must be noticed.
import { describe, expect, it } from "vitest";
import { ChannelError } from "../channel/channel.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { mod, P } from "../field/reference.ts";
import { InvariantError } from "../platform/assert.ts";
import { nextTurn } from "../platform/turn.ts";
import { InconsistentSharesError } from "../sharing/replicated.ts";
import { combineShamir } from "../sharing/shamir.ts";
import { AbortError } from "./abort.ts";
import { type Engine, mul } from "./engine.ts";
import {
  bigintsOf,
  costOf,
  type EngineKind,
  Parties,
  publicVector,
  shareOf,
  ungatedPool,
} from "./engines.test-helper.ts";
import { kindOf, type MessageKind } from "./network.ts";
import { closePeers, type FrameWatch, meshedPeers } from "./parties.test-helper.ts";
import { bitsFromSquares } from "./random-bits.ts";
import { ShamirEngine } from "./shamir-engine.ts";
import type { Secret } from "./shared.ts";

const KINDS = ["shamir-3", "shamir-5", "shamir-7", "shamir-3-of-5"] as const;
const thresholdOf = (engine: Engine) => (engine.parties - 1) / 2;

/** Runs `program` at all parties of a computation of its own. */
async function atParties<T>(
  kind: EngineKind,
  program: (engine: ShamirEngine, party: number) => Promise<T>,
  onFrame?: FrameWatch,
): Promise<T[]> {
  const parties = await Parties.start(kind, onFrame);
  try {
    return await parties.run((engine, party) => program(engine as ShamirEngine, party));
  } finally {
    parties.close();
  }
}

describe.each(KINDS)("costs of %s", (kind) => {
  const n = 100;
  type Operation = (engine: ShamirEngine, x: Secret) => Promise<unknown>;
  /** Rounds, and elements for a threshold. */
  const costs: [string, Operation, number, (t: number) => number][] = [
    ["constant", async (e) => e.constant([1, 2]), 0, () => 0],
    ["add", async (e, x) => e.add(x, x), 0, () => 0],
    ["partialDots", async (e, x) => e.partialDots([[x, x]]), 0, () => 0],
    ["reveal", (e, x) => e.reveal([x]), 0, () => 0],
    ["stockMasks", (e) => e.stockMasks(n), 0, () => 0],
    ["reshare", (e, x) => e.reshare(e.partial(x)), 1, (t) => t * n],
    ["a product", (e, x) => mul(e, x, x), 1, (t) => t * n],
    ["an inner product", (e, x) => e.reshare(e.partialDots([[x, x]])), 1, (t) => t],
    ["open of a Secret", (e, x) => e.open(x), 1, (t) => t * n],
    ["open of a Partial", (e, x) => e.open(e.partial(x)), 1, (t) => 2 * t * n],
    ["openVerified", (e, x) => e.openVerified(x), 1, (t) => t * n],
    ["openChecked", (e, x) => e.openChecked(x, "opening"), 1, (t) => 2 * t * n],
    ["random", (e) => e.random(n), 1, (t) => t * Math.ceil(n / (t + 1))],
    ["randomBits", (e) => e.randomBits(n), 2, (t) => t * Math.ceil(n / (t + 1)) + 2 * t * n],
    ["coin", (e) => e.coin(), 1, () => 0],
    ["drawPermutation", (e) => e.drawPermutation(0, n), 1, () => 0],
    [
      "permute",
      (e, x) => e.permute([x, x], { pass: 0, indices: null, length: n }, false),
      1,
      (t) => 2 * t * n,
    ],
    [
      "operations that do not wait for each other",
      (e, x) => Promise.all([mul(e, x, x), e.random(n), e.open(x), e.reshare(e.partial(x))]),
      1,
      (t) => 3 * t * n + t * Math.ceil(n / (t + 1)),
    ],
    [
      "one operation after the other",
      async (e, x) => mul(e, await mul(e, x, x), x),
      2,
      (t) => 2 * t * n,
    ],
  ];

  it.each(costs)("%s", async (_, operation, rounds, elements) => {
    const seen = await atParties(kind, async (engine) => {
      const x = await shareOf(engine, new Array<number>(n).fill(5));
      return { cost: await costOf(engine, () => operation(engine, x)), t: thresholdOf(engine) };
    });
    for (const { cost, t } of seen) expect(cost).toEqual({ rounds, elements: elements(t) });
  });
});

describe("any 2t + 1 evaluators", () => {
  it.each(KINDS)("%s: products, inner products, bits and comparisons", async (kind) => {
    const values = [-5, 0, 7, -1, 2 ** 40];
    const parties = await Parties.start(kind);
    const results = await parties.reveal(async (engine) => {
      const x = await shareOf(engine, values);
      const pool = await ungatedPool(engine, values.length);
      const bits = await engine.randomBits(200);
      const square = await mul(engine, x, x);
      return [
        square,
        engine.partialDots([[x, square]]),
        await engine.reshare(await pool.negative(engine, engine.partial(x))),
        engine.sub(await mul(engine, bits, bits), bits),
      ];
    });
    parties.close();
    const cubes = values.reduce((sum, v) => sum + BigInt(v) ** 3n, 0n);
    const squares = values.map((v) => mod(BigInt(v) ** 2n));
    const negative = values.map((v) => (v < 0 ? 1n : 0n));
    expect(results).toEqual([squares, [mod(cubes)], negative, Array(200).fill(0n)]);
  });

  it.each<[string, number, number[], number]>([
    ["too few parties", 3, [1, 2, 3], 2],
    ["too many parties", 5, [1, 2, 3, 4, 5], 1],
    ["a point for each party", 3, [1, 2, 3, 4], 1],
    ["different points", 3, [1, 2, 1], 1],
    ["the point of the secret", 3, [0, 1, 2], 1],
    ["no protection", 1, [1], 0],
  ])("not %s", async (_, count, points, threshold) => {
    const peers = meshedPeers(count);
    const started = peers.map((own) =>
      ShamirEngine.start(new Field(), own, { points, threshold }, nodePrimitives, nextTurn),
    );
    for (const outcome of await Promise.allSettled(started)) {
      expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(InvariantError);
    }
    closePeers(peers);
  });
});

describe("masks", () => {
  /** Payloads by link of what `run` sends, on public zeros. */
  async function payloadsOf(
    kind: EngineKind,
    length: number,
    run: (engine: ShamirEngine, x: Secret) => Promise<unknown>,
  ): Promise<string[][]> {
    const byLink = new Map<string, string[]>();
    const watch: { on: boolean } = { on: false };
    const parties = await Parties.start(kind, ({ from, to, payload }) => {
      const link = `${from}-${to}`;
      const hex = Buffer.from(payload).toString("hex");
      if (watch.on) byLink.set(link, [...(byLink.get(link) ?? []), hex]);
      return undefined;
    });
    watch.on = true;
    await parties.run((engine) =>
      run(engine as ShamirEngine, engine.constant(new Uint8Array(length))),
    );
    parties.close();
    return [...byLink.values()];
  }

  const operations: [
    string,
    (t: number) => number,
    (e: ShamirEngine, x: Secret) => Promise<unknown>,
  ][] = [
    ["opening a Partial", (t) => 2 * t, (e, x) => e.open(e.partial(x))],
    ["resharing", (t) => t, (e, x) => e.reshare(e.partial(x))],
    ["a product", (t) => t, (e, x) => mul(e, x, x)],
    ["a random value", (t) => t, (e, x) => e.random((thresholdOf(e) + 1) * x.length)],
    [
      "moving rows",
      (t) => t,
      (e, x) => e.permute([x], { pass: 0, indices: null, length: x.length }, true),
    ],
  ];

  it.each(operations)("%s twice sends uniform and different bytes", async (_, links, operation) => {
    for (const [kind, t] of [
      ["shamir-3", 1],
      ["shamir-5", 2],
    ] as const) {
      const sent = await payloadsOf(kind, 10, async (engine, x) => {
        await operation(engine, x);
        await operation(engine, x);
      });
      expect(sent).toHaveLength((2 * t + 1) * links(t));
      for (const [first, second, ...more] of sent) {
        expect(more).toEqual([]);
        expect(first).not.toBe(second);
        for (const hex of [first!, second!]) {
          const elements = bigintsOf(Buffer.from(hex, "hex"));
          expect(elements).toHaveLength(10);
          // By chance below 2^30 or as far from p: less than one in 2^20 for all elements of this test.
          expect(elements.every((x) => x > 2n ** 30n && x < P - 2n ** 30n)).toBe(true);
        }
      }
    }
  });

  it("no element repeats in what a party sends, with masks made beforehand, used up, or made at once", async () => {
    const count = 2 * 4096 + 5;
    const sent = await payloadsOf("shamir-5", count, async (engine, x) => {
      await mul(engine, x, x);
      await engine.stockMasks(count + 4000);
      await mul(engine, x, x);
      await mul(engine, x, x);
      await engine.open(engine.partial(x));
    });
    const elements = sent.flatMap((payloads) =>
      payloads.flatMap((hex) => bigintsOf(Buffer.from(hex, "hex"))),
    );
    // Masked zeros of an opening go to four parties each, the shares of three products to two.
    expect(elements).toHaveLength(5 * count * (3 * 2 + 4));
    expect(new Set(elements).size).toBe(5 * count * (3 * 2 + 1));
  });

  it("another session of the same computation sends different bytes", async () => {
    const run = () => payloadsOf("shamir-3", 5, (engine, x) => mul(engine, x, x));
    const both = [...(await run()), ...(await run())].flat();
    expect(new Set(both).size).toBe(6);
  });
});

it("products are right with masks made beforehand, also when these run out", async () => {
  const length = 3 * 4096 + 100;
  const parties = await Parties.start("shamir-5");
  const x = Array.from({ length }, (_, i) => BigInt(i));
  const results = await parties.reveal(async (engine) => {
    const a = await shareOf(engine, x);
    const products: Secret[] = [];
    for (const stock of [length, 1, 5000, 0]) {
      await engine.stockMasks(stock);
      const start = engine.slice(a, 0, 3000);
      products.push(await mul(engine, start, start));
      products.push(await mul(engine, a, a));
    }
    return products;
  });
  parties.close();
  const squares = x.map((v) => v * v);
  results.forEach((product, i) => {
    const expected = i % 2 === 0 ? squares.slice(0, 3000) : squares;
    expect(product.join() === expected.join(), `product ${i}`).toBe(true);
  });
});

it("operations take no memory but for their results", async () => {
  const seen = await atParties("shamir-5", async (engine) => {
    const x = engine.constant(new Uint8Array(5000));
    const { memory } = engine.field;
    const before = memory.usedBytes;
    const by = await engine.drawPermutation(0, x.length);
    const moved = await engine.permute([x, x], by, false);
    const results = [await mul(engine, x, x), await engine.random(7), await engine.randomBits(7)];
    const openings = [
      engine.open(x),
      engine.openVerified(engine.slice(x, 0, 9)),
      engine.openChecked(x, "check"),
    ];
    const product = engine.partialProducts([[x, x]]);
    const dots = engine.partialDots([[x, x]]);
    openings.push(engine.open(product));
    for (const opened of openings) engine.field.free(await opened);
    engine.free(...moved, ...results, product, dots);
    return memory.usedBytes - before;
  });
  expect(seen).toEqual(Array(5).fill(0));
});

it("parties that are not equally fast draw the same randomness, also while a long product is under way", async () => {
  const parties = await Parties.start("shamir-5");
  const results = await parties.reveal(async (engine, party) => {
    const x = engine.constant(new Uint8Array(20 * 4096).fill(3));
    const first = mul(engine, x, x);
    for (let turns = 0; turns < 3 * party; turns++) await nextTurn();
    const random = engine.random(4);
    const opened = engine.open(engine.partial(engine.slice(x, 0, 7)));
    const [a, , b] = await Promise.all([first, random, mul(engine, x, x), opened]);
    return [engine.sub(a, b), engine.slice(a, 0, 3), await opened];
  });
  parties.close();
  expect(results[0]!.every((v) => v === 0n)).toBe(true);
  expect(results.slice(1)).toEqual([Array(3).fill(9n), Array(7).fill(3n)]);
});

describe("shuffles", () => {
  const n = 50;
  it.each([
    ["shamir-3", 3],
    ["shamir-5", 10],
    ["shamir-7", 35],
  ] as const)(
    "%s: a group of t + 1 knows each pass's permutation, rows move by it and back",
    async (kind, passes) => {
      const values = Array.from({ length: n }, (_, i) => i);
      const parties = await Parties.start(kind);
      const t = (parties.engines.length - 1) / 2;
      const knownBy: number[][] = Array.from({ length: passes }, () => []);
      const permutations: number[][] = [];
      const results = await parties.reveal(async (engine, party) => {
        expect(engine.shufflePasses).toBe(passes);
        const [x, y] = [await shareOf(engine, values), await shareOf(engine, values.toReversed())];
        const out: Secret[] = [];
        for (let pass = 0; pass < passes; pass++) {
          const by = await engine.drawPermutation(pass, n);
          if (by.indices !== null) {
            knownBy[pass]!.push(party);
            const known = [...by.indices];
            permutations[pass] ??= known;
            expect(known).toEqual(permutations[pass]);
          }
          const moved = await engine.permute([x, y], by, false);
          out.push(...moved, ...(await engine.permute(moved, by, true)));
        }
        return out;
      });
      parties.close();
      for (let pass = 0; pass < passes; pass++) {
        expect(knownBy[pass]).toHaveLength(t + 1);
        const by = permutations[pass]!;
        expect([...by].sort((a, b) => a - b)).toEqual(values);
        expect(by).not.toEqual(values);
        const [x, y, ...back] = results.slice(4 * pass, 4 * pass + 4);
        expect(x).toEqual(by.map(BigInt));
        expect(y).toEqual(by.map((i) => BigInt(n - 1 - i)));
        expect(back).toEqual([values.map(BigInt), values.toReversed().map(BigInt)]);
      }
      // Whichever t parties put together what they know, they miss a permutation: all groups are different.
      expect(new Set(knownBy.map((group) => group.sort((a, b) => a - b).join())).size).toBe(passes);
    },
  );
});

it("messages say what they are", async () => {
  const kinds = new Set<MessageKind>();
  const watch: FrameWatch = ({ tag }) => {
    kinds.add(kindOf(tag));
    return undefined;
  };
  const steps: [MessageKind, (engine: ShamirEngine, x: Secret) => Promise<unknown>][] = [
    ["multiplication", (e, x) => mul(e, x, x)],
    ["multiplication", (e) => e.random(3)],
    ["opening", (e, x) => e.open(x)],
    ["opening", (e, x) => e.open(e.partial(x))],
    ["reveal", (e, x) => e.openVerified(x)],
    ["verification", (e, x) => e.openChecked(x, "verification")],
    ["coin", (e) => e.coin()],
    ["shuffle", async (e, x) => e.permute([x], await e.drawPermutation(2, 1), false)],
    ["check", (e, x) => e.labelled("check", () => mul(e, x, x))],
  ];
  const parties = await Parties.start("shamir-3", watch);
  for (const [kind, operation] of steps) {
    kinds.clear();
    await parties.run((engine) => operation(engine as ShamirEngine, engine.constant([4])));
    expect([...kinds]).toEqual([kind]);
  }
  parties.close();
});

describe("a party that deviates", () => {
  /** Changes the element at `index` of what party `liar` sends to `victim` in messages of one kind. */
  const lie = (kind: MessageKind, liar: number, victim: number, index = 0): FrameWatch => {
    return ({ from, to, tag, payload }) => {
      if (from !== liar || to !== victim || kindOf(tag) !== kind) return undefined;
      payload[8 * index]! ^= 1;
      return payload;
    };
  };

  it("opens a changed share: compared openings end, others would be fooled", async () => {
    for (const kind of ["shamir-3", "shamir-5", "shamir-3-of-5"] as const) {
      const count = kind === "shamir-5" ? 5 : 3;
      for (let liar = 0; liar < count; liar++) {
        for (const step of [1, count - 1]) {
          const victim = (liar + step) % count;
          const outcomes = await atParties(
            kind,
            async (engine) => {
              const x = await shareOf(engine, [7, 8, 9]);
              const y = await shareOf(engine, [7, 8, 9]);
              const checked = engine
                .openChecked(x, "check")
                .then((v: Vector) => engine.field.toNumbers(v).join())
                .catch((error: unknown) => error);
              const plain = await engine.openVerified(y);
              return {
                checked: await checked,
                plain: bigintsOf(engine.field.toBytes(plain)).join(),
              };
            },
            (frame) =>
              lie("check", liar, victim, 2)(frame) ?? lie("reveal", liar, victim, 2)(frame),
          );
          outcomes.forEach(({ checked, plain }, party) => {
            if (party === victim) expect(checked).toBeInstanceOf(AbortError);
            else expect(checked).toBe("7,8,9");
            // Without comparison a party hears from those after it only.
            const fooled = party === victim && step > count / 2;
            expect(plain === "7,8,9").toBe(!fooled);
          });
        }
      }
    }
  });

  it("sends a value outside the field: an error of the channel, naming it", async () => {
    const failed = atParties("shamir-3", async (engine, party) => {
      const x = engine.constant([1]);
      // The element p is 0 in disguise; no engine ever makes it.
      if (party === 1)
        engine.field.setBytes(x.components[0]!, new Uint8Array(BigUint64Array.of(P).buffer));
      return engine.open(x);
    });
    await expect(failed).rejects.toThrow(ChannelError);
    await expect(failed).rejects.toThrow("evaluator-1 sent a value outside the field");
  });

  it("changes an output share: it does not go with the others", async () => {
    const points = [1, 2, 3, 4, 5];
    const shares = await atParties("shamir-5", async (engine) =>
      engine.outputShare(await shareOf(engine, [7, 8, 9])),
    );
    const field = new Field();
    expect([...field.toNumbers(combineShamir(field, points, 2, shares))]).toEqual([7, 8, 9]);
    for (const party of [0, 1, 2, 3, 4]) {
      const changed = shares.map((share) => share.slice());
      changed[party]![8]! ^= 1;
      expect(() => combineShamir(field, points, 2, changed)).toThrow(InconsistentSharesError);
    }
  });

  it("lies about a square: no bit is made of what is no square, or of 0", async () => {
    // A changed square is no square with probability 1/2; of 64, one at least.
    const change: FrameWatch = ({ from, tag, payload }) => {
      if (from !== 1 || kindOf(tag) !== "reveal") return undefined;
      for (let i = 0; i < payload.length; i += 8) payload[i]! ^= 1;
      return payload;
    };
    const outcomes = await atParties(
      "shamir-3",
      (engine) => engine.randomBits(64).catch((error: unknown) => error),
      change,
    );
    expect(outcomes[0]).toBeInstanceOf(AbortError);
    expect(outcomes[2]).toBeInstanceOf(AbortError);
    const zeros = await atParties("shamir-3", (engine) =>
      bitsFromSquares(engine, engine.constant([3, 0])).catch((error: unknown) => error),
    );
    for (const zero of zeros) expect(zero).toBeInstanceOf(AbortError);
  });
});

it("bits from squares are roots: of r and -r one gives 0 and the other 1", async () => {
  const parties = await Parties.start("shamir-3");
  const values = [1n, 2n, 3n, P >> 1n, 123_456_789_012_345n];
  const [bits, opposite] = await parties.reveal(async (engine) => {
    const r = engine.fromPublic(publicVector(engine.field, values));
    return [await bitsFromSquares(engine, r), await bitsFromSquares(engine, engine.scale(r, -1))];
  });
  parties.close();
  bits!.forEach((bit, i) => {
    expect(new Set([bit, opposite![i]!])).toEqual(new Set([0n, 1n]));
  });
});
