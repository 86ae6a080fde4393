// How meters split their values and how results are put together: what goes in comes out, no two
// components tell anything, and shares that do not fit together are noticed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { mod, P } from "../field/reference.ts";
import {
  type CompressedShares,
  combineReplicated,
  expandRows,
  InconsistentSharesError,
  SEED_BYTES,
  splitRows,
} from "./replicated.ts";

const field = new Field();
const elementsOf = (v: Vector) => [...new BigUint64Array(field.toBytes(v).buffer)];
const bytesOf = (elements: readonly bigint[]) =>
  new Uint8Array(BigUint64Array.from(elements).buffer);

/** All three components in full. */
function components(shares: CompressedShares, width: number): bigint[][] {
  const length = shares.component2.length / 8;
  const expanded = [shares.seeds0, shares.seeds1].map((seeds) => {
    const v = field.alloc(length);
    expandRows(field, nodePrimitives, seeds, width, v);
    return elementsOf(v);
  });
  return [...expanded, [...new BigUint64Array(shares.component2.slice().buffer)]];
}

const rowsOf = fc
  .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 20 }))
  .chain(([count, half]) => {
    const length = count * 2 * half;
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((rows) => ({ rows, width: 2 * half, count }));
  });

describe("split rows", () => {
  it("add up to the values, in elements of the field", () => {
    const property = fc.property(rowsOf, ({ rows, width, count }) => {
      field.memory.reset();
      const shares = splitRows(field, nodePrimitives, rows, width);
      expect(shares.seeds0).toHaveLength(SEED_BYTES * count);
      expect(shares.seeds1).toHaveLength(SEED_BYTES * count);
      const [x0, x1, x2] = components(shares, width);
      expect([...x0!, ...x1!, ...x2!].every((x) => x < P)).toBe(true);
      const sums = x0!.map((x, i) => mod(x + x1![i]! + x2![i]!));
      expect(sums).toEqual([...rows].map(BigInt));
    });
    fc.assert(property, { numRuns: 150 });
  });

  it("stand alone: rows split apart can be joined", () => {
    const width = 6;
    const rows = [Uint8Array.of(1, 0, 1, 1, 0, 0), Uint8Array.of(0, 0, 1, 0, 0, 1)];
    const [first, second] = rows.map((row) => splitRows(field, nodePrimitives, row, width));
    const join = (part: (of: CompressedShares) => Uint8Array) =>
      Uint8Array.from([...part(first!), ...part(second!)]);
    const joined = {
      seeds0: join((of) => of.seeds0),
      seeds1: join((of) => of.seeds1),
      component2: join((of) => of.component2),
    };
    const [x0, x1, x2] = components(joined, width);
    const sums = x0!.map((x, i) => Number(mod(x + x1![i]! + x2![i]!)));
    expect(sums).toEqual([...rows[0]!, ...rows[1]!]);
  });

  it("differ every time, also for the same row", () => {
    const rows = new Uint8Array(40);
    const shares = splitRows(field, nodePrimitives, rows, 2);
    const all = components(shares, 2).flat();
    expect(new Set(all).size).toBe(all.length);
    const again = splitRows(field, nodePrimitives, rows, 2);
    expect(again.seeds0).not.toEqual(shares.seeds0);
    expect(again.component2).not.toEqual(shares.component2);
  });

  it("leave the field's memory as it was", () => {
    const before = field.memory.usedBytes;
    splitRows(field, nodePrimitives, new Uint8Array(100), 4);
    expect(field.memory.usedBytes).toBe(before);
  });
});

describe("combined output shares", () => {
  const triples = fc.integer({ min: 0, max: 6 }).chain((n) =>
    fc.array(fc.array(fc.bigInt({ min: 0n, max: P - 1n }), { minLength: n, maxLength: n }), {
      minLength: 3,
      maxLength: 3,
    }),
  );
  const sharesOf = (x: readonly (readonly bigint[])[]) =>
    [0, 1, 2].map((i) => bytesOf([...x[i]!, ...x[(i + 1) % 3]!]));

  it("are the sum of the components", () => {
    const property = fc.property(triples, (x) => {
      const expected = x[0]!.map((v, i) => mod(v + x[1]![i]! + x[2]![i]!));
      expect(elementsOf(combineReplicated(field, sharesOf(x)))).toEqual(expected);
    });
    fc.assert(property, { numRuns: 100 });
  });

  it("must agree in every bit", () => {
    const bit = fc.tuple(fc.nat(2), fc.nat(), fc.integer({ min: 0, max: 7 }));
    const property = fc.property(triples, bit, (x, [party, at, shift]) => {
      fc.pre(x[0]!.length > 0);
      const shares = sharesOf(x);
      shares[party]![at % shares[party]!.length]! ^= 1 << shift;
      expect(() => combineReplicated(field, shares)).toThrow(InconsistentSharesError);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it("must have one length", () => {
    const shares = sharesOf([
      [1n, 2n],
      [3n, 4n],
      [5n, 6n],
    ]);
    for (const party of [0, 1, 2]) {
      const short = shares.map((share, i) => (i === party ? share.subarray(0, 16) : share));
      expect(() => combineReplicated(field, short)).toThrow(InconsistentSharesError);
    }
  });
});
