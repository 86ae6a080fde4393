// Taking orders and readings: everything that can be checked without the other evaluators, cheap checks before
// expensive ones; then the row is made durable, and only then its receipt is signed. What is special of either kind
// stands in order-route.ts and reading-route.ts.
import type { FastifyReply, FastifyRequest } from "fastify";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { errorForLog } from "../../service/log.ts";
import { startOf } from "../../service/period-text.ts";
import { RetryLaterError } from "../../service/problem-answers.ts";
import { checkDigest, type SignedBy } from "../../service/signed-requests.ts";
import type { AddOrderResult, NewOrder, OrderEntry } from "../../storage/evaluator-store.ts";
import {
  type BodyKind,
  bodyBytes,
  type DecodedOrder,
  decodeOrder,
  marketTag,
  OrderBodyError,
  type Pieces,
} from "../../wire/order-body.ts";
import { type ProblemCode, ProblemError } from "../../wire/problems.ts";
import type { HttpContext } from "./context.ts";
import { QueueFullError, RowQueue } from "./row-queue.ts";

/** What a receipt is about. */
export type Received = Pick<DecodedOrder, "periodStart" | "meter" | "sequence" | "orderId">;

type Refusal = Exclude<AddOrderResult, "accepted" | "known">;

export interface RowKind<Receipt> {
  readonly pieces: Pieces;
  readonly mediaType: string;
  /** The window of the period that a path names. Throws ProblemError when it never takes rows, or not yet. */
  window(text: string): "open" | "closed";
  readonly refusals: Readonly<Record<Refusal, readonly [ProblemCode, string]>>;
  /** Makes rows durable. */
  store(rows: readonly NewOrder[]): Promise<readonly AddOrderResult[]>;
  last(periodStart: number, meter: string): Promise<OrderEntry | null>;
  sign(received: Received): Promise<Receipt>;
  onBatch(size: number): void;
}

export interface RowRoute<Receipt> {
  /** The length of a body. */
  readonly bodyBytes: number;
  /** What can be said before the signature is looked at. Throws ProblemError. */
  checkHeaders(request: FastifyRequest): void;
  /** Takes the row of a signed request. Throws ProblemError. */
  take(request: FastifyRequest, reply: FastifyReply, signer: SignedBy): Promise<Receipt>;
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
}

/** "an order", "a reading" */
const aRow = (kind: BodyKind): string => (kind === "order" ? "an order" : "a reading");

export function rowRoute<Receipt>(context: HttpContext, kind: RowKind<Receipt>): RowRoute<Receipt> {
  const { market, index, limits, clock, log } = context;
  const { pieces } = kind;
  const name = pieces.kind;
  const length = bodyBytes(pieces, index);
  const tag = marketTag(nodePrimitives, market.id);
  const queue = new RowQueue<NewOrder>(kind.store, { clock, ...limits, onBatch: kind.onBatch });
  const pathOf = (request: FastifyRequest) => (request.params as { period: string }).period;

  /** Whether the very same row is here already, though no more are taken. */
  const isHere = async ({ periodStart, meter, orderId }: DecodedOrder) =>
    (await kind.last(periodStart, meter))?.orderId === orderId;

  return {
    bodyBytes: length,
    checkHeaders(request) {
      checkBodyHeaders(request, name, kind.mediaType, length);
      kind.window(pathOf(request));
    },
    async take(request, reply, signer) {
      const body = request.body as Uint8Array;
      checkDigest(signer, body);
      const row = decoded(() => decodeOrder(nodePrimitives, pieces, index, body));
      const text = pathOf(request);
      checkContent(context, name, row, signer, tag, text);
      const supplier = supplierOfMeter(context, signer);
      const window = kind.window(text);
      const result =
        window === "open"
          ? await stored(queue, name, log, {
              periodStart: row.periodStart,
              meter: row.meter,
              sequence: row.sequence,
              orderId: row.orderId,
              supplier,
              body,
              evidence: signer.evidence,
              receivedMs: clock.utcMs(),
            })
          : (await isHere(row))
            ? "known"
            : "closed";
      if (result !== "accepted" && result !== "known") {
        const [code, detail] = kind.refusals[result];
        throw new ProblemError(code, detail);
      }
      request.outcome = result;
      reply.code(result === "accepted" ? 201 : 200);
      return kind.sign(row);
    },
    drained: () => queue.drained(),
  };
}

function checkBodyHeaders(
  { headers }: FastifyRequest,
  name: BodyKind,
  mediaType: string,
  length: number,
): void {
  if (headers["content-type"] !== mediaType) {
    throw new ProblemError("wrong-content-type", `${aRow(name)} is sent as ${mediaType}`);
  }
  const announced = headers["content-length"];
  if (announced === undefined || Number(announced) === length) return;
  const found = `${aRow(name)} for this evaluator has ${length} bytes, this one has ${announced}`;
  throw new ProblemError(Number(announced) > length ? "too-large" : `malformed-${name}`, found);
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
  name: BodyKind,
  row: DecodedOrder,
  { party }: SignedBy,
  tag: Uint8Array,
  text: string,
): void {
  if (!Buffer.from(tag).equals(row.market)) {
    const found = `this is the market ${market.id}, the ${name} is not for it`;
    throw new ProblemError("wrong-market", found);
  }
  if (row.meter !== party.id) {
    const found = `the ${name} names another meter than the one that signed`;
    throw new ProblemError("wrong-meter", found);
  }
  if (row.periodStart !== startOf(text)) {
    const found = `the ${name} is for another period than the path says`;
    throw new ProblemError("wrong-period", found);
  }
}

function supplierOfMeter({ market }: HttpContext, { supplier }: SignedBy): number {
  if (supplier !== null && supplier < market.suppliers.length) return supplier;
  const right = "a meter's certificate names one of the market's suppliers";
  throw new ProblemError("wrong-role", `${right}, this one does not`);
}

async function stored(
  queue: RowQueue<NewOrder>,
  name: BodyKind,
  log: HttpContext["log"],
  row: NewOrder,
): Promise<AddOrderResult> {
  try {
    return await queue.add(row);
  } catch (error) {
    if (error instanceof QueueFullError) {
      throw new RetryLaterError("busy", `${error.message}; send it again`, 1);
    }
    // The meter cannot know whether it is kept: it sends the same row again, and is told.
    log.error({ error: errorForLog(error) }, `${name}s could not be stored`);
    throw new RetryLaterError("busy", `the ${name} could not be stored; send it again`, 1);
  }
}
