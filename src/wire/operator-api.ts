// What the operator's process tells pages about a market: public data only, as JSON and as server-sent events.
import type { Decision, PeriodState } from "./records.ts";

export const OPERATOR_API = {
  market: "/api/market",
  status: "/api/status",
  metrics: "/api/metrics",
  events: "/api/events",
} as const;

export interface PublicEvaluator {
  readonly evaluator: number;
  readonly name: string;
  /** Why it could not be asked; null when it answered. */
  readonly problem: string | null;
  /** Since when it is so, in milliseconds since 1970 UTC. */
  readonly sinceMs: number;
  /** Until when the certificate is valid that it signed its last decision with; null while that is not known. */
  readonly certificateEndsMs: number | null;
}

/** The last settlement of a period: what is public of it. */
export interface PublicSettlement {
  /** 1 when readings came or were corrected after the first settlement. */
  readonly revision: number;
  readonly readings: number;
  /** Readings that failed a check. */
  readonly rejected: number;
  /** Meters whose reading is missing or was rejected. */
  readonly estimated: number;
}

export interface PublicMonth {
  /** A month of the market's time zone, e.g. 2025-06. */
  readonly month: string;
  /** When readings are taken no more, in seconds since 1970 UTC. */
  readonly closureS: number;
  /** Null while it is open. */
  readonly closing: { readonly periods: number; readonly bills: number } | null;
}

export interface PublicPeriod {
  /** Seconds since 1970 UTC. */
  readonly start: number;
  /** By evaluator; null where it did not answer or does not know the period. */
  readonly states: readonly (PeriodState | null)[];
  /** How many ballots there were, at most. */
  readonly attempts: number;
  /** What enough evaluators have signed; null when they have decided nothing, or contradict each other. */
  readonly decision: Decision | null;
  /** What contradicts what, or cannot be believed, in words. */
  readonly disagreements: readonly string[];
  /** Null while it is not settled, and in a market without settlement. */
  readonly settlement: PublicSettlement | null;
}

/** GET /api/status?from=&to= (seconds since 1970 UTC): periods that begin from `from` on and before `to`. */
export interface PublicStatus {
  /** Null before evaluators were asked for the first time. */
  readonly checkedMs: number | null;
  readonly evaluators: readonly PublicEvaluator[];
  /** Newest first. */
  readonly periods: readonly PublicPeriod[];
  /** In their order; empty in a market without settlement. */
  readonly months: readonly PublicMonth[];
}

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** GET /api/metrics: what evaluators measure, of each that answers. */
export interface PublicMetrics {
  readonly evaluators: readonly {
    readonly evaluator: number;
    /** Null when it did not answer. */
    readonly samples: readonly MetricSample[] | null;
  }[];
}

/** GET /api/events, by the name of the event. */
export interface OperatorEvents {
  /** Something about a period has changed. */
  readonly period: PublicPeriod;
  /** All months, when one has begun or was closed. */
  readonly months: readonly PublicMonth[];
  /** All evaluators, when one has come or gone. */
  readonly evaluators: readonly PublicEvaluator[];
  /** The gate of a period has closed. */
  readonly gate: { readonly start: number };
}
export type OperatorEventName = keyof OperatorEvents;
