// hushwatt start: a simulated summer day of a community, cleared period by period by three evaluator processes,
// and what everyone saw of it. What `npm start` runs.

import { clearRequest } from "../../agents/clear-orders.ts";
import { LocalMarket } from "../../agents/local-market.ts";
import { defaultMarketParameters } from "../../market/parameters.ts";
import {
  type CommunityDay,
  type CommunityHousehold,
  summerDay,
} from "../../sim/community/community.ts";
import { type DayPeriod, tradesOf } from "../../sim/day-summary.ts";
import { completeSetting } from "../../wire/setting.ts";
import { SMALLEST_WIDTH } from "../chart.ts";
import { dayChart, dayHeading, dayTable, savingsLines, whoSawWhat } from "../day-report.ts";
import { Progress, print, terminalWidth, useColour } from "../terminal.ts";

export interface StartOptions {
  readonly seed: number;
  readonly households: number;
  readonly full?: boolean;
}

const SETTING = completeSetting({ engine: "replicated" });

/** The evaluator whose view is shown, and how the bytes it received are grouped. */
const SHOWN_EVALUATOR = 1;
const HEX_DIGITS = 16;

export async function startCommand(options: StartOptions): Promise<void> {
  const day = summerDay({ households: options.households, seed: options.seed });
  const color = useColour(process.stdout);
  print([...dayHeading(day, { color }), ""]);

  const progress = new Progress();
  progress.show("starting three evaluators");
  const market = await LocalMarket.start({ setting: SETTING });
  try {
    const { periods, received } = await clearDay(day, market, progress);
    progress.clear();
    showDay(day, periods, received, { ...options, color });
  } finally {
    progress.clear();
    await market.stop();
  }
}

interface ClearedDay {
  readonly periods: DayPeriod[];
  /** What the shown evaluator received for the first household's order, per period. */
  readonly received: string[][];
}

async function clearDay(
  day: CommunityDay,
  market: LocalMarket,
  progress: Progress,
): Promise<ClearedDay> {
  const parameters = defaultMarketParameters();
  const periods: DayPeriod[] = [];
  const received: string[][] = [];
  for (const { startUtc, orders } of day.periods) {
    progress.show(
      `clearing ${startUtc.slice(11, 16)} UTC, ${periods.length + 1} of ${day.periods.length}`,
    );
    const request = clearRequest(parameters, day.suppliers.length, orders, SETTING);
    const cleared = await market.clear(request, orders);
    const { outcome, onlineMs, offlineMs } = cleared;
    periods.push({ startUtc, orders, outcome, onlineMs, offlineMs });
    const hex = Buffer.from(cleared.firstOrderShares[SHOWN_EVALUATOR]!).toString("hex");
    received.push(hex.match(new RegExp(`.{1,${HEX_DIGITS}}`, "g")) ?? []);
  }
  return { periods, received };
}

function showDay(
  day: CommunityDay,
  periods: readonly DayPeriod[],
  received: readonly string[][],
  options: StartOptions & { readonly color: boolean },
): void {
  const { color } = options;
  const { grid } = defaultMarketParameters();
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
    ...savingsLines(periods, day.suppliers, formatPrice, { color }),
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
