// Sorting secret rows, on all engines, against a stable sort in clear; and what is opened in between.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Engine, VerifiableEngine } from "./engine.ts";
import { bigintsOf, costOf, ENGINE_KINDS, Parties, shareOf } from "./engines.test-helper.ts";
import { prepareSort, radixWidths, sortElements, sortFalling } from "./radix-sort.ts";
import { VerifiedEngine } from "./verified-engine.ts";

/** The bits of all keys, most significant first. */
async function keyBitsOf(engine: Engine, keys: readonly number[], bits: number) {
  const columns = [];
  for (let j = bits - 1; j >= 0; j--) {
    columns.push(
      await shareOf(
        engine,
        keys.map((key) => (key >> j) & 1),
      ),
    );
  }
  return columns;
}

const opened = async (engine: Engine, column: Parameters<Engine["openVerified"]>[0]) =>
  bigintsOf(engine.field.toBytes(await engine.openVerified(column))).map(Number);

/** Keys, their numbers and a second column, sorted by an engine. */
async function sorted(engine: Engine, keys: readonly number[], bits: number) {
  const material = await prepareSort(engine, await keyBitsOf(engine, keys, bits));
  const ids = await shareOf(
    engine,
    keys.map((_, i) => i),
  );
  const squares = await shareOf(
    engine,
    keys.map((key) => key * key),
  );
  const rows = await sortFalling(engine, material, [ids, squares]);
  const values = [];
  for (const column of [rows.keys, ...rows.columns]) values.push(await opened(engine, column));
  return values;
}

function expected(keys: readonly number[]): number[][] {
  const order = keys.map((_, i) => i).sort((a, b) => keys[b]! - keys[a]!);
  return [order.map((i) => keys[i]!), order, order.map((i) => keys[i]! ** 2)];
}

const tables = (maxRows: number) =>
  fc.constantFrom(1, 2, 5, 6, 7, 10, 13, 17).chain((bits) =>
    fc.record({
      bits: fc.constant(bits),
      keys: fc.array(
        fc.oneof(
          fc.nat(2 ** bits - 1),
          fc.constantFrom(0, 2 ** bits - 1),
          fc.nat(Math.min(3, 2 ** bits - 1)),
        ),
        { minLength: 1, maxLength: maxRows },
      ),
    }),
  );

describe.each(ENGINE_KINDS)("on the %s engine", (kind) => {
  it("rows come in falling order, equal ones in the order they were in", async () => {
    const parties = await Parties.start(kind);
    const property = fc.asyncProperty(tables(60), async ({ bits, keys }) => {
      const results = await parties.run((engine) => sorted(engine, keys, bits));
      for (const values of results) expect(values).toEqual(expected(keys));
    });
    try {
      await fc.assert(property, { numRuns: kind === "plain" ? 150 : 12 });
    } finally {
      parties.close();
    }
  });
});

it("with malicious security too", async () => {
  const parties = await Parties.start("replicated");
  try {
    for (const { bits, keys } of fc.sample(tables(60), { numRuns: 6, seed: 5 })) {
      const results = await parties.run((inner) =>
        sorted(new VerifiedEngine(inner as VerifiableEngine, nodePrimitives), keys, bits),
      );
      for (const values of results) expect(values).toEqual(expected(keys));
    }
  } finally {
    parties.close();
  }
}, 120_000);

it("10,000 rows in clear", async () => {
  const parties = await Parties.start("plain");
  const keys = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 8192);
  const [values] = await parties.run((engine) => sorted(engine, keys, 13));
  expect(values!.join() === expected(keys).join()).toBe(true);
});

it("digits cover the key, the first of up to six bits, the others of up to four", () => {
  for (let bits = 1; bits <= 17; bits++) {
    const widths = radixWidths(bits);
    expect(widths.reduce((sum, width) => sum + width, 0)).toBe(bits);
    expect(widths[0]).toBe(Math.min(bits, 6));
    for (const width of widths.slice(1)) {
      expect(width).toBeGreaterThanOrEqual(1);
      expect(width).toBeLessThanOrEqual(4);
    }
  }
});

it("what is opened is every permutation equally often, whatever the keys are", async () => {
  const parties = await Parties.start("replicated");
  const runs = 300;
  try {
    for (const keys of [
      [1, 1, 1],
      [0, 2, 3],
      [3, 0, 0],
    ]) {
      const [orders] = await parties.run(async (engine) => {
        const seen: string[] = [];
        const open = engine.openVerified.bind(engine);
        engine.openVerified = async (a) => {
          const value = await open(a);
          seen.push(bigintsOf(engine.field.toBytes(value)).join());
          return value;
        };
        for (let run = 0; run < runs; run++) {
          const material = await prepareSort(engine, await keyBitsOf(engine, keys, 2));
          await sortFalling(engine, material, []);
        }
        engine.openVerified = open;
        return seen;
      });
      expect(orders).toHaveLength(runs);
      const counts = new Map<string, number>();
      for (const order of orders!) counts.set(order, (counts.get(order) ?? 0) + 1);
      expect(new Set(counts.keys())).toEqual(
        new Set(["0,1,2", "0,2,1", "1,0,2", "1,2,0", "2,0,1", "2,1,0"]),
      );
      const each = runs / 6;
      const chiSquare = [...counts.values()].reduce(
        (sum, count) => sum + (count - each) ** 2 / each,
        0,
      );
      // Five degrees of freedom: exceeded once in 10^9.
      expect(chiSquare).toBeLessThan(50);
    }
  } finally {
    parties.close();
  }
});

it("rounds and elements are as documented", async () => {
  const parties = await Parties.start("replicated");
  const count = 50;
  try {
    for (const { bits, rounds } of [
      { bits: 5, rounds: 5 },
      { bits: 13, rounds: 3 * 5 + 3 + 2 },
      { bits: 17, rounds: 4 * 5 + 3 + 3 + 2 },
    ]) {
      const costs = await parties.run(async (engine) => {
        const bit = () => engine.constant(new Uint8Array(count));
        const keyBits = Array.from({ length: bits }, bit);
        const material = await prepareSort(engine, keyBits);
        const columns = [bit(), bit()];
        return costOf(engine, () => sortFalling(engine, material, columns));
      });
      // And the opened position of each row per digit.
      const opening = count * radixWidths(bits).length;
      for (const cost of costs) {
        expect(cost).toEqual({ rounds, elements: count * sortElements(bits, 2, 3) + opening });
      }
    }
  } finally {
    parties.close();
  }
});
