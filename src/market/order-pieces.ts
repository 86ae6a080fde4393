// The pieces that the shares of an order or of a reading consist of, and who holds which: what header and bodies say
// about them (wire/order-body.ts) and how long they are.
import { ELEMENT_BYTES } from "../field/prime.ts";
import { SEED_BYTES } from "../sharing/replicated.ts";
import type { BodyKind, Pieces } from "../wire/order-body.ts";
import type { Setting } from "../wire/setting.ts";
import type { OrderLayout } from "./order-layout.ts";
import type { ReadingLayout } from "./reading.ts";

type SharingChoice = Pick<Setting, "engine" | "parties" | "threshold">;

/**
 * The pieces of one order. Replicated: the three components, of which evaluator i holds i and i + 1, so that both
 * holders can hold what they received against the same digest. Shamir: each evaluator's share.
 * As `shareOrders` gives them (client/share-orders.ts): stream k of evaluator i is piece `heldBy(i)[k]`.
 */
export const orderPieces = (setting: SharingChoice, { width }: OrderLayout): Pieces =>
  rowPieces("order", setting, width);

/** The pieces of one reading, as those of an order. */
export const readingPieces = (setting: SharingChoice, { width }: ReadingLayout): Pieces =>
  rowPieces("reading", setting, width);

function rowPieces(
  kind: BodyKind,
  { engine, parties, threshold }: SharingChoice,
  width: number,
): Pieces {
  const full = ELEMENT_BYTES * width;
  if (engine === "replicated") {
    return { kind, byteLengths: [SEED_BYTES, SEED_BYTES, full], heldBy: (i) => [i, (i + 1) % 3] };
  }
  const byteLengths = Array.from({ length: parties }, (_, i) =>
    i < threshold ? SEED_BYTES : full,
  );
  return { kind, byteLengths, heldBy: (i) => [i] };
}
