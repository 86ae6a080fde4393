// A month of a community from measured profiles, on a real market: three evaluator processes, signed orders and
// readings over HTTPS, settlement, bills; then everything once more in clear by the plain rules. Exit code 1 on any
// difference.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { MonthProgress } from "../src/agents/month/month-found.ts";
import type { MonthPlan, PlannedReading } from "../src/agents/month/month-plan.ts";
import { kwhOf } from "../src/agents/month/month-settlement-check.ts";
import { slowness } from "../src/agents/rehearsal-speed.ts";
import { type RehearsedPlan, rehearseMonth } from "../src/cli/month-rehearsal.ts";
import type { ClearOrder } from "../src/client/prepared-order.ts";
import { roundedCents } from "../src/market/bill.ts";
import { totalOf } from "../src/market/settlement-oracle.ts";
import { systemClock } from "../src/platform/clock.ts";
import { createPrng, type Prng } from "../src/sim/community/prng.ts";
import { textOfPeriod } from "../src/wire/records.ts";
import { completeSetting } from "../src/wire/setting.ts";
import { machine } from "./machine.ts";

export interface MonthBenchOptions {
  readonly days: number;
  readonly households: number;
  readonly seed: number;
  /** Real milliseconds per settlement period; as the machine allows unless given. */
  readonly periodMs: number | null;
  readonly json: boolean;
}

const DATA = join(import.meta.dirname, "data", "rebase-gse");
const PERIODS_PER_DAY = 96;
const PERIOD_S = 900;
/** The profiles are mean kW of a quarter-hour. */
const WH_PER_KW = 250;
const DATA_DAYS = 30;
/** Columns that repeat another one. */
const REPEATED = new Set(["H14", "H15"]);
/** Which days of the data a household begins with, so that homes of the same profile differ; most keep the weekday. */
const DAY_SHIFTS = [0, 7, 14, 21, 3, 10, 17, 24, 5, 12];

const SUPPLIERS = [
  { name: "Merel", retail: 29.4, feedIn: 7.2 },
  { name: "Zwaluw", retail: 31.8, feedIn: 8.6 },
  { name: "Lijster", retail: 33.2, feedIn: 6.4 },
] as const;
const [NIGHT_DISCOUNT, GRID_FEE, LOCAL_DISCOUNT] = [4, 8, 6];
const TICKS_PER_CT = 100;
/** How far forecasts are off, as a part of the energy. */
const FORECAST_ERROR = 0.15;
/** Of all readings; late ones come after a quarter of a day to two days. */
const SHARES = { missing: 0.003, late: 0.01, corrected: 0.003 };
const LATE = { least: 24, most: 192 };

/** A column per home: Wh per quarter-hour. */
function profiles(file: string): Map<string, Float64Array> {
  const text = gunzipSync(readFileSync(join(DATA, file)));
  const [head, ...rows] = parse(text) as string[][];
  return new Map(
    head!
      .slice(1)
      .map((name, k) => [name, Float64Array.from(rows, (row) => Number(row[k + 1]) * WH_PER_KW)]),
  );
}

interface Household {
  readonly loadWh: Float64Array;
  readonly solarWh: Float64Array | null;
  readonly shiftDays: number;
  readonly supplier: number;
  /** Limits in ct/kWh. */
  readonly bid: number;
  readonly ask: number;
}

function householdsOf(count: number, prng: Prng): Household[] {
  const [loads, yields] = [profiles("load.csv.gz"), profiles("pv.csv.gz")];
  const homes = [...loads.keys()].filter((name) => !REPEATED.has(name));
  return Array.from({ length: count }, (_, i) => {
    const name = homes[i % homes.length]!;
    const round = Math.floor(i / homes.length);
    const supplier = i % SUPPLIERS.length;
    const { retail, feedIn } = SUPPLIERS[supplier]!;
    const most = retail - NIGHT_DISCOUNT - (GRID_FEE - LOCAL_DISCOUNT);
    return {
      loadWh: loads.get(name)!,
      // Every second household has its home's panels.
      solarWh: round % 2 === i % 2 ? (yields.get(name) ?? null) : null,
      shiftDays: DAY_SHIFTS[round % DAY_SHIFTS.length]!,
      supplier,
      bid: feedIn + (0.3 + 0.7 * prng.uniform()) * (most - feedIn),
      ask: feedIn + 0.6 * prng.uniform() * (most - feedIn),
    };
  });
}

