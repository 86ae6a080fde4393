// The pieces that the shares of an order or of a reading consist of, and who holds which: what header and bodies say
// about them (wire/order-body.ts) and how long they are.
import { ELEMENT_BYTES } from "../field/prime.ts";
import { SEED_BYTES } from "../sharing/replicated.ts";
import { NONCE_BYTES } from "../wire/dealer-messages.ts";
import type { BodyKind, Pieces } from "../wire/order-body.ts";
import type { Setting } from "../wire/setting.ts";
import type { OrderLayout } from "./order-layout.ts";
import type { ReadingLayout } from "./reading.ts";

type SharingChoice = Pick<Setting, "engine" | "parties" | "threshold">;

/**
 * The pieces of one order. Replicated: the three components, of which evaluator i holds i and i + 1, so that both
 * holders can hold what they received against the same digest. Shamir: each evaluator's share.
 * With a dealer: the name of the row's mask and the masked row, one piece that all hold.
 * As `shareOrders` gives them (client/share-orders.ts): stream k of evaluator i is piece `heldBy(i)[k]`.
 */
export const orderPieces = (setting: SharingChoice, layout: OrderLayout): Pieces =>
  rowPieces("order", setting, layout);

/** The pieces of one reading, as those of an order. */
export const readingPieces = (setting: SharingChoice, layout: ReadingLayout): Pieces =>
  rowPieces("reading", setting, layout);

function rowPieces(
  kind: BodyKind,
  { engine, parties, threshold }: SharingChoice,
  { bits, width }: Pick<OrderLayout, "bits" | "width">,
): Pieces {
  const full = ELEMENT_BYTES * width;
  if (engine === "dealer") {
    return { kind, byteLengths: [NONCE_BYTES + ELEMENT_BYTES * bits], heldBy: () => [0] };
  }
  if (engine === "replicated") {
    return { kind, byteLengths: [SEED_BYTES, SEED_BYTES, full], heldBy: (i) => [i, (i + 1) % 3] };
  }
  const byteLengths = Array.from({ length: parties }, (_, i) =>
    i < threshold ? SEED_BYTES : full,
  );
  return { kind, byteLengths, heldBy: (i) => [i] };
}
