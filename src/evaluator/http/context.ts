// What answering requests needs from the rest of an evaluator.
import type { Logger } from "pino";
import type { Identity } from "../../crypto/certificates.ts";
import type { PartyVerifier } from "../../crypto/party-verifier.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import type { Clock } from "../../platform/clock.ts";
import type { MarketClock } from "../../platform/market-clock.ts";
import type { HttpsLimits } from "../../service/https-limits.ts";
import type { EvaluatorStore } from "../../storage/evaluator-store.ts";
import type { EvaluatorMetrics } from "../metrics.ts";

export interface HttpContext {
  readonly market: MarketDocument;
  /** For periods and their gates. */
  readonly marketClock: MarketClock;
  /** For certificates, signatures and durations. */
  readonly clock: Clock;
  /** This evaluator's number. */
  readonly index: number;
  readonly identity: Identity;
  readonly store: EvaluatorStore;
  readonly verifier: PartyVerifier;
  readonly log: Logger;
  readonly metrics: EvaluatorMetrics;
  readonly limits: HttpLimits;
}

/** The bounds of LIMITS that hold here. */
export type HttpLimits = HttpsLimits & {
  readonly [name in
    | "ordersWaiting"
    | "ordersAtOnce"
    | "ordersGatherMs"
    | "orderVersions"
    | "recordsPerAnswer"
    | "keptTrees"]: number;
};