/** What a household takes from the grid less what it feeds in, in a period. */
function netWh({ loadWh, solarWh, shiftDays }: Household, t: number): number {
  const at = (t + shiftDays * PERIODS_PER_DAY) % (DATA_DAYS * PERIODS_PER_DAY);
  return Math.round(loadWh[at]! - (solarWh?.[at] ?? 0));
}

/** The month as the profiles have it. Its last day ends when the market's month does. */
export function monthPlan({ days, households: count, seed }: MonthBenchOptions): MonthPlan {
  const prng = createPrng(seed, 1);
  const households = householdsOf(count, prng);
  const periods = days * PERIODS_PER_DAY;
  const orders: ClearOrder[][] = [];
  const readings: PlannedReading[][][] = [];
  for (const household of households) {
    orders.push(ordersOf(household, periods, prng));
    readings.push(readingsOf(household, periods, prng));
  }
  const first = Date.parse("2014-11-01T00:00:00Z") / 1000 - periods * PERIOD_S;
  return {
    parameters: {
      name: "A measured month",
      suppliers: SUPPLIERS.map(({ name }) => name),
      minimum_group: Math.min(15, Math.floor(count / SUPPLIERS.length)),
    },
    settlement: settlementOf(),
    setting: completeSetting({ engine: "replicated" }),
    periodS: PERIOD_S,
    first,
    periods,
    suppliers: households.map(({ supplier }) => supplier),
    order: (h, t) => orders[h]![t]!,
    readings: (h, t) => readings[h]![t]!,
  };
}

function settlementOf() {
  const steps = (day: number, night: number) => [
    { from: "06:00", ct_per_kwh: day.toFixed(2) },
    { from: "22:00", ct_per_kwh: night.toFixed(2) },
  ];
  const tariffs = SUPPLIERS.map(({ name, retail, feedIn }) => [
    name,
    { retail: steps(retail, retail - NIGHT_DISCOUNT), feed_in: steps(feedIn, feedIn) },
  ]);
  return {
    time_zone: "UTC",
    tariffs: Object.fromEntries(tariffs),
    grid_fee_ct_per_kwh: GRID_FEE,
    local_discount_ct_per_kwh: LOCAL_DISCOUNT,
    vat_percent: 21,
    settle_after_periods: 8,
    close_after_days: 0,
  };
}

function ordersOf(household: Household, periods: number, prng: Prng): ClearOrder[] {
  return Array.from({ length: periods }, (_, t) => {
    const planned = Math.round(netWh(household, t) * (1 + FORECAST_ERROR * prng.normal()));
    const energyWh = Math.abs(planned);
    if (energyWh === 0) return { side: "idle", energyWh, limitTick: null };
    const side = planned > 0 ? "buy" : "sell";
    const ct = (side === "buy" ? household.bid : household.ask) + 0.5 * prng.normal();
    const limitTick = Math.min(4095, Math.max(0, Math.round(ct * TICKS_PER_CT)));
    return { side, energyWh, limitTick };
  });
}

function readingsOf(household: Household, periods: number, prng: Prng): PlannedReading[][] {
  return Array.from({ length: periods }, (_, t) => {
    const net = netWh(household, t);
    const metered = { importedWh: Math.max(0, net), exportedWh: Math.max(0, -net) };
    const fate = prng.uniform();
    const later = LATE.least + prng.below(LATE.most - LATE.least);
    const { missing, late, corrected } = SHARES;
    if (fate < missing) return [];
    if (fate < missing + late) return [{ ...metered, afterPeriods: later }];
    const prompt = { ...metered, afterPeriods: 0 };
    if (fate >= missing + late + corrected) return [prompt];
    const wrong = { ...prompt, importedWh: metered.importedWh + 1 + prng.below(100) };
    return [wrong, { ...metered, afterPeriods: later }];
  });
}

/** What a period takes on two processors of slowness 1: for the evaluators, and for each household. */
const [MS_PER_PERIOD, MS_PER_HOUSEHOLD] = [200, 9];

