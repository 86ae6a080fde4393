// A planned month on a real market of this machine: sets it up in a folder, starts it, runs it, and checks the outcome.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MonthFound, MonthProgress } from "../agents/month/month-found.ts";
import { startMonthMarket } from "../agents/month/month-market.ts";
import type { MonthPlan } from "../agents/month/month-plan.ts";
import { MonthRun } from "../agents/month/month-run.ts";
import { checkedMonth, type PlainMonth } from "../agents/month/month-settlement-check.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { systemClock } from "../platform/clock.ts";
import { setUpLocalMarket } from "../registrar/local-market-setup.ts";
import { textOfPeriod } from "../wire/records.ts";

export interface RehearsedPlan {
  readonly market: MarketDocument;
  readonly meterIds: readonly string[];
  readonly found: MonthFound;
  readonly plain: PlainMonth;
  /** From the first order to the last bill. */
  readonly runMs: number;
}

export interface MonthRehearsalOptions {
  /** How long a settlement period takes, in real milliseconds. */
  readonly periodMs: number;
  /** Of a few periods: does not wait for a machine that may be busy for a while. */
  readonly isShort?: boolean;
  readonly signal: AbortSignal;
  readonly onStage?: (stage: string) => void;
  readonly onProgress?: (progress: MonthProgress) => void;
}

/**
 * Gates close ahead, so that evaluators that are busy for a while have time to clear: nothing depends on how far.
 * What is left of the time before the first gate is for starting.
 */
const SCHEDULE = { gate_closure_periods: 8, clearing_periods: 7 };
const SHORT_SCHEDULE = { gate_closure_periods: 5, clearing_periods: 4 };
/** How many periods before their gate closes orders may be sent: so a machine may be busy for a while. */
const [RUN_AHEAD, SHORT_RUN_AHEAD] = [24, 2];
const STARTING_MS = 6_000;
const STARTING_PER_METER_MS = 40;

/** Runs the plan and computes it again in clear. */
export async function rehearseMonth(
  plan: MonthPlan,
  options: MonthRehearsalOptions,
): Promise<RehearsedPlan> {
  const { periodMs, isShort = false, signal, onStage = () => {}, onProgress } = options;
  const schedule = isShort ? SHORT_SCHEDULE : SCHEDULE;
  const runAhead = isShort ? SHORT_RUN_AHEAD : RUN_AHEAD;
  const ahead = schedule.gate_closure_periods + runAhead;
  const folder = await mkdtemp(join(tmpdir(), "hushwatt-"));
  try {
    onStage("enrolling evaluators, meters and suppliers");
    const meters = plan.suppliers.map((supplier) => ({ supplier }));
    const startingMs = STARTING_MS + STARTING_PER_METER_MS * meters.length;
    const files = await setUpLocalMarket(folder, {
      id: "month",
      parameters: plan.parameters,
      settlement: plan.settlement,
      setting: plan.setting,
      schedule: { period_s: plan.periodS, first_period: textOfPeriod(plan.first), ...schedule },
      rehearsal: rehearsalOf(plan, ahead, periodMs, systemClock.utcMs() + startingMs),
      meters,
      logLevel: "warn",
    });
    onStage(`starting ${plan.setting.parties} evaluators`);
    const market = await startMonthMarket(files, plan.suppliers);
    const ended: string[] = [];
    market.service.onUnexpectedEnd((name) => ended.push(name));
    try {
      const begin = systemClock.nowMs();
      const found = await new MonthRun(market, plan, runAhead, onProgress).run(signal);
      const runMs = systemClock.nowMs() - begin;
      onStage("computing everything again in clear");
      const { meterIds } = market;
      const plain = checkedMonth(nodePrimitives, files.market, meterIds, plan, found);
      return { market: files.market, meterIds, found, plain, runMs };
    } catch (error) {
      if (ended.length === 0) throw error;
      throw new Error(`${ended.join(", ")} ended by itself`, { cause: error });
    } finally {
      await market.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The market's clock: when everything has started, orders for the first period may be sent. */
function rehearsalOf(
  { first, periodS }: MonthPlan,
  ahead: number,
  periodMs: number,
  beginMs: number,
) {
  return {
    real: new Date(beginMs).toISOString(),
    market: new Date((first - ahead * periodS) * 1000).toISOString(),
    speed: Math.max(1, (periodS * 1000) / periodMs),
  };
}
