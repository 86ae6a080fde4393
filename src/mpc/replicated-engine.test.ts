// What is particular to the replicated engine: nothing leaves a party unmasked or twice under the
// same mask, costs are as documented, parties stay in step whatever the timing, and a wrong value
// from another party is noticed.
import { describe, expect, it } from "vitest";
import { ChannelError } from "../channel/channel.ts";
import { Field } from "../field/field.ts";
import { P } from "../field/reference.ts";
import { nextTurn } from "../platform/turn.ts";
import { combineReplicated, InconsistentSharesError } from "../sharing/replicated.ts";
import { AbortError } from "./abort.ts";
import { type Engine, mul } from "./engine.ts";
import { bigintsOf, costOf, Parties, publicVector, shareOf } from "./engines.test-helper.ts";
import { kindOf } from "./network.ts";
import { atThreeParties, type FrameWatch, revealed } from "./parties.test-helper.ts";
import type { Secret } from "./shared.ts";

describe("costs", () => {
  const n = 100;
  const costs: [string, (engine: Engine, x: Secret) => Promise<unknown>, number, number][] = [
    ["constant", async (e) => e.constant([1, 2]), 0, 0],
    ["add", async (e, x) => e.add(x, x), 0, 0],
    ["sub", async (e, x) => e.sub(x, x), 0, 0],
    ["scale", async (e, x) => e.scale(x, 3), 0, 0],
    ["addNumber", async (e, x) => e.addNumber(x, 3), 0, 0],
    ["sum", async (e, x) => e.sum(x), 0, 0],
    ["prefixSums", async (e, x) => e.prefixSums(x), 0, 0],
    ["blockSums", async (e, x) => e.blockSums(x, 7), 0, 0],
    ["concat", async (e, x) => e.concat([x, x]), 0, 0],
    ["gather", async (e, x) => e.gather(x, Uint32Array.of(1, 1)), 0, 0],
    ["partial", async (e, x) => e.partial(x), 0, 0],
    ["partialProducts", async (e, x) => e.partialProducts([[x, x]]), 0, 0],
    ["partialDots", async (e, x) => e.partialDots([[x, x]]), 0, 0],
    ["random", async (e) => e.random(n), 0, 0],
    ["reveal", (e, x) => e.reveal([x]), 0, 0],
    ["reshare", (e, x) => e.reshare(e.partial(x)), 1, n],
    [
      "mulSum",
      (e, x) =>
        e.mulSum(
          [
            [x, x],
            [x, x],
          ],
          x,
        ),
      1,
      n,
    ],
    ["open of a Secret", (e, x) => e.open(x), 1, n],
    ["open of a Partial", (e, x) => e.open(e.partial(x)), 1, 2 * n],
    ["randomBits", (e) => e.randomBits(n), 2, 2 * n],
    ["coin", (e) => e.coin(), 1, 0],
    [
      "operations that do not wait for each other",
      (e, x) => Promise.all([mul(e, x, x), mul(e, x, x), e.open(x), e.reshare(e.partial(x))]),
      1,
      4 * n,
    ],
    ["one operation after the other", async (e, x) => mul(e, await mul(e, x, x), x), 2, 2 * n],
  ];

  it.each(costs)("%s", async (_, operation, rounds, elements) => {
    const seen = await atThreeParties(async (engine) => {
      const x = await shareOf(engine, new Array<number>(n).fill(5));
      return costOf(engine, () => operation(engine, x));
    });
    for (const cost of seen) expect(cost).toEqual({ rounds, elements });
  });
});

describe("masks", () => {
  /**
   * Payloads that each pair of parties exchanges while the second argument runs, without set-up.
   */
  async function payloadsOf(
    prepare: (engine: Engine) => Promise<Secret>,
    run: (engine: Engine, x: Secret) => Promise<unknown>,
  ): Promise<Map<string, string[]>> {
    const byLink = new Map<string, string[]>();
    const watch: { on: boolean } = { on: false };
    const onFrame: FrameWatch = ({ from, to, payload }) => {
      const link = `${from}-${to}`;
      if (watch.on)
        byLink.set(link, [...(byLink.get(link) ?? []), Buffer.from(payload).toString("hex")]);
    };
    const parties = await Parties.start("replicated", onFrame);
    const values = await parties.run(prepare);
    watch.on = true;
    await parties.run((engine, party) => run(engine, values[party]!));
    parties.close();
    return byLink;
  }

  const constant = async (engine: Engine) => engine.constant(new Uint8Array(10));

  it.each<[string, number, (engine: Engine, x: Secret) => Promise<unknown>]>([
    ["opening a Partial", 6, (engine, x) => engine.open(engine.partial(x))],
    ["resharing", 3, (engine, x) => engine.reshare(engine.partial(x))],
    ["a product", 3, (engine, x) => mul(engine, x, x)],
  ])(
    "%s twice sends different bytes, though the value is a public 0",
    async (_, links, operation) => {
      const byLink = await payloadsOf(constant, async (engine, x) => {
        await operation(engine, x);
        await operation(engine, x);
      });
      expect(byLink.size).toBe(links);
      for (const [first, second] of byLink.values()) {
        for (const hex of [first!, second!]) {
          const elements = bigintsOf(Buffer.from(hex, "hex"));
          expect(elements).toHaveLength(10);
          // Twenty times a uniform element by chance below 2^40: less than one in 2^400.
          expect(elements.every((x) => x > 2n ** 40n && x < P - 2n ** 40n)).toBe(true);
        }
        expect(first).not.toBe(second);
      }
    },
  );

  it("opening one Partial object twice sends different bytes", async () => {
    const byLink = await payloadsOf(constant, async (engine, x) => {
      const partial = engine.partial(x);
      const opened = [await engine.open(partial), await engine.open(partial)];
      for (const v of opened)
        expect(bigintsOf(engine.field.toBytes(v))).toEqual(Array(10).fill(0n));
    });
    expect(byLink.size).toBe(6);
    for (const [first, second] of byLink.values()) expect(first).not.toBe(second);
  });

  it("a long message repeats no element, so no mask is used for two pieces of it", async () => {
    const count = 3 * 8192 + 5;
    const byLink = await payloadsOf(
      async (engine) => engine.constant(new Uint8Array(count)),
      async (engine, x) => {
        await engine.open(engine.partial(x));
        await mul(engine, x, x);
      },
    );
    for (const payloads of byLink.values()) {
      const elements = payloads.flatMap((hex) => bigintsOf(Buffer.from(hex, "hex")));
      expect(elements.length % count).toBe(0);
      expect(new Set(elements).size).toBe(elements.length);
    }
  });

  it("another session of the same computation sends different bytes", async () => {
    const run = () => payloadsOf(constant, (engine, x) => mul(engine, x, x));
    const [first, second] = [await run(), await run()];
    expect(first.size).toBe(3);
    for (const [link, payloads] of first) expect(second.get(link)).not.toEqual(payloads);
  });
});

