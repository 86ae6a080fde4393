// Where the sun stands and what a tilted roof makes of it. Textbook formulas with their sources;
// good to a few percent, which is less than one cloud. Angles inside are radians.

const RADIANS = Math.PI / 180;

/** Share of the module's rated output that reaches the meter: heat, wiring, inverter, dirt. */
const PERFORMANCE_RATIO = 0.82;
const GROUND_REFLECTANCE = 0.2;

export interface Site {
  readonly latitudeDegrees: number;
  readonly longitudeDegrees: number;
}

export interface Roof {
  readonly peakKw: number;
  readonly facing: "south" | "east" | "west";
  readonly tiltDegrees: number;
}

export interface SunPosition {
  /** Sine of the elevation above the horizon; negative at night. */
  readonly sinElevation: number;
  /** From south, positive towards west. */
  readonly azimuth: number;
}

/**
 * The sun over `site` on day `dayOfYear` at `utcHours` (0 .. 24).
 * Declination: Cooper 1969. Equation of time and the angles: Duffie and Beckman, Solar Engineering
 * of Thermal Processes, 1980, sections 1.5 and 1.6.
 */
export function sunPosition(site: Site, dayOfYear: number, utcHours: number): SunPosition {
  const declination = 23.45 * RADIANS * Math.sin(((2 * Math.PI) / 365) * (284 + dayOfYear));
  const b = ((2 * Math.PI) / 364) * (dayOfYear - 81);
  const equationMinutes = 9.87 * Math.sin(2 * b) - 7.53 * Math.cos(b) - 1.5 * Math.sin(b);
  const solarHours = utcHours + site.longitudeDegrees / 15 + equationMinutes / 60;
  const hourAngle = 15 * RADIANS * (solarHours - 12);
  const latitude = site.latitudeDegrees * RADIANS;
  const sinElevation =
    Math.sin(latitude) * Math.sin(declination) +
    Math.cos(latitude) * Math.cos(declination) * Math.cos(hourAngle);
  const azimuth = Math.atan2(
    Math.sin(hourAngle),
    Math.cos(hourAngle) * Math.sin(latitude) - Math.tan(declination) * Math.cos(latitude),
  );
  return { sinElevation, azimuth };
}

/**
 * Irradiance in W/m^2: the beam through a horizontal square metre, and the light of the whole
 * sky.
 */
export interface Irradiance {
  readonly beamHorizontal: number;
  readonly diffuseHorizontal: number;
}

/**
 * Irradiance under a cloudless June sky: the ASHRAE model with its constants for 21 June, direct
 * normal 1088 W/m^2 * exp(-0.205 / sin h), diffuse 0.134 of that (ASHRAE Handbook of
 * Fundamentals).
 */
export function clearSky(sinElevation: number): Irradiance {
  if (sinElevation <= 0) return { beamHorizontal: 0, diffuseHorizontal: 0 };
  const directNormal = 1088 * Math.exp(-0.205 / sinElevation);
  return { beamHorizontal: directNormal * sinElevation, diffuseHorizontal: 0.134 * directNormal };
}

/**
 * Irradiance under a sky covered to `cloudCover` (0 .. 1): the global part falls by 1 - 0.75
 * N^3.4 and its diffuse share is at least 0.3 + 0.7 N^2 (Kasten and Czeplak 1980).
 */
export function cloudySky(sinElevation: number, cloudCover: number): Irradiance {
  const clear = clearSky(sinElevation);
  const global = (clear.beamHorizontal + clear.diffuseHorizontal) * (1 - 0.75 * cloudCover ** 3.4);
  const diffuseShare = 0.3 + 0.7 * cloudCover ** 2;
  // Kasten's beam is a mean over many skies; clouds can never let through more than a clear sky
  // does.
  const beamHorizontal = Math.min(global * (1 - diffuseShare), clear.beamHorizontal);
  return { beamHorizontal, diffuseHorizontal: global - beamHorizontal };
}

const FACING_AZIMUTH = { south: 0, east: -Math.PI / 2, west: Math.PI / 2 } as const;

/**
 * Energy in Wh that `roof` yields in `minutes` with the sun at `sun`. Beam by the angle of
 * incidence, sky and ground taken as evenly bright (Liu and Jordan 1963).
 */
export function roofYieldWh(
  roof: Roof,
  sun: SunPosition,
  sky: Irradiance,
  minutes: number,
): number {
  if (sun.sinElevation <= 0) return 0;
  const tilt = roof.tiltDegrees * RADIANS;
  const cosElevation = Math.sqrt(1 - sun.sinElevation ** 2);
  const cosIncidence =
    sun.sinElevation * Math.cos(tilt) +
    cosElevation * Math.sin(tilt) * Math.cos(sun.azimuth - FACING_AZIMUTH[roof.facing]);
  // Below some 3 degrees the quotient runs away, while houses and trees shade the roof anyway.
  const beam = (sky.beamHorizontal * Math.max(0, cosIncidence)) / Math.max(0.05, sun.sinElevation);
  const diffuse = (sky.diffuseHorizontal * (1 + Math.cos(tilt))) / 2;
  const global = sky.beamHorizontal + sky.diffuseHorizontal;
  const reflected = (GROUND_REFLECTANCE * global * (1 - Math.cos(tilt))) / 2;
  const ratio = (beam + diffuse + reflected) / 1000;
  return roof.peakKw * 1000 * ratio * PERFORMANCE_RATIO * (minutes / 60);
}
