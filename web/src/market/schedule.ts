// Settlement periods in the market's time: which are open for orders, and when their gates close.
import { gateClosureOf, type MarketDocument } from "../../../src/market/market-document.ts";

/** The first period whose gate is still open at a time. */
export function firstOpen(market: MarketDocument, now: number): number {
  const { period_s: length, gate_closure_periods: closure } = market.schedule;
  const next = (Math.floor(now / length) + closure + 1) * length;
  return Math.max(market.firstPeriod, next);
}

/** All periods that can be ordered for at a time, in their order. */
export function openPeriods(market: MarketDocument, now: number): number[] {
  const { period_s: length, open_periods: count } = market.schedule;
  const first = firstOpen(market, now);
  const all = Array.from({ length: count }, (_, i) => first + i * length);
  return all.filter((start) => now >= gateClosureOf(market, start) - count * length);
}

/** The periods of a span, which begins at a period's start. */
export function periodsIn(market: MarketDocument, from: number, to: number): number[] {
  const { period_s: length } = market.schedule;
  const first = Math.max(Math.ceil(from / length) * length, market.firstPeriod);
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / length)) }, (_, i) => {
    return first + i * length;
  });
}
