// hushwatt operator status: the public record of all evaluators side by side.
import { readMarketDocument } from "../../agents/market-file.ts";
import { operatorStatus } from "../../agents/operator/operator-program.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { systemClock } from "../../platform/clock.ts";
import { marketClock } from "../../platform/market-clock.ts";
import { statusJson, statusReport } from "../operator-report.ts";
import { stopSignal, untilStopped } from "../stop-signal.ts";
import { EXIT_FAILED, print, terminalWidth, useColour } from "../terminal.ts";

export interface StatusOptions {
  readonly market: string;
  readonly from?: number;
  readonly to?: number;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Without --from, the last so many periods of which the gate has closed, or soon will. */
const PERIODS_SHOWN = 24;
/** How often --watch looks, as a part of a period and in milliseconds at least. */
const WATCHED_AGAIN = 1 / 4;
const WATCHED_AGAIN_LEAST_MS = 1_000;
const CLEAR_SCREEN = "\x1b[H\x1b[2J";

export async function showStatus(options: StatusOptions): Promise<void> {
  const signal = stopSignal();
  const market = await readMarketDocument(options.market);
  await untilStopped(
    options.watch ? watch(market, options, signal) : show(market, options, signal),
    signal,
  );
}

async function watch(
  market: MarketDocument,
  options: StatusOptions,
  signal: AbortSignal,
): Promise<void> {
  const periodMs = (market.schedule.period_s * 1000) / (market.rehearsal?.speed ?? 1);
  for (;;) {
    if (process.stdout.isTTY) process.stdout.write(CLEAR_SCREEN);
    await show(market, options, signal);
    await systemClock.sleep(Math.max(WATCHED_AGAIN * periodMs, WATCHED_AGAIN_LEAST_MS), signal);
  }
}

async function show(
  market: MarketDocument,
  options: StatusOptions,
  signal: AbortSignal,
): Promise<void> {
  const status = await operatorStatus(market, spanOf(market, options), signal);
  if (options.json) print([JSON.stringify(statusJson(status, market), null, 2)]);
  else {
    const look = { width: terminalWidth(), color: useColour(process.stdout) };
    print(statusReport(status, market, look));
  }
  if (status.periods.some(({ disagreements }) => disagreements.length > 0)) {
    process.exitCode = EXIT_FAILED;
  }
}

function spanOf({ schedule, rehearsal }: MarketDocument, { from, to }: StatusOptions) {
  const { period_s: length, gate_closure_periods: closure } = schedule;
  const now = marketClock(systemClock, rehearsal).nowS();
  const end = to ?? (Math.floor(now / length) + closure + 1) * length;
  return { from: from ?? end - PERIODS_SHOWN * length, to: end };
}
