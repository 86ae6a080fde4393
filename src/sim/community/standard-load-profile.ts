// The German standard load profile H25 (households) of a June workday, published by the BDEW in
// 2025. Values: demandlib of the oemof project (MIT licence),
// src/demandlib/bdew/bdew_data/h25.csv at commit 109c1c813c168f22af7b14eae13b987fb65364a1, column
// "Juni WT". Times are the local clock.

import { assert } from "../../platform/assert.ts";

/** Quarter-hours of a day. */
export const QUARTERS = 96;

/**
 * Quarter-hour energy in kWh of consumers with 1,000,000 kWh a year, from 00:00 local, before
 * F(d).
 */
const JUNE_WORKDAY_KWH_PER_GWH = [
  24.566, 23.272, 22.285, 21.359, 20.683, 19.963, 19.347, 18.946, 18.67, 18.489, 18.314, 18.186,
  18.206, 18.126, 18.17, 18.153, 18.528, 18.632, 18.853, 19.045, 20.067, 20.371, 21.471, 22.314,
  24.353, 25.72, 26.764, 27.425, 28.003, 28.186, 27.927, 27.396, 27.053, 26.902, 26.62, 26.389,
  26.28, 26.276, 26.144, 25.945, 25.788, 25.95, 26.097, 26.699, 27.366, 28.161, 28.958, 29.466,
  30.071, 30.265, 30.096, 29.938, 29.872, 29.646, 29.53, 29.164, 28.938, 28.706, 28.503, 28.71,
  28.887, 28.917, 29.161, 29.525, 30.139, 30.738, 31.405, 32.463, 33.719, 34.995, 36.264, 37.76,
  39.058, 40.211, 41.2, 41.886, 42.156, 42.285, 42.311, 42.223, 42.009, 41.574, 41.086, 40.532,
  39.921, 38.973, 38.531, 38.663, 38.607, 37.262, 35.618, 33.694, 31.706, 29.771, 28.195, 26.662,
] as const;

/**
 * F(d): by how much households consume more or less on day `dayOfYear` (1 .. 366) than the
 * profile says. Source: BDEW, Standardlastprofile Strom 2025; the polynomial of the H profiles.
 */
export function dynamisation(dayOfYear: number): number {
  const d = dayOfYear;
  return -3.92e-10 * d ** 4 + 3.2e-7 * d ** 3 - 7.02e-5 * d ** 2 + 2.1e-3 * d + 1.24;
}

/**
 * The mean consumption in Wh of a household with `annualKwh` a year in each quarter-hour of a June
 * workday, 96 values from 00:00 local.
 */
export function juneWorkdayWh(annualKwh: number, dayOfYear: number): number[] {
  assert(JUNE_WORKDAY_KWH_PER_GWH.length === QUARTERS, "the profile has 96 quarter-hours");
  // kWh at 1e6 kWh a year is, times annualKwh / 1e6 and times 1000, Wh.
  const factor = (annualKwh / 1000) * dynamisation(dayOfYear);
  return JUNE_WORKDAY_KWH_PER_GWH.map((kwh) => kwh * factor);
}
