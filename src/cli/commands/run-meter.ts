// hushwatt meter: the gateway beside a household's meter, one order by hand, and its private history.
import { failedChecks } from "../../agents/meter/history.ts";
import type { MeterEvent } from "../../agents/meter/meter.ts";
import { openMeter, openMeterHistory } from "../../agents/meter/meter-program.ts";
import { readWish } from "../../agents/meter/order-sources.ts";
import { PeriodFileError } from "../../agents/meter/period-file.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { historyReport } from "../history-report.ts";
import { stopSignal, untilStopped } from "../stop-signal.ts";
import { EXIT_FAILED, InputError, print, terminalWidth } from "../terminal.ts";

export interface OrderOptions {
  readonly config: string;
  readonly period: number;
  readonly side: string;
  readonly energyWh: string;
  readonly limit: string;
}

export interface HistoryOptions {
  readonly config: string;
  readonly from?: number;
  readonly to?: number;
}

/** Mistakes in files of orders are mistakes in what the user gave. */
async function inputErrors(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw error instanceof PeriodFileError ? new InputError(error.problems) : error;
  }
}

async function doRunMeter(config: string): Promise<void> {
  const signal = stopSignal();
  const opened = await openMeter(config, tell);
  try {
    print([`meter ${opened.meterId} of market ${opened.market.id}: taking part`]);
    await untilStopped(opened.meter.run(signal), signal);
  } finally {
    await opened.close();
  }
}

/** Says what happened, without saying what was ordered: it may end up in a log. */
function tell(event: MeterEvent): void {
  if (event.kind === "sent") {
    const when = textOfPeriod(event.periodStart);
    if (event.complete) print([`${when} order ${event.sequence} confirmed by all evaluators`]);
    else
      warn([`${when} order ${event.sequence} not confirmed by all: ${event.problems.join("; ")}`]);
  } else if (event.kind === "outcome") {
    const { periodStart, state } = event.outcome;
    const when = textOfPeriod(periodStart);
    const failed = failedChecks(event.outcome);
    if (failed.length === 0) print([`${when} ${state}, all checks passed`]);
    else warn(failed.map((check) => `${when} ${state}, CHECK FAILED: ${check}`));
  } else if (event.kind === "read") {
    const which = `${textOfPeriod(event.periodStart)} reading ${event.sequence}`;
    if (event.complete) print([`${which} confirmed by all evaluators`]);
    else warn([`${which} not confirmed by all: ${event.problems.join("; ")}`]);
  } else if (event.kind === "bill") {
    const { month, differences } = event.bill;
    if (differences.length === 0) print([`${month} closed: the bill agrees with this meter`]);
    else warn([`${month} closed: the bill DIFFERS from this meter's own; hushwatt bill says how`]);
  } else if (event.kind === "trouble") {
    warn([`${event.what}: ${event.message}`]);
  } else {
    warn([`${textOfPeriod(event.periodStart)} ${event.message}`]);
  }
}

function warn(lines: readonly string[]): void {
  process.stderr.write(`${lines.join("\n")}\n`);
}

async function doPlaceOrder({
  config,
  period,
  side,
  energyWh,
  limit,
}: OrderOptions): Promise<void> {
  const signal = stopSignal();
  const opened = await openMeter(config, (event) => {
    if (event.kind !== "sent" || !event.complete) tell(event);
  });
  try {
    const names = { side: "--side", energyWh: "--energy-wh", limit: "--limit" };
    const wish = readWish(opened.market.parameters, { side, energyWh, limit }, names);
    if ("problems" in wish) throw new InputError(wish.problems);
    const order = await opened.meter.placeOrder(period, wish.value, signal);
    const [confirmed, all] = [order.receipts.length, opened.market.evaluators.length];
    const which = `order ${order.sequence} for ${textOfPeriod(period)}`;
    print([`${which}: confirmed by ${confirmed} of ${all} evaluators`]);
    if (confirmed < all) {
      warn(["it will not count unless all confirm it before the gate closes"]);
      process.exitCode = EXIT_FAILED;
    }
  } finally {
    await opened.close();
  }
}

async function doShowHistory(options: HistoryOptions): Promise<void> {
  const { history, market } = await openMeterHistory(options.config);
  try {
    print(historyReport(history.entries(options.from, options.to), market, terminalWidth()));
  } finally {
    history.close();
  }
}

export const runMeter = (...given: Parameters<typeof doRunMeter>): Promise<void> =>
  inputErrors(doRunMeter(...given));

export const placeOrder = (...given: Parameters<typeof doPlaceOrder>): Promise<void> =>
  inputErrors(doPlaceOrder(...given));

export const showHistory = (...given: Parameters<typeof doShowHistory>): Promise<void> =>
  inputErrors(doShowHistory(...given));
