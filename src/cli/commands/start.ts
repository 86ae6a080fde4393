// hushwatt start: a simulated summer day of a community on a real market of this machine: a registrar, three evaluator
// processes, suppliers and a meter for every household; and what everyone saw of it. What `npm start` runs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operatorStatus } from "../../agents/operator/operator-program.ts";
import type { RehearsalProgress, RehearsedPeriod } from "../../agents/rehearsal-results.ts";
import { rehearsalSpeed, slowness } from "../../agents/rehearsal-speed.ts";
import type { MarketStatus } from "../../client/operator-client.ts";
import { decodePrepared, layoutOf } from "../../client/prepared-order.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { orderPieces } from "../../market/order-pieces.ts";
import { systemClock } from "../../platform/clock.ts";
import {
  type CommunityDay,
  type CommunityHousehold,
  hoursOf,
  summerDay,
} from "../../sim/community/community.ts";
import { type DayPeriod, tradesOf } from "../../sim/day-summary.ts";
import { piecesIn } from "../../wire/order-body.ts";
import { type BillsReport, billLines, billProblems } from "../bills-report.ts";
import { SMALLEST_WIDTH } from "../chart.ts";
import { type DayRehearsal, startDay } from "../day-rehearsal.ts";
import { dayChart, dayHeading, dayTable, whoSawWhat } from "../day-report.ts";
import { type KeptPages, keptPages } from "../kept-pages.ts";
import { summaryLine } from "../operator-report.ts";
import { rehearsedDay } from "../rehearsed-day.ts";
import { stopSignal } from "../stop-signal.ts";
import { EXIT_FAILED, Progress, print, terminalWidth, useColour } from "../terminal.ts";

export interface StartOptions {
  readonly seed: number;
  readonly households: number;
  /** As fast as the machine can unless given. */
  readonly speed?: number;
  /** The first hour, and the one that follows the last. */
  readonly hours?: readonly [number, number];
  readonly full?: boolean;
  readonly keep?: boolean;
}

/** The evaluator whose view is shown, and how the bytes it received are grouped. */
const SHOWN_EVALUATOR = 1;
const HEX_DIGITS = 16;
const PROBLEMS_SHOWN = 20;

export async function startCommand(options: StartOptions): Promise<void> {
  const signal = stopSignal();
  const { households, seed, hours = [0, 24] } = options;
  const day = hoursOf(summerDay({ households, seed }), hours);
  print([...dayHeading(day, { color: useColour(process.stdout) }), ""]);
  const folder = await mkdtemp(join(tmpdir(), "hushwatt-"));
  const progress = new Progress();
  try {
    const speed = options.speed ?? rehearsalSpeed(households, slowness(systemClock));
    const started = await startDay(day, {
      seed,
      goesOn: options.keep === true,
      speed,
      folder,
      web: options.keep === true,
      onStage: (stage) => progress.show(stage),
      onProgress: (done) => progress.show(progressText(day, done)),
    });
    let pages: KeptPages | null = null;
    try {
      if (options.keep === true) pages = await servePages(started, progress);
      await rehearse(day, started, options, progress, signal);
      if (options.keep === true && !signal.aborted) await keepRunning(started, signal);
    } finally {
      progress.clear();
      await pages?.stop();
      await started.rehearsal.stop();
    }
  } finally {
    progress.clear();
    await rm(folder, { recursive: true, force: true });
  }
}

function progressText(
  day: CommunityDay,
  { confirmed, decided, read, bills }: RehearsalProgress,
): string {
  if (decided >= day.periods.length) {
    return `all periods decided; ${read} readings confirmed by all evaluators, ${bills} bills checked`;
  }
  const next = day.periods[Math.min(decided, day.periods.length - 1)]!.startUtc.slice(11, 16);
  const periods = `${Math.min(decided, day.periods.length)} of ${day.periods.length} periods decided`;
  return `${next} UTC: ${periods}, ${confirmed} orders confirmed by all evaluators`;
}

async function rehearse(
  day: CommunityDay,
  { files, rehearsal }: DayRehearsal,
  options: StartOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const found = await rehearsal.finish(signal);
  if (signal.aborted) {
    process.exitCode = EXIT_FAILED;
    return;
  }
  const span = { from: found[0]!.start, to: found.at(-1)!.start + 1 };
  const status = await operatorStatus(files.market, span, signal);
  progress.clear();
  const { periods, problems } = rehearsedDay(day, found, (start) => countedIn(status, start));
  const received = receivedBy(found, files.market);
  const month = rehearsal.month();
  const households = day.households.map(({ roof, supplier }) => ({
    hasPanels: roof !== null,
    supplier,
  }));
  const bills = month === null ? null : { month, households, suppliers: day.suppliers };
  showDay(day, files.market, periods, received, bills, options);
  print(["", `Operator  ${summaryLine(status)}`]);
  const wrong = [
    ...rehearsal.problems,
    ...problems,
    ...(bills === null ? [] : billProblems(bills)),
    ...status.periods.flatMap(({ disagreements }) => disagreements),
  ];
  if (wrong.length === 0) return;
  const more = wrong.length > PROBLEMS_SHOWN ? [`and ${wrong.length - PROBLEMS_SHOWN} more`] : [];
  const shown = [...wrong.slice(0, PROBLEMS_SHOWN), ...more];
  process.stderr.write(`${shown.join("\n")}\n`);
  process.exitCode = EXIT_FAILED;
}

