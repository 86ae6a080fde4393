// The set of orders that counts in a period as one hash, and proofs that an order is in it: the Merkle tree of RFC 9162
// (section 2.1) whose leaves are the orders' names, in order of meters. A million leaves take seconds, so there are
// typed arrays and no text per node.
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { toHex, writeHex } from "./hex.ts";
import type { Agreed } from "./records.ts";

type Hash = Pick<Primitives, "sha256">;

const METER_BYTES = 16;
const ORDER_BYTES = 32;
/** A leaf: the meter's id, then the order's. */
export const LEAF_BYTES = METER_BYTES + ORDER_BYTES;
const HASH_BYTES = 32;
/** Nodes are hashed with another first byte than leaves, so that none can pass for the other. */
const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;

export interface MerkleTree {
  /** 64 hexadecimal digits. */
  readonly root: string;
  /** The hashes that lead from the leaf at `index` to the root, 64 hexadecimal digits each. */
  path(index: number): string[];
}

/** The leaf of an order, from the meter's id and the order's (32 and 64 hexadecimal digits). */
export function orderLeaf(meter: string, orderId: string): Uint8Array<ArrayBuffer> {
  const leaf = new Uint8Array(LEAF_BYTES);
  writeLeaf(leaf, 0, meter, orderId);
  return leaf;
}

function writeLeaf(out: Uint8Array, at: number, meter: string, orderId: string): void {
  assert(meter.length === 2 * METER_BYTES, "a meter's id has 32 hexadecimal digits");
  assert(orderId.length === 2 * ORDER_BYTES, "an order's id has 64 hexadecimal digits");
  writeHex(meter, out, at);
  writeHex(orderId, out, at + METER_BYTES);
}

/** The tree's leaves, one after the other, of orders in their order. */
export function orderLeaves(
  entries: readonly { readonly meter: string; readonly orderId: string }[],
): Uint8Array<ArrayBuffer> {
  const leaves = new Uint8Array(entries.length * LEAF_BYTES);
  entries.forEach(({ meter, orderId }, i) => {
    writeLeaf(leaves, i * LEAF_BYTES, meter, orderId);
  });
  return leaves;
}

/** What evaluators sign of the set of orders that counts; `entries` in order of meters. */
export const agreedOf = (
  hash: Hash,
  entries: readonly { readonly meter: string; readonly orderId: string }[],
): Agreed => ({ count: entries.length, root: merkleRoot(hash, orderLeaves(entries)) });

/** The root of the tree over `leaves` (LEAF_BYTES each, one after the other): 64 hexadecimal digits. */
export const merkleRoot = (hash: Hash, leaves: Uint8Array): string => merkleTree(hash, leaves).root;

/** The hashes that prove the leaf at `index`, from the leaf's sibling up. For many proofs keep the tree. */
export const inclusionPath = (hash: Hash, leaves: Uint8Array, index: number): string[] =>
  merkleTree(hash, leaves).path(index);

/** The tree over `leaves` with all its nodes, 64 bytes per leaf. */
export function merkleTree({ sha256 }: Hash, leaves: Uint8Array): MerkleTree {
  assert(leaves.length % LEAF_BYTES === 0, "leaves are whole");
  const count = leaves.length / LEAF_BYTES;
  if (count === 0) {
    return { root: toHex(sha256(new Uint8Array())), path: () => outside(0) };
  }
  let level = hashAll(sha256, LEAF_PREFIX, leaves, LEAF_BYTES);
  const levels = [level];
  while (level.length > HASH_BYTES) {
    // The last node of an odd number has no sibling and moves up as it is.
    const odd = level.length % (2 * HASH_BYTES);
    const pairs = level.subarray(0, level.length - odd);
    const next = new Uint8Array(pairs.length / 2 + odd);
    next.set(hashAll(sha256, NODE_PREFIX, pairs, 2 * HASH_BYTES));
    next.set(level.subarray(pairs.length), pairs.length / 2);
    level = next;
    levels.push(level);
  }
  return {
    root: toHex(level),
    path: (index) => (index >= 0 && index < count ? pathIn(levels, index) : outside(count)),
  };
}

function outside(count: number): never {
  assert(false, `the tree has ${count} leaves`);
}

/** Hashes behind the prefix every `size` bytes. */
function hashAll(
  sha256: Hash["sha256"],
  prefix: number,
  inputs: Uint8Array,
  size: number,
): Uint8Array {
  const count = inputs.length / size;
  const hashes = new Uint8Array(count * HASH_BYTES);
  const input = new Uint8Array(1 + size);
  input[0] = prefix;
  for (let i = 0; i < count; i++) {
    input.set(inputs.subarray(i * size, (i + 1) * size), 1);
    hashes.set(sha256(input), i * HASH_BYTES);
  }
  return hashes;
}

function pathIn(levels: readonly Uint8Array[], index: number): string[] {
  const path: string[] = [];
  let at = index;
  for (const level of levels) {
    const sibling = (at ^ 1) * HASH_BYTES;
    if (level.length > HASH_BYTES && sibling < level.length) {
      path.push(toHex(level.subarray(sibling, sibling + HASH_BYTES)));
    }
    at >>>= 1;
  }
  return path;
}

/**
 * Whether `leaf` is the one at `index` of the `count` leaves of the tree with this root (RFC 9162, section 2.1.3.2).
 * `path` and `root` are hexadecimal digits as in records.ts; anything that does not fit is no proof.
 */
export function verifyInclusion(
  { sha256 }: Hash,
  leaf: Uint8Array,
  index: number,
  count: number,
  path: readonly string[],
  root: string,
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) return false;
  let hash = hashAll(sha256, LEAF_PREFIX, leaf, leaf.length);
  let at = index;
  let last = count - 1;
  const node = new Uint8Array(2 * HASH_BYTES);
  for (const sibling of path) {
    if (last === 0 || !/^[0-9a-f]{64}$/.test(sibling)) return false;
    const left = at % 2 === 1 || at === last;
    node.set(hash, left ? HASH_BYTES : 0);
    writeHex(sibling, node, left ? 0 : HASH_BYTES);
    hash = hashAll(sha256, NODE_PREFIX, node, node.length);
    if (left) {
      // A last node without a sibling has moved up.
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && toHex(hash) === root;
}
