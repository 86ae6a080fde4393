// Data in and out of a field: numbers, bytes in pieces, and the test for canonical elements; and
// what Field refuses.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../platform/assert.ts";
import { Field } from "./field.ts";
import { mod, P } from "./reference.ts";

const field = new Field();

function elements(v: ReturnType<Field["alloc"]>): bigint[] {
  return [...new BigUint64Array(field.toBytes(v).buffer)];
}

describe("numbers", () => {
  const safe = fc.oneof(
    fc.constantFrom(0, -0, 1, -1, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, 1 - 2 ** 53),
    fc.maxSafeInteger(),
  );

  it("setNumbers takes safe integers of either sign mod p", () => {
    fc.assert(
      fc.property(fc.array(safe), (numbers) => {
        field.memory.reset();
        const v = field.alloc(numbers.length);
        field.setNumbers(v, numbers);
        expect(elements(v)).toEqual(numbers.map((x) => mod(BigInt(x))));
        expect(field.isCanonical(v)).toBe(true);
      }),
    );
  });

  it("toNumbers returns what setNumbers was given", () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), (numbers) => {
        field.memory.reset();
        const v = field.alloc(numbers.length);
        field.setNumbers(v, numbers);
        expect([...field.toNumbers(v)]).toEqual(numbers);
      }),
    );
  });

  it("toNumbers refuses elements from 2^53 on", () => {
    field.memory.reset();
    const v = field.alloc(3);
    field.setNumbers(v, [0, 2 ** 53 - 1, -1]);
    expect(() => field.toNumbers(v)).toThrow(InvariantError);
    field.setBytes(v, new Uint8Array(BigUint64Array.of(0n, 2n ** 53n, 0n).buffer));
    expect(() => field.toNumbers(v)).toThrow(InvariantError);
  });

  it("nonZero marks every element that is not 0, whichever half of it", () => {
    field.memory.reset();
    const v = field.alloc(5);
    const bytes = new Uint8Array(BigUint64Array.of(0n, 1n, 2n ** 32n, P - 1n, 0n).buffer);
    field.setBytes(v, bytes);
    expect([...field.nonZero(v)]).toEqual([0, 1, 1, 1, 0]);
    expect([...field.nonZero(v.slice(2, 5))]).toEqual([1, 1, 0]);
  });

  it("fill writes every element and nothing else", () => {
    for (let n = 0; n < 9; n++) {
      field.memory.reset();
      const v = field.alloc(n + 2);
      field.fill(v, 5);
      field.fill(v.slice(1, n + 1), 2 ** 53 - 1);
      const inner = new Array<number>(n).fill(2 ** 53 - 1);
      expect([...field.toNumbers(v)]).toEqual([5, ...inner, 5]);
    }
  });

  it("refuses fractions, unsafe integers and, in fill, negative numbers", () => {
    const v = field.alloc(1);
    for (const bad of [0.5, 2 ** 53, -(2 ** 53), Number.NaN, Infinity]) {
      expect(() => field.setNumbers(v, [bad])).toThrow(InvariantError);
      expect(() => field.scale(v, v, bad)).toThrow(InvariantError);
    }
    expect(() => field.fill(v, -1)).toThrow(InvariantError);
  });
});

describe("bytes", () => {
  it("arrive in pieces of any size", () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), fc.array(fc.nat({ max: 20 })), (numbers, cuts) => {
        field.memory.reset();
        const [from, to] = [field.alloc(numbers.length), field.alloc(numbers.length)];
        field.setNumbers(from, numbers);
        const bytes = field.toBytes(from);
        let at = 0;
        for (const size of [...cuts, bytes.length]) {
          const piece = bytes.subarray(at, at + size);
          field.setBytesAt(to, piece, at);
          at += piece.length;
        }
        expect([...field.toNumbers(to)]).toEqual(numbers);
      }),
    );
  });

  it("setBytes writes from an element on, and never beyond the vector", () => {
    const v = field.alloc(4);
    field.fill(v, 1);
    field.setBytes(v, new Uint8Array(16), 1);
    expect([...field.toNumbers(v)]).toEqual([1, 0, 0, 1]);
    expect(() => field.setBytes(v, new Uint8Array(16), 3)).toThrow(InvariantError);
    expect(() => field.setBytes(v, new Uint8Array(7))).toThrow(InvariantError);
    expect(() => field.setBytesAt(v, new Uint8Array(1), -1)).toThrow(InvariantError);
  });

  it("isCanonical finds one word from p on, wherever it stands", () => {
    for (const word of [P, P + 1n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n]) {
      for (let n = 1; n < 8; n++) {
        for (let at = 0; at < n; at++) {
          const words = new BigUint64Array(n).fill(P - 1n);
          const v = field.alloc(n);
          field.setBytes(v, new Uint8Array(words.buffer));
          expect(field.isCanonical(v)).toBe(true);
          words[at] = word;
          field.setBytes(v, new Uint8Array(words.buffer));
          expect(field.isCanonical(v)).toBe(false);
        }
      }
    }
  });
});

describe("lengths that do not fit", () => {
  it("are refused by every method that takes several vectors", () => {
    field.memory.reset();
    const [a, b, one] = [field.alloc(3), field.alloc(2), field.alloc(1)];
    for (const v of [a, b, one]) field.fill(v, 1);
    const indices = field.memory.allocIndices(2);
    const calls = [
      () => field.add(a, a, b),
      () => field.sub(a, b, a),
      () => field.mul(b, a, a),
      () => field.neg(a, b),
      () => field.scale(a, b, 1),
      () => field.addNumber(a, b, 1),
      () => field.multiplyAdd(a, a, b),
      () => field.copy(a, b),
      () => field.sum(b, a),
      () => field.prefixSums(a, b),
      () => field.blockSums(b, a, 1),
      () => field.blockSums(a, a, 0),
      () => field.dot(one, a, b),
      () => field.dot(a, a, a),
      () => field.gather(a, a, indices),
      () => field.crossSet(a, a, a, b, b),
      () => field.crossAdd(a, a, b, a, a),
      () => field.crossSet(a, a, a, a, one),
      () => field.crossDot(one, a, a, one, one),
      () => field.crossDot(a, a, a, a, a),
      () => field.addZeroShare(a, a, b),
      () => field.combineRows(b, a, b),
      () => field.column(one, a, 3, 3),
      () => field.column(one, a, 2, 0),
      () => field.setNumbers(a, [1]),
    ];
    for (const call of calls) expect(call, call.toString()).toThrow(InvariantError);
  });
});
