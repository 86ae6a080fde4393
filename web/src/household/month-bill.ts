// The bill of a month as this browser knows it: what the evaluators stated, if the month is closed, and what the
// household's own history comes to.
import { type OwnBill, ownBillOf } from "../../../src/client/own-bill.ts";
import { unitsOfCent } from "../../../src/market/money.ts";
import { periodsOfMonth } from "../../../src/market/tariffs.ts";
import { monthText } from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { type OwnHistory, ownPeriods, unknownOutcomes } from "./own-periods.ts";
import type { StoredBill } from "./readings-store.ts";
import { access, gateway, metering } from "./session.ts";

export interface MonthBill {
  readonly month: string;
  /** Null while the month is open. */
  readonly kept: StoredBill | null;
  readonly own: OwnBill;
  /** Orders of the month of which nothing is known yet. */
  readonly unknown: number;
  /** Periods of which another reading counted than the last one that was sent, or none. */
  readonly otherReadings: readonly number[];
}

/** An exact amount in ct, to be shown. */
export const ctOf = (units: bigint): number => Number(units) / Number(unitsOfCent);

const ownHistory = (): OwnHistory => ({
  orders: gateway.value!.entries,
  metered: metering.value!.entries,
});

/** What the periods of a span that are over come to, by the household's own history. */
export function ownBillIn(from: number, to: number): OwnBill {
  const document = market.value!;
  const over = Math.min(to, nowS.value - document.schedule.period_s + 1);
  const periods = ownPeriods(ownHistory(), document, from, over);
  return ownBillOf(document, access.value!.supplier, periods);
}

export function monthBill(month: string): MonthBill {
  const document = market.value!;
  const { from, to } = periodsOfMonth(document, month);
  const others = [...metering.value!.entries].filter(([start, { readings, counting }]) => {
    const last = readings.at(-1);
    if (start < from || start >= to || last === undefined || !counting?.isFinal) return false;
    return counting.state !== "counted" || counting.readingId !== last.readingId;
  });
  return {
    month,
    kept: metering.value!.bills.get(month) ?? null,
    own: ownBillIn(from, to),
    unknown: unknownOutcomes(ownHistory(), document, from, to, nowS.value),
    otherReadings: others.map(([start]) => start).toSorted((a, b) => a - b),
  };
}

/** A month such as 2025-06, in words. */
export const monthName = (month: string): string =>
  monthText(Date.parse(`${month}-15T12:00:00Z`) / 1000);
