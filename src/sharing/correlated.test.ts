// Correlated randomness: three parties that hold neighbouring keys draw what fits together, in any
// mixture of draws, and never the same twice.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { mod, P } from "../field/reference.ts";
import { InvariantError } from "../platform/assert.ts";
import { CorrelatedRandomness } from "./correlated.ts";

const field = new Field();
const elementsOf = (v: Vector) => [...new BigUint64Array(field.toBytes(v).buffer)];

/** The three parties of a session with fresh keys. */
function threeParties(): CorrelatedRandomness[] {
  const keys = [0, 1, 2].map(() => nodePrimitives.randomBytes(16));
  return [0, 1, 2].map(
    (i) => new CorrelatedRandomness(field, nodePrimitives, keys[i]!, keys[(i + 1) % 3]!),
  );
}

function zeroShare(party: CorrelatedRandomness, length: number): bigint[] {
  const z = field.alloc(length);
  field.fill(z, 0);
  party.addZeroShare(z);
  return elementsOf(z);
}

function randomPair(party: CorrelatedRandomness, length: number): [bigint[], bigint[]] {
  const [first, second] = [field.alloc(length), field.alloc(length)];
  party.randomComponents(first, second);
  return [elementsOf(first), elementsOf(second)];
}

type Draw = { readonly kind: "zero" | "random" | "bits"; readonly length: number };

const draw: fc.Arbitrary<Draw> = fc.record({
  kind: fc.constantFrom<Draw["kind"]>("zero", "random", "bits"),
  length: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(4096, 8191, 8192)),
});

describe("in any sequence of draws", () => {
  it("zero shares add up to zero, components and bits are held by both neighbours", () => {
    const property = fc.property(fc.array(draw, { maxLength: 12 }), (draws) => {
      field.memory.reset();
      const parties = threeParties();
      for (const { kind, length } of draws) {
        if (kind === "zero") {
          const shares = parties.map((party) => zeroShare(party, length));
          const sums = shares[0]!.map((x, i) => mod(x + shares[1]![i]! + shares[2]![i]!));
          expect(sums.every((sum) => sum === 0n)).toBe(true);
        } else if (kind === "random") {
          const pairs = parties.map((party) => randomPair(party, length));
          pairs.forEach(([, second], i) => {
            expect(second.join() === pairs[(i + 1) % 3]![0].join()).toBe(true);
            expect(second.every((x) => x < P)).toBe(true);
          });
        } else {
          const bits = parties.map((party) => party.commonBits(length));
          bits.forEach(({ shared }, i) => {
            expect(shared).toEqual(bits[(i + 1) % 3]!.own);
            expect(shared).toHaveLength(length);
            expect(shared.every((bit) => bit <= 1)).toBe(true);
          });
        }
      }
    });
    fc.assert(property, { numRuns: 60 });
  });

  it("a zero share is added to what is there", () => {
    const parties = threeParties();
    const sums = parties.map((party, i) => {
      const z = field.alloc(3);
      field.setNumbers(z, [1, 10 * i, -i]);
      party.addZeroShare(z);
      return elementsOf(z);
    });
    const total = [0, 1, 2].map((k) => mod(sums[0]![k]! + sums[1]![k]! + sums[2]![k]!));
    expect(total).toEqual([3n, 30n, mod(-3n)]);
  });
});

describe("every draw is new", () => {
  it("zero shares and components of one session never repeat", () => {
    field.memory.reset();
    const [party] = threeParties();
    const drawn: bigint[] = [];
    for (let i = 0; i < 6; i++) {
      drawn.push(...zeroShare(party!, 3000), ...randomPair(party!, 2000).flat());
    }
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it("bits of two draws differ", () => {
    const [party] = threeParties();
    expect(party!.commonBits(256).own).not.toEqual(party!.commonBits(256).own);
  });

  it("sessions with other keys draw other values", () => {
    const [first, second] = [threeParties()[0]!, threeParties()[0]!];
    expect(zeroShare(first, 4)).not.toEqual(zeroShare(second, 4));
  });
});

it("one draw is at most one buffer long", () => {
  const z = field.alloc(CorrelatedRandomness.maxLength + 1);
  const [party] = threeParties();
  expect(() => party!.addZeroShare(z)).toThrow(InvariantError);
});
