// Taking orders: until the gate of their period closes (row-route.ts).
import { orderWindow } from "../../market/market-document.ts";
import { orderLayout } from "../../market/order-layout.ts";
import { orderPieces } from "../../market/order-pieces.ts";
import { noPeriod, startOf } from "../../service/period-text.ts";
import { ORDER_MEDIA_TYPE } from "../../wire/order-body.ts";
import { ProblemError } from "../../wire/problems.ts";
import { receiptBytes, type SignedReceipt, textOfPeriod } from "../../wire/records.ts";
import type { HttpContext } from "./context.ts";
import { type Received, type RowRoute, rowRoute } from "./row-route.ts";

type SignReceipt = (order: Received) => Promise<SignedReceipt>;

const REFUSALS = {
  conflict: [
    "sequence-conflict",
    "another order with this sequence number is here; take a higher one",
  ],
  stale: ["stale-sequence", "an order with a higher sequence number is here; take a higher one"],
  closed: ["gate-closed", "the gate of this period is closed"],
  "too-many": ["too-many-replacements", "this order was replaced as often as is possible"],
} as const;

/** Signs receipts as this evaluator. */
export const receiptSigner =
  (
    { market, index }: Pick<HttpContext, "market" | "index">,
    sign: (bytes: Uint8Array) => Promise<Uint8Array>,
  ): SignReceipt =>
  async ({ periodStart, meter, sequence, orderId }) => {
    const receipt = {
      market: market.id,
      period: textOfPeriod(periodStart),
      evaluator: index,
      meter,
      sequence,
      order: orderId,
    };
    const signature = Buffer.from(await sign(receiptBytes(receipt))).toString("base64");
    return { receipt, signature };
  };

export function orderRoute(context: HttpContext, sign: SignReceipt): RowRoute<SignedReceipt> {
  const { market, store, metrics, limits } = context;
  const { grid, energyBits } = market.parameters;
  return rowRoute(context, {
    pieces: orderPieces(
      market.setting,
      orderLayout(grid.bits, energyBits, market.suppliers.length),
    ),
    mediaType: ORDER_MEDIA_TYPE,
    window: (text) => windowOf(context, text),
    refusals: REFUSALS,
    store: (orders) => store.addOrders(orders, limits.orderVersions),
    last: (periodStart, meter) => store.lastOrder(periodStart, meter),
    sign,
    onBatch: (size) => metrics.orderBatches.observe(size),
  });
}

function windowOf({ market, marketClock }: HttpContext, text: string): "open" | "closed" {
  const window = orderWindow(market, startOf(text), marketClock.nowS());
  if (window === "no-period") throw noPeriod({ market }, text);
  if (window === "too-early") {
    throw new ProblemError("too-early", `orders for ${text} are not taken yet`);
  }
  return window;
}
