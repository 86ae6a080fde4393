// The market's time: UTC, or the accelerated time of a rehearsal. Periods follow it; certificates and request
// signatures follow the real one.
import type { Clock } from "./clock.ts";

/** A rehearsal's clock shows `market` at the real time `real` (ISO 8601), and runs `speed` times as fast. */
export interface ClockMapping {
  readonly real: string;
  readonly market: string;
  readonly speed: number;
}

export interface MarketClock {
  /** Seconds since 1970 UTC with fractions. */
  nowS(): number;
  /** Real milliseconds until the market's clock shows `marketS`; 0 when that has passed. */
  msUntil(marketS: number): number;
}

/** `mapping` is null for a market in real time. */
export function marketClock(clock: Clock, mapping: ClockMapping | null): MarketClock {
  const real = mapping === null ? 0 : Date.parse(mapping.real);
  const market = mapping === null ? 0 : Date.parse(mapping.market);
  const speed = mapping?.speed ?? 1;
  const nowMs = () => market + (clock.utcMs() - real) * speed;
  return {
    nowS: () => nowMs() / 1000,
    msUntil: (marketS) => Math.max(0, (marketS * 1000 - nowMs()) / speed),
  };
}
