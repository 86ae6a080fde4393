// An order as a row of bits, the form in which it is shared: price tick (most significant bit first), side
// (1 buys), energy (most significant bit first), supplier (one bit per supplier, exactly one of them 1), and a 0
// where the row would have odd length. Idle orders are rows of the same length.
import { writeBits } from "./bit-rows.ts";
import type { Order } from "./order.ts";

export interface OrderLayout {
  readonly priceBits: number;
  readonly energyBits: number;
  readonly supplierCount: number;
  /** Where each part begins. */
  readonly side: number;
  readonly energy: number;
  readonly suppliers: number;
  /** Bits that mean something, and the even length of a row. */
  readonly bits: number;
  readonly width: number;
}

export function orderLayout(
  priceBits: number,
  energyBits: number,
  supplierCount: number,
): OrderLayout {
  const suppliers = priceBits + 1 + energyBits;
  const bits = suppliers + supplierCount;
  return {
    priceBits,
    energyBits,
    supplierCount,
    side: priceBits,
    energy: priceBits + 1,
    suppliers,
    bits,
    width: bits + (bits % 2),
  };
}

/** Orders as rows of bits, `layout.width` bytes each. */
export function orderRows(orders: readonly Order[], layout: OrderLayout): Uint8Array {
  const rows = new Uint8Array(orders.length * layout.width);
  orders.forEach((order, index) => {
    const row = rows.subarray(index * layout.width, (index + 1) * layout.width);
    writeBits(row, 0, layout.priceBits, order.limitTick ?? 0);
    row[layout.side] = order.side === "buy" ? 1 : 0;
    writeBits(row, layout.energy, layout.energyBits, order.side === "idle" ? 0 : order.energyWh);
    row[layout.suppliers + order.supplier] = 1;
  });
  return rows;
}
