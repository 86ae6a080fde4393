// What is to be settled and closed next, and when: periods one after the other some time after delivery, and months
// when their readings are complete. Clearing comes first: nothing is begun that could keep a gate waiting.
import { gateClosureOf } from "../../market/market-document.ts";
import { monthClosureOf, monthOf, periodsOfMonth, settlementDueOf } from "../../market/tariffs.ts";
import type { PeriodContext } from "./context.ts";
import type { Status } from "./round-messages.ts";

/** A part of a period: what takes longer than that does not wait for a gate that is near. */
const LONGEST_PART = 4;
/** First and longest pause after a failure; it doubles from one to the other. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;

/** What this process remembers of settling. */
export class SettlingMemory {
  /** Readings whose shares do not fit together: left out from now on. */
  readonly excluded = new Set<string>();
  /** By month whose readings are closed, the periods that are known here to have changed since they were settled. */
  readonly changed = new Map<string, readonly number[]>();
  private lastMs = 0;
  private pauseMs = 0;
  private restUntilMs = 0;

  /** After something was settled, or closed. */
  succeeded(durationMs: number): void {
    this.lastMs = durationMs;
    this.pauseMs = 0;
  }

  failed(nowMs: number): void {
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.pauseMs));
    this.restUntilMs = nowMs + this.pauseMs;
  }

  /** In how many milliseconds something may be begun, of which the first gate is `gateMs` away; 0 if now. */
  restMs(nowMs: number, gateMs: number, periodMs: number): number {
    const rest = this.pauseMs === 0 ? 0 : Math.max(0, this.restUntilMs - nowMs);
    const needMs = Math.min(this.lastMs, periodMs / LONGEST_PART);
    return rest === 0 && gateMs > 0 && gateMs < needMs ? gateMs : rest;
  }
}

export interface Agenda {
  readonly settling: Status["settling"];
  /** In how many milliseconds something is due here that is not yet. */
  readonly wakeMs: number;
}

/** `next` is the period to be cleared next, `canSettle` whether enough evaluators are linked. */
export async function agendaOf(
  { market, store, marketClock, clock }: PeriodContext,
  memory: SettlingMemory,
  next: number,
  canSettle: boolean,
): Promise<Agenda> {
  const gateMs = marketClock.msUntil(gateClosureOf(market, next));
  if (market.settlement === null) return { settling: null, wakeMs: gateMs };
  const { period_s: length } = market.schedule;
  const last = await store.lastDecidedMatter("settlement");
  const period = last === null ? market.firstPeriod : last + length;
  const closed = await store.lastDecidedMatter("closing");
  const month = closed === null ? market.firstPeriod : monthEnd(market, closed);
  const nowS = marketClock.nowS();
  const periodMs = marketClock.msUntil(nowS + length);
  const restMs = memory.restMs(clock.nowMs(), gateMs, periodMs);
  const settlementS = settlementDueOf(market, period);
  const closureS = monthClosureOf(market, monthOf(market, month));
  const isSettled = monthEnd(market, month) <= period;
  // Only what is decided can be settled.
  const isDecided = period < next;
  const periodDue = canSettle && isDecided && nowS >= settlementS;
  const monthDue = canSettle && isSettled && nowS >= closureS;
  const later = [gateMs];
  if (canSettle) {
    if (nowS < settlementS) later.push(marketClock.msUntil(settlementS));
    if (isSettled && nowS < closureS) later.push(marketClock.msUntil(closureS));
    if ((periodDue || monthDue) && restMs > 0) later.push(restMs);
  }
  return {
    settling: {
      period,
      month,
      periodDue: periodDue && restMs === 0,
      monthDue: monthDue && restMs === 0,
    },
    wakeMs: Math.min(...later),
  };
}

/** The end of the month that begins with this period: the start of the next one's first period. */
const monthEnd = (market: PeriodContext["market"], start: number): number =>
  periodsOfMonth(market, monthOf(market, start)).to;
