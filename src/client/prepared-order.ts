// A meter's order for one period, split and ready to be sent: what its meter keeps before it sends anything, so that
// after a crash the very same order can be sent again. Holds the order in clear and all of its shares: it never
// leaves the meter as a whole.
import { z } from "zod";
import type { Field } from "../field/field.ts";
import type { MarketDocument } from "../market/market-document.ts";
import type { Side } from "../market/order.ts";
import { type OrderLayout, orderLayout } from "../market/order-layout.ts";
import { orderPieces } from "../market/order-pieces.ts";
import type { Primitives } from "../platform/primitives.ts";
import { encodeOrder, marketTag, orderIdOf } from "../wire/order-body.ts";
import { orderId } from "../wire/records.ts";
import type { Setting } from "../wire/setting.ts";
import { shareOrders } from "./share-orders.ts";

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

export interface Household {
  /** The meter's id: 32 hexadecimal digits. */
  readonly meter: string;
  /** Index in the market's list of suppliers; the one that the meter's certificate names. */
  readonly supplier: number;
}

/** The order cannot be; says what is wrong and what would be right. */
export class OrderInputError extends Error {
  override readonly name = "OrderInputError";
}

export const layoutOf = ({ parameters, suppliers }: MarketDocument): OrderLayout =>
  orderLayout(parameters.grid.bits, parameters.energyBits, suppliers.length);

/**
 * Splits an order. The same order prepared twice has other shares and another id. An idle one is a row of bits as any
 * other. Throws OrderInputError.
 */
export function prepareOrder(
  tools: { readonly field: Field; readonly primitives: Primitives },
  market: MarketDocument,
  { meter, supplier }: Household,
  periodStart: number,
  order: ClearOrder,
  sequence: number,
): PreparedOrder {
  checkOrder(market, order, sequence);
  const { primitives } = tools;
  const layout = layoutOf(market);
  const { engine, parties, threshold } = sharedSetting(market.setting);
  const pieces = orderPieces(market.setting, layout);
  const setting = { engine, parties, threshold };
  const streams = shareOrders(tools, setting, layout, [{ ...order, meter, supplier }]);
  const tag = marketTag(primitives, market.id);
  const header = { market: tag, meter, periodStart, sequence };
  const bodies = encodeOrder(primitives, header, pieces, streams);
  const id = orderIdOf(primitives, bodies[0]!, pieces);
  const { side, energyWh, limitTick } = order;
  return { periodStart, sequence, order: { side, energyWh, limitTick }, orderId: id, bodies };
}

/** The setting, of an engine whose orders a meter can split by itself. */
export function sharedSetting(setting: Setting) {
  const { engine, parties, threshold } = setting;
  if (engine !== "dealer") return { engine, parties, threshold };
  throw new OrderInputError("orders of a market with a dealer cannot be sent by meters");
}

function checkOrder(market: MarketDocument, order: ClearOrder, sequence: number): void {
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

/** As bytes: four letters, the length of a JSON header (u32 little-endian), the header, the bodies. */
export function encodePrepared(prepared: PreparedOrder): Uint8Array<ArrayBuffer> {
  const { side, energyWh, limitTick } = prepared.order;
  const header: z.infer<typeof headerSchema> = {
    period_start: prepared.periodStart,
    sequence: prepared.sequence,
    side,
    energy_wh: energyWh,
    limit_tick: limitTick,
    order: prepared.orderId,
    lengths: prepared.bodies.map(({ length }) => length),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  const parts = [new TextEncoder().encode(MAGIC), length, json, ...prepared.bodies];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The inverse. Throws OrderInputError when the bytes are not of `encodePrepared`. */
export function decodePrepared(bytes: Uint8Array): PreparedOrder {
  const wrong = new OrderInputError("the kept order is damaged");
  const headAt = MAGIC.length + 4;
  if (bytes.length < headAt || textOf(bytes.subarray(0, MAGIC.length)) !== MAGIC) throw wrong;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodiesAt = headAt + view.getUint32(MAGIC.length, true);
  const header = headerSchema.safeParse(jsonOf(textOf(bytes.subarray(headAt, bodiesAt)))).data;
  if (header === undefined) throw wrong;
  let at = bodiesAt;
  const bodies = header.lengths.map((length) => {
    at += length;
    return bytes.slice(at - length, at);
  });
  if (at !== bytes.length) throw wrong;
  return {
    periodStart: header.period_start,
    sequence: header.sequence,
    order: { side: header.side, energyWh: header.energy_wh, limitTick: header.limit_tick },
    orderId: header.order,
    bodies,
  };
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
