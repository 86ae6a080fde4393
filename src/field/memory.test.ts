// The field memory: no two living vectors share bytes, freed ranges are reused and coalesce,
// misuse is caught.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assert, InvariantError } from "../platform/assert.ts";
import { FieldMemory, OutOfFieldMemory, type Vector } from "./memory.ts";

const MEBIBYTE = 2 ** 20;

type Step = { kind: "alloc"; length: number } | { kind: "free"; which: number };

// Few different lengths, so that freed ranges are asked for again.
const length = fc.oneof(fc.constantFrom(0, 1, 2, 4, 8, 64, 100), fc.nat({ max: 20_000 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  length.map((n): Step => ({ kind: "alloc", length: n })),
  fc.nat().map((which): Step => ({ kind: "free", which })),
);

/** The bytes a vector of n elements takes. */
function grains(n: number): number {
  return Math.max(16, Math.ceil(n / 2) * 16);
}

function expectDisjoint(vectors: readonly Vector[]): void {
  const sorted = vectors.toSorted((a, b) => a.offset - b.offset);
  let end = 1024;
  for (const v of sorted) {
    assert(v.offset % 16 === 0, "a vector is aligned");
    assert(v.offset >= end, "no vector begins within another");
    end = v.offset + grains(v.length);
  }
}

describe("alloc and free", () => {
  it("give disjoint aligned vectors in any order of calls, and count their bytes", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 160 }), (steps) => {
        const memory = new FieldMemory({ maxBytes: 64 * MEBIBYTE });
        const living: Vector[] = [];
        let [used, peak] = [0, 0];
        for (const now of steps) {
          if (now.kind === "alloc") {
            living.push(memory.alloc(now.length));
            used += grains(now.length);
            peak = Math.max(peak, used);
          } else if (living.length > 0) {
            const [gone] = living.splice(now.which % living.length, 1);
            memory.free(gone!);
            used -= grains(gone!.length);
          }
          expect(memory.usedBytes).toBe(used);
          expectDisjoint(living);
        }
        expect(memory.peakBytes).toBe(peak);
        for (const v of living) memory.free(v);
        // Everything coalesced again: the next vector stands at the beginning.
        expect(memory.alloc(50_000).offset).toBe(1024);
      }),
      { numRuns: 60 },
    );
  });

  it("reuses a freed range of the same length, and joins neighbours for a longer one", () => {
    const memory = new FieldMemory();
    const [a, b, c] = [memory.alloc(1000), memory.alloc(1000), memory.alloc(1000)];
    memory.alloc(1);
    memory.free(b);
    expect(memory.alloc(1000).offset).toBe(b.offset);
    memory.free(c);
    memory.free(a);
    const d = memory.alloc(1000);
    expect([a.offset, c.offset]).toContain(d.offset);
    memory.reset();
    const row = Array.from({ length: 4 }, () => memory.alloc(64));
    for (const i of [1, 3, 0, 2]) memory.free(row[i]!);
    expect(memory.alloc(256).offset).toBe(row[0]!.offset);
  });

  it("keeps the contents while growing, in fresh views", () => {
    const memory = new FieldMemory();
    const v = memory.alloc(2);
    memory.bytes(v).fill(7);
    const old = memory.bytes(v);
    memory.alloc(MEBIBYTE);
    expect(old.length).toBe(0);
    expect([...memory.bytes(v)]).toEqual(new Array(16).fill(7));
  });

  it("throws OutOfFieldMemory at its limit and goes on below it", () => {
    const memory = new FieldMemory({ maxBytes: 4 * MEBIBYTE });
    const v = memory.alloc(200_000);
    expect(() => memory.alloc(400_000)).toThrow(OutOfFieldMemory);
    expect(() => memory.alloc(2 ** 40)).toThrow(/field memory is full: .* limit is 4 MiB/);
    expect(memory.usedBytes).toBe(1_600_000);
    memory.free(v);
    expect(memory.alloc(500_000).length).toBe(500_000);
  });
});

describe("misuse", () => {
  const memory = new FieldMemory();

  it("a vector is freed once, in its memory, and never as a slice", () => {
    const v = memory.alloc(4);
    expect(() => memory.free(v.slice(0, 4))).toThrow(InvariantError);
    expect(() => new FieldMemory().free(v)).toThrow(InvariantError);
    memory.free(v);
    expect(() => memory.free(v)).toThrow(InvariantError);
    memory.alloc(4);
    expect(() => memory.free(v)).toThrow(InvariantError);
  });

  it("a vector from before a reset is void", () => {
    const v = memory.alloc(4);
    memory.reset();
    expect(memory.usedBytes).toBe(0);
    memory.alloc(4);
    expect(() => memory.free(v)).toThrow(InvariantError);
  });

  it("indices are freed once", () => {
    const indices = memory.allocIndices(5);
    expect(memory.indices(indices).length).toBe(5);
    memory.freeIndices(indices);
    expect(() => memory.freeIndices(indices)).toThrow(InvariantError);
  });

  it("lengths and slices that make no sense", () => {
    expect(() => memory.alloc(-1)).toThrow(InvariantError);
    expect(() => memory.alloc(1.5)).toThrow(InvariantError);
    const v = memory.alloc(4);
    for (const [from, to] of [
      [-1, 2],
      [0, 5],
      [3, 2],
      [0.5, 1],
    ]) {
      expect(() => v.slice(from!, to!)).toThrow(InvariantError);
    }
  });
});
