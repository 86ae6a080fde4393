// Trees over the orders or readings that counted, for proofs: each made once, the last few are kept. One is made at a
// time.
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { assert } from "../../platform/assert.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import { type MerkleTree, merkleTree, orderLeaves } from "../../wire/merkle.ts";
import type { Agreed } from "../../wire/records.ts";

export class InclusionTrees {
  readonly #capacity: number;
  /** By root; the one used longest ago first. */
  readonly #trees = new Map<string, Promise<MerkleTree>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The tree of a set that was decided, whose names this evaluator keeps. */
  of({ root }: Agreed, names: () => Promise<readonly OrderEntry[]>): Promise<MerkleTree> {
    const tree = this.#trees.get(root) ?? this.#make(root, names);
    this.#trees.delete(root);
    this.#trees.set(root, tree);
    if (this.#trees.size > this.#capacity) {
      const [oldest] = this.#trees.keys();
      if (oldest !== undefined) this.#trees.delete(oldest);
    }
    return tree;
  }

  #make(root: string, names: () => Promise<readonly OrderEntry[]>): Promise<MerkleTree> {
    const made = this.#last.then(async () => {
      const tree = merkleTree(nodePrimitives, orderLeaves(await names()));
      assert(tree.root === root, "the names that are kept are those of the decision");
      return tree;
    });
    this.#last = made.catch(() => this.#trees.delete(root));
    return made;
  }
}
