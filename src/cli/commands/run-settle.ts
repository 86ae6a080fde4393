// hushwatt settle READINGS.csv: clears and settles one period from files, by evaluators on shares, or in clear.
import { readFile } from "node:fs/promises";
import type { MonthPlan } from "../../agents/month/month-plan.ts";
import { parseOrderFile } from "../../agents/order-file.ts";
import { parseReadingFile } from "../../agents/reading-file.ts";
import type { Metered } from "../../client/prepared-reading.ts";
import type { Order } from "../../market/order.ts";
import type { MarketParameters } from "../../market/parameters.ts";
import { periodPrices, type SettlementRules } from "../../market/tariffs.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { settleInClear, settleOnShares } from "../file-settlement.ts";
import { type MarketFile, parametersOf, readMarketFile, rulesOf } from "../market-file.ts";
import { chosenSetting, type SettingOptions } from "../setting-options.ts";
import { settlementJson, settlementText } from "../settlement-report.ts";
import { stopSignal } from "../stop-signal.ts";
import {
  checkWritable,
  InputError,
  Progress,
  terminalWidth,
  useColour,
  writeOut,
} from "../terminal.ts";

export interface SettleOptions extends SettingOptions {
  readonly orders: string;
  readonly market: string;
  readonly period?: number;
  readonly json?: boolean;
  readonly out?: string;
}

const PERIOD_S = 900;
/** Each household has a key and a certificate of its own: enough to try a community, not a city. */
const MOST_HOUSEHOLDS = 2000;
/** Files are one's own data: sums are shown whatever the size of a group. */
const MINIMUM_GROUP = 1;
/** Where tariffs do not change, any period will do. */
const SOME_NOON = Date.parse("2025-06-01T12:00:00Z") / 1000;

export async function settleCommand(readingsFile: string, options: SettleOptions): Promise<void> {
  const chosen = chosenSetting(options);
  if (options.out !== undefined) await checkWritable(options.out);
  const file = await readMarketFile(options.market);
  const market = parametersOf(file, options.market, { defaultMinimumGroup: MINIMUM_GROUP });
  const rules = rulesOf(file, options.market, market, PERIOD_S);
  const start = startOf(options.period, rules);
  const { orders, readings } = await readFiles(readingsFile, options.orders, market);
  const setting = { ...chosen, priorityOrder: market.priorityOrder };
  const plan = planOf(file, market, rules, setting, start, orders, readings);
  const progress = new Progress();
  const show = (doing: string) => progress.show(doing);
  const settled = { market, rules, plan, orders, start };
  let report: Awaited<ReturnType<typeof settleOnShares>>;
  try {
    report =
      options.engine === "plain"
        ? settleInClear(settled)
        : await settleOnShares(settled, show, stopSignal());
  } finally {
    progress.clear();
  }
  const toFile = options.out !== undefined;
  const asJson = options.json === true || options.out?.endsWith(".json") === true;
  const look = {
    colour: !toFile && useColour(process.stdout),
    width: terminalWidth(),
    full: toFile,
  };
  const text = asJson ? settlementJson(report) : settlementText(report, look);
  await writeOut([text], options.out);
  if (toFile) process.stderr.write(`wrote ${options.out}\n`);
}

function startOf(given: number | undefined, { tariffs }: SettlementRules): number {
  if (given !== undefined) {
    if (given % PERIOD_S === 0) return given;
    throw new InputError([`--period: no period of ${PERIOD_S} s begins at ${textOfPeriod(given)}`]);
  }
  if (tariffs.every(({ retail, feedIn }) => retail.length === 1 && feedIn.length === 1)) {
    return SOME_NOON;
  }
  throw new InputError(["--period: the tariffs change during the day: say which period this is"]);
}

async function readFiles(readingsFile: string, ordersFile: string, market: MarketParameters) {
  const parsed = parseOrderFile(await readInput(ordersFile, "orders"), market);
  const meters = new Set(parsed.orders.map(({ meter }) => meter));
  const read = parseReadingFile(
    await readInput(readingsFile, "readings"),
    market.energyBits,
    meters,
  );
  const named = (file: string, problems: typeof read.problems) =>
    problems.map(({ line, reason }) => `${file}:${line}: ${reason}`);
  // A meter whose order is wrong is unknown: its reading would be blamed for that.
  const problems =
    parsed.problems.length > 0
      ? named(ordersFile, parsed.problems)
      : named(readingsFile, read.problems);
  if (problems.length > 0) throw new InputError(problems);
  if (parsed.orders.length > MOST_HOUSEHOLDS) {
    const found = `${ordersFile}: ${parsed.orders.length} households`;
    throw new InputError([`${found}; this command settles at most ${MOST_HOUSEHOLDS}`]);
  }
  if (parsed.orders.length === 0) throw new InputError([`${ordersFile}: there are no orders`]);
  return { orders: parsed.orders, readings: read.readings };
}

/**
 * The period as the last one of a month, at the prices of its own time: so that the month is closed right after it, and
 * everybody has the bill of that period alone.
 */
function planOf(
  file: MarketFile,
  market: MarketParameters,
  rules: SettlementRules,
  setting: MonthPlan["setting"],
  start: number,
  orders: readonly Order[],
  readings: ReadonlyMap<string, Metered>,
): MonthPlan {
  const document = {
    parameters: market,
    schedule: { period_s: PERIOD_S },
    firstPeriod: start,
    settlement: rules,
  };
  const prices = periodPrices(document, start, null);
  const always = (price: number) => [{ from: "00:00", ct_per_kwh: (price / 1000).toFixed(3) }];
  const tariffs = (market.suppliers ?? []).map((name, k) => [
    name,
    { retail: always(prices.retail[k]!), feed_in: always(prices.feedIn[k]!) },
  ]);
  return {
    parameters: { ...file.parameters, minimum_group: market.minimumGroup },
    settlement: {
      ...Object(file.settlement),
      time_zone: "UTC",
      tariffs: Object.fromEntries(tariffs),
      estimate_wh: rules.estimateWh,
      settle_after_periods: 1,
      close_after_days: 0,
    },
    setting,
    periodS: PERIOD_S,
    first: Date.parse("2025-07-01T00:00:00Z") / 1000 - PERIOD_S,
    periods: 1,
    suppliers: orders.map(({ supplier }) => supplier),
    order: (h) => {
      const { side, energyWh, limitTick } = orders[h]!;
      return { side, energyWh, limitTick };
    },
    readings: (h) => {
      const metered = readings.get(orders[h]!.meter);
      return metered === undefined ? [] : [{ ...metered, afterPeriods: 0 }];
    },
  };
}

async function readInput(file: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : code;
    throw new InputError([`cannot read the ${what} file ${file}: ${reason}`]);
  }
}
