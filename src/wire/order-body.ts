// An order, or a reading, as a meter sends it to one evaluator: a header that is the same for all evaluators but for
// its first bytes, and the pieces of its shares that this evaluator holds. The header has a salted digest of every
// piece: evaluators compare headers and know that they hold parts of the same order, and two that hold the same piece
// hold the same bytes. The salt keeps a digest from betraying an order, which has few enough values to try them all.
//   0   "HWO1", or "HWR1" for a reading
//   4   evaluator's number, number of pieces, two zeros
//   8   market: the first 16 bytes of SHA-256 of its id
//   24  meter: 16 bytes
//   40  settlement period: its start in seconds since 1970 UTC, u64 little-endian
//   48  sequence number, u64 little-endian
//   56  SHA-256(salt, bytes) of every piece, 32 bytes each
//       per piece that this evaluator holds: salt, 16 bytes; the piece
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { fromHex, toHex } from "./hex.ts";
import { MAX_PARTIES } from "./setting.ts";
import { getU64, putU64 } from "./u64.ts";

export const ORDER_MEDIA_TYPE = "application/vnd.hushwatt.order";
export const READING_MEDIA_TYPE = "application/vnd.hushwatt.reading";

/** What a meter sends of a period: before its gate closes, and after delivery. */
export type BodyKind = "order" | "reading";

const LETTERS = { order: "HWO1", reading: "HWR1" } as const satisfies Record<BodyKind, string>;
const MARKET_AT = 8;
const METER_AT = 24;
const PERIOD_AT = 40;
const SEQUENCE_AT = 48;
const DIGESTS_AT = 56;
const ID_BYTES = 16;
const DIGEST_BYTES = 32;
const SALT_BYTES = 16;

/** What the shares of an order or of a reading consist of (market/order-pieces.ts). */
export interface Pieces {
  readonly kind: BodyKind;
  readonly byteLengths: readonly number[];
  /** The pieces that an evaluator holds, in the order in which they are sent to it. */
  heldBy(evaluator: number): readonly number[];
}

export interface OrderHeader {
  /** `marketTag` of the market's id. */
  readonly market: Uint8Array;
  /** The meter's id: 32 hexadecimal digits. */
  readonly meter: string;
  /** Start of the settlement period, in seconds since 1970 UTC. */
  readonly periodStart: number;
  /** A later order for the same period has a higher one. */
  readonly sequence: number;
}

export interface DecodedOrder extends OrderHeader {
  readonly evaluator: number;
  /** The name of the order, the same at all evaluators: 64 hexadecimal digits. */
  readonly orderId: string;
}

/** The body is not of this kind, or not for this evaluator; says what is wrong and what would be right. */
export class OrderBodyError extends Error {
  override readonly name = "OrderBodyError";
  readonly code: `malformed-${BodyKind}` | "wrong-evaluator";

  constructor(message: string, code: OrderBodyError["code"]) {
    super(message);
    this.code = code;
  }
}

type Hash = Pick<Primitives, "sha256">;

/** The name of a market in orders: 16 bytes. */
export const marketTag = ({ sha256 }: Hash, marketId: string): Uint8Array =>
  sha256(new TextEncoder().encode(marketId)).slice(0, ID_BYTES);

const letters = (kind: BodyKind): Uint8Array => new TextEncoder().encode(LETTERS[kind]);

const headerBytes = (pieces: Pieces): number =>
  DIGESTS_AT + DIGEST_BYTES * pieces.byteLengths.length;

/** How long the body for an evaluator is. */
export const bodyBytes = (pieces: Pieces, evaluator: number): number =>
  headerBytes(pieces) +
  sum(pieces.heldBy(evaluator).map((piece) => SALT_BYTES + pieces.byteLengths[piece]!));

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The pieces in a body that is known to be right, without copying them. */
export function piecesIn(pieces: Pieces, evaluator: number, body: Uint8Array): Uint8Array[] {
  let at = headerBytes(pieces);
  return pieces.heldBy(evaluator).map((piece) => {
    const from = at + SALT_BYTES;
    at = from + pieces.byteLengths[piece]!;
    return body.subarray(from, at);
  });
}

