// What everybody does in a rehearsed span of periods, planned beforehand: who orders what, what meters count, and when
// that is known.
import type { ClearOrder } from "../../client/prepared-order.ts";
import type { Metered } from "../../client/prepared-reading.ts";
import type { Setting } from "../../wire/setting.ts";

export interface PlannedReading extends Metered {
  /** After how many periods from the end of delivery it is there; 0: at once. */
  readonly afterPeriods: number;
}

export interface MonthPlan {
  /** The fields of MARKET.json, with suppliers. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Its section `settlement`. */
  readonly settlement: Readonly<Record<string, unknown>>;
  readonly setting: Setting;
  readonly periodS: number;
  /** Start of the first period, in seconds since 1970 UTC; all periods are in one month. */
  readonly first: number;
  readonly periods: number;
  /** By household: the number of its supplier. */
  readonly suppliers: readonly number[];
  order(household: number, period: number): ClearOrder;
  /** In the order in which they are known; empty when nothing is ever read, more than one when it is corrected. */
  readings(household: number, period: number): readonly PlannedReading[];
}
