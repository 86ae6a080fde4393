// A meter's order for one period, split and ready to be sent: what its meter keeps before it sends anything. Holds the
// order in clear.
import { z } from "zod";
import type { MarketDocument } from "../market/market-document.ts";
import type { Side } from "../market/order.ts";
import { type OrderLayout, orderLayout, orderRows } from "../market/order-layout.ts";
import { orderPieces } from "../market/order-pieces.ts";
import { orderId } from "../wire/records.ts";
import {
  type BodyTools,
  type Household,
  packBodies,
  splitBody,
  unpackBodies,
} from "./prepared-body.ts";
import { type RowMask, rowSharing } from "./row-sharing.ts";

/** What a household asks for. `limitTick` is null only when idle. */
export interface ClearOrder {
  readonly side: Side;
  readonly energyWh: number;
  readonly limitTick: number | null;
}

export interface PreparedOrder {
  /** Start of the settlement period, in seconds since 1970 UTC. */
  readonly periodStart: number;
  readonly sequence: number;
  readonly order: ClearOrder;
  readonly orderId: string;
  /** By evaluator. */
  readonly bodies: readonly Uint8Array[];
}

/** The order cannot be; says what is wrong and what would be right. */
export class OrderInputError extends Error {
  override readonly name = "OrderInputError";
}

export const layoutOf = ({ parameters, suppliers }: MarketDocument): OrderLayout =>
  orderLayout(parameters.grid.bits, parameters.energyBits, suppliers.length);

/**
 * Splits an order. The same order prepared twice has other shares and another id. An idle one is a row of bits as any
 * other. In a market with a dealer it takes a mask that has hidden nothing before. Throws OrderInputError.
 */
export function prepareOrder(
  tools: BodyTools,
  market: MarketDocument,
  { meter, supplier }: Household,
  periodStart: number,
  order: ClearOrder,
  sequence: number,
  mask: RowMask | null = null,
): PreparedOrder {
  checkOrder(market, order, sequence);
  const layout = layoutOf(market);
  const sharing = rowSharing(market.setting, mask);
  if (sharing === null)
    throw new OrderInputError("a market with a dealer takes masked orders only");
  const pieces = orderPieces(market.setting, layout);
  const row = orderRows([{ ...order, meter, supplier }], layout);
  const when = { periodStart, sequence };
  const { id, bodies } = splitBody(tools, market, { meter }, when, {
    sharing,
    pieces,
    row,
    bits: layout.bits,
  });
  const { side, energyWh, limitTick } = order;
  return { ...when, order: { side, energyWh, limitTick }, orderId: id, bodies };
}

/** Throws OrderInputError when an order cannot be, whatever hides it. */
export function checkOrder(market: MarketDocument, order: ClearOrder, sequence: number): void {
  const { side, energyWh, limitTick } = order;
  const { energyBits, grid } = market.parameters;
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw new OrderInputError(`the sequence number is ${sequence}; it must be a whole number`);
  }
  const mostWh = side === "idle" ? 0 : 2 ** energyBits - 1;
  if (!Number.isInteger(energyWh) || energyWh < 0 || energyWh > mostWh) {
    const range = side === "idle" ? "0 in an idle order" : `whole Wh from 0 to ${mostWh}`;
    throw new OrderInputError(`the energy is ${energyWh}; it must be ${range}`);
  }
  const mostTick = 2 ** grid.bits - 1;
  if (limitTick === null ? side === "idle" : isTick(limitTick, mostTick)) return;
  throw new OrderInputError(`the limit is tick ${limitTick}; it must be from 0 to ${mostTick}`);
}

const isTick = (tick: number, most: number): boolean =>
  Number.isInteger(tick) && tick >= 0 && tick <= most;

const MAGIC = "HWP1";
const headerSchema = z.strictObject({
  period_start: z.int(),
  sequence: z.int().min(0),
  side: z.enum(["buy", "sell", "idle"]),
  energy_wh: z.int().min(0),
  limit_tick: z.int().min(0).nullable(),
  order: orderId,
  lengths: z.array(z.int().min(1)),
});

/** As bytes, to be kept. */
export function encodePrepared(prepared: PreparedOrder): Uint8Array<ArrayBuffer> {
  const { side, energyWh, limitTick } = prepared.order;
  const header: Omit<z.infer<typeof headerSchema>, "lengths"> = {
    period_start: prepared.periodStart,
    sequence: prepared.sequence,
    side,
    energy_wh: energyWh,
    limit_tick: limitTick,
    order: prepared.orderId,
  };
  return packBodies(MAGIC, header, prepared.bodies);
}

/** The inverse. Throws OrderInputError when the bytes are not of `encodePrepared`. */
export function decodePrepared(bytes: Uint8Array): PreparedOrder {
  const kept = unpackBodies(MAGIC, bytes, (header) => headerSchema.safeParse(header).data);
  if (kept === null) throw new OrderInputError("the kept order is damaged");
  const { header, bodies } = kept;
  return {
    periodStart: header.period_start,
    sequence: header.sequence,
    order: { side: header.side, energyWh: header.energy_wh, limitTick: header.limit_tick },
    orderId: header.order,
    bodies,
  };
}
