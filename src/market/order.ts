// What a household asks for in one settlement period, and what it gets, in clear. Only a household's own
// meter (and the plain reference) ever holds these; evaluators hold shares.

export type Side = "buy" | "sell" | "idle";

/** One order. An idle household's order has energy 0; its tick is not used. */
export interface Order {
  readonly meter: string;
  readonly side: Side;
  /** 0 .. 2^energyBits - 1 */
  readonly energyWh: number;
  /** Limit price as an index on the market's price grid, 0 .. 2^priceBits - 1; null only when idle. */
  readonly limitTick: number | null;
  /** Index in the market's list of suppliers. */
  readonly supplier: number;
}

/** Energy is handed out in units of 2^-UNIT_BITS Wh. */
export const UNIT_BITS = 10;
export const UNITS_PER_WH = 2 ** UNIT_BITS;

/**
 * What an order trades, given its energy above the line: the part of it that buyers value most or sellers keep.
 * A buyer trades what is above, a seller the rest of its offer. Units of 2^-10 Wh.
 */
export function tradedFromAbove(order: Order, aboveUnits: number): number {
  if (order.side === "idle") return 0;
  return order.side === "buy" ? aboveUnits : order.energyWh * UNITS_PER_WH - aboveUnits;
}

export interface SupplierSums {
  readonly boughtUnits: number;
  readonly soldUnits: number;
}

/** The result of one settlement period in clear; `tradedUnits[i]` belongs to order i. */
export interface Outcome {
  readonly traded: boolean;
  /** The clearing price; null when nothing trades. */
  readonly priceTick: number | null;
  readonly tradedUnits: Float64Array;
  /** One entry per supplier; null where the supplier has fewer customers than the minimum group. */
  readonly suppliers: readonly (SupplierSums | null)[];
}
