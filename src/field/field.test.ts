// Every operation of Field against the bigint reference, on edge elements, odd lengths and aliased
// targets.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../platform/assert.ts";
import { Field } from "./field.ts";
import type { Vector } from "./memory.ts";
import { mod, P, reference } from "./reference.ts";

const field = new Field();

const edges = [0n, 1n, 2n, P - 1n, P - 2n, P >> 1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n];
const element = fc.oneof(
  fc.constantFrom(...edges, 2n ** 32n, 2n ** 60n, 2n ** 60n + 2n ** 31n - 1n, P - 2n ** 31n),
  fc.bigInt({ min: 0n, max: P - 1n }),
);
const word = fc.oneof(
  fc.constantFrom(0n, P - 1n, P, P + 1n, 2n ** 61n, 2n ** 62n - 1n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const length = fc.integer({ min: 0, max: 37 });

/** `count` lists of the same random length, of elements or raw words. */
function lists<Count extends number>(count: Count, of = element): fc.Arbitrary<bigint[][]> {
  return length.chain((n) =>
    fc.array(fc.array(of, { minLength: n, maxLength: n }), { minLength: count, maxLength: count }),
  );
}

function vector(values: readonly bigint[]): Vector {
  const v = field.alloc(values.length);
  field.setBytes(v, new Uint8Array(BigUint64Array.from(values).buffer));
  return v;
}

function values(v: Vector): bigint[] {
  return [...new BigUint64Array(field.toBytes(v).buffer)];
}

/** A vector between two guards, to show that a kernel writes nothing else. */
function guarded(contents: readonly bigint[]): { target: Vector; intact: () => boolean } {
  const guards = [123n, 456n, 789n, 12n];
  const all = vector([...guards, ...contents, ...guards]);
  const target = all.slice(4, 4 + contents.length);
  const intact = () => {
    const now = values(all);
    return [...now.slice(0, 4), ...now.slice(-4)].every((x, i) => x === guards[i % 4]);
  };
  return { target, intact };
}

/**
 * Runs `operation` into a fresh target, then over each input itself, and expects the same every
 * time.
 */
function expectEverywhere(
  inputs: readonly (readonly bigint[])[],
  expected: readonly bigint[],
  operation: (dst: Vector, ...inputs: Vector[]) => void,
): void {
  field.memory.reset();
  const { target, intact } = guarded(expected.map(() => 7n));
  operation(target, ...inputs.map(vector));
  expect(values(target)).toEqual(expected);
  expect(intact()).toBe(true);
  for (const [i, input] of inputs.entries()) {
    if (input.length !== expected.length) continue;
    const vectors = inputs.map(vector);
    operation(vectors[i]!, ...vectors);
    expect(values(vectors[i]!)).toEqual(expected);
  }
}

describe("elementwise operations", () => {
  it("add, sub and mul, also of a vector with itself", () => {
    fc.assert(
      fc.property(lists(2), ([a, b]) => {
        for (const name of ["add", "sub", "mul"] as const) {
          const run = (dst: Vector, x: Vector, y: Vector) => field[name](dst, x, y);
          expectEverywhere([a!, b!], reference[name](a!, b!), (dst, x, y) => run(dst, x!, y!));
          expectEverywhere([a!], reference[name](a!, a!), (dst, x) => run(dst, x!, x!));
        }
      }),
    );
  });

  it("add, sub and mul with a single element", () => {
    fc.assert(
      fc.property(lists(1), element, ([a], s) => {
        for (const name of ["add", "sub", "mul"] as const) {
          expectEverywhere([a!, [s]], reference[name](a!, [s]), (dst, x, y) =>
            field[name](dst, x!, y!),
          );
        }
      }),
    );
  });

  it("a single element that is part of the target", () => {
    field.memory.reset();
    const a = vector([5n, 6n, 7n, 8n, 9n, 10n, 11n]);
    field.mul(a, a, a.slice(1, 2));
    expect(values(a)).toEqual([30n, 36n, 42n, 48n, 54n, 60n, 66n]);
  });

  it("neg, scale and addNumber", () => {
    fc.assert(
      fc.property(lists(1), fc.maxSafeInteger(), ([a], k) => {
        expectEverywhere([a!], reference.neg(a!), (dst, x) => field.neg(dst, x!));
        expectEverywhere([a!], reference.scale(a!, k), (dst, x) => field.scale(dst, x!, k));
        expectEverywhere([a!], reference.addNumber(a!, k), (dst, x) => field.addNumber(dst, x!, k));
      }),
    );
  });

  it("multiplyAdd, also with a single element and of the target itself", () => {
    fc.assert(
      fc.property(lists(3), element, ([z, a, b], s) => {
        for (const factor of z!.length === 0 ? [b!] : [b!, [s]]) {
          field.memory.reset();
          const { target, intact } = guarded(z!);
          field.multiplyAdd(target, vector(a!), vector(factor));
          expect(values(target)).toEqual(reference.multiplyAdd(z!, a!, factor));
          expect(intact()).toBe(true);
        }
        const itself = vector(a!);
        field.multiplyAdd(itself, itself, itself);
        expect(values(itself)).toEqual(reference.multiplyAdd(a!, a!, a!));
      }),
    );
  });

  it("every pair of edge elements in every lane", () => {
    field.memory.reset();
    const a = edges.flatMap((x) => edges.map(() => x));
    const b = edges.flatMap(() => edges);
    const [x, y] = [vector(a), vector(b)];
    const dst = field.alloc(a.length);
    for (let shift = 0; shift < 4; shift++) {
      const [from, to] = [shift, a.length];
      const [p, q] = [x.slice(from, to), y.slice(from, to)];
      field.mul(dst.slice(from, to), p, q);
      expect(values(dst.slice(from, to))).toEqual(reference.mul(a.slice(from), b.slice(from)));
    }
  });
});

describe("reductions and movement", () => {
  it("sum, dot and prefixSums", () => {
    fc.assert(
      fc.property(lists(2), ([a, b]) => {
        expectEverywhere([a!], [reference.sum(a!)], (dst, x) => field.sum(dst, x!));
        expectEverywhere([a!, b!], [reference.dot(a!, b!)], (dst, x, y) => field.dot(dst, x!, y!));
        expectEverywhere([a!], reference.prefixSums(a!), (dst, x) => field.prefixSums(dst, x!));
      }),
    );
  });

  it("blockSums for every block length", () => {
    fc.assert(
      fc.property(lists(1), fc.integer({ min: 1, max: 40 }), ([a], blockLength) => {
        const expected = reference.blockSums(a!, blockLength);
        expectEverywhere([a!], expected, (dst, x) => field.blockSums(dst, x!, blockLength));
      }),
    );
  });

  it("gather", () => {
    const source = fc.array(element, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(source, fc.array(fc.nat()), (a, random) => {
        field.memory.reset();
        const indices = field.memory.allocIndices(random.length);
        const chosen = random.map((x) => x % a.length);
        const from = vector(a);
        const { target, intact } = guarded(chosen.map(() => 7n));
        field.memory.indices(indices).set(chosen);
        field.gather(target, from, indices);
        expect(values(target)).toEqual(reference.gather(a, chosen));
        expect(intact()).toBe(true);
      }),
    );
  });

  it("scatter undoes gather, and refuses an index beyond the target", () => {
    const permuted = fc
      .array(element, { minLength: 1, maxLength: 30 })
      .chain((a) =>
        fc.tuple(fc.constant(a), fc.shuffledSubarray([...a.keys()], { minLength: a.length })),
      );
    fc.assert(
      fc.property(permuted, ([a, order]) => {
        field.memory.reset();
        const indices = field.memory.allocIndices(a.length);
        field.memory.indices(indices).set(order);
        const { target, intact } = guarded(a);
        field.scatter(target, vector(reference.gather(a, order)), indices);
        expect(values(target)).toEqual(a);
        expect(intact()).toBe(true);
        field.memory.indices(indices)[a.length - 1] = a.length;
        expect(() => field.scatter(target, vector(a), indices)).toThrow(InvariantError);
      }),
    );
  });

  it("gather refuses an index beyond the source, wherever it stands", () => {
    field.memory.reset();
    const a = vector([1n, 2n, 3n]);
    const indices = field.memory.allocIndices(9);
    const dst = field.alloc(9);
    for (let i = 0; i < 9; i++) {
      const view = field.memory.indices(indices);
      view.fill(2);
      field.gather(dst, a, indices);
      field.memory.indices(indices)[i] = i === 4 ? 2 ** 32 - 1 : 3;
      expect(() => field.gather(dst, a, indices)).toThrow(InvariantError);
    }
  });

  it("copy, column and combineRows", () => {
    const shape = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 20 }));
    const rowsOf = shape.chain(([n, m]) => {
      const list = (size: number) => fc.array(element, { minLength: size, maxLength: size });
      return fc.tuple(fc.constant(n), list(n * m), list(m));
    });
    fc.assert(
      fc.property(rowsOf, fc.nat(), ([n, rows, c], random) => {
        const m = c.length;
        const j = random % m;
        expectEverywhere([rows], rows, (dst, x) => field.copy(dst, x!));
        const combined = reference.combineRows(rows, c, n);
        field.memory.reset();
        const [x, k] = [vector(rows), vector(c)];
        const { target, intact } = guarded(combined.map(() => 7n));
        field.combineRows(target, x, k);
        expect(values(target)).toEqual(combined);
        field.column(target, x, m, j);
        expect(values(target)).toEqual(reference.column(rows, m, j));
        expect(intact()).toBe(true);
      }),
    );
  });
});

