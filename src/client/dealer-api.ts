// The HTTP API of a market's dealer, call by call. What comes back is checked for its form, and that it is about
// what was
// asked. Nothing is tried again here.
import { base64ToArrayBuffer } from "structured-headers";
import { type Clock, systemClock } from "../platform/clock.ts";
import { DECISION_MEDIA_TYPE, resultMaskSchema, rowMaskSchema } from "../wire/dealer-records.ts";
import { toHex } from "../wire/hex.ts";
import type { Signer } from "../wire/http-signature.ts";
import type { HttpTransport } from "../wire/http-transport.ts";
import { type SignedDecision, textOfPeriod } from "../wire/records.ts";
import { type CallOptions, ServiceHttp } from "./evaluator-http.ts";
import type { RowMask } from "./row-sharing.ts";

export interface DealerOptions {
  /** As the market document has it. */
  readonly url: string;
  readonly send: HttpTransport;
  readonly clock?: Clock;
}

/** What a result is hidden under: one for a meter, one for a supplier's sums. */
export type MaskedResult = "result" | "aggregate";

const SEED_BYTES = 16;

export class DealerApi {
  readonly #http: ServiceHttp;

  constructor({ url, send, clock = systemClock }: DealerOptions) {
    this.#http = new ServiceHttp({ recipient: "dealer", url, send, clock });
  }

  /**
   * The mask of one order for a period whose gate is open; `nonce` is 16 random bytes that name this order's alone.
   */
  async rowMask(
    signer: Signer,
    periodStart: number,
    nonce: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<RowMask> {
    const [period, name] = [textOfPeriod(periodStart), toHex(nonce)];
    const path = `/periods/${period}/masks/${name}`;
    const answer = this.#http.parsed(
      await this.#http.call({ path, signer, signal }),
      rowMaskSchema,
    );
    const seed = bytesOf(answer.seed);
    const right =
      answer.period === period && answer.nonce === name && answer.meter === signer.party.id;
    if (!right || seed.length !== SEED_BYTES) {
      throw this.#http.wrong("it is not the mask of this order");
    }
    return { nonce, seed };
  }

  /** What the signer's result is hidden under, by the decision of the period: little-endian elements. */
  async resultMask(
    signer: Signer,
    what: MaskedResult,
    signed: SignedDecision,
    { signal }: CallOptions = {},
  ): Promise<Uint8Array> {
    const { period, attempt } = signed.decision;
    const answer = await this.#http.call({
      method: "POST",
      path: `/periods/${period}/${what}-mask`,
      signer,
      body: new TextEncoder().encode(JSON.stringify(signed)),
      media: DECISION_MEDIA_TYPE,
      signal,
    });
    const found = this.#http.parsed(answer, resultMaskSchema);
    if (found.period === period && found.attempt === attempt) return bytesOf(found.mask);
    throw this.#http.wrong("it is the mask of another result");
  }
}

const bytesOf = (base64: string): Uint8Array => new Uint8Array(base64ToArrayBuffer(base64));