/** Runs the month and prints its figures. */
export async function benchMonth(options: MonthBenchOptions): Promise<void> {
  const plan = monthPlan(options);
  const idealMs = MS_PER_PERIOD + MS_PER_HOUSEHOLD * options.households;
  const periodMs = options.periodMs ?? Math.ceil(idealMs * slowness(systemClock));
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("interrupted")));
  const rehearsed = await rehearseMonth(plan, {
    periodMs,
    signal: stop.signal,
    onStage: (stage) => say(stage),
    onProgress: (progress) => say(progressText(plan, progress)),
  });
  say("");
  const figures = figuresOf(plan, rehearsed, periodMs);
  const { differences } = rehearsed.plain;
  if (options.json) {
    const result = { benchmark: "month", machine: machine(), ...figures, differences };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  } else {
    process.stdout.write(`${reportOf(figures, differences).join("\n")}\n`);
  }
  const voids = rehearsed.found.periods.flatMap(({ start, decision }) =>
    decision.outcome === "void" ? `${textOfPeriod(start)}: void, ${decision.reason}` : [],
  );
  const troubles = [...voids, ...rehearsed.found.troubles];
  for (const trouble of troubles.slice(0, 20)) process.stderr.write(`${trouble}\n`);
  if (troubles.length > 20) process.stderr.write(`and ${troubles.length - 20} more\n`);
  if (differences.length > 0) process.exitCode = 1;
}

let last = "";

/** Progress: overwritten on a terminal, else a line now and then. */
function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "" && text.split(",")[0] !== last.split(",")[0])
    process.stderr.write(`${text}\n`);
  last = text;
}

function progressText({ periods }: MonthPlan, progress: MonthProgress): string {
  const { decided, orders, readings, bills } = progress;
  const day = Math.floor(decided / PERIODS_PER_DAY);
  const days = Math.ceil(periods / PERIODS_PER_DAY);
  const done = `${day} of ${days} days decided, ${orders} orders, ${readings} readings`;
  return bills === 0 ? done : `${done}, ${bills} bills`;
}

function figuresOf(plan: MonthPlan, { found, plain, runMs }: RehearsedPlan, periodMs: number) {
  const { orders, readings, late, corrections } = found.counts;
  const { households } = plain;
  const estimated = households.reduce((sum, one) => sum + one.estimated, 0);
  const cents = (of: (one: (typeof households)[number]) => bigint) =>
    households.reduce((sum, one) => sum + roundedCents(of(one)), 0);
  const [paid, without] = [cents(({ amounts }) => totalOf(amounts)), cents((one) => one.without)];
  return {
    days: plan.periods / PERIODS_PER_DAY,
    households: plan.suppliers.length,
    periods: plan.periods,
    traded_periods: plain.tradedPeriods,
    void_periods: plain.voidPeriods,
    orders,
    readings,
    late_readings: late,
    corrections,
    estimated,
    traded_kwh: kwhOf(plain.boughtUnits),
    bills_ct: paid,
    without_market_ct: without,
    saved_ct: without - paid,
    grid_fees_ct: cents(({ amounts }) => amounts.fees),
    period_ms: periodMs,
    run_s: runMs / 1000,
    orders_per_s: orders / (runMs / 1000),
  };
}

function reportOf(figures: ReturnType<typeof figuresOf>, differences: readonly string[]): string[] {
  const { cpu, cores, memoryGiB, node } = machine();
  const euros = (ct: number) => `EUR ${(ct / 100).toFixed(2)}`;
  const rows: [string, string][] = [
    ["households", String(figures.households)],
    ["periods", `${figures.periods} (${figures.days} days of 15 minutes)`],
    ["with trade, void", `${figures.traded_periods}, ${figures.void_periods}`],
    ["orders confirmed", String(figures.orders)],
    ["readings confirmed", String(figures.readings)],
    ["late, corrections", `${figures.late_readings}, ${figures.corrections}`],
    ["estimated", String(figures.estimated)],
    ["traded locally", `${figures.traded_kwh.toFixed(1)} kWh`],
    ["bills", euros(figures.bills_ct)],
    ["without the market", euros(figures.without_market_ct)],
    ["saved", euros(figures.saved_ct)],
    ["grid fees in it", euros(figures.grid_fees_ct)],
    ["time", `${figures.run_s.toFixed(0)} s, ${figures.orders_per_s.toFixed(0)} orders/s`],
  ];
  const verdict =
    differences.length === 0
      ? `prices, trades, ${figures.households} bills, suppliers' totals and positions: all as the plain rules have them`
      : `${differences.length} DIFFERENCES from the plain rules`;
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}`,
    ...rows.map(([label, text]) => `${label.padEnd(20)}${text}`),
    verdict,
    ...differences.slice(0, 20),
  ];
}
