// That what a browser has sent is shares, and nothing else.
import { expect } from "vitest";
import type { MarketDocument } from "../../src/market/market-document.ts";
import type { orderPieces } from "../../src/market/order-pieces.ts";
import { piecesIn } from "../../src/wire/order-body.ts";
import type { Sent } from "./browser.test-helper.ts";

/** One length for each evaluator, never the same twice, and no evaluator's shares are bits in clear. */
export function expectSharesOnly(
  document: MarketDocument,
  pieces: ReturnType<typeof orderPieces>,
  sent: readonly Sent[],
): void {
  for (const [evaluator, { web }] of document.evaluators.entries()) {
    const bodies = sent.flatMap(({ url, body }) => (url.startsWith(web!) ? [body!] : []));
    expect(new Set(bodies.map(({ length }) => length)).size).toBe(1);
    for (const body of bodies) {
      const shares = Buffer.concat(piecesIn(pieces, evaluator, body));
      // Bits in clear would be elements of eight bytes with seven zeros: in random ones four in a row are one in
      // 10^7.
      expect(shares.includes(Buffer.alloc(5))).toBe(false);
    }
  }
}
