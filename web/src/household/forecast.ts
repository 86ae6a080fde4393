// What a household may expect to use and to generate in a period: from a few numbers that a person knows, or from a
// file of another program. A forecast only: what is really used is measured.
import type { ExpectedEnergy } from "../../../src/client/standing-rule.ts";
import {
  cloudySky,
  type Roof,
  roofYieldWh,
  sunPosition,
} from "../../../src/sim/community/solar.ts";
import { juneWorkdayWh, QUARTERS } from "../../../src/sim/community/standard-load-profile.ts";

export type Sky = "clear" | "changing" | "covered";

export interface HouseholdShape {
  readonly annualKwh: number;
  /** 0 without panels. */
  readonly peakKw: number;
  readonly facing: Roof["facing"];
  readonly sky: Sky;
  readonly latitudeDegrees: number;
  readonly longitudeDegrees: number;
}

export interface ForecastPeriod {
  readonly loadWh: number;
  readonly solarWh: number;
}

const CLOUD_COVER = { clear: 0, changing: 0.75, covered: 1 } as const satisfies Record<Sky, number>;
const TILT_DEGREES = 35;
const QUARTER_S = 900;
/** Longer periods are looked at in steps. */
const STEP_S = 900;

/** Consumption and yield of the panels in a period. */
export function expectedOf(shape: HouseholdShape, start: number, lengthS: number): ForecastPeriod {
  const steps = Math.max(1, Math.round(lengthS / STEP_S));
  const stepS = lengthS / steps;
  let [loadWh, solarWh] = [0, 0];
  for (let step = 0; step < steps; step++) {
    const middle = new Date((start + (step + 0.5) * stepS) * 1000);
    const dayOfYear = dayOfYearOf(middle);
    const quarter = Math.floor((middle.getHours() * 60 + middle.getMinutes()) / 15) % QUARTERS;
    loadWh += loadOf(shape.annualKwh, dayOfYear)[quarter]! * (stepS / QUARTER_S);
    solarWh += solarOf(shape, middle, dayOfYear, stepS / 60);
  }
  return { loadWh, solarWh };
}

/** By usage and day: the profile of a day serves all of its periods. */
const loads = new Map<string, number[]>();
const MOST_LOADS = 100;

function loadOf(annualKwh: number, dayOfYear: number): number[] {
  const name = `${annualKwh} ${dayOfYear}`;
  const known = loads.get(name) ?? juneWorkdayWh(annualKwh, dayOfYear);
  if (loads.size >= MOST_LOADS) loads.clear();
  loads.set(name, known);
  return known;
}

function solarOf(shape: HouseholdShape, middle: Date, dayOfYear: number, minutes: number): number {
  if (shape.peakKw === 0) return 0;
  const utcHours = middle.getUTCHours() + middle.getUTCMinutes() / 60;
  const sun = sunPosition(shape, dayOfYear, utcHours);
  const roof = { peakKw: shape.peakKw, facing: shape.facing, tiltDegrees: TILT_DEGREES };
  return roofYieldWh(roof, sun, cloudySky(sun.sinElevation, CLOUD_COVER[shape.sky]), minutes);
}

const dayOfYearOf = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;

/** Import and export without the market, in whole Wh. */
export const netOf = ({ loadWh, solarWh }: ForecastPeriod): ExpectedEnergy => ({
  importWh: Math.max(0, Math.round(loadWh - solarWh)),
  exportWh: Math.max(0, Math.round(solarWh - loadWh)),
});
