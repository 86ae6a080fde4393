// The masked descent, on both engines, against the definition of the weighted quantile: x = max { x
// : N(x) >= T } with N(x) the total weight of keys >= x, the weights on it and above it, for
// several targets side by side.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ComparisonPool } from "./comparison.ts";
import { descend } from "./descent.ts";
import { digitGates, digitWidths, drawMasks, prepareDescents } from "./descent-material.ts";
import type { Engine } from "./engine.ts";
import { costOf, ENGINE_KINDS, Parties, shareOf } from "./engines.test-helper.ts";
import { atThreeParties } from "./parties.test-helper.ts";
import type { Secret } from "./shared.ts";

interface Target {
  readonly target: number;
  readonly units: number | null;
}

interface Case {
  readonly levels: number;
  readonly keys: readonly number[];
  readonly weights: readonly number[];
  readonly targets: readonly Target[];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** What the definition says, by trying every x. */
function quantile({ levels, keys, weights }: Case, target: number) {
  const weightFrom = (x: number) => sum(weights.filter((_, i) => keys[i]! >= x));
  let x = 2 ** levels - 1;
  while (x > 0 && weightFrom(x) < target) x--;
  return {
    x,
    above: weightFrom(x + 1),
    onPerKey: weights.map((weight, i) => (keys[i] === x ? weight : 0)),
    abovePerKey: weights.map((weight, i) => (keys[i]! > x ? weight : 0)),
  };
}

const cases: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 25 }))
  .chain(([levels, count]) => {
    const last = 2 ** levels - 1;
    const key = fc.oneof(fc.nat(last), fc.constantFrom(0, last), fc.nat(Math.min(last, 2)));
    const weight = fc.oneof(fc.nat(9), fc.constantFrom(0, 2 ** 24 - 1), fc.nat(2 ** 24 - 1));
    const listOf = (of: fc.Arbitrary<number>) =>
      fc.array(of, { minLength: count, maxLength: count });
    return fc.tuple(listOf(key), listOf(weight)).chain(([keys, weights]) => {
      const total = sum(weights);
      const partial = fc.nat(count).map((end) => sum(weights.slice(0, end)));
      const target = fc.oneof(
        fc.nat(total + 1),
        fc.constantFrom(0, 1, total, total + 1),
        partial,
        partial.map((value) => value + 1),
      );
      const units = fc.constantFrom(null, 1, 1024);
      return fc
        .array(fc.record({ target, units }), { minLength: 1, maxLength: 3 })
        .map((targets) => ({ levels, keys, weights, targets }));
    });
  });

/** The keys' bits, most significant first. */
const bitColumns = ({ keys, levels }: Case) =>
  Array.from({ length: levels }, (_, j) => keys.map((key) => (key >> (levels - 1 - j)) & 1));

async function prepare(engine: Engine, given: Case, keyBits: Secret[], weight: Secret) {
  const masks = await drawMasks(engine, given.targets.length, given.levels);
  const gates = masks[0]!.digits.map((_, digit) => digitGates(engine, digit, masks));
  const pool = await ComparisonPool.prepare(engine, engine.concat(gates));
  return { pool, material: await prepareDescents(engine, masks, keyBits, weight) };
}

