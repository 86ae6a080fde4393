// What a market's dealer makes of its secret (crypto/mask-key-file.ts): the seed of every mask. Nothing else has to be
// kept, so that a dealer may be killed and started again at any moment. Each seed is a pseudorandom function's value
// (HMAC with SHA-256) at a name that says what it is for, so that no two uses share one.
import { createHmac } from "node:crypto";
import type { BodyKind } from "../wire/order-body.ts";

const SEED_BYTES = 16;

/** Which row a mask is for: `nonce` is what its meter chose for it, 32 hexadecimal digits. */
export interface RowName {
  readonly kind: BodyKind;
  readonly periodStart: number;
  readonly meter: string;
  readonly nonce: string;
}

/** Which result a mask is for: `party` is the name of the one that is told. */
export interface ResultName {
  /** What was computed on; "month" where one was closed. */
  readonly kind: BodyKind | "month";
  readonly periodStart: number;
  readonly attempt: number;
  /** The name of the session, fresh for each: no mask of a result ever hides a second one. */
  readonly session: string;
  readonly party: string;
}

/** In place of a party: what evaluators keep masked and nobody is told; its masks leave the dealer within sums only. */
export const KEPT = {
  /** The trades of a clearing, for the settlement of its period. */
  trades: "kept trades",
  /** What each meter owes by a settlement, for the closing of its month. */
  amounts: "kept amounts",
  /** A supplier's position that is not told with its month, for a later one. */
  position: (supplier: number) => `kept position ${supplier}`,
} as const;

export class MaskKeys {
  readonly #key: Uint8Array;
  readonly #market: string;

  constructor(key: Uint8Array, market: string) {
    this.#key = key;
    this.#market = market;
  }

  /** The seed of the mask of one row. */
  row({ kind, periodStart, meter, nonce }: RowName): Uint8Array {
    return this.#seed("row", kind, periodStart, meter, nonce);
  }

  /** The seed of the mask of what one party is told after an attempt. */
  result({ kind, periodStart, attempt, session, party }: ResultName): Uint8Array {
    return this.#seed("result", kind, periodStart, attempt, session, party);
  }

  #seed(...name: readonly (string | number)[]): Uint8Array {
    // As JSON, different names are different texts.
    const text = JSON.stringify(["hushwatt mask 1", this.#market, ...name]);
    const value = createHmac("sha256", this.#key).update(text).digest();
    return new Uint8Array(value.subarray(0, SEED_BYTES));
  }
}
