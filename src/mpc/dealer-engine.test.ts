// What is particular to the dealer engine: costs are as documented, and whatever one evaluator changes, in a
// message, in
// its shares or in what the dealer told it, nobody else ever takes a wrong value for the right one.
import { describe, expect, it } from "vitest";
import { ChannelError } from "../channel/channel.ts";
import { ClientDealing } from "../client/dealer-orders.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { InvariantError } from "../platform/assert.ts";
import { nextTurn } from "../platform/turn.ts";
import { AbortError } from "./abort.ts";
import { type DealerAccess, joinDealing } from "./dealer-access.ts";
import { DealerEngine } from "./dealer-engine.ts";
import { DealerInProcess, startDealerEngines } from "./dealer-parties.test-helper.ts";
import { type Engine, mul } from "./engine.ts";
import { bigintsOf, costOf, shareOf } from "./engines.test-helper.ts";
import { kindOf, MESSAGE_KINDS, type MessageKind } from "./network.ts";
import { closePeers, type FrameWatch, meshedPeers } from "./parties.test-helper.ts";
import type { Secret } from "./shared.ts";
import { Shuffle } from "./shuffle.ts";

interface Change {
  readonly onFrame?: FrameWatch;
  readonly access?: (access: DealerAccess, party: number) => DealerAccess;
}

/** Runs `program` at every evaluator. One that fails closes its links, so that no other waits for it. */
async function atEvaluators<T>(
  count: number,
  program: (engine: DealerEngine, party: number) => Promise<T>,
  change: Change = {},
): Promise<PromiseSettledResult<T>[]> {
  const peers = meshedPeers(count, change.onFrame);
  const started = startDealerEngines(peers, change.access).catch((error: unknown) => {
    closePeers(peers);
    throw error;
  });
  const session = await started;
  const running = session.engines.map((engine, party) =>
    program(engine, party).finally(() => closePeers([peers[party]!])),
  );
  const results = await Promise.allSettled(running);
  session.close();
  return results;
}

