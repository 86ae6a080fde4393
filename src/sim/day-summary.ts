// Sums over a cleared day as only its simulator can draw them up: it knows all orders in clear
// and sees what every household and every supplier got. No role of a real market can compute
// these.

import type { Order, Outcome } from "../market/order.ts";
import { UNITS_PER_WH } from "../market/order.ts";
import { assert } from "../platform/assert.ts";

/** One settlement period of the day. */
export interface DayPeriod {
  readonly startUtc: string;
  readonly orders: readonly Order[];
  /** Nothing is traded in a void period. */
  readonly outcome: Outcome;
  readonly isVoid: boolean;
  /** How many orders the evaluators agreed to count. */
  readonly counted: number;
}

/** A stretch of the day: one period, or all those of an hour. */
export interface DayStretch {
  readonly startUtc: string;
  readonly periods: number;
  /** How many orders of each side were submitted, over all periods. */
  readonly buying: number;
  readonly selling: number;
  readonly idle: number;
  readonly periodsTraded: number;
  /** Ticks; null when no period traded. */
  readonly lowestTick: number | null;
  readonly highestTick: number | null;
  readonly tradedWh: number;
  readonly counted: number;
  readonly voidPeriods: number;
}

/** The energy that changed hands in a period, in Wh. */
export function tradedWh(period: DayPeriod): number {
  const { tradedUnits } = period.outcome;
  const bought = period.orders.map((order, i) =>
    order.side === "buy" ? (tradedUnits[i] ?? 0) : 0,
  );
  return sum(bought) / UNITS_PER_WH;
}

/**
 * Groups the periods that begin in the same hour; the result is in the order of their first
 * periods.
 */
export function hourly(periods: readonly DayPeriod[]): DayStretch[] {
  const hours = new Map<string, DayPeriod[]>();
  for (const period of periods) {
    const hour = period.startUtc.slice(0, 13);
    hours.set(hour, [...(hours.get(hour) ?? []), period]);
  }
  return [...hours.values()].map(stretchOf);
}

/** Sums up consecutive periods, at least one. */
export function stretchOf(periods: readonly DayPeriod[]): DayStretch {
  const first = periods[0];
  assert(first !== undefined, "a stretch has at least one period");
  const sides = periods.flatMap(({ orders }) => orders.map(({ side }) => side));
  const ticks = periods.flatMap(({ outcome }) => outcome.priceTick ?? []);
  return {
    startUtc: first.startUtc,
    periods: periods.length,
    buying: sides.filter((side) => side === "buy").length,
    selling: sides.filter((side) => side === "sell").length,
    idle: sides.filter((side) => side === "idle").length,
    periodsTraded: periods.filter(({ outcome }) => outcome.traded).length,
    lowestTick: ticks.length === 0 ? null : Math.min(...ticks),
    highestTick: ticks.length === 0 ? null : Math.max(...ticks),
    tradedWh: sum(periods.map(tradedWh)),
    counted: sum(periods.map(({ counted }) => counted)),
    voidPeriods: periods.filter(({ isVoid }) => isVoid).length,
  };
}

/** What one household did in one period, in Wh. */
export interface HouseholdTrade {
  readonly startUtc: string;
  readonly side: "buy" | "sell";
  readonly tradedWh: number;
  readonly priceTick: number;
}

/** The periods in which `meter` traded. */
export function tradesOf(periods: readonly DayPeriod[], meter: string): HouseholdTrade[] {
  return periods.flatMap(({ startUtc, orders, outcome }): HouseholdTrade[] => {
    const i = orders.findIndex((order) => order.meter === meter);
    const side = orders[i]?.side;
    const units = outcome.tradedUnits[i] ?? 0;
    if (units === 0 || outcome.priceTick === null || side === undefined || side === "idle")
      return [];
    return [{ startUtc, side, tradedWh: units / UNITS_PER_WH, priceTick: outcome.priceTick }];
  });
}

/** The sums that a supplier received over the day. */
export interface SupplierDay {
  readonly boughtWh: number;
  readonly soldWh: number;
  /** Periods whose sums were withheld from it. */
  readonly withheld: number;
  /** The period with most energy bought and sold; null when there was none. */
  readonly peak: {
    readonly startUtc: string;
    readonly boughtWh: number;
    readonly soldWh: number;
  } | null;
}

/** Adds up what supplier number `supplier` was told. */
export function supplierDay(periods: readonly DayPeriod[], supplier: number): SupplierDay {
  let withheld = 0;
  const sums = periods.flatMap(({ startUtc, outcome }) => {
    const told = outcome.suppliers[supplier];
    if (told === null || told === undefined) {
      withheld++;
      return [];
    }
    const boughtWh = told.boughtUnits / UNITS_PER_WH;
    return [{ startUtc, boughtWh, soldWh: told.soldUnits / UNITS_PER_WH }];
  });
  const volume = (entry: { boughtWh: number; soldWh: number }): number =>
    entry.boughtWh + entry.soldWh;
  const busiest = sums.toSorted((a, b) => volume(b) - volume(a))[0];
  return {
    boughtWh: sum(sums.map(({ boughtWh }) => boughtWh)),
    soldWh: sum(sums.map(({ soldWh }) => soldWh)),
    withheld,
    peak: busiest !== undefined && volume(busiest) > 0 ? busiest : null,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
