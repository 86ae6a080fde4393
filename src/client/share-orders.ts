// How meters split orders and readings among the evaluators: which bytes each of them receives, and nobody else.
import type { Field } from "../field/field.ts";
import type { Order } from "../market/order.ts";
import { type OrderLayout, orderRows } from "../market/order-layout.ts";
import type { Primitives } from "../platform/primitives.ts";
import { splitRows } from "../sharing/replicated.ts";
import { splitShamir } from "../sharing/shamir.ts";

export interface SharingSetting {
  readonly engine: "replicated" | "shamir";
  readonly parties: number;
  readonly threshold: number;
}

interface Tools {
  readonly field: Field;
  readonly primitives: Primitives;
}

/**
 * Splits orders: per evaluator the bytes for each of its streams (evaluator/order-intake.ts), the same number for every
 * order. The streams of pieces of the orders, one after the other, are the streams of all orders.
 */
export const shareOrders = (
  tools: Tools,
  setting: SharingSetting,
  layout: OrderLayout,
  orders: readonly Order[],
): Uint8Array[][] => shareRows(tools, setting, orderRows(orders, layout), layout.width);

/** Splits rows of `width` small numbers in the same way. */
export function shareRows(
  { field, primitives }: Tools,
  setting: SharingSetting,
  rows: Uint8Array,
  width: number,
): Uint8Array[][] {
  if (setting.engine === "shamir") {
    const { parties, threshold } = setting;
    const own = splitShamir(field, primitives, rows, width, parties, threshold);
    return own.map((stream) => [stream]);
  }
  const shares = splitRows(field, primitives, rows, width);
  // Evaluator i holds components i and i + 1.
  const components = [shares.seeds0, shares.seeds1, shares.component2];
  return components.map((own, party) => [own, components[(party + 1) % 3]!]);
}