async function valuesAt<T>(
  count: number,
  program: (engine: DealerEngine, party: number) => Promise<T>,
): Promise<T[]> {
  const results = await atEvaluators(count, async (engine, party) => {
    const value = await program(engine, party);
    // The others may still need this one's last message.
    await engine.coin();
    return value;
  });
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

const numbers = (engine: Engine, v: Parameters<Field["toNumbers"]>[0]) => [
  ...engine.field.toNumbers(v),
];

describe("costs", () => {
  const n = 100;
  const long = 1000;
  type Cost = [string, (e: Engine, x: Secret, y: Secret) => Promise<unknown>, number, number];
  const local: Cost[] = [
    ["constant", async (e) => e.constant([1, 2]), 0, 0],
    ["add", async (e, x) => e.add(x, x), 0, 0],
    ["sum", async (e, x) => e.sum(x), 0, 0],
    ["partial", async (e, x) => e.partial(x), 0, 0],
    ["reshare of what was a Secret", (e, x) => e.reshare(e.partial(x)), 0, 0],
    ["random", (e) => e.random(n), 0, 0],
    ["randomBits", (e) => e.randomBits(n), 0, 0],
    ["drawPermutation", (e) => e.drawPermutation(0, n), 0, 0],
  ];
  const costs: Cost[] = [
    ["a product", (e, x) => mul(e, x, x), 1, 2 * n],
    ["a product by one factor", (e, x) => mul(e, x, e.slice(x, 0, 1)), 1, 2 * n],
    ["a long product by one factor", (e, x, y) => mul(e, y, e.slice(x, 0, 1)), 1, long + 4],
    ["a product reshared", (e, x) => e.reshare(e.partialProducts([[x, x]])), 1, 2 * n],
    ["an inner product", (e, x) => e.reshare(e.partialDots([[x, x]])), 1, 2 * n],
    ["a product opened", (e, x) => e.open(e.partialProducts([[x, x]])), 2, 3 * n],
    ["open", (e, x) => e.open(x), 1, n],
    ["openVerified", (e, x) => e.openVerified(x), 7, n],
    [
      "openVerified twice",
      async (e, x) => [await e.openVerified(x), await e.openVerified(x)],
      11,
      2 * n,
    ],
    ["reveal", (e, x) => e.reveal([x]), 7, n],
    ["coin", (e) => e.coin(), 1, 0],
    ["side by side", (e, x) => Promise.all([mul(e, x, x), mul(e, x, x), e.open(x)]), 1, 5 * n],
    ["one after the other", async (e, x) => mul(e, await mul(e, x, x), x), 2, 4 * n],
  ];

  it.each([...local, ...costs])("%s", async (_, operation, rounds, elements) => {
    for (const parties of [2, 3]) {
      const seen = await valuesAt(parties, async (engine) => {
        const x = await shareOf(engine, new Array<number>(n).fill(5));
        const y = engine.tile(x, long / n);
        return costOf(engine, () => operation(engine, x, y));
      });
      for (const cost of seen) expect(cost).toEqual({ rounds, elements: elements * (parties - 1) });
    }
  });

  it("a pass of a shuffle", async () => {
    const seen = await valuesAt(3, async (engine) => {
      const x = await shareOf(engine, new Array<number>(n).fill(5));
      const by = await engine.drawPermutation(1, n);
      return costOf(engine, () => engine.permute([x, x], by, false));
    });
    const elements = [2 * n, 2 * 2 * n, 2 * n];
    seen.forEach((cost, party) => {
      expect(cost).toEqual({ rounds: 2, elements: elements[party] });
    });
  });
});

describe("Partials on their way", () => {
  it("are computed with as if they were there, and outlive what they were made from", async () => {
    const results = await valuesAt(2, async (engine) => {
      const x = await shareOf(engine, [3, 4, 5]);
      const y = await shareOf(engine, [10, 20, 30]);
      const product = engine.partialProducts([[x, y]]);
      engine.free(x, y);
      const twos = engine.constant([2, 2, 2]);
      const factors = engine.field.alloc(3);
      engine.field.setNumbers(factors, [1, 0, 2]);
      const sum = engine.add(engine.mulPublic(product, factors), engine.partial(twos));
      engine.field.fill(factors, 7);
      engine.field.free(factors);
      const part = engine.slice(sum, 1, 3);
      const both = engine.concat([part, engine.gather(sum, Uint32Array.of(0))]);
      engine.free(product, twos, sum, part);
      const kept = engine.scale(both, 3);
      engine.free(both);
      return [kept.length, ...numbers(engine, await engine.openVerified(kept))];
    });
    for (const values of results) expect(values).toEqual([3, 6, 3 * 302, 3 * 32]);
  });

  it("are no operands for Secrets", () =>
    valuesAt(2, async (engine) => {
      const x = await shareOf(engine, [1]);
      const mixed = () =>
        engine.add<unknown & Secret>(x, engine.partialProducts([[x, x]]) as never);
      expect(mixed).toThrow(InvariantError);
    }));
});

/** A little of everything; the right result is their sum, products of a shuffled vector, and inner products. */
async function computation(engine: DealerEngine): Promise<number[]> {
  const x = await shareOf(engine, [3, 4, 5, 6]);
  const y = await shareOf(engine, [5, 2, 1, 7]);
  const bits = await engine.randomBits(4);
  const notBits = engine.partialProducts([[bits, engine.addNumber(bits, -1)]]);
  engine.assertZero(notBits);
  const shuffle = await Shuffle.draw(engine, 4);
  const [moved] = await shuffle.forward(engine, [x]);
  const [back] = await shuffle.back(engine, [moved!]);
  const products = await mul(engine, back!, y);
  const dots = await engine.reshare(
    engine.partialDots([
      [x, y],
      [moved!, moved!],
    ]),
  );
  const all = engine.concat([products, dots]);
  const first = numbers(engine, await engine.openVerified(engine.sum(all)));
  return [...first, ...numbers(engine, await engine.openVerified(all))];
}
const RIGHT = [226, 15, 8, 5, 42, 70, 86];

describe("an evaluator that lies", () => {
  it("is honest otherwise: the computation gives what it should", async () => {
    for (const parties of [2, 3]) {
      for (const values of await valuesAt(parties, computation)) expect(values).toEqual(RIGHT);
    }
  });

  /** Changes frame number `at` of those that evaluator `liar` sends, to `victim` or to all. */
  function liesAt(at: number, liar: number, victim: number | null) {
    const seen = new Map<number, number>();
    const told: { kind: MessageKind | null } = { kind: null };
    const onFrame: FrameWatch = ({ from, to, tag, payload }) => {
      if (from !== liar) return;
      const count = seen.get(to) ?? 0;
      seen.set(to, count + 1);
      if (count !== at || (victim !== null && to !== victim)) return;
      told.kind = kindOf(tag);
      payload[0]! ^= 1;
      return payload;
    };
    return { onFrame, told };
  }

  it.each([
    [2, 0, null],
    [2, 1, null],
    [3, 0, null],
    [3, 2, null],
    [3, 1, 0],
    [3, 0, 2],
  ])(
    "of %i, evaluator %i, in any message, to %s: nobody accepts a wrong value",
    async (parties, liar, victim) => {
      const kinds = new Set<MessageKind>();
      let aborts = 0;
      for (let at = 0; ; at++) {
        const { onFrame, told } = liesAt(at, liar, victim);
        const results = await atEvaluators(parties, computation, { onFrame });
        if (told.kind === null) break;
        kinds.add(told.kind);
        const honest = results.filter((_, party) => party !== liar);
        for (const result of honest) {
          if (result.status === "fulfilled") expect(result.value).toEqual(RIGHT);
        }
        // Whoever was told something else does not go on.
        const [toldParty] = victim === null ? [(liar + 1) % parties] : [victim];
        expect(results[toldParty!]!.status, `message ${at}, ${told.kind}`).toBe("rejected");
        if (honest.some((of) => of.status === "rejected" && of.reason instanceof AbortError)) {
          aborts += 1;
        }
      }
      const expected = MESSAGE_KINDS.filter((kind) => kind !== "check");
      expect(kinds).toEqual(new Set(expected));
      expect(aborts).toBeGreaterThan(20);
    },
    60_000,
  );

  /** Opens a product without a check, then with one; the program's result is the former. */
  async function product(
    engine: DealerEngine,
    before: (x: Secret, party: number) => void,
    party: number,
  ) {
    const x = await shareOf(engine, [3, 4]);
    before(x, party);
    const z = await mul(engine, x, x);
    const unchecked = bigintsOf(engine.field.toBytes(await engine.open(z))).join();
    const error = await engine.openVerified(z).catch((reason: unknown) => reason);
    return { unchecked, aborted: error instanceof AbortError };
  }

  const plusOne = (engine: Engine, v: Secret["components"][number]) =>
    engine.field.addNumber(v.slice(0, 1), v.slice(0, 1), 1);

  it("changes its share: without the check the result would be wrong", async () => {
    const results = await atEvaluators(3, (engine, party) =>
      product(engine, (x) => party === 2 && plusOne(engine, x.components[0]!), party),
    );
    for (const result of results.slice(0, 2)) {
      expect(result).toMatchObject({
        status: "fulfilled",
        value: { unchecked: "16,16", aborted: true },
      });
    }
  });

  it("changes its authentication code: the right result is refused", async () => {
    const results = await atEvaluators(2, (engine, party) =>
      product(engine, (x) => party === 1 && plusOne(engine, x.components[1]!), party),
    );
    expect(results[0]).toMatchObject({ value: { unchecked: "9,16", aborted: true } });
  });

  it("changes what the dealer corrects: without the check the result would be wrong", async () => {
    // The corrections of triples: codes of a and b, then c.
    const access = (of: DealerAccess, party: number): DealerAccess => {
      if (party !== 0) return of;
      return {
        ...of,
        async corrections(kind) {
          const bytes = await of.corrections(kind);
          if (kind === "triples") bytes[2 * 8 * 8192]! ^= 1;
          return bytes;
        },
      };
    };
    const results = await atEvaluators(2, (engine, party) => product(engine, () => {}, party), {
      access,
    });
    const [, honest] = results;
    expect(honest).toMatchObject({ status: "fulfilled", value: { aborted: true } });
    expect(honest).toMatchObject({ value: { unchecked: expect.stringMatching(/^(8|10),16$/) } });
  });

  it("shows different opened values to two evaluators: they notice", async () => {
    const onFrame: FrameWatch = ({ from, to, tag, payload }) => {
      if (from !== 0 || to !== 2 || kindOf(tag) !== "multiplication") return;
      payload[0]! ^= 1;
      return payload;
    };
    const results = await atEvaluators(3, (engine, party) => product(engine, () => {}, party), {
      onFrame,
    });
    for (const party of [1, 2]) expect(results[party]).toMatchObject({ value: { aborted: true } });
  });

  it("has no part in another's output: what is sent to its owner says nothing without the mask", async () => {
    const sent = await valuesAt(2, async (engine) => {
      const zeros = engine.constant(new Uint8Array(20));
      return [await engine.reveal([zeros]), await engine.reveal([zeros])].flat();
    });
    const [first, second] = sent[0]!.map((bytes) => bigintsOf(bytes));
    expect(new Set([...first!, ...second!]).size).toBe(40);
    expect([...first!, ...second!].every((v) => v > 2n ** 40n)).toBe(true);
  });
});

describe("claims of zero", () => {
  it.each([
    [[0, 0, 0], true],
    [[0, 1, 0], false],
    [[0, -1, 1], false],
  ])("%j", async (values, holds) => {
    const results = await atEvaluators(2, async (engine) => {
      const x = await shareOf(engine, values);
      engine.assertZero(x);
      engine.assertZero(engine.partialProducts([[x, x]]));
      engine.free(x);
      const opened = numbers(engine, await engine.openVerified(engine.constant([1])));
      await engine.coin();
      return opened;
    });
    for (const result of results) {
      if (holds) expect(result).toMatchObject({ status: "fulfilled", value: [1] });
      else expect(result).toMatchObject({ status: "rejected", reason: expect.any(AbortError) });
    }
  });
});

it("a checkpoint checks what is pending when it is much, and forgets it", async () => {
  const used = await valuesAt(2, async (engine) => {
    const x = await engine.random(2 ** 16);
    const seen: number[] = [];
    for (let i = 0; i < 12; i++) {
      engine.free(await mul(engine, x, x));
      await engine.checkpoint();
      seen.push(engine.field.memory.usedBytes);
    }
    return seen;
  });
  // Twice 2^16 elements of 16 bytes are opened in each turn, which come to 2 MiB; 24 without an end.
  for (const seen of used) expect(Math.max(...seen)).toBeLessThan(12 * 2 ** 20);
});

describe("sessions", () => {
  it("one after the other in the same memory, each ended while the dealer still sends", async () => {
    const fields = [new Field(), new Field()];
    const dealer = new DealerInProcess();
    for (let turn = 0; turn < 3; turn++) {
      const peers = meshedPeers(2);
      const client = await ClientDealing.open(new Field(), dealer.call("operator"), 2);
      const opened = await Promise.all(
        peers.map(async (own, party) => {
          const access = await joinDealing(dealer.call({ evaluator: party }), client.id);
          const engine = await DealerEngine.start(
            fields[party]!,
            own,
            access,
            nodePrimitives,
            nextTurn,
          );
          const x = await shareOf(engine, new Array<number>(20_000).fill(turn));
          const sum = await engine.openVerified(engine.sum(await mul(engine, x, x)));
          const result = numbers(engine, sum);
          await engine.coin();
          // More than what is used is on its way.
          await engine.random(1);
          engine.end();
          return result;
        }),
      );
      expect(opened).toEqual([[20_000 * turn * turn], [20_000 * turn * turn]]);
      closePeers(peers);
    }
    dealer.close();
  });

  it("a dealer that ends is an error of its link, when more is needed", async () => {
    const peers = meshedPeers(2);
    const { engines, close } = await startDealerEngines(peers);
    const shared = await Promise.all(
      engines.map((engine) => shareOf(engine, new Array(40_000).fill(1))),
    );
    close();
    const [first, second] = engines.map((engine, party) =>
      mul(engine, shared[party]!, shared[party]!),
    );
    await expect(first).rejects.toThrow(ChannelError);
    closePeers(peers);
    await second!.catch(() => {});
  });
});
