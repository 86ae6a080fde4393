// Long reductions over the greatest elements: no lazy sum overflows, and lanes and halves join
// exactly.
import { describe, expect, it } from "vitest";
import { Field } from "./field.ts";
import type { Vector } from "./memory.ts";
import { mod, P } from "./reference.ts";

const LENGTH = 100_003;

const field = new Field();
const N = BigInt(LENGTH);

function constant(value: bigint): Vector {
  const v = field.alloc(LENGTH);
  field.setBytes(v, new Uint8Array(new BigUint64Array(LENGTH).fill(value).buffer));
  return v;
}

function one(run: (dst: Vector) => void): bigint {
  const dst = field.alloc(1);
  run(dst);
  return new BigUint64Array(field.toBytes(dst).buffer)[0]!;
}

// p - 1 fills the high limb, p - 2^31 the low one, 2^60 - 1 all but the topmost bit.
const tops = [P - 1n, P - 2n ** 31n, 2n ** 60n - 1n];

describe.each(tops)("100,003 elements %s", (x) => {
  it.each(tops)("with %s", (y) => {
    field.memory.reset();
    const [a, b] = [constant(x), constant(y)];
    expect(one((dst) => field.sum(dst, a))).toBe(mod(N * x));
    expect(one((dst) => field.blockSums(dst, a, LENGTH))).toBe(mod(N * x));
    expect(one((dst) => field.dot(dst, a, b))).toBe(mod(N * x * y));
    expect(one((dst) => field.crossDot(dst, a, a, b, b))).toBe(mod(N * 3n * x * y));
    expect(one((dst) => field.crossDot(dst, a, b, b, a))).toBe(mod(N * (x * (x + y) + y * y)));
    expect(one((dst) => field.combineRows(dst, a, b))).toBe(mod(N * x * y));
  });

  it("prefix sums", () => {
    field.memory.reset();
    const a = constant(x);
    field.prefixSums(a, a);
    const sums = new BigUint64Array(field.toBytes(a).buffer);
    expect(sums.every((sum, i) => sum === mod(BigInt(i + 1) * x))).toBe(true);
  });
});

it("vectors beyond 2 GiB, whose pages before them are never touched", () => {
  field.memory.reset();
  const before = field.alloc(2 ** 28);
  const [a, b, dst] = [field.alloc(5), field.alloc(5), field.alloc(1)];
  expect(a.offset).toBeGreaterThan(2 ** 31);
  field.setNumbers(a, [1, 2, 3, 4, -5]);
  field.fill(b, 7);
  field.mul(a, a, b);
  field.dot(dst, a, b);
  expect([...field.toNumbers(dst)]).toEqual([49 * 5]);
  const indices = field.memory.allocIndices(5);
  field.memory.indices(indices).set([3, 2, 1, 0, 0]);
  field.gather(b, a, indices);
  expect([...field.toNumbers(b)]).toEqual([28, 21, 14, 7, 7]);
  field.memory.free(before);
});
