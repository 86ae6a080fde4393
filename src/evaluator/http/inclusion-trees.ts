// Trees over the orders that counted, for proofs: made once per period, the last few are kept. One is made at a time.
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { assert } from "../../platform/assert.ts";
import type { EvaluatorStore } from "../../storage/evaluator-store.ts";
import { type MerkleTree, merkleTree, orderLeaves } from "../../wire/merkle.ts";
import type { Agreed } from "../../wire/records.ts";

export class InclusionTrees {
  readonly #store: Pick<EvaluatorStore, "agreedEntries">;
  readonly #capacity: number;
  /** By the start of their period; the one used longest ago first. */
  readonly #trees = new Map<number, Promise<MerkleTree>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Pick<EvaluatorStore, "agreedEntries">, capacity: number) {
    this.#store = store;
    this.#capacity = capacity;
  }

  /** The tree of a decided period, whose agreed set this evaluator keeps. */
  of(start: number, agreed: Agreed): Promise<MerkleTree> {
    const tree = this.#trees.get(start) ?? this.#make(start, agreed);
    this.#trees.delete(start);
    this.#trees.set(start, tree);
    if (this.#trees.size > this.#capacity) {
      const [oldest] = this.#trees.keys();
      if (oldest !== undefined) this.#trees.delete(oldest);
    }
    return tree;
  }

  #make(start: number, agreed: Agreed): Promise<MerkleTree> {
    const made = this.#last.then(async () => {
      const tree = merkleTree(nodePrimitives, orderLeaves(await this.#store.agreedEntries(start)));
      assert(tree.root === agreed.root, "the orders that are kept are those of the decision");
      return tree;
    });
    this.#last = made.catch(() => this.#trees.delete(start));
    return made;
  }
}
