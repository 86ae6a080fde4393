// A simulated day on a real market: everything is set up in a folder, on this machine, and runs on a faster clock.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { OrderSource } from "../agents/meter/order-sources.ts";
import { Rehearsal, type RehearsalProgress } from "../agents/rehearsal.ts";
import { IDLE } from "../client/standing-rule.ts";
import { systemClock } from "../platform/clock.ts";
import { type LocalMarketFiles, setUpLocalMarket } from "../registrar/local-market-setup.ts";
import type { CommunityDay } from "../sim/community/community.ts";
import { completeSetting } from "../wire/setting.ts";

export interface DayRehearsal {
  readonly files: LocalMarketFiles;
  readonly rehearsal: Rehearsal;
}

export interface DayRehearsalOptions {
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
const GATE_CLOSURE_PERIODS = 29;
const CLEARING_PERIODS = 28;
const LEAD_PERIODS = 12;
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
  { folder, speed, web, onProgress, onStage }: DayRehearsalOptions,
  beginMs: number,
): Promise<DayRehearsal> {
  const first = Date.parse(day.startUtc) / 1000;
  const length = day.periodMinutes * 60;
  const opening = first - (GATE_CLOSURE_PERIODS + LEAD_PERIODS) * length;
  const suppliers = day.suppliers.map(({ name }) => name);
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
    rehearsal: { real: isoOf(beginMs), market: isoOf(opening * 1000), speed },
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
    meters: files.meters.map(({ identity }, i) => ({ identity, source: householdSource(day, i) })),
    suppliers: files.suppliers.map((identity) => ({ identity })),
    first,
    periods: day.periods.length,
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
