// Orders as bytes: the exact form, what is refused, and that a digest tells nothing without its salt.
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "./hex.ts";
import {
  bodyBytes,
  decodeOrder,
  encodeOrder,
  marketTag,
  OrderBodyError,
  type Pieces,
  piecesIn,
} from "./order-body.ts";

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const random = { sha256, randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
/** Three components, of which each evaluator holds two. */
const pieces: Pieces = { kind: "order", byteLengths: [4, 4, 8], heldBy: (i) => [i, (i + 1) % 3] };
const [first, second, third] = [4, 4, 8].map((length, i) => new Uint8Array(length).fill(i + 1));
const streams = [
  [first!, second!],
  [second!, third!],
  [third!, first!],
];
const header = {
  market: marketTag({ sha256 }, "elm-street"),
  meter: "000102030405060708090a0b0c0d0e0f",
  periodStart: 1_748_779_200,
  sequence: 7,
};

describe("an order's bodies", () => {
  it("have this form", () => {
    const counting = { sha256, randomBytes: (n: number) => new Uint8Array(n).fill(0xaa) };
    const [body] = encodeOrder(counting, header, pieces, streams);
    const salt = "aa".repeat(16);
    const digests = [first!, second!, third!].map((piece) =>
      toHex(sha256(new Uint8Array(16).fill(0xaa), piece)),
    );
    expect(toHex(body!)).toBe(
      `48574f3100030000${toHex(sha256(new TextEncoder().encode("elm-street"))).slice(0, 32)}${header.meter}` +
        `c0403c6800000000${"0700000000000000"}${digests.join("")}${salt}01010101${salt}02020202`,
    );
  });

  it("give each evaluator its pieces, and all the same name", () => {
    const bodies = encodeOrder(random, header, pieces, streams);
    const decoded = bodies.map((body, i) => decodeOrder({ sha256 }, pieces, i, body));
    for (const [i, body] of bodies.entries()) {
      expect(body.length).toBe(bodyBytes(pieces, i));
      expect(piecesIn(pieces, i, body)).toEqual(streams[i]);
      expect(decoded[i]).toEqual({ ...header, evaluator: i, orderId: decoded[0]!.orderId });
    }
    const again = encodeOrder(random, header, pieces, streams);
    expect(decodeOrder({ sha256 }, pieces, 0, again[0]!).orderId).not.toBe(decoded[0]!.orderId);
  });

  it("keep numbers up to 2^53 - 1 exactly", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (periodStart, sequence) => {
        const [body] = encodeOrder(random, { ...header, periodStart, sequence }, pieces, streams);
        expect(decodeOrder({ sha256 }, pieces, 0, body!)).toMatchObject({ periodStart, sequence });
      }),
    );
    const [body] = encodeOrder(random, header, pieces, streams);
    body!.fill(0xff, 48, 56);
    expect(() => decodeOrder({ sha256 }, pieces, 0, body!)).toThrow("above 2^53 - 1");
  });

  it("are refused when they are another evaluator's, or any byte that is checked has changed", () => {
    const bodies = encodeOrder(random, header, pieces, streams);
    expect(() => decodeOrder({ sha256 }, pieces, 1, bodies[0]!)).toThrow(
      "this is evaluator 1, the order is for evaluator 0",
    );
    const body = bodies[0]!;
    const name = decodeOrder({ sha256 }, pieces, 0, body).orderId;
    for (let at = 0; at < body.length; at++) {
      const changed = body.slice();
      changed[at] = changed[at]! ^ 1;
      // What is not checked here is part of the name: the digest of the piece that this evaluator does not hold too.
      try {
        expect({ at, name: decodeOrder({ sha256 }, pieces, 0, changed).orderId }).not.toEqual({
          at,
          name,
        });
      } catch (error) {
        if (!(error instanceof OrderBodyError)) throw error;
      }
    }
    for (const length of [0, 3, 8, body.length - 1]) {
      expect(() => decodeOrder({ sha256 }, pieces, 0, body.slice(0, length))).toThrow(
        OrderBodyError,
      );
    }
    const longer = new Uint8Array(body.length + 1);
    longer.set(body);
    expect(() => decodeOrder({ sha256 }, pieces, 0, longer)).toThrow(
      `has ${body.length} bytes, this one has ${body.length + 1}`,
    );
  });
});