describe("replicated sharing", () => {
  it("crossSet, crossAdd and crossDot", () => {
    fc.assert(
      fc.property(lists(5), ([z, x0, x1, y0, y1]) => {
        const product = reference.cross(x0!, x1!, y0!, y1!);
        expectEverywhere([x0!, x1!, y0!, y1!], product, (dst, a, b, c, d) =>
          field.crossSet(dst, a!, b!, c!, d!),
        );
        const { target, intact } = guarded(z!);
        field.crossAdd(target, vector(x0!), vector(x1!), vector(y0!), vector(y1!));
        expect(values(target)).toEqual(reference.add(z!, product));
        expect(intact()).toBe(true);
        expectEverywhere([x0!, x1!, y0!, y1!], [reference.sum(product)], (dst, a, b, c, d) =>
          field.crossDot(dst, a!, b!, c!, d!),
        );
      }),
    );
  });

  it("crossSet and crossAdd with a single second factor", () => {
    fc.assert(
      fc.property(lists(3), element, element, ([z, x0, x1], y0, y1) => {
        const product = reference.cross(x0!, x1!, [y0], [y1]);
        expectEverywhere([x0!, x1!, [y0], [y1]], product, (dst, a, b, c, d) =>
          field.crossSet(dst, a!, b!, c!, d!),
        );
        const target = vector(z!);
        field.crossAdd(target, vector(x0!), vector(x1!), vector([y0]), vector([y1]));
        expect(values(target)).toEqual(reference.add(z!, product));
      }),
    );
  });

  it("maskPrg and addZeroShare on raw words", () => {
    const input = length.chain((n) => {
      const list = (of: fc.Arbitrary<bigint>) => fc.array(of, { minLength: n, maxLength: n });
      return fc.tuple(list(element), list(word), list(word));
    });
    fc.assert(
      fc.property(input, ([z, a, b]) => {
        field.memory.reset();
        const masked = guarded(a);
        field.maskPrg(masked.target);
        expect(values(masked.target)).toEqual(reference.maskPrg(a));
        expect(masked.intact()).toBe(true);
        const shared = guarded(z);
        field.addZeroShare(shared.target, vector(a), vector(b));
        expect(values(shared.target)).toEqual(reference.addZeroShare(z, a, b));
        expect(shared.intact()).toBe(true);
      }),
    );
  });

  it("the greatest elements everywhere, at every length up to 40", () => {
    for (let n = 0; n <= 40; n++) {
      const top = new Array<bigint>(n).fill(P - 1n);
      const product = reference.cross(top, top, top, top);
      field.memory.reset();
      const [x, z, one] = [vector(top), vector(top), field.alloc(1)];
      field.crossAdd(z, x, x, x, x);
      expect(values(z)).toEqual(product.map((w) => mod(w + P - 1n)));
      field.crossDot(one, x, x, x, x);
      expect(values(one)).toEqual([reference.sum(product)]);
    }
  });
});