const countedIn = ({ periods }: MarketStatus, start: number): number => {
  const period = periods.find(({ periodStart }) => periodStart === start);
  return period?.decision?.agreed?.count ?? 0;
};

/** The shares that the shown evaluator received for the first household's order, per period. */
function receivedBy(found: readonly RehearsedPeriod[], market: MarketDocument): string[][] {
  const pieces = orderPieces(market.setting, layoutOf(market));
  return found.map(({ meters }) => {
    const prepared = meters[0]?.order.prepared ?? null;
    if (prepared === null) return [];
    const body = decodePrepared(prepared).bodies[SHOWN_EVALUATOR]!;
    const shares = Buffer.concat(piecesIn(pieces, SHOWN_EVALUATOR, body));
    return shares.toString("hex").match(new RegExp(`.{1,${HEX_DIGITS}}`, "g")) ?? [];
  });
}

/** Shows the market to browsers, and says where. */
async function servePages({ files }: DayRehearsal, progress: Progress): Promise<KeptPages> {
  progress.show("building the pages");
  const pages = await keptPages(files.marketFile);
  progress.clear();
  print([
    `Open ${pages.address} in a browser to watch the market and to take part.`,
    `Code for a household: ${pages.code}`,
    `Code for its supplier: ${pages.supplierCode}`,
    "",
  ]);
  return pages;
}

/** Goes on, the same day again and again, until it is interrupted. */
async function keepRunning({ files }: DayRehearsal, signal: AbortSignal): Promise<void> {
  const { evaluators, rehearsal } = files.market;
  const first = evaluators[0]!.url;
  const authority = join(files.operators[0]!, "authority.pem");
  print([
    "",
    `The market goes on, ${rehearsal?.speed} times as fast as a real one, until you interrupt it (Ctrl-C).`,
    `  its evaluators        ${evaluators.map(({ url }) => url).join(" ")}`,
    `  what is public        hushwatt operator status --market ${files.marketFile} --watch`,
    `  a period's record     curl --cacert ${authority} ${first}/v1/periods?limit=1`,
    `  its API and metrics   ${first}/openapi.json ${first}/metrics`,
  ]);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function showDay(
  day: CommunityDay,
  market: MarketDocument,
  periods: readonly DayPeriod[],
  received: readonly string[][],
  bills: Omit<BillsReport, "color"> | null,
  options: StartOptions,
): void {
  const color = useColour(process.stdout);
  const { grid } = market.parameters;
  const formatPrice = (tick: number) => grid.format(tick);
  const shown = mostActive(day, periods);
  const busiest = busiestPeriod(periods);
  // A narrower terminal wraps the chart, which beats not drawing it.
  const width = Math.max(SMALLEST_WIDTH, terminalWidth());
  print([
    ...dayTable(periods, formatPrice, { color, full: options.full === true }),
    "",
    ...dayChart(periods, formatPrice, { width, color }),
    "",
    ...(bills === null ? [] : billLines({ ...bills, color })),
    "",
    ...whoSawWhat({
      periods,
      suppliers: day.suppliers,
      formatPrice,
      meter: shown.meter,
      supplier: shown.supplier,
      evaluator: {
        name: String(SHOWN_EVALUATOR),
        meter: periods[busiest]!.orders[0]!.meter,
        startUtc: periods[busiest]!.startUtc,
        receivedHex: received[busiest]!,
      },
      color,
    }),
  ]);
}

/** The household that traded most often on both sides: it has something to show. */
function mostActive(day: CommunityDay, periods: readonly DayPeriod[]): CommunityHousehold {
  const activity = day.households.map(({ meter }) => {
    const trades = tradesOf(periods, meter);
    const bought = trades.filter(({ side }) => side === "buy").length;
    return Math.min(bought, trades.length - bought) + trades.length / 1000;
  });
  return day.households[activity.indexOf(Math.max(...activity))]!;
}

/** The period in which most energy changed hands. */
function busiestPeriod(periods: readonly DayPeriod[]): number {
  const energy = periods.map(({ outcome }) => outcome.tradedUnits.reduce((sum, t) => sum + t, 0));
  return energy.indexOf(Math.max(...energy));
}
