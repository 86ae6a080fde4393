// Clearing, as the evaluators do it: processes over mutual TLS on this machine, in any setting. Splitting the orders
// into shares is the meters' work and not counted. Prints medians as a table, or everything as JSON.
import { LocalMarket } from "../src/agents/local-market.ts";
import type { ClearedPeriod, ClearRequest } from "../src/client/clearing-client.ts";
import type { Order } from "../src/market/order.ts";
import type { PriceRule } from "../src/market/parameters.ts";
import type { Setting } from "../src/wire/setting.ts";
import { machine } from "./machine.ts";
import { nameOf, type SettingOptions, settingsOf } from "./settings.ts";
import { type Columns, printTable, type Spread, say, spread } from "./table.ts";

export interface ClearBenchOptions extends SettingOptions {
  readonly orders: readonly number[];
  readonly runs: number;
  readonly rule: PriceRule;
  readonly json: boolean;
}

interface Row {
  readonly setting: Setting;
  readonly orders: number;
  readonly runs: number;
  readonly offlineMs: Spread;
  readonly onlineMs: Spread;
  readonly onlineNsPerOrder: number;
  readonly bytesSentPerEvaluator: number;
  readonly elementsSentPerEvaluator: number;
  readonly rounds: number;
  readonly onlineRounds: number;
  readonly peakMemoryMiB: number;
}

const SUPPLIERS = 3;

/** Seeded orders like a summer noon's: four in ten sell, limits between 8 and 30 ct/kWh. */
function benchOrders(count: number): Order[] {
  let state = 12345;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return Array.from({ length: count }, (_, i) => ({
    meter: `m${i}`,
    side: below(10) < 4 ? "sell" : "buy",
    energyWh: below(1500),
    limitTick: 800 + below(2200),
    supplier: below(SUPPLIERS),
  }));
}

/** One size: fresh processes, so that the peak memory is this size's; the first run warms up. */
async function benchSize(
  setting: Setting,
  count: number,
  options: ClearBenchOptions,
): Promise<Row> {
  const orders = benchOrders(count);
  const request: ClearRequest = {
    priceBits: 12,
    energyBits: 16,
    priceRule: options.rule,
    rationing: "pro-rata",
    revealedSuppliers: new Array<boolean>(SUPPLIERS).fill(true),
    setting,
  };
  const market = await LocalMarket.start({ setting });
  const runs: ClearedPeriod[] = [];
  try {
    const warmUps = count <= 10_000 ? 5 : 1;
    for (let run = -warmUps; run < options.runs; run++) {
      const doing = run < 0 ? "warm-up" : `run ${run + 1}`;
      say(`\r\x1b[K${nameOf(setting)}, ${count} orders, ${doing}`);
      const cleared = await market.clear(request, orders);
      if (run >= 0) runs.push(cleared);
    }
  } finally {
    say("\r\x1b[K");
    await market.stop();
  }
  const onlineMs = spread(runs.map((run) => run.onlineMs));
  return {
    setting,
    orders: count,
    runs: runs.length,
    offlineMs: spread(runs.map((run) => run.offlineMs)),
    onlineMs,
    onlineNsPerOrder: (onlineMs.median * 1e6) / count,
    bytesSentPerEvaluator: runs[0]!.bytesSentPerEvaluator,
    elementsSentPerEvaluator: runs[0]!.elementsSentPerEvaluator,
    rounds: runs[0]!.rounds,
    onlineRounds: runs[0]!.onlineRounds,
    peakMemoryMiB: Math.max(...runs.map((run) => run.peakRssBytes)) / 2 ** 20,
  };
}

const COLUMNS: Columns<Row> = [
  ["setting", (row) => nameOf(row.setting)],
  ["orders", (row) => String(row.orders)],
  ["offline ms", (row) => row.offlineMs.median.toFixed(0)],
  ["online ms", (row) => row.onlineMs.median.toFixed(1)],
  ["least .. most", (row) => `${row.onlineMs.least.toFixed(0)} .. ${row.onlineMs.most.toFixed(0)}`],
  ["ns/order", (row) => row.onlineNsPerOrder.toFixed(0)],
  ["rounds", (row) => String(row.onlineRounds)],
  ["elements/order", (row) => (row.elementsSentPerEvaluator / row.orders).toFixed(1)],
  ["sent MB", (row) => (row.bytesSentPerEvaluator / 1e6).toFixed(1)],
  ["peak MiB", (row) => row.peakMemoryMiB.toFixed(0)],
];

/** Runs the benchmark and prints its results. */
export async function benchClear(options: ClearBenchOptions): Promise<void> {
  const rows: Row[] = [];
  const settings = settingsOf(options);
  if (settings.length === 0) {
    process.exitCode = 1;
    return;
  }
  for (const setting of settings) {
    for (const count of options.orders) rows.push(await benchSize(setting, count, options));
  }
  if (options.json) {
    const result = { benchmark: "clear", machine: machine(), rule: options.rule, rows };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const note = `medians of ${options.runs} runs, rule ${options.rule}`;
  printTable(note, COLUMNS, rows);
}
