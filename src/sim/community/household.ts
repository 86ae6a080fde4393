// One simulated household: who it is (drawn once) and its day (load, panels, orders).
// The day begins at 00:00 UTC; habits follow the local clock, two hours ahead.

import type { Order } from "../../market/order.ts";
import type { Habits } from "./appliances.ts";
import { dailyLoadWh } from "./appliances.ts";
import type { Tariffs, Temperament } from "./limit-prices.ts";
import { askTick, bidTick } from "./limit-prices.ts";
import type { Prng } from "./prng.ts";
import { correlatedSeries } from "./prng.ts";
import type { Roof, Site } from "./solar.ts";
import { cloudySky, roofYieldWh, sunPosition } from "./solar.ts";
import { QUARTERS } from "./standard-load-profile.ts";
import { localCloudCover } from "./weather.ts";

/** Central European Summer Time. */
export const LOCAL_QUARTERS_AHEAD = 8;

/** Less than this in a quarter-hour is not worth an order. */
export const SMALLEST_ORDER_WH = 5;

export interface Household extends Habits, Temperament {
  readonly meter: string;
  /** Index in the community's list of suppliers. */
  readonly supplier: number;
  /** Null without panels. */
  readonly roof: Roof | null;
}

/** Wh of each quarter-hour from 00:00 UTC, 96 values each. */
export interface HouseholdDay {
  readonly loadWh: readonly number[];
  readonly solarWh: readonly number[];
}

/** What the community decides about a household; the household's own draws do the rest. */
export interface HouseholdPlace {
  readonly meter: string;
  readonly supplier: number;
  /** Where it stands among all, 0 .. 1, from the smallest consumer to the largest. */
  readonly consumptionRank: number;
  /** The same for the size of the roof; null without panels. */
  readonly roofRank: number | null;
  readonly hasElectricCar: boolean;
}

/**
 * Draws a household of 1,800 to 6,000 kWh a year; with panels, of 2 to 9 kW peak, most of them
 * small.
 */
export function drawHousehold(place: HouseholdPlace, prng: Prng): Household {
  const facing = (["south", "south", "east", "west"] as const)[prng.below(4)] ?? "south";
  const tiltDegrees = Math.round(prng.between(25, 45));
  const lateQuarters = Math.round(2 * prng.normal());
  const { meter, supplier, hasElectricCar, consumptionRank, roofRank } = place;
  return {
    meter,
    supplier,
    annualKwh: Math.round(1800 + 4200 * consumptionRank ** 1.5),
    hasElectricCar,
    lateQuarters: Math.max(-6, Math.min(6, lateQuarters)),
    eagerness: prng.uniform(),
    greed: prng.uniform(),
    roof:
      roofRank === null
        ? null
        : { peakKw: Math.round(10 * (2 + 7 * roofRank ** 5)) / 10, facing, tiltDegrees },
  };
}

/** Simulates the household's load and yield under the community's `cloudCover` (96 values). */
export function simulateDay(
  household: Household,
  where: { readonly site: Site; readonly dayOfYear: number },
  cloudCover: readonly number[],
  prng: Prng,
): HouseholdDay {
  const local = dailyLoadWh(household, where.dayOfYear, prng);
  const cover = localCloudCover(cloudCover, prng);
  const loadWh: number[] = [];
  const solarWh: number[] = [];
  for (let t = 0; t < QUARTERS; t++) {
    loadWh.push(local[(t + LOCAL_QUARTERS_AHEAD) % QUARTERS] ?? 0);
    const sun = sunPosition(where.site, where.dayOfYear, (t + 0.5) / 4);
    const sky = cloudySky(sun.sinElevation, cover[t] ?? 1);
    solarWh.push(household.roof === null ? 0 : roofYieldWh(household.roof, sun, sky, 15));
  }
  return { loadWh, solarWh };
}

/**
 * The household's 96 orders: net surplus is offered, net need is bid for, next to nothing is
 * idle.
 */
export function ordersOfDay(
  household: Household,
  day: HouseholdDay,
  tariffs: Tariffs,
  prng: Prng,
): Order[] {
  const whims = correlatedSeries(QUARTERS, 0.9, prng);
  const { meter, supplier } = household;
  return day.loadWh.map((loadWh, t): Order => {
    const netWh = Math.round(loadWh - (day.solarWh[t] ?? 0));
    const energyWh = Math.abs(netWh);
    if (energyWh < SMALLEST_ORDER_WH) {
      return { meter, side: "idle", energyWh: 0, limitTick: null, supplier };
    }
    const localHours = ((t + LOCAL_QUARTERS_AHEAD) % QUARTERS) / 4;
    const whim = 0.03 * (whims[t] ?? 0);
    const side = netWh > 0 ? "buy" : "sell";
    const limitOf = side === "buy" ? bidTick : askTick;
    const limitTick = limitOf(household, tariffs, localHours, whim);
    return { meter, side, energyWh, limitTick, supplier };
  });
}
