// The tree of orders against the standard's recursive definition, and proofs against what was tampered with.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { fromHex, toHex } from "./hex.ts";
import {
  agreedOf,
  inclusionPath,
  LEAF_BYTES,
  merkleRoot,
  merkleTree,
  orderLeaf,
  verifyInclusion,
} from "./merkle.ts";

const sha = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** The largest power of two below n. */
const splitOf = (n: number) => 2 ** Math.floor(Math.log2(n - 1));

/** MTH of RFC 9162, 2.1.1. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return sha(Uint8Array.of(0), leaves[0]!);
  const k = splitOf(leaves.length);
  return sha(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** PATH of RFC 9162, 2.1.3.1. */
function naivePath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = splitOf(leaves.length);
  return index < k
    ? [...naivePath(index, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(index - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

const leavesOf = (count: number) =>
  Array.from({ length: count }, () => nodePrimitives.randomBytes(LEAF_BYTES));
const joined = (leaves: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(leaves));

describe("the tree of orders", () => {
  it("is the standard's for 0 to 70 leaves, with all proofs", () => {
    for (let count = 0; count <= 70; count++) {
      const leaves = leavesOf(count);
      const tree = merkleTree(nodePrimitives, joined(leaves));
      expect(tree.root).toBe(toHex(naiveRoot(leaves)));
      leaves.forEach((leaf, index) => {
        const path = tree.path(index);
        expect(path).toEqual(naivePath(index, leaves).map(toHex));
        expect(verifyInclusion(nodePrimitives, leaf, index, count, path, tree.root)).toBe(true);
      });
      expect(() => tree.path(count)).toThrow(`${count} leaves`);
    }
  });

  it("of nothing is the hash of nothing, of one order the hash of its leaf", () => {
    expect(merkleRoot(nodePrimitives, new Uint8Array())).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    const [meter, orderId] = ["0123456789abcdef".repeat(2), "fedcba9876543210".repeat(4)];
    const leaf = orderLeaf(meter, orderId);
    expect(leaf).toEqual(new Uint8Array([...fromHex(meter), ...fromHex(orderId)]));
    expect(agreedOf(nodePrimitives, [{ meter, orderId }])).toEqual({
      count: 1,
      root: toHex(sha(Uint8Array.of(0), leaf)),
    });
  });

  it("is made of whole names", () => {
    expect(() => orderLeaf("00", "00".repeat(32))).toThrow("32 hexadecimal digits");
    expect(() => merkleRoot(nodePrimitives, new Uint8Array(LEAF_BYTES + 1))).toThrow("whole");
  });

  it("of a hundred thousand orders is there in a blink", () => {
    const names = nodePrimitives.randomBytes(100_000 * LEAF_BYTES);
    const entries = Array.from({ length: 100_000 }, (_, i) => {
      const own = toHex(names.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES));
      return { meter: own.slice(0, 32), orderId: own.slice(32) };
    });
    const from = performance.now();
    const { root } = agreedOf(nodePrimitives, entries);
    // A tenth of what a million may take, on a machine that is busy with other tests.
    expect(performance.now() - from).toBeLessThan(3000);
    expect(root).toBe(merkleRoot(nodePrimitives, names));
  });
});

describe("a proof", () => {
  const anyPlace = fc
    .integer({ min: 2, max: 300 })
    .chain((count) =>
      fc.record({ count: fc.constant(count), index: fc.nat(count - 1), other: fc.nat(count - 1) }),
    );

  it("holds for its leaf, its place, its tree and nothing else", () => {
    fc.assert(
      fc.property(anyPlace, fc.nat(), ({ count, index, other }, choice) => {
        const leaves = leavesOf(count);
        const path = inclusionPath(nodePrimitives, joined(leaves), index);
        const root = merkleRoot(nodePrimitives, joined(leaves));
        const holds = (
          leaf = leaves[index]!,
          at = index,
          of = count,
          by: readonly string[] = path,
          to = root,
        ) => verifyInclusion(nodePrimitives, leaf, at, of, by, to);
        expect(holds()).toBe(true);
        if (other !== index) expect(holds(undefined, other)).toBe(false);
        expect(holds(leavesOf(1)[0])).toBe(false);
        const changed = leaves[index]!.with(0, leaves[index]![0]! ^ 1);
        expect(holds(changed)).toBe(false);
        const step = choice % path.length;
        expect(holds(undefined, undefined, undefined, path.with(step, root))).toBe(false);
        expect(holds(undefined, undefined, undefined, path.toSpliced(step, 1))).toBe(false);
        expect(holds(undefined, undefined, undefined, [...path, path[step]!])).toBe(false);
        const [first] = path;
        expect(holds(undefined, undefined, undefined, path, first)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("has numbers and hashes that can be", () => {
    const leaves = leavesOf(5);
    const path = inclusionPath(nodePrimitives, joined(leaves), 4);
    const root = merkleRoot(nodePrimitives, joined(leaves));
    const holds = (index: number, count: number, by: readonly string[]) =>
      verifyInclusion(nodePrimitives, leaves[4]!, index, count, by, root);
    expect(holds(4, 5, path)).toBe(true);
    expect([holds(-1, 5, path), holds(5, 5, path), holds(4.5, 5, path)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([holds(4, 0, path), holds(4, 5, ["x".repeat(64)]), holds(4, 5, [])]).toEqual([
      false,
      false,
      false,
    ]);
    // Not the leaf of a pair's node: leaves and nodes are hashed differently.
    const pair = joined(leaves.slice(0, 2).map((leaf) => sha(Uint8Array.of(0), leaf)));
    const [, ...above] = inclusionPath(nodePrimitives, joined(leaves), 0);
    expect(verifyInclusion(nodePrimitives, pair, 0, 3, above, root)).toBe(false);
  });
});
