// Taking orders: everything that can be checked without the other evaluators, cheap checks before expensive ones; then
// the order is made durable, and only then its receipt is signed.
import type { FastifyReply, FastifyRequest } from "fastify";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { orderWindow } from "../../market/market-document.ts";
import { orderLayout } from "../../market/order-layout.ts";
import { orderPieces } from "../../market/order-pieces.ts";
import type { AddOrderResult } from "../../storage/evaluator-store.ts";
import {
  bodyBytes,
  type DecodedOrder,
  decodeOrder,
  marketTag,
  ORDER_MEDIA_TYPE,
  OrderBodyError,
} from "../../wire/order-body.ts";
import { ProblemError } from "../../wire/problems.ts";
import { receiptBytes, type SignedReceipt, textOfPeriod } from "../../wire/records.ts";
import { errorForLog } from "../log.ts";
import type { HttpContext } from "./context.ts";
import { OrderQueue, QueueFullError } from "./order-queue.ts";
import { noPeriod, startOf } from "./period-paths.ts";
import { RetryLaterError } from "./problem-answers.ts";
import type { SignedBy } from "./signed-requests.ts";

type SignReceipt = (
  order: Pick<DecodedOrder, "periodStart" | "meter" | "sequence" | "orderId">,
) => Promise<SignedReceipt>;

const REFUSALS = {
  conflict: [
    "sequence-conflict",
    "another order with this sequence number is here; take a higher one",
  ],
  stale: ["stale-sequence", "an order with a higher sequence number is here; take a higher one"],
  closed: ["gate-closed", "the gate of this period is closed"],
  "too-many": ["too-many-replacements", "this order was replaced as often as is possible"],
} as const satisfies Partial<Record<AddOrderResult, readonly [string, string]>>;

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

export interface OrderRoute {
  /** The length of an order's body. */
  readonly bodyBytes: number;
  /** What can be said before the signature is looked at. Throws ProblemError. */
  checkHeaders(request: FastifyRequest): void;
  /** Takes the order of a signed request. Throws ProblemError. */
  take(request: FastifyRequest, reply: FastifyReply, signer: SignedBy): Promise<SignedReceipt>;
  /** Resolves when no order waits any more. */
  drained(): Promise<void>;
}

export function orderRoute(context: HttpContext, signReceipt: SignReceipt): OrderRoute {
  const { market, index, store, metrics, limits, clock, log } = context;
  const { grid, energyBits } = market.parameters;
  const pieces = orderPieces(
    market.setting,
    orderLayout(grid.bits, energyBits, market.suppliers.length),
  );
  const length = bodyBytes(pieces, index);
  const tag = marketTag(nodePrimitives, market.id);
  const queue = new OrderQueue(store, {
    clock: context.clock,
    ...limits,
    onBatch: (size) => metrics.orderBatches.observe(size),
  });

  /** Whether the very same order is here already, though no more are taken. */
  const isHere = async ({ periodStart, meter, orderId }: DecodedOrder) =>
    (await store.lastOrder(periodStart, meter))?.orderId === orderId;

  return {
    bodyBytes: length,
    checkHeaders(request) {
      checkBodyHeaders(request, length);
      checkWindow(context, (request.params as { period: string }).period);
    },
    async take(request, reply, signer) {
      const body = request.body as Uint8Array;
      checkDigest(signer, body);
      const order = decoded(() => decodeOrder(nodePrimitives, pieces, index, body));
      const text = (request.params as { period: string }).period;
      checkContent(context, order, signer, tag, text);
      const supplier = supplierOfMeter(context, signer);
      const window = checkWindow(context, text);
      const result =
        window === "open"
          ? await stored(queue, log, {
              periodStart: order.periodStart,
              meter: order.meter,
              sequence: order.sequence,
              orderId: order.orderId,
              supplier,
              body,
              evidence: signer.evidence,
              receivedMs: clock.utcMs(),
            })
          : (await isHere(order))
            ? "known"
            : "closed";
      if (result !== "accepted" && result !== "known") {
        const [code, detail] = REFUSALS[result];
        throw new ProblemError(code, detail);
      }
      request.outcome = result;
      reply.code(result === "accepted" ? 201 : 200);
      return signReceipt(order);
    },
    drained: () => queue.drained(),
  };
}

function checkBodyHeaders({ headers }: FastifyRequest, length: number): void {
  if (headers["content-type"] !== ORDER_MEDIA_TYPE) {
    throw new ProblemError("wrong-content-type", `an order is sent as ${ORDER_MEDIA_TYPE}`);
  }
  const announced = headers["content-length"];
  if (announced === undefined || Number(announced) === length) return;
  const found = `an order for this evaluator has ${length} bytes, this one has ${announced}`;
  throw new ProblemError(Number(announced) > length ? "too-large" : "malformed-order", found);
}

function checkWindow(
  { market, marketClock }: HttpContext,
  text: string,
): ReturnType<typeof orderWindow> {
  const window = orderWindow(market, startOf(text), marketClock.nowS());
  if (window === "no-period") throw noPeriod({ market }, text);
  if (window === "too-early") {
    throw new ProblemError("too-early", `orders for ${text} are not taken yet`);
  }
  return window;
}

function checkDigest({ contentDigest }: SignedBy, body: Uint8Array): void {
  const digest = nodePrimitives.sha256(body);
  if (contentDigest !== null && Buffer.from(contentDigest).equals(digest)) return;
  throw new ProblemError("bad-signature", "the body is not the one whose digest was signed");
}

function decoded(decode: () => DecodedOrder): DecodedOrder {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof OrderBodyError)) throw error;
    throw new ProblemError(error.code, error.message);
  }
}

function checkContent(
  { market }: HttpContext,
  order: DecodedOrder,
  { party }: SignedBy,
  tag: Uint8Array,
  text: string,
): void {
  if (!Buffer.from(tag).equals(order.market)) {
    throw new ProblemError(
      "wrong-market",
      `this is the market ${market.id}, the order is not for it`,
    );
  }
  if (order.meter !== party.id) {
    throw new ProblemError("wrong-meter", "the order names another meter than the one that signed");
  }
  if (order.periodStart !== startOf(text)) {
    throw new ProblemError("wrong-period", "the order is for another period than the path says");
  }
}

function supplierOfMeter({ market }: HttpContext, { supplier }: SignedBy): number {
  if (supplier !== null && supplier < market.suppliers.length) return supplier;
  const right = "a meter's certificate names one of the market's suppliers";
  throw new ProblemError("wrong-role", `${right}, this one does not`);
}

async function stored(
  queue: OrderQueue,
  log: HttpContext["log"],
  order: Parameters<OrderQueue["add"]>[0],
): Promise<AddOrderResult> {
  try {
    return await queue.add(order);
  } catch (error) {
    if (error instanceof QueueFullError) {
      throw new RetryLaterError("busy", `${error.message}; send it again`, 1);
    }
    // The meter cannot know whether it is kept: it sends the same order again, and is told.
    log.error({ error: errorForLog(error) }, "orders could not be stored");
    throw new RetryLaterError("busy", "the order could not be stored; send it again", 1);
  }
}
