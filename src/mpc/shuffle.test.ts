// The oblivious shuffle: rows stay whole and go to uniformly random places, and come back; with malicious security
// whatever a party sends instead of what it should is noticed before anything is opened.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { P } from "../field/reference.ts";
import { nextTurn } from "../platform/turn.ts";
import { AbortError } from "./abort.ts";
import type { Engine, VerifiableEngine } from "./engine.ts";
import { bigintsOf, costOf, Parties, shareOf } from "./engines.test-helper.ts";
import { kindOf } from "./network.ts";
import { closePeers, type FrameWatch, meshedPeers, type SentFrame } from "./parties.test-helper.ts";
import { ReplicatedEngine } from "./replicated-engine.ts";
import { Shuffle } from "./shuffle.ts";
import { VerifiedEngine } from "./verified-engine.ts";

const opened = async (engine: Engine, column: Parameters<Engine["openVerified"]>[0]) =>
  bigintsOf(engine.field.toBytes(await engine.openVerified(column))).map(Number);

const settings = [
  { kind: "plain", verified: false },
  { kind: "replicated", verified: false },
  { kind: "replicated", verified: true },
  { kind: "shamir-3", verified: false },
  { kind: "shamir-3", verified: true },
  { kind: "shamir-5", verified: false },
  { kind: "dealer-2", verified: false },
] as const;

const secured = (engine: Engine, verified: boolean): Engine =>
  verified ? new VerifiedEngine(engine as VerifiableEngine, nodePrimitives) : engine;

describe.each(settings)("on the $kind engine, verified: $verified", ({ kind, verified }) => {
  it("rows move as a whole, and back to where they were", async () => {
    const parties = await Parties.start(kind);
    const table = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 }));
    const property = fc.asyncProperty(table, async ([width, count]) => {
      const cells = Array.from({ length: width }, (_, j) =>
        Array.from({ length: count }, (__, i) => (j === 0 ? i : (7 * i + j) % 5)),
      );
      const results = await parties.run(async (inner) => {
        const engine = secured(inner, verified);
        const columns = [];
        for (const cell of cells) columns.push(await shareOf(engine, cell));
        const shuffle = await Shuffle.draw(engine, count);
        const moved = await shuffle.forward(engine, columns);
        const back = await shuffle.back(engine, moved);
        const values = [];
        for (const column of [...moved, ...back]) values.push(await opened(engine, column));
        return values;
      });
      for (const values of results) {
        expect(values).toEqual(results[0]);
        const [ids, ...others] = values.slice(0, width);
        expect(ids!.toSorted((a, b) => a - b)).toEqual(cells[0]);
        others.forEach((column, j) => {
          expect(column).toEqual(ids!.map((i) => cells[j + 1]![i]));
        });
        expect(values.slice(width)).toEqual(cells);
      }
    });
    try {
      await fc.assert(property, { numRuns: kind === "plain" ? 40 : 10 });
    } finally {
      parties.close();
    }
  });

  it("every order of three rows comes equally often", async () => {
    const parties = await Parties.start(kind);
    const runs = kind === "plain" || kind === "replicated" ? 600 : 300;
    const seen = new Map<string, number>();
    try {
      const [orders] = await parties.run(async (inner) => {
        const engine = secured(inner, verified);
        const ids = await shareOf(engine, [0, 1, 2]);
        const orders = [];
        for (let run = 0; run < runs; run++) {
          const shuffle = await Shuffle.draw(engine, 3);
          const [moved] = await shuffle.forward(engine, [ids]);
          // Opened without another verification, to keep the test short.
          orders.push(bigintsOf(engine.field.toBytes(await inner.openVerified(moved!))).join());
        }
        return orders;
      });
      for (const order of orders!) seen.set(order, (seen.get(order) ?? 0) + 1);
    } finally {
      parties.close();
    }
    const expected = runs / 6;
    const counts = [...seen.values()];
    expect(counts).toHaveLength(6);
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // Five degrees of freedom: exceeded once in 10^9.
    expect(chiSquare).toBeLessThan(50);
  });

  it("a shuffle of no rows is none", async () => {
    const parties = await Parties.start(kind);
    try {
      await parties.run(async (inner) => {
        const engine = secured(inner, verified);
        const shuffle = await Shuffle.draw(engine, 0);
        const moved = await shuffle.forward(engine, [engine.constant([])]);
        const [back] = await shuffle.back(engine, moved);
        expect(await opened(engine, back!)).toEqual([]);
      });
    } finally {
      parties.close();
    }
  });
});

