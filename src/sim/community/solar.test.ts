// Known facts of the sky over Leuven on 18 June, and the sense of the roofs.

import { expect, test } from "vitest";
import type { Roof } from "./solar.ts";
import { clearSky, cloudySky, roofYieldWh, sunPosition } from "./solar.ts";

const SITE = { latitudeDegrees: 50.9, longitudeDegrees: 4.7 };
const DAY = 169;

function dailyYieldWh(roof: Roof, cover: number, hours = { from: 0, to: 24 }): number {
  let total = 0;
  for (let hour = hours.from + 0.125; hour < hours.to; hour += 0.25) {
    const sun = sunPosition(SITE, DAY, hour);
    total += roofYieldWh(roof, sun, cloudySky(sun.sinElevation, cover), 15);
  }
  return total;
}

const roof = (facing: Roof["facing"]): Roof => ({ peakKw: 1, facing, tiltDegrees: 35 });

test("the sun culminates at 62.5 degrees, in the south, at 11:42 UTC", () => {
  const minutes = Array.from({ length: 24 * 60 }, (_, minute) => minute);
  const height = (minute: number): number => sunPosition(SITE, DAY, minute / 60).sinElevation;
  const noon = minutes.reduce((best, minute) => (height(minute) > height(best) ? minute : best));
  expect(Math.abs(noon - (11 * 60 + 42))).toBeLessThanOrEqual(3);
  // 90 degrees less the latitude plus the declination of 23.4 degrees.
  expect((Math.asin(height(noon)) * 180) / Math.PI).toBeCloseTo(90 - 50.9 + 23.4, 0);
  expect(Math.abs(sunPosition(SITE, DAY, noon / 60).azimuth)).toBeLessThan(0.02);
});

test("the sun is up for 16 hours and 20 minutes, less refraction", () => {
  let minutesUp = 0;
  for (let minute = 0; minute < 1440; minute++) {
    if (sunPosition(SITE, DAY, minute / 60).sinElevation > 0) minutesUp++;
  }
  expect(Math.abs(minutesUp - (16 * 60 + 20))).toBeLessThan(15);
});

test("it stands in the east in the morning and in the west in the evening", () => {
  expect(sunPosition(SITE, DAY, 6).azimuth).toBeLessThan(-1);
  expect(sunPosition(SITE, DAY, 17.5).azimuth).toBeGreaterThan(1);
});

test("a clear noon has some 900 W/m^2, a night none, clouds take up to three quarters", () => {
  const noon = sunPosition(SITE, DAY, 11.7).sinElevation;
  const clear = clearSky(noon);
  const global = clear.beamHorizontal + clear.diffuseHorizontal;
  expect(global).toBeGreaterThan(820);
  expect(global).toBeLessThan(960);
  expect(clearSky(-0.1)).toEqual({ beamHorizontal: 0, diffuseHorizontal: 0 });
  const overcast = cloudySky(noon, 1);
  expect(overcast.beamHorizontal).toBe(0);
  expect(overcast.diffuseHorizontal / global).toBeCloseTo(0.25, 6);
});

test("a kW facing south yields 5.5 to 7.5 kWh on a clear June day", () => {
  const yieldWh = dailyYieldWh(roof("south"), 0);
  expect(yieldWh).toBeGreaterThan(5_500);
  expect(yieldWh).toBeLessThan(7_500);
  expect(dailyYieldWh({ ...roof("south"), peakKw: 5 }, 0)).toBeCloseTo(5 * yieldWh, 6);
});

test("eastern roofs have the morning, western ones the evening, southern ones the most", () => {
  const [south, east, west] = [roof("south"), roof("east"), roof("west")];
  const morning = { from: 0, to: 10 };
  expect(dailyYieldWh(east, 0.3, morning)).toBeGreaterThan(1.5 * dailyYieldWh(west, 0.3, morning));
  const evening = { from: 14, to: 24 };
  expect(dailyYieldWh(west, 0.3, evening)).toBeGreaterThan(1.5 * dailyYieldWh(east, 0.3, evening));
  expect(dailyYieldWh(south, 0.3)).toBeGreaterThan(dailyYieldWh(east, 0.3));
  expect(dailyYieldWh(south, 0.3)).toBeGreaterThan(dailyYieldWh(west, 0.3));
});

test("more cloud never means more yield", () => {
  for (let cover = 0; cover < 1; cover += 0.1) {
    expect(dailyYieldWh(roof("south"), cover + 0.1)).toBeLessThan(
      dailyYieldWh(roof("south"), cover),
    );
  }
});
