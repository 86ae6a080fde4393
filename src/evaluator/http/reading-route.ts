// Taking readings: from the end of delivery until the month is closed (row-route.ts).
import { readingPieces } from "../../market/order-pieces.ts";
import { readingLayout } from "../../market/reading.ts";
import { monthOf, periodsOfMonth } from "../../market/tariffs.ts";
import { deliveredWindow, settledMarket } from "../../service/period-text.ts";
import { READING_MEDIA_TYPE } from "../../wire/order-body.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { readingReceiptBytes, type SignedReadingReceipt } from "../../wire/settlement-records.ts";
import type { HttpContext } from "./context.ts";
import { type Received, type RowRoute, rowRoute } from "./row-route.ts";

type SignReceipt = (reading: Received) => Promise<SignedReadingReceipt>;

const REFUSALS = {
  conflict: [
    "sequence-conflict",
    "another reading with this sequence number is here; take a higher one",
  ],
  stale: ["stale-sequence", "a reading with a higher sequence number is here; take a higher one"],
  closed: ["month-closed", "readings of this month are not taken any more"],
  "too-many": ["too-many-replacements", "this reading was corrected as often as is possible"],
} as const;

/** Signs receipts of readings as this evaluator. */
export const readingReceiptSigner =
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
      reading: orderId,
    };
    const signature = Buffer.from(await sign(readingReceiptBytes(receipt))).toString("base64");
    return { receipt, signature };
  };

export function readingRoute(
  context: HttpContext,
  sign: SignReceipt,
): RowRoute<SignedReadingReceipt> {
  const { market, store, metrics, limits } = context;
  const layout = readingLayout(market.parameters.energyBits);
  const monthStart = (start: number) => periodsOfMonth(market, monthOf(market, start)).from;
  return rowRoute(context, {
    pieces: readingPieces(market.setting, layout),
    mediaType: READING_MEDIA_TYPE,
    window: (text) => windowOf(context, text),
    refusals: REFUSALS,
    store: (rows) => {
      const readings = rows.map((row) => ({ ...row, month: monthStart(row.periodStart) }));
      return store.addReadings(readings, limits.orderVersions);
    },
    last: (periodStart, meter) => store.lastReading(periodStart, meter),
    sign,
    onBatch: (size) => metrics.readingBatches.observe(size),
  });
}

function windowOf(context: HttpContext, text: string): "open" | "closed" {
  const market = settledMarket(context);
  return deliveredWindow(market, text, context.marketClock.nowS());
}