describe("parties that are not equally fast", () => {
  it("draw the same randomness, also while a long product is under way", async () => {
    const long = 10 * 8192;
    const results = await atThreeParties(async (engine, party) => {
      const x = engine.constant(new Uint8Array(long).fill(3));
      const first = mul(engine, x, x);
      for (let turns = 0; turns < 2 * party; turns++) await nextTurn();
      const random = engine.random(4);
      const bits = engine.randomBits(200);
      const second = mul(engine, x, x);
      const [a, r, b, c] = await Promise.all([first, random, bits, second]);
      const opened = await engine.open(b);
      return {
        outputs: [a, r, b, c].map((secret) => engine.outputShare(secret)),
        opened: bigintsOf(engine.field.toBytes(opened)),
      };
    });
    const shares = (index: number) => results.map(({ outputs }) => outputs[index]!);
    expect(revealed(shares(0)).every((v) => v === 9)).toBe(true);
    expect(() => combineReplicated(new Field(), shares(1))).not.toThrow();
    const bits = revealed(shares(2));
    expect(bits.every((bit) => bit === 0 || bit === 1)).toBe(true);
    expect(revealed(shares(3)).every((v) => v === 9)).toBe(true);
    for (const { opened } of results) expect(opened).toEqual(bits.map(BigInt));
  });
});

describe("a party that deviates", () => {
  it("changes an output share: putting it together names the two that differ", async () => {
    const shares = await atThreeParties(async (engine) =>
      engine.outputShare(await shareOf(engine, [7, 8, 9])),
    );
    expect(revealed(shares)).toEqual([7, 8, 9]);
    shares.forEach((share, party) => {
      for (let byte = 0; byte < share.length; byte++) {
        const changed = shares.map((s) => s.slice());
        changed[party]![byte]! ^= 1;
        expect(() => combineReplicated(new Field(), changed)).toThrow(InconsistentSharesError);
        const other = byte < share.length / 2 ? (party + 2) % 3 : (party + 1) % 3;
        const names = new RegExp(`evaluators (${party} and ${other}|${other} and ${party}) `);
        expect(() => combineReplicated(new Field(), changed)).toThrow(names);
      }
    });
  });

  it("sends a value outside the field: an error of the channel, naming it", async () => {
    const failed = atThreeParties(async (engine, party) => {
      const x = engine.constant([1]);
      if (party === 1) {
        // The element p is 0 in disguise; no engine ever makes it.
        const [component] = x.components;
        engine.field.setBytes(component!, new Uint8Array(BigUint64Array.of(P).buffer));
      }
      return engine.open(x);
    });
    await expect(failed).rejects.toThrow(ChannelError);
    await expect(failed).rejects.toThrow("evaluator-1 sent a value outside the field");
  });

  it("reveals another coin than it has fixed: every other party notices", async () => {
    const outcome = await tossWithCheat(0);
    expect(outcome[0]).toBeInstanceOf(AbortError);
    expect(outcome[1]).toBeInstanceOf(AbortError);
    expect(String(outcome[0])).toContain("evaluator 2 revealed a coin that it had not fixed");
  });

  it("has another transcript: every other party notices", async () => {
    expect(String((await tossWithCheat(32))[1])).toContain("evaluators 1 and 2 saw different");
  });

  /** A byte of party 2's message is changed on its way; what the tosses of 0 and 1 end with. */
  async function tossWithCheat(byte: number): Promise<unknown[]> {
    const parties = await Parties.start("replicated", ({ from, tag, payload }) => {
      if (from !== 2 || kindOf(tag) !== "coin") return;
      payload[byte]! ^= 1;
      return payload;
    });
    const tosses = parties.engines.map((engine) => engine.coin().catch((error: unknown) => error));
    const outcome = await Promise.all(tosses.slice(0, 2));
    parties.close();
    await Promise.all(tosses);
    return outcome;
  }
});

it("public vectors of any elements come back through output shares", async () => {
  const elements = [0n, 1n, P - 1n, P >> 1n];
  const shares = await atThreeParties(async (engine) =>
    engine.outputShare(engine.fromPublic(publicVector(engine.field, elements))),
  );
  const field = new Field();
  expect(bigintsOf(field.toBytes(combineReplicated(field, shares)))).toEqual(elements);
});
