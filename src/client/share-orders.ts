// How meters split orders among the evaluators: which bytes each of them receives, and nobody else.
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

/**
 * Splits orders: per evaluator the bytes for each of its streams (evaluator/order-intake.ts), the same number for every
 * order. The streams of pieces of the orders, one after the other, are the streams of all orders.
 */
export function shareOrders(
  tools: { readonly field: Field; readonly primitives: Primitives },
  setting: SharingSetting,
  layout: OrderLayout,
  orders: readonly Order[],
): Uint8Array[][] {
  return shareRows(tools, setting, orderRows(orders, layout), layout.width);
}

/** The same of rows of bits, `width` bytes each: of readings, too. */
export function shareRows(
  tools: { readonly field: Field; readonly primitives: Primitives },
  setting: SharingSetting,
  rows: Uint8Array,
  width: number,
): Uint8Array[][] {
  const { field, primitives } = tools;
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
