// Inverses and inverse square roots against their definitions, on random and extreme elements.
import fc from "fast-check";
import { expect, it } from "vitest";
import { Field } from "./field.ts";
import type { Vector } from "./memory.ts";
import { invert, invertRoots } from "./powers.ts";
import { mod, P } from "./reference.ts";

const field = new Field();
const element = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 4n, P - 1n, P - 2n, P >> 1n, 2n ** 60n),
  fc.bigInt({ min: 0n, max: P - 1n }),
);

/** What `operation` makes of the elements. */
function applied(
  values: readonly bigint[],
  operation: (field: Field, v: Vector) => void,
): bigint[] {
  const v = field.alloc(values.length);
  field.setBytes(v, new Uint8Array(BigUint64Array.from(values).buffer));
  operation(field, v);
  const result = [...new BigUint64Array(field.toBytes(v).buffer)];
  field.free(v);
  return result;
}

it("x times its inverse is 1, and 0 stays 0", () => {
  const property = fc.property(fc.array(element, { maxLength: 30 }), (values) => {
    applied(values, invert).forEach((inverse, i) => {
      expect(mod(inverse * values[i]!)).toBe(values[i] === 0n ? 0n : 1n);
    });
  });
  fc.assert(property);
});

it("a square times the square of its inverse root is 1; what is no square gives -1, and 0 gives 0", () => {
  const property = fc.property(fc.array(element, { maxLength: 30 }), (values) => {
    const squares = values.map((x) => mod(x * x));
    applied(squares, invertRoots).forEach((root, i) => {
      expect(mod(root * root * squares[i]!)).toBe(values[i] === 0n ? 0n : 1n);
    });
    // -1 is no square mod p, so neither is the negative of one.
    const others = squares.map((x) => mod(-x));
    applied(others, invertRoots).forEach((root, i) => {
      expect(mod(root * root * others[i]!)).toBe(values[i] === 0n ? 0n : P - 1n);
    });
  });
  fc.assert(property);
});

it.each([0, 1, 1023, 1024, 1025, 5000])(
  "vectors of %i elements, leaving no memory taken",
  (length) => {
    const values = Array.from({ length }, (_, i) => mod((BigInt(i) + 1n) ** 5n));
    const before = field.memory.usedBytes;
    const inverses = applied(values, invert);
    const roots = applied(
      values.map((x) => mod(x * x)),
      invertRoots,
    );
    expect(field.memory.usedBytes).toBe(before);
    expect(values.every((x, i) => mod(x * inverses[i]!) === 1n)).toBe(true);
    expect(values.every((x, i) => [1n, P - 1n].includes(mod(x * roots[i]!)))).toBe(true);
  },
);
