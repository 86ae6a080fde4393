// What deciding periods needs from the rest of an evaluator.
import type { MarketDocument } from "../../market/market-document.ts";
import type { Clock } from "../../platform/clock.ts";
import type { MarketClock } from "../../platform/market-clock.ts";
import type { EvaluatorStore } from "../../storage/evaluator-store.ts";
import type { Decision } from "../../wire/records.ts";
import type { Closing, Settlement } from "../../wire/settlement-records.ts";
import type { EngineTools } from "../engine-sessions.ts";
import type { MeshTools } from "../mesh-forming.ts";

/** How this evaluator signs decisions, and checks the signatures of others. */
export interface DecisionSigner {
  /** Its certificate, DER in base64. */
  readonly certificate: string;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
  /** Whether `certificate` is that evaluator's, and the signature made with its key. */
  verify(
    evaluator: number,
    certificate: string,
    bytes: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>;
}

/** Told of what happens, for logs and metrics: nothing secret. */
export interface PeriodEvents {
  linked(members: readonly number[]): void;
  unlinked(reason: string): void;
  /** Orders were checked and prepared for clearing while the gate was open. */
  prepared(period: string, orders: number, durationMs: number): void;
  /** That failed, and is done when the gate is closed. */
  preparingFailed(period: string, message: string, lie: boolean): void;
  clearing(period: string, ballot: number, orders: number, active: readonly number[]): void;
  cleared(period: string, timesMs: { offline: number; online: number }): void;
  decided(decision: Decision): void;
  /** An attempt failed; `lie` when somebody was found not to follow the protocol. */
  failed(period: string, message: string, lie: boolean): void;
}

/** The same of settlements, closings, and all that comes after delivery. */
export interface SettlementEvents {
  settling(period: string, revision: number, readings: number, active: readonly number[]): void;
  /** Readings were checked, or the check has failed, after so long. */
  checkedReadings(durationMs: number): void;
  settled(settlement: Settlement): void;
  closed(closing: Closing): void;
  /** It will be tried again; `lie` as above. */
  settlingFailed(what: string, message: string, lie: boolean): void;
}

export interface PeriodContext {
  readonly market: MarketDocument;
  readonly store: EvaluatorStore;
  readonly clock: Clock;
  readonly marketClock: MarketClock;
  readonly signer: DecisionSigner;
  readonly mesh: MeshTools;
  readonly tools: EngineTools;
  /** How many orders wait at least before they are prepared while the gate is open. */
  readonly leastPrepared: number;
  /** How long evaluators wait for one that is missing. */
  readonly rejoinMs: number;
  readonly events: PeriodEvents & SettlementEvents;
}
