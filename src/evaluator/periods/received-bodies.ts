// What meters sent this evaluator of an agreed set, orders or readings: its shares; with a dealer, names of masks.
import type { MarketDocument } from "../../market/market-document.ts";
import { assert } from "../../platform/assert.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import { MASK_NAME_BYTES, NONCE_BYTES, writeMaskName } from "../../wire/dealer-messages.ts";
import { type Pieces, piecesIn } from "../../wire/order-body.ts";

/** Where shares go: one stream for each piece of a body, one share after the other. */
export interface ShareStream {
  write(share: Uint8Array, offset: number): void;
}

/**
 * Reads the bodies of `entries` by `read`, which hands them over in this order, and writes this evaluator's shares into
 * `streams`. Gives the names of the masks, one after the other; empty without a dealer.
 */
export async function readBodies(
  { dealer }: Pick<MarketDocument, "dealer">,
  party: number,
  pieces: Pieces,
  entries: readonly OrderEntry[],
  streams: readonly ShareStream[],
  read: (onBody: (index: number, body: Uint8Array) => void) => Promise<void>,
): Promise<Uint8Array> {
  const names = new Uint8Array(dealer === null ? 0 : entries.length * MASK_NAME_BYTES);
  let found = 0;
  await read((index, body) => {
    assert(index === found, "bodies come in the order of their entries");
    found += 1;
    piecesIn(pieces, party, body).forEach((piece, k) => {
      const share = dealer === null ? piece : piece.subarray(NONCE_BYTES);
      streams[k]!.write(share, index * share.length);
      if (dealer !== null) writeMaskName(names, index, entries[index]!.meter, piece);
    });
  });
  assert(found === entries.length, "the store has everything of an agreed set");
  return names;
}
