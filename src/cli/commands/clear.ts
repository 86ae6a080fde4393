// hushwatt clear ORDERS.csv: clears one settlement period from a file.
import { readFile } from "node:fs/promises";
import {
  type ClearedOrders,
  clearOnShares,
  clearPlainly,
  clearRequest,
} from "../../agents/clear-orders.ts";
import { parseOrderFile } from "../../agents/order-file.ts";
import { defaultMarketParameters, type MarketParameters } from "../../market/parameters.ts";
import { type ClearReport, clearReportJsonPieces, clearReportText } from "../clear-report.ts";
import { parametersOf, readMarketFile } from "../market-file.ts";
import { chosenSetting, type SettingOptions } from "../setting-options.ts";
import {
  checkWritable,
  InputError,
  Progress,
  terminalWidth,
  useColour,
  writeOut,
} from "../terminal.ts";

export interface ClearOptions extends SettingOptions {
  readonly market?: string;
  readonly json?: boolean;
  readonly out?: string;
  readonly skipInvalid?: boolean;
  /** Only with the plain engine. */
  readonly coin?: string;
}

/** A file of orders is one's own data: its sums are shown whatever the size of a group. */
const CLI_MINIMUM_GROUP = 1;

const PROBLEMS_SHOWN = 1000;

export async function clearCommand(ordersFile: string, options: ClearOptions): Promise<void> {
  if (options.coin !== undefined && options.engine !== "plain") {
    throw new InputError(["--coin: only with --engine plain; evaluators toss a coin of their own"]);
  }
  const chosen = chosenSetting(options);
  // Before the work, not after it.
  if (options.out !== undefined) await checkWritable(options.out);
  const market = await readMarket(options.market);
  if (options.coin !== undefined && market.priorityOrder === "hidden") {
    throw new InputError(["--coin: the market's priority_order is hidden: no coin decides it"]);
  }
  const parsed = parseOrderFile(await readInput(ordersFile, "orders"), market);
  const unreadable = parsed.problems.length > 0 && parsed.orders.length === 0;
  const problems = parsed.problems.map(({ line, reason }) => `${ordersFile}:${line}: ${reason}`);
  if (unreadable || (problems.length > 0 && !options.skipInvalid)) {
    throw new InputError(problems);
  }
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.stderr.write(`skipped ${problems.length} invalid row(s)\n`);

  const setting = { ...chosen, priorityOrder: market.priorityOrder };
  const { orders, suppliers } = parsed;
  const request = clearRequest(market, suppliers.length, orders, setting);
  const isPlain = options.engine === "plain";
  const progress = new Progress();
  const show = (doing: string) => progress.show(doing);
  let cleared: ClearedOrders;
  try {
    cleared = isPlain
      ? await clearPlainly(request, orders, show, options.coin)
      : await clearOnShares(request, orders, show);
  } finally {
    progress.clear();
  }
  const computed = { engine: options.engine, setting: isPlain ? null : setting };
  const report: ClearReport = { market, ...parsed, ...computed, ...cleared };
  await writeReport(report, options);
}

async function writeReport(report: ClearReport, options: ClearOptions): Promise<void> {
  const asJson = options.json === true || options.out?.endsWith(".json") === true;
  const toFile = options.out !== undefined;
  const pieces = asJson
    ? clearReportJsonPieces(report)
    : [
        clearReportText(report, {
          colour: !toFile && useColour(process.stdout),
          width: terminalWidth(),
          full: toFile,
        }),
      ];
  await writeOut(pieces, options.out);
  if (toFile) process.stderr.write(`wrote ${options.out}\n`);
}

async function readMarket(file: string | undefined): Promise<MarketParameters> {
  const defaults = { defaultMinimumGroup: CLI_MINIMUM_GROUP };
  if (file === undefined) return defaultMarketParameters(defaults);
  return parametersOf(await readMarketFile(file), file, defaults);
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
