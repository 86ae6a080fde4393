// The order that is looked at: one of the household's own, or a sample that is split here and sent to nobody.

import type { ClearOrder } from "../../../src/client/prepared-order.ts";
import { decodePrepared, layoutOf, prepareOrder } from "../../../src/client/prepared-order.ts";
import { webPrimitives } from "../../../src/client/web-primitives.ts";
import { Field } from "../../../src/field/field.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { orderPieces } from "../../../src/market/order-pieces.ts";
import { toHex } from "../../../src/wire/hex.ts";
import { piecesIn } from "../../../src/wire/order-body.ts";
import type { Entry } from "../household/gateway.ts";

export interface SeenOrder {
  readonly start: number;
  readonly order: ClearOrder;
  /** Hexadecimal, by evaluator: the shares that it receives. */
  readonly shares: readonly string[];
  /** By evaluator: the length of the whole body, which is the same for every order. */
  readonly lengths: readonly number[];
  readonly meter: string;
  readonly supplier: number;
  /** Null for a sample. */
  readonly entry: Entry | null;
}

const SAMPLE_WH = 500;
const METER_BYTES = 16;

export function ownOrder(
  market: MarketDocument,
  entry: Entry,
  household: { readonly meter: string; readonly supplier: number },
): SeenOrder | null {
  const { order } = entry;
  if (order.prepared === null) return null;
  const { bodies } = decodePrepared(order.prepared);
  return { start: order.periodStart, order, ...seenIn(market, bodies), ...household, entry };
}

export function sampleOrder(market: MarketDocument, start: number): SeenOrder {
  const tick = Math.floor(market.parameters.grid.size / 4);
  const order: ClearOrder = { side: "sell", energyWh: SAMPLE_WH, limitTick: tick };
  const household = { meter: toHex(webPrimitives.randomBytes(METER_BYTES)), supplier: 0 };
  const tools = { field: new Field(), primitives: webPrimitives };
  const { bodies } = prepareOrder(tools, market, household, start, order, 1);
  return { start, order, ...seenIn(market, bodies), ...household, entry: null };
}

function seenIn(market: MarketDocument, bodies: readonly Uint8Array[]) {
  const pieces = orderPieces(market.setting, layoutOf(market));
  return {
    lengths: bodies.map(({ length }) => length),
    shares: bodies.map((body, i) =>
      piecesIn(pieces, i, body)
        .map((piece) => toHex(piece))
        .join(" "),
    ),
  };
}