/** One order's bodies, by evaluator. `streams[i]` are the pieces that evaluator i holds, in the order of `heldBy`. */
export function encodeOrder(
  primitives: Pick<Primitives, "sha256" | "randomBytes">,
  header: OrderHeader,
  pieces: Pieces,
  streams: readonly (readonly Uint8Array[])[],
): Uint8Array[] {
  const count = pieces.byteLengths.length;
  assert(count >= 1 && count <= MAX_PARTIES, "an order has pieces, at most one for each evaluator");
  assert(/^[0-9a-f]{32}$/.test(header.meter), "a meter's id has 32 hexadecimal digits");
  const salts = pieces.byteLengths.map(() => primitives.randomBytes(SALT_BYTES));
  const common = new Uint8Array(headerBytes(pieces));
  common.set(letters(pieces.kind), 0);
  common[5] = count;
  common.set(header.market, MARKET_AT);
  common.set(fromHex(header.meter), METER_AT);
  const view = new DataView(common.buffer);
  putU64(view, PERIOD_AT, header.periodStart);
  putU64(view, SEQUENCE_AT, header.sequence);
  streams.forEach((own, evaluator) => {
    pieces.heldBy(evaluator).forEach((piece, k) => {
      assert(own[k]!.length === pieces.byteLengths[piece], "a piece has the length that it must");
      common.set(primitives.sha256(salts[piece]!, own[k]!), DIGESTS_AT + DIGEST_BYTES * piece);
    });
  });
  return streams.map((own, evaluator) => {
    const body = new Uint8Array(bodyBytes(pieces, evaluator));
    body.set(common);
    body[4] = evaluator;
    let at = common.length;
    pieces.heldBy(evaluator).forEach((piece, k) => {
      body.set(salts[piece]!, at);
      body.set(own[k]!, at + SALT_BYTES);
      at += SALT_BYTES + own[k]!.length;
    });
    return body;
  });
}

/**
 * Reads and checks the body of an order at `evaluator`. Throws OrderBodyError when it has another length or form, is
 * for another evaluator, or has pieces that are not those of the digests in the header.
 */
export function decodeOrder(
  { sha256 }: Hash,
  pieces: Pieces,
  evaluator: number,
  body: Uint8Array,
): DecodedOrder {
  const count = pieces.byteLengths.length;
  const { kind } = pieces;
  const a = kind === "order" ? "an order" : "a reading";
  const malformed = (message: string) => new OrderBodyError(message, `malformed-${kind}`);
  if (letters(kind).some((byte, i) => body[i] !== byte)) {
    throw malformed(`${a} begins with the four letters "${LETTERS[kind]}"`);
  }
  if (body[4] !== evaluator) {
    const found = `this is evaluator ${evaluator}, the ${kind} is for evaluator ${body[4]}`;
    throw new OrderBodyError(found, "wrong-evaluator");
  }
  const length = bodyBytes(pieces, evaluator);
  if (body.length !== length) {
    throw malformed(`${a} for this evaluator has ${length} bytes, this one has ${body.length}`);
  }
  if (body[5] !== count || body[6] !== 0 || body[7] !== 0) {
    throw malformed(`the header is not for ${count} pieces`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const held = piecesIn(pieces, evaluator, body);
  pieces.heldBy(evaluator).forEach((piece, k) => {
    const digestAt = DIGESTS_AT + DIGEST_BYTES * piece;
    const { byteOffset, length: bytes } = held[k]!;
    const from = byteOffset - body.byteOffset;
    const digest = sha256(body.subarray(from - SALT_BYTES, from + bytes));
    if (digest.some((byte, i) => body[digestAt + i] !== byte)) {
      throw malformed(`the shares do not have the digest ${piece} of the header`);
    }
  });
  return {
    evaluator,
    market: body.slice(MARKET_AT, METER_AT),
    meter: toHex(body.subarray(METER_AT, PERIOD_AT)),
    periodStart: safe(getU64(view, PERIOD_AT), "start of the period", malformed),
    sequence: safe(getU64(view, SEQUENCE_AT), "sequence number", malformed),
    orderId: orderIdOf({ sha256 }, body, pieces),
  };
}

function safe(
  value: number | null,
  what: string,
  malformed: (message: string) => OrderBodyError,
): number {
  if (value === null) throw malformed(`the ${what} is above 2^53 - 1`);
  return value;
}

/** The name of the order or reading that a body is part of: a digest of what is common to all in the header. */
export function orderIdOf({ sha256 }: Hash, body: Uint8Array, pieces: Pieces): string {
  const common = body.subarray(MARKET_AT, headerBytes(pieces));
  return toHex(sha256(new TextEncoder().encode(`hushwatt ${pieces.kind} 1\n`), common));
}
