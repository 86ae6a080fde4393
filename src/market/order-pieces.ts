// The pieces that an order's shares consist of, and who holds which: what header and bodies of an order say about
// them (wire/order-body.ts) and how long they are.
import { ELEMENT_BYTES } from "../field/prime.ts";
import { SEED_BYTES } from "../sharing/replicated.ts";
import type { Pieces } from "../wire/order-body.ts";
import type { Setting } from "../wire/setting.ts";
import type { OrderLayout } from "./order-layout.ts";

/**
 * The pieces of one order. Replicated: the three components, of which evaluator i holds i and i + 1, so that both
 * holders can hold what they received against the same digest. Shamir: each evaluator's share.
 * As `shareOrders` gives them (client/share-orders.ts): stream k of evaluator i is piece `heldBy(i)[k]`.
 */
export function orderPieces(
  { engine, parties, threshold }: Pick<Setting, "engine" | "parties" | "threshold">,
  { width }: OrderLayout,
): Pieces {
  const full = ELEMENT_BYTES * width;
  if (engine === "replicated") {
    return { byteLengths: [SEED_BYTES, SEED_BYTES, full], heldBy: (i) => [i, (i + 1) % 3] };
  }
  const byteLengths = Array.from({ length: parties }, (_, i) =>
    i < threshold ? SEED_BYTES : full,
  );
  return { byteLengths, heldBy: (i) => [i] };
}
