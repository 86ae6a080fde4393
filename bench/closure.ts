// From gate closure to the result of a period: real evaluators whose stores hold all orders, which they either prepare
// while the gate is open or, started late, only when it has closed.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluatorAccess } from "../src/agents/evaluator-access.ts";
import { LocalService } from "../src/agents/local-service.ts";
import { prepareOrder } from "../src/client/prepared-order.ts";
import { nodePrimitives } from "../src/crypto/node-primitives.ts";
import { readServiceConfig } from "../src/evaluator/service-config.ts";
import { Field } from "../src/field/field.ts";
import { gateClosureOf, type MarketDocument } from "../src/market/market-document.ts";
import type { Security } from "../src/mpc/engine.ts";
import { systemClock } from "../src/platform/clock.ts";
import type { LocalMarketFiles } from "../src/registrar/local-market-setup.ts";
import { setUpLocalMarket } from "../src/registrar/local-market-setup.ts";
import type { NewOrder } from "../src/storage/evaluator-store.ts";
import { openStore } from "../src/storage/open-store.ts";
import { completeSetting } from "../src/wire/setting.ts";
import { printTable, type Spread, say, spread } from "./table.ts";

export interface ClosureBenchOptions {
  readonly orders: readonly number[];
  readonly runs: number;
  readonly security: Security;
}

const SUPPLIERS = ["Aurora", "Borealis", "Cygnus"];
const PERIOD_S = 10;
const GATE_PERIODS = 21;
/** From the first order in a store to the gate: for orders to be made, and for evaluators to start and prepare. */
const MS_PER_ORDER = 2;
const OPEN_MS = 15_000;
const AT_ONCE = 1_000;
const WAIT_MS = 300_000;

interface Row {
  readonly orders: number;
  readonly isLate: boolean;
  readonly prepared: number;
  readonly offlineMs: Spread;
  readonly onlineMs: Spread;
}

export async function benchClosure(options: ClosureBenchOptions): Promise<void> {
  const rows: Row[] = [];
  for (const orders of options.orders) {
    for (const isLate of [true, false]) {
      const found: Measured[] = [];
      for (let run = 0; run < options.runs; run++) {
        found.push(await measure(orders, isLate, options.security));
        say(".");
      }
      rows.push({
        orders,
        isLate,
        prepared: spread(found.map(({ prepared }) => prepared)).median,
        offlineMs: spread(found.map(({ offlineMs }) => offlineMs)),
        onlineMs: spread(found.map(({ onlineMs }) => onlineMs)),
      });
    }
  }
  const range = ({ least, most }: Spread) => `${least.toFixed(0)} .. ${most.toFixed(0)}`;
  printTable(
    `${options.security}, medians of ${options.runs} runs`,
    [
      ["orders are prepared", ({ isLate }) => (isLate ? "after the gate" : "as they are there")],
      ["orders", ({ orders }) => String(orders)],
      ["before the gate", ({ prepared }) => String(prepared)],
      ["offline ms", ({ offlineMs }) => offlineMs.median.toFixed(0)],
      ["least .. most", ({ offlineMs }) => range(offlineMs)],
      ["online ms", ({ onlineMs }) => onlineMs.median.toFixed(0)],
      ["least .. most", ({ onlineMs }) => range(onlineMs)],
    ],
    rows,
  );
}

interface Measured {
  readonly prepared: number;
  /** What was left of the offline phase after gate closure, and the online phase. */
  readonly offlineMs: number;
  readonly onlineMs: number;
}

async function measure(orders: number, isLate: boolean, security: Security): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "closure-"));
  try {
    const gateS = (Date.now() + OPEN_MS + MS_PER_ORDER * orders) / 1000;
    const first = (Math.ceil(gateS / PERIOD_S) + GATE_PERIODS) * PERIOD_S;
    const files = await setUpLocalMarket(folder, {
      parameters: { suppliers: SUPPLIERS },
      setting: completeSetting({ engine: "replicated", security }),
      schedule: {
        period_s: PERIOD_S,
        first_period: new Date(first * 1000).toISOString(),
        gate_closure_periods: GATE_PERIODS,
        clearing_periods: GATE_PERIODS - 1,
      },
      meters: [],
      logLevel: "error",
    });
    await store(files, orders);
    const { market } = files;
    if (isLate) await systemClock.sleep(untilGate(market));
    const evaluators = files.evaluators.map((config, number) => ({ number, config }));
    const service = await LocalService.start({
      ...files,
      registrar: null,
      dealer: null,
      evaluators,
    });
    try {
      return await read(market);
    } finally {
      await service.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const untilGate = (market: MarketDocument): number => {
  const ms = gateClosureOf(market, market.firstPeriod) * 1000 - Date.now();
  if (ms < 0) throw new Error("the gate has closed before all orders were there");
  return ms;
};

/** Orders of as many meters, in all stores. */
async function store({ market, evaluators }: LocalMarketFiles, count: number): Promise<void> {
  const tools = { field: new Field(), primitives: nodePrimitives };
  const start = market.firstPeriod;
  const configs = await Promise.all(evaluators.map((file) => readServiceConfig(file)));
  const stores = await Promise.all(configs.map(({ database }) => openStore(database)));
  const rows: NewOrder[][] = stores.map(() => []);
  for (let i = 0; i < count; i++) {
    const side = i % 3 === 0 ? "sell" : "buy";
    const order = { side, energyWh: 50 + (i % 900), limitTick: 900 + ((i * 37) % 1500) } as const;
    const household = { meter: randomBytes(16).toString("hex"), supplier: i % SUPPLIERS.length };
    const { bodies, orderId } = prepareOrder(tools, market, household, start, order, 1);
    const own = { periodStart: start, ...household, sequence: 1, orderId };
    bodies.forEach((body, evaluator) => {
      rows[evaluator]!.push({ ...own, body, evidence: "", receivedMs: 0 });
    });
    if (rows[0]!.length < AT_ONCE && i < count - 1) continue;
    await Promise.all(stores.map((of, evaluator) => of.addOrders(rows[evaluator]!.splice(0), 1)));
  }
  await Promise.all(stores.map((of) => of.close()));
}

/** What the first evaluator measured, when it has decided. */
async function read(market: MarketDocument): Promise<Measured> {
  const access = evaluatorAccess(market);
  try {
    const [api] = access.apis;
    const deadline = Date.now() + WAIT_MS;
    while ((await api!.period(market.firstPeriod)).decision === null) {
      if (Date.now() > deadline) throw new Error("the period was not decided");
      await systemClock.sleep(50);
    }
    const text = await api!.metrics();
    const value = (name: string) => {
      const line = text.split("\n").find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? 0);
    };
    const seconds = (phase: string) => value(`hushwatt_clearing_seconds_sum{phase="${phase}"}`);
    return {
      prepared: value("hushwatt_prepared_orders_total"),
      offlineMs: 1000 * seconds("offline"),
      onlineMs: 1000 * seconds("online"),
    };
  } finally {
    access.close();
  }
}