describe("lies of one evaluator", () => {
  const COUNT = 6;

  /** What each party opens after shuffling there and back, or why it does not. */
  async function outcomes(verified: boolean, onFrame?: FrameWatch) {
    const peers = meshedPeers(3, onFrame);
    try {
      return await Promise.allSettled(
        peers.map(async (own) => {
          try {
            const inner = await ReplicatedEngine.start(new Field(), own, nodePrimitives, nextTurn);
            const engine = secured(inner, verified);
            const columns = [
              await shareOf(
                engine,
                Array.from({ length: COUNT }, (_, i) => i),
              ),
              // Equal but for one row: exchanging two of them is a lie that changes no multiset of these.
              await shareOf(engine, [5, 5, 5, 5, 5, 9]),
            ];
            const shuffle = await Shuffle.draw(engine, COUNT);
            const moved = await shuffle.forward(engine, columns);
            const back = await shuffle.back(engine, moved);
            return [await opened(engine, back[0]!), await opened(engine, back[1]!)].join(" ");
          } catch (error) {
            closePeers([own]);
            throw error;
          }
        }),
      );
    } finally {
      closePeers(peers);
    }
  }

  /** Adds to elements of a frame. */
  const added = (payload: Uint8Array, changes: Readonly<Record<number, bigint>>): Uint8Array => {
    const elements = new BigUint64Array(payload.slice().buffer);
    for (const [at, change] of Object.entries(changes)) {
      elements[Number(at)] = (elements[Number(at)]! + change) % P;
    }
    return new Uint8Array(elements.buffer);
  };

  const LIES: Record<string, (payload: Uint8Array) => Uint8Array> = {
    "one element": (payload) => added(payload, { 2: 1n }),
    "two elements that cancel out": (payload) => added(payload, { 0: 1n, 1: P - 1n }),
    "two elements that would be exchanged if they were neighbours": (payload) =>
      added(payload, { 2: 1n, 3: P - 1n }),
    "all elements rotated": (payload) =>
      Uint8Array.from([...payload.slice(8), ...payload.slice(0, 8)]),
  };

  /** The n-th frame of the shuffle that a party sends is changed. */
  function lying(from: number, nth: number, lie: (payload: Uint8Array) => Uint8Array) {
    let count = 0;
    return (frame: SentFrame): Uint8Array | undefined => {
      if (frame.from !== from || kindOf(frame.tag) !== "shuffle") return undefined;
      return count++ === nth ? lie(frame.payload) : undefined;
    };
  }

  const honest = [Array.from({ length: COUNT }, (_, i) => i), [5, 5, 5, 5, 5, 9]].join(" ");

  // A party sends one seed, then 3 columns (the rows' tags among them) in each of 3 passes forward and 3 back.
  const places = [0, 1, 2].flatMap((from) =>
    Array.from({ length: 19 }, (_, nth) => ({ from, nth })),
  );

  it("are all noticed before anything is opened", async () => {
    expect(new Set((await outcomes(true)).map(outcomeOf))).toEqual(new Set([honest]));
    let rejected = 0;
    for (const { from, nth } of places) {
      for (const lie of Object.values(LIES)) {
        const results = await outcomes(true, lying(from, nth, lie));
        const values = results.map(outcomeOf).filter((value) => value !== undefined);
        expect(values, `evaluator ${from}, frame ${nth}`).toEqual([]);
        const reasons = results.map((result) => result.status === "rejected" && result.reason);
        if (reasons.some((reason) => reason instanceof AbortError)) rejected++;
      }
    }
    expect(rejected).toBe(places.length * Object.keys(LIES).length);
  }, 300_000);

  it("fool parties that do not verify", async () => {
    for (const from of [0, 1, 2]) {
      let fooled = 0;
      // One seed and twelve columns; what a party outside the next pass's group is told wrongly has no effect.
      for (let nth = 0; nth < 13; nth++) {
        const lie = lying(from, nth, LIES["one element"]!);
        const results = await outcomes(false, lie);
        const others = results.filter((_, party) => party !== from).map(outcomeOf);
        expect(others).not.toContain(undefined);
        if (others.some((value) => value !== honest)) fooled++;
      }
      expect(fooled).toBeGreaterThan(4);
    }
  });
});

const outcomeOf = (result: PromiseSettledResult<string>) =>
  result.status === "fulfilled" ? result.value : undefined;

it("rounds and elements are as documented", async () => {
  const parties = await Parties.start("replicated");
  try {
    const costs = await parties.run(async (inner) => {
      const all = [];
      for (const verified of [false, true]) {
        const engine = secured(inner, verified);
        const columns = [engine.constant(new Uint8Array(64)), engine.constant(new Uint8Array(64))];
        const draw = await costOf(engine, async () => Shuffle.draw(engine, 64));
        const shuffle = await Shuffle.draw(engine, 64);
        const forward = await costOf(engine, () => shuffle.forward(engine, columns));
        all.push({ draw, forward });
      }
      return all;
    });
    for (const [semiHonest, malicious] of costs) {
      expect(semiHonest!.draw).toEqual({ rounds: 1, elements: 0 });
      expect(semiHonest!.forward).toEqual({ rounds: 3, elements: 3 * 2 * 64 });
      // A column of tags more; a coin for four coefficients; products of 64 factors four times.
      expect(malicious!.forward).toEqual({
        rounds: 3 + 1 + 6,
        elements: 3 * 3 * 64 + 4 * 63,
      });
    }
  } finally {
    parties.close();
  }
});