describe.each(ENGINE_KINDS)("descents on the %s engine", (kind) => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start(kind);
  });
  afterAll(() => parties.close());

  async function expectQuantiles(given: Case): Promise<void> {
    const { keys, weights, targets, levels } = given;
    const results = await parties.reveal(async (engine) => {
      const keyBits: Secret[] = [];
      for (const column of bitColumns(given)) keyBits.push(await shareOf(engine, column));
      const weight = await shareOf(engine, weights);
      const { pool, material } = await prepare(engine, given, keyBits, weight);
      const descents = [];
      for (const [index, { target, units }] of targets.entries()) {
        const shared = await shareOf(engine, [target]);
        descents.push({ material: material[index]!, target: shared, keysInUnits: units });
      }
      const lines = await descend(engine, pool, weight, descents);
      expect(pool.left).toBe(0);
      const out = [];
      for (const { bits, above, on, keys: own } of lines) {
        expect(bits).toHaveLength(levels);
        // What callers ask for when there are no weights per key: zeros in their place.
        const nothing = engine.constant(new Uint8Array(keys.length));
        const aboveKeys = own === null ? nothing : await engine.mulSum(own.above);
        out.push(engine.concat([...bits]), above, on, own?.on ?? nothing, aboveKeys);
      }
      return out;
    });
    targets.forEach(({ target, units }, index) => {
      const [bits, above, on, onKeys, aboveKeys] = results
        .slice(5 * index, 5 * index + 5)
        .map((values) => values.map(Number));
      const expected = quantile(given, target);
      const x = bits!.reduce((value, bit) => 2 * value + bit, 0);
      const zeros = keys.map(() => 0);
      expect({ x, above, on, onKeys, aboveKeys }).toEqual({
        x: expected.x,
        above: [expected.above],
        on: [sum(expected.onPerKey)],
        onKeys: units === null ? zeros : expected.onPerKey,
        aboveKeys: units === null ? zeros : expected.abovePerKey.map((value) => value * units),
      });
    });
  }

  it("find the quantile, the weights on it and those above", async () => {
    const property = fc.asyncProperty(cases, expectQuantiles);
    await fc.assert(property, { numRuns: kind === "plain" ? 250 : 60 });
  });

  it("find every quantile of a small set, for every width of key", async () => {
    for (const levels of [1, 2, 3, 4, 5, 7, 17]) {
      const last = 2 ** levels - 1;
      const keys = [0, 1, last, last, Math.floor(last / 2), Math.ceil(last / 3)];
      const weights = [1, 2, 1, 0, 2, 1];
      const targets = Array.from({ length: 9 }, (_, target) => ({
        target,
        units: target % 2 || null,
      }));
      await expectQuantiles({ levels, keys, weights, targets });
    }
  });
});

it("digits have three bits, two in the end, and cover the key", () => {
  for (let levels = 1; levels <= 40; levels++) {
    const widths = digitWidths(levels);
    expect(sum(widths)).toBe(levels);
    expect(widths.every((width) => width >= 1 && width <= 3)).toBe(true);
    if (levels > 1) expect(widths.every((width) => width >= 2)).toBe(true);
  }
});

describe("costs at each of three parties", () => {
  /** Costs of a descent over `count` keys of `levels` bits. */
  async function costs(count: number, levels: number, units: readonly (number | null)[]) {
    const zeros = new Array<number>(count).fill(0);
    const targets = units.map((of) => ({ target: 1, units: of }));
    const given = { levels, keys: zeros, weights: zeros, targets };
    const seen = await atThreeParties(async (engine) => {
      const weight = engine.constant(zeros);
      const keyBits = bitColumns(given).map((column) => engine.constant(column));
      let prepared: Awaited<ReturnType<typeof prepare>> | undefined;
      const offline = await costOf(engine, async () => {
        prepared = await prepare(engine, given, keyBits, weight);
      });
      const descents = units.map((keysInUnits, index) => ({
        material: prepared!.material[index]!,
        target: engine.constant([1]),
        keysInUnits,
      }));
      const online = await costOf(engine, () => descend(engine, prepared!.pool, weight, descents));
      return { offline, online };
    });
    for (const one of seen) expect(one).toEqual(seen[0]);
    return seen[0]!;
  }

  it("of masks and of masking are as documented, for one descent or two", async () => {
    for (const descents of [1, 2]) {
      const seen = await atThreeParties(async (engine) => {
        const weight = engine.constant([1, 2]);
        const keyBits = Array.from({ length: 13 }, () => engine.constant([0, 1]));
        let masks: Awaited<ReturnType<typeof drawMasks>> = [];
        const drawing = await costOf(engine, async () => {
          masks = await drawMasks(engine, descents, 13);
        });
        const masking = await costOf(engine, () => prepareDescents(engine, masks, keyBits, weight));
        return [drawing.rounds, masking.rounds];
      });
      for (const rounds of seen) expect(rounds).toEqual([4, 13 + 1]);
    }
  });

  it.each([
    { levels: 13, units: [null, 1] },
    { levels: 13, units: [1] },
    { levels: 13, units: [null] },
    { levels: 5, units: [null, 1] },
  ])("of $levels bits, keeping $units, are as documented", async ({ levels, units }) => {
    const [few, many] = [await costs(10, levels, units), await costs(110, levels, units)];
    const widths = digitWidths(levels);
    const digits = widths.length;
    const keeps = units.some((of) => of !== null);
    expect(many.online.rounds).toBe(7 * digits - 2 - (keeps ? 0 : 1));
    const online = units.map((of) => (of === null ? digits - 2 : 2 * (digits - 1)));
    expect(many.online.elements - few.online.elements).toBe(100 * sum(online));
    const offline = sum(widths.map((width) => 2 ** width - 1)) + widths[0]!;
    expect(many.offline.elements - few.offline.elements).toBe(100 * units.length * offline);
  });
});
