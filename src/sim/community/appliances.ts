// The consumption of one household over a day: its share of the standard profile, shifted and
// roughened by its own habits, and the bumps of single appliances. Index 0 is 00:00 on the local
// clock.

import type { Prng } from "./prng.ts";
import { correlatedSeries } from "./prng.ts";
import { juneWorkdayWh, QUARTERS } from "./standard-load-profile.ts";

export interface Habits {
  readonly annualKwh: number;
  readonly hasElectricCar: boolean;
  /** How many quarter-hours later than the average this household lives; may be negative. */
  readonly lateQuarters: number;
}

/** One appliance: how often a day, when (local hours), how long, how strong. */
interface Appliance {
  readonly chance: number;
  readonly fromHour: number;
  readonly toHour: number;
  readonly minutes: readonly [number, number];
  readonly watts: number;
}

const APPLIANCES: readonly Appliance[] = [
  { chance: 0.8, fromHour: 6.2, toHour: 8.5, minutes: [3, 5], watts: 2000 }, // kettle, morning
  { chance: 0.5, fromHour: 14.5, toHour: 17, minutes: [3, 5], watts: 2000 }, // kettle, afternoon
  { chance: 0.35, fromHour: 11.5, toHour: 13, minutes: [15, 30], watts: 1400 }, // hob, noon
  { chance: 0.55, fromHour: 17, toHour: 19.5, minutes: [25, 60], watts: 1800 }, // oven, evening
  { chance: 0.4, fromHour: 19, toHour: 21.5, minutes: [40, 80], watts: 850 }, // dishwasher
  { chance: 0.35, fromHour: 8, toHour: 19, minutes: [50, 90], watts: 750 }, // washing machine
];

const CAR: Appliance = {
  chance: 0.75,
  fromHour: 17.5,
  toHour: 21,
  minutes: [60, 180],
  watts: 3700,
};

/** Appliances replace part of the profile, which is a mean over households that have them too. */
const SMALLEST_BASE = 0.45;

/**
 * Energy in Wh of each quarter-hour of the local day, 96 values. Without a car the day's total is
 * near that of the standard profile for the household's annual consumption; charging a car comes
 * on top.
 */
export function dailyLoadWh(habits: Habits, dayOfYear: number, prng: Prng): number[] {
  const profile = juneWorkdayWh(habits.annualKwh, dayOfYear);
  const profileWh = sum(profile);
  const bumps = new Array<number>(QUARTERS).fill(0);
  for (const appliance of APPLIANCES) run(appliance, habits.lateQuarters, bumps, prng);
  const base = Math.max(SMALLEST_BASE, 1 - sum(bumps) / profileWh);
  const mood = correlatedSeries(QUARTERS, 0.75, prng);
  const load = profile.map((_, t) => {
    const habitual = profile[(t - habits.lateQuarters + QUARTERS) % QUARTERS] ?? 0;
    // exp(0.28 z - 0.04) has mean 1: the noise moves energy about, and adds none.
    return base * habitual * Math.exp(0.28 * (mood[t] ?? 0) - 0.04) + (bumps[t] ?? 0);
  });
  if (habits.hasElectricCar) run(CAR, 0, load, prng);
  return load;
}

/** Adds one use of the appliance to `load`, minute by minute, or none as its chance goes. */
function run(appliance: Appliance, lateQuarters: number, load: number[], prng: Prng): void {
  const used = prng.uniform() < appliance.chance;
  const start = prng.between(appliance.fromHour, appliance.toHour) * 60 + lateQuarters * 15;
  const lasting = prng.between(...appliance.minutes);
  if (!used) return;
  for (let minute = 0; minute < Math.round(lasting); minute++) {
    const quarter = Math.floor((start + minute) / 15) % QUARTERS;
    load[quarter] = (load[quarter] ?? 0) + appliance.watts / 60;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
