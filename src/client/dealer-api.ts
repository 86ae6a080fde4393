// The HTTP API of a market's dealer, call by call. What comes back is checked for its form, and that it is about what
// was asked. Nothing is tried again here.
import { base64ToArrayBuffer } from "structured-headers";
import { type Clock, systemClock } from "../platform/clock.ts";
import { DECISION_MEDIA_TYPE, resultMaskSchema, rowMaskSchema } from "../wire/dealer-records.ts";
import { toHex } from "../wire/hex.ts";
import type { Signer } from "../wire/http-signature.ts";
import type { HttpTransport } from "../wire/http-transport.ts";
import type { BodyKind } from "../wire/order-body.ts";
import { type SignedDecision, textOfPeriod } from "../wire/records.ts";
import type { SignedClosing, SignedSettlement } from "../wire/settlement-records.ts";
import { type CallOptions, ServiceHttp } from "./evaluator-http.ts";
import type { RowMask } from "./row-sharing.ts";

export interface DealerOptions {
  /** As the market document has it. */
  readonly url: string;
  readonly send: HttpTransport;
  readonly clock?: Clock;
}

/** What was decided, and whose result of it is asked for: a meter's or a supplier's. */
export type MaskedResult =
  | { readonly of: "result" | "aggregate"; readonly signed: SignedDecision }
  | { readonly of: "metered"; readonly signed: SignedSettlement }
  | { readonly of: "bill" | "payables"; readonly signed: SignedClosing };

const SEED_BYTES = 16;

export class DealerApi {
  readonly #http: ServiceHttp;

  constructor({ url, send, clock = systemClock }: DealerOptions) {
    this.#http = new ServiceHttp({ recipient: "dealer", url, send, clock });
  }

  /**
   * The mask of one order for a period whose gate is open, or of one reading until its month is closed; `nonce` is 16
   * random bytes that name this row's alone.
   */
  async rowMask(
    signer: Signer,
    kind: BodyKind,
    periodStart: number,
    nonce: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<RowMask> {
    const [period, name] = [textOfPeriod(periodStart), toHex(nonce)];
    const path = `/periods/${period}/${kind === "order" ? "masks" : "reading-masks"}/${name}`;
    const answer = this.#http.parsed(
      await this.#http.call({ path, signer, signal }),
      rowMaskSchema,
    );
    const seed = bytesOf(answer.seed);
    const right =
      answer.period === period && answer.nonce === name && answer.meter === signer.party.id;
    if (!right || seed.length !== SEED_BYTES) {
      throw this.#http.wrong(`it is not the mask of this ${kind}`);
    }
    return { nonce, seed };
  }

  /** The seed of what the signer's result is hidden under, by a decision. */
  async resultMask(
    signer: Signer,
    { of, signed }: MaskedResult,
    { signal }: CallOptions = {},
  ): Promise<Uint8Array> {
    const { about, path, attempt } = subjectOf(signed);
    const answer = await this.#http.call({
      method: "POST",
      path: `/${path}/${about}/${of}-mask`,
      signer,
      body: new TextEncoder().encode(JSON.stringify(signed)),
      media: DECISION_MEDIA_TYPE,
      signal,
    });
    const found = this.#http.parsed(answer, resultMaskSchema);
    const seed = bytesOf(found.seed);
    const right = found.about === about && found.attempt === attempt;
    if (right && seed.length === SEED_BYTES) return seed;
    throw this.#http.wrong("it is the mask of another result");
  }
}

/** About what a decision is, and where that stands in paths. */
function subjectOf(signed: MaskedResult["signed"]) {
  if ("closing" in signed) {
    return { about: signed.closing.month, path: "months", attempt: signed.closing.attempt };
  }
  const { period, attempt } = "settlement" in signed ? signed.settlement : signed.decision;
  return { about: period, path: "periods", attempt };
}

const bytesOf = (base64: string): Uint8Array => new Uint8Array(base64ToArrayBuffer(base64));
