// How the orders of a clearing are split among evaluators, and its results put together, by the clearing's setting.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { ELEMENT_BYTES } from "../field/prime.ts";
import type { Order } from "../market/order.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { combineReplicated } from "../sharing/replicated.ts";
import { combineShamir } from "../sharing/shamir.ts";
import { activeCount, type Setting } from "../wire/setting.ts";
import type { ClientDealing } from "./dealer-orders.ts";
import { shareOrders } from "./share-orders.ts";

export interface Sharing {
  /** Per evaluator, the bytes of these orders for each of its streams. Pieces are split one after the other. */
  split(orders: readonly Order[]): Promise<readonly (readonly Uint8Array[])[]>;
  /** What one evaluator sends of one element of a result. */
  readonly resultBytes: number;
  /** From how many evaluators' shares, of those that computed, a result can be put together. */
  readonly leastShares: number;
  /**
   * Puts a vector together from the shares of `evaluators`. The results of a clearing are put together in one order.
   * InconsistentSharesError when the shares do not fit together.
   */
  combine(evaluators: readonly number[], shares: readonly Uint8Array[]): Promise<Vector>;
}

/** `dealing` is the dealer's session for this clearing; null where there is no dealer. */
export function sharingOf(
  tools: { readonly field: Field; readonly primitives: Primitives },
  setting: Setting,
  layout: OrderLayout,
  dealing: ClientDealing | null,
): Sharing {
  const { field } = tools;
  const { engine, parties, threshold, security } = setting;
  if (engine === "dealer") {
    assert(dealing !== null, "the engine dealer needs a dealer");
    return dealtSharing(dealing, parties, layout);
  }
  const split = async (orders: readonly Order[]) =>
    shareOrders(tools, { engine, parties, threshold }, layout, orders);
  if (engine === "replicated") {
    return {
      split,
      resultBytes: 2 * ELEMENT_BYTES,
      leastShares: 3,
      combine: async (_, shares) => combineReplicated(field, shares),
    };
  }
  return {
    split,
    resultBytes: ELEMENT_BYTES,
    // More shares than the degree of their polynomial needs show whether one of them is wrong.
    leastShares: security === "malicious" ? activeCount(setting) : threshold + 1,
    combine: async (evaluators, shares) => {
      const points = evaluators.map((evaluator) => evaluator + 1);
      return combineShamir(field, points, threshold, shares);
    },
  };
}

/** All evaluators receive the same bytes, under masks of the dealer's, and send the same. */
function dealtSharing(dealing: ClientDealing, parties: number, layout: OrderLayout): Sharing {
  return {
    async split(orders) {
      const streams = [await dealing.maskOrders(layout, orders)];
      return Array.from({ length: parties }, () => streams);
    },
    resultBytes: ELEMENT_BYTES,
    leastShares: parties,
    combine: (_, shares) => dealing.result(shares),
  };
}
