// A simulated day on a real market: everything is set up in a folder, on this machine, and runs on a faster clock.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { OrderSource } from "../agents/meter/order-sources.ts";
import type { ReadingSource } from "../agents/meter/reading-sources.ts";
import { Rehearsal } from "../agents/rehearsal.ts";
import type { RehearsalProgress } from "../agents/rehearsal-results.ts";
import { IDLE } from "../client/standing-rule.ts";
import { systemClock } from "../platform/clock.ts";
import { type MarketClock, marketClock } from "../platform/market-clock.ts";
import { type LocalMarketFiles, setUpLocalMarket } from "../registrar/local-market-setup.ts";
import { type CommunityDay, GRID_FEES } from "../sim/community/community.ts";
import { type DayReadings, readingsOfDay } from "../sim/community/metering.ts";
import { completeSetting } from "../wire/setting.ts";

export interface DayRehearsal {
  readonly files: LocalMarketFiles;
  readonly rehearsal: Rehearsal;
}

export interface DayRehearsalOptions {
  /** For what households meter. */
  readonly seed: number;
  /** Whether the market goes on after the day. */
  readonly goesOn: boolean;
  /** How many times as fast as it is the day goes by. */
  readonly speed: number;
  /** Empty; for keys, databases and histories. */
  readonly folder: string;
  /** Whether browsers can take part. */
  readonly web: boolean;
  readonly onProgress: (progress: RehearsalProgress) => void;
  readonly onStage: (stage: string) => void;
}

/**
 * A quarter-hour is a second or so: gates close hours ahead, so that a machine that is busy with something else for a
 * while has time to catch up.
 */
const GATE_CLOSURE_PERIODS = 13;
const CLEARING_PERIODS = 12;
const LEAD_PERIODS = 12;
/** How long after delivery a period is settled: most readings are there by then. */
const SETTLE_AFTER_PERIODS = 3;
/** What the processes may take to start; tried again with more where that was not enough. */
const STARTING_MS = [8_000, 25_000, 80_000];
const NAMES = { market: "rehearsal", parameters: "A rehearsed day" };

/** Sets up the market, starts it, and lets its day begin. */
export async function startDay(
  day: CommunityDay,
  options: DayRehearsalOptions,
): Promise<DayRehearsal> {
  for (const [attempt, startingMs] of STARTING_MS.entries()) {
    const folder = join(options.folder, String(attempt));
    await mkdir(folder, { mode: 0o700 });
    const beginMs = systemClock.utcMs() + startingMs;
    const started = await start(day, { ...options, folder }, beginMs);
    if (systemClock.utcMs() < beginMs) return started;
    await started.rehearsal.stop();
  }
  throw new Error("this machine takes too long to start the market's processes");
}

async function start(
  day: CommunityDay,
  { folder, seed, goesOn, speed, web, onProgress, onStage }: DayRehearsalOptions,
  beginMs: number,
): Promise<DayRehearsal> {
  const first = Date.parse(day.startUtc) / 1000;
  const length = day.periodMinutes * 60;
  const opening = first - (GATE_CLOSURE_PERIODS + LEAD_PERIODS) * length;
  const suppliers = day.suppliers.map(({ name }) => name);
  const clock = { real: isoOf(beginMs), market: isoOf(opening * 1000), speed };
  const time = marketClock(systemClock, clock);
  const readings = readingsOfDay(day, seed);
  onStage("enrolling evaluators, meters and suppliers");
  const files = await setUpLocalMarket(folder, {
    id: NAMES.market,
    parameters: { name: NAMES.parameters, suppliers },
    setting: completeSetting({ engine: "replicated" }),
    schedule: {
      period_s: length,
      first_period: day.startUtc,
      gate_closure_periods: GATE_CLOSURE_PERIODS,
      clearing_periods: CLEARING_PERIODS,
    },
    settlement: settlementOf(day),
    rehearsal: clock,
    meters: day.households.map(({ supplier }) => ({ supplier })),
    registrar: true,
    web,
    logLevel: "warn",
  });
  onStage("starting the registrar and three evaluators");
  const rehearsal = await Rehearsal.start({
    files: {
      market: files.market,
      registrar: files.registrar,
      dealer: null,
      evaluators: files.evaluators.map((config, number) => ({ number, config })),
    },
    folder,
    meters: files.meters.map(({ identity }, i) => ({
      identity,
      source: householdSource(day, i),
      readings: householdReadings(day, readings[i]!, time),
    })),
    suppliers: files.suppliers.map((identity) => ({ identity })),
    first,
    periods: day.periods.length,
    goesOn,
    leadPeriods: LEAD_PERIODS,
    onProgress,
  });
  return { files, rehearsal };
}

const isoOf = (utcMs: number): string => new Date(utcMs).toISOString();

/** The orders of a household; the day is the same again and again. */
function householdSource(day: CommunityDay, household: number): OrderSource {
  const first = Date.parse(day.startUtc) / 1000;
  const length = day.periodMinutes * 60;
  return {
    wishFor: async (start) => {
      const index = Math.round((start - first) / length) % day.periods.length;
      const order = day.periods[index]?.orders[household];
      if (order === undefined || order.energyWh === 0) return IDLE;
      const { side, energyWh, limitTick } = order;
      return { side, energyWh, limitTick };
    },
  };
}

/** Readings become known when they are there, in the order of the periods. */
function householdReadings(
  day: CommunityDay,
  readings: DayReadings[number],
  time: MarketClock,
): ReadingSource {
  const length = day.periodMinutes * 60;
  const first = Date.parse(day.startUtc) / 1000;
  const all = readings.flatMap((events, t) => {
    const start = first + t * length;
    return events.map(({ afterPeriods, importedWh, exportedWh }) => ({
      start,
      knownFrom: start + (1 + afterPeriods) * length,
      metered: { importedWh, exportedWh },
    }));
  });
  const sorted = all.toSorted((a, b) => a.knownFrom - b.knownFrom);
  return {
    read: async () => {
      const now = time.nowS();
      const known = sorted.filter(({ knownFrom }) => knownFrom <= now);
      return { rows: new Map(known.map(({ start, metered }) => [start, metered])), problems: [] };
    },
  };
}

/** Tariffs as the suppliers have them, and a month that ends with the day. */
function settlementOf(day: CommunityDay) {
  const always = (ct: number) => [{ from: "00:00", ct_per_kwh: ct }];
  const tariffs = day.suppliers.map(({ name, retailCtPerKwh, feedInCtPerKwh }) => [
    name,
    { retail: always(retailCtPerKwh), feed_in: always(feedInCtPerKwh) },
  ]);
  return {
    time_zone: zoneOfMidnightAt(Date.parse(day.startUtc) / 3_600_000, day.periods.length / 4),
    tariffs: Object.fromEntries(tariffs),
    grid_fee_ct_per_kwh: GRID_FEES.gridFeeCtPerKwh,
    local_discount_ct_per_kwh: GRID_FEES.localDiscountCtPerKwh,
    vat_percent: 21,
    settle_after_periods: SETTLE_AFTER_PERIODS,
    close_after_days: 0,
  };
}

/** No time zone is further ahead of UTC. */
const MOST_HOURS_AHEAD = 14;

/**
 * A time zone in which midnight is when the last of `hours` ends, or as soon after as can be: a rehearsal of some hours
 * of the month's last day need not wait for the rest of it.
 */
function zoneOfMidnightAt(startHour: number, hours: number): string {
  const end = (startHour % 24) + hours;
  const ahead = Math.min(MOST_HOURS_AHEAD, 24 - end);
  return ahead <= 0 ? "UTC" : `Etc/GMT-${ahead}`;
}
