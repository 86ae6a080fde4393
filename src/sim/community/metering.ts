// What the households' meters count in a simulated day: what was planned, with what happens to plans. And what
// happens to readings on their way: some come late, some are corrected, some never come.
import type { CommunityDay } from "./community.ts";
import { correlatedSeries, createPrng } from "./prng.ts";

/** Whole Wh from and to the grid in a quarter-hour. */
export interface MeteredQuarter {
  readonly importedWh: number;
  readonly exportedWh: number;
}

/** A reading, and after how many periods from the end of delivery it is there. */
export interface ReadingEvent extends MeteredQuarter {
  readonly afterPeriods: number;
}

/** By household and period of the day: empty where nothing is ever read, more than one where it is corrected. */
export type DayReadings = readonly (readonly (readonly ReadingEvent[])[])[];

const FIRST_STREAM = 1_000_000;
/** How much consumption deviates from the plan, and yield; how alike neighbouring quarter-hours are in that. */
const [LOAD_DEVIATION, YIELD_DEVIATION, PERSISTENCE] = [0.12, 0.15, 0.8];
/** Of all readings. */
const SHARES = { missing: 0.004, late: 0.01, corrected: 0.004 };
const LATE_PERIODS = { least: 4, most: 12 };

/** The readings of a day. The same seed gives the same ones. */
export function readingsOfDay(day: CommunityDay, seed: number): DayReadings {
  return day.households.map(({ loadWh, solarWh }, h) => {
    const prng = createPrng(seed, FIRST_STREAM + h);
    const load = correlatedSeries(loadWh.length, PERSISTENCE, prng);
    const yieldSeries = correlatedSeries(solarWh.length, PERSISTENCE, prng);
    return day.periods.map(({ startUtc }): ReadingEvent[] => {
      const t = quarterOf(startUtc);
      const consumed = loadWh[t]! * Math.max(0, 1 + LOAD_DEVIATION * load[t]!);
      const produced = solarWh[t]! * Math.max(0, 1 + YIELD_DEVIATION * yieldSeries[t]!);
      const metered = meteredWh(consumed - produced);
      const fate = prng.uniform();
      if (fate < SHARES.missing) return [];
      if (fate < SHARES.missing + SHARES.late) {
        const { least, most } = LATE_PERIODS;
        return [{ ...metered, afterPeriods: least + prng.below(most - least + 1) }];
      }
      const prompt = { ...metered, afterPeriods: 0 };
      if (fate >= SHARES.missing + SHARES.late + SHARES.corrected) return [prompt];
      const wrong = { ...metered, importedWh: metered.importedWh + 1 + prng.below(50) };
      return [
        { ...wrong, afterPeriods: 0 },
        { ...metered, afterPeriods: LATE_PERIODS.least },
      ];
    });
  });
}

function meteredWh(netWh: number): MeteredQuarter {
  const wh = Math.round(netWh);
  return { importedWh: Math.max(0, wh), exportedWh: Math.max(0, -wh) };
}

/** Which of the day's quarter-hours, in UTC, a period is. */
const quarterOf = (startUtc: string): number =>
  Number(startUtc.slice(11, 13)) * 4 + Number(startUtc.slice(14, 16)) / 15;
