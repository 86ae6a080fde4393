// Orders per second: signed orders to all evaluators of a running market over HTTPS, each counted when all of them have
// confirmed that it is durable. The market is real processes on this machine; so is the load, on the same cores.
// Orders are split and signed before the clock starts: that is the gateways' work.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalService } from "../src/agents/local-service.ts";
import { prepareOrder } from "../src/client/prepared-order.ts";
import { readIdentity } from "../src/crypto/identity-files.ts";
import { nodePrimitives } from "../src/crypto/node-primitives.ts";
import { signerOf } from "../src/crypto/signing-key.ts";
import { Field } from "../src/field/field.ts";
import { gateClosureOf, type MarketDocument } from "../src/market/market-document.ts";
import { systemClock } from "../src/platform/clock.ts";
import { setUpLocalMarket } from "../src/registrar/local-market-setup.ts";
import { startPostgres } from "../src/storage/postgres-server.test-helper.ts";
import { signRequest } from "../src/wire/http-signature.ts";
import { ORDER_MEDIA_TYPE } from "../src/wire/order-body.ts";
import { textOfPeriod } from "../src/wire/records.ts";
import { completeSetting } from "../src/wire/setting.ts";
import { HttpsLoad, requestBytes } from "./https-load.ts";
import { machine } from "./machine.ts";
import { setDatabases } from "./service-databases.ts";

export interface IngestBenchOptions {
  /** Orders per second; null for as many as go with `atOnce` under way. */
  readonly rate: number | null;
  readonly atOnce: number;
  readonly seconds: number;
  readonly meters: number;
  readonly store: "sqlite" | "postgres";
  readonly json: boolean;
}

const PERIOD_S = 900;
const SUPPLIERS = ["Aurora", "Borealis", "Cygnus"];
/** To each evaluator. */
const CONNECTIONS = 64;
/** Before the clock starts, to warm up. */
const WARM_UP = 300;
const CREATED = 201;

/** One order: a signed request for each evaluator. */
type SignedOrder = readonly Buffer[];

export async function benchIngest(options: IngestBenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ingest-"));
  const server = options.store === "postgres" ? await startPostgres() : null;
  try {
    const first = Math.ceil(Date.now() / 1000 / PERIOD_S + 8) * PERIOD_S;
    const files = await setUpLocalMarket(folder, {
      parameters: { suppliers: SUPPLIERS },
      setting: completeSetting({ engine: "replicated" }),
      schedule: { period_s: PERIOD_S, first_period: new Date(first * 1000).toISOString() },
      meters: Array.from({ length: options.meters }, (_, i) => ({ supplier: i % 3 })),
      logLevel: "error",
    });
    if (server !== null) await setDatabases(files.evaluators, server.url);
    const evaluators = files.evaluators.map((config, number) => ({ number, config }));
    const service = await LocalService.start({
      ...files,
      registrar: null,
      dealer: null,
      evaluators,
    });
    try {
      await measure(options, files.market, files.meters);
    } finally {
      await service.stop();
    }
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  options: IngestBenchOptions,
  market: MarketDocument,
  meters: readonly { readonly id: string; readonly identity: string }[],
): Promise<void> {
  // At most what a client may send in a moment is made beforehand: signatures are valid for some minutes.
  const count = WARM_UP + Math.ceil((options.rate ?? 3_000) * options.seconds);
  const orders = await signedOrders(market, meters, count);
  const loads = await Promise.all(
    market.evaluators.map(({ url }) =>
      HttpsLoad.open(new URL(url), market.authorityPem, CONNECTIONS),
    ),
  );
  const refused = new Map<number, number>();
  const send = async (order: SignedOrder): Promise<boolean> => {
    const statuses = await Promise.all(order.map((request, i) => loads[i]!.send(request)));
    for (const status of statuses) {
      if (status !== CREATED) refused.set(status, (refused.get(status) ?? 0) + 1);
    }
    return statuses.every((status) => status === CREATED);
  };
  for (let at = 0; at < WARM_UP; at += 10) {
    await Promise.all(orders.slice(at, at + 10).map(send));
  }
  refused.clear();
  const rest = orders.slice(WARM_UP);
  const run =
    options.rate === null
      ? await closedLoop(rest, options, send)
      : await openLoop(rest, options.rate, send);
  for (const load of loads) load.close();
  report(options, run, refused);
}

/** Every meter orders one period after the other. */
async function signedOrders(
  market: MarketDocument,
  meters: readonly { readonly id: string; readonly identity: string }[],
  count: number,
): Promise<SignedOrder[]> {
  const tools = { field: new Field(), primitives: nodePrimitives };
  const signers = await Promise.all(
    meters.map(async ({ identity }) => signerOf(await readIdentity(identity))),
  );
  const createdS = systemClock.utcMs() / 1000;
  const orders: SignedOrder[] = [];
  for (let i = 0; i < count; i++) {
    const number = i % meters.length;
    const start = market.firstPeriod + Math.floor(i / meters.length) * PERIOD_S;
    if (gateClosureOf(market, start) < createdS) throw new Error("the gate is closed");
    const order = { side: "buy", energyWh: i % 1000, limitTick: 2000 } as const;
    const household = { meter: meters[number]!.id, supplier: number % SUPPLIERS.length };
    const { bodies } = prepareOrder(tools, market, household, start, order, 1);
    const path = `/v1/periods/${textOfPeriod(start)}/order`;
    orders.push(
      await Promise.all(
        bodies.map(async (body, evaluator): Promise<Buffer> => {
          const unsigned = {
            method: "PUT",
            path,
            headers: { "content-type": ORDER_MEDIA_TYPE },
            body,
          };
          const headers = await signRequest(unsigned, signers[number]!, evaluator, createdS);
          const url = new URL(market.evaluators[evaluator]!.url + path);
          return requestBytes("PUT", url, headers, body);
        }),
      ),
    );
  }
  return orders;
}

interface Run {
  readonly accepted: number;
  readonly tookMs: number;
  /** From when an order was due to its last receipt. */
  readonly latenciesMs: number[];
}

/** Orders come at a fixed rate, whatever becomes of those before. */
async function openLoop(
  orders: readonly SignedOrder[],
  rate: number,
  send: (order: SignedOrder) => Promise<boolean>,
): Promise<Run> {
  const latenciesMs: number[] = [];
  let accepted = 0;
  const begin = systemClock.nowMs();
  const sent: Promise<void>[] = [];
  for (const [i, order] of orders.entries()) {
    const dueMs = begin + (i * 1000) / rate;
    const early = dueMs - systemClock.nowMs();
    if (early > 0) await systemClock.sleep(early);
    sent.push(
      send(order).then((ok) => {
        latenciesMs.push(systemClock.nowMs() - dueMs);
        accepted += ok ? 1 : 0;
      }),
    );
  }
  await Promise.all(sent);
  return { accepted, tookMs: systemClock.nowMs() - begin, latenciesMs };
}

/** As many at once as the options say, each followed by the next. */
async function closedLoop(
  orders: readonly SignedOrder[],
  { atOnce, seconds }: IngestBenchOptions,
  send: (order: SignedOrder) => Promise<boolean>,
): Promise<Run> {
  const latenciesMs: number[] = [];
  let accepted = 0;
  let next = 0;
  const begin = systemClock.nowMs();
  const worker = async () => {
    while (next < orders.length && systemClock.nowMs() - begin < seconds * 1000) {
      const sentMs = systemClock.nowMs();
      const ok = await send(orders[next++]!);
      accepted += ok ? 1 : 0;
      latenciesMs.push(systemClock.nowMs() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { accepted, tookMs: systemClock.nowMs() - begin, latenciesMs };
}

function report(
  options: IngestBenchOptions,
  { accepted, tookMs, latenciesMs }: Run,
  refused: ReadonlyMap<number, number>,
): void {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const quantile = (q: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  const result = {
    benchmark: "ingest",
    machine: machine(),
    store: options.store,
    rate: options.rate,
    atOnce: options.rate === null ? options.atOnce : null,
    orders: latenciesMs.length,
    accepted,
    acceptedPerS: (accepted / tookMs) * 1000,
    latencyMs: { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), most: quantile(1) },
    refused: Object.fromEntries(refused),
  };
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const { p50, p90, p99, most } = result.latencyMs;
  const { cpu, cores, memoryGiB, node } = result.machine;
  const load = options.rate === null ? `${options.atOnce} at once` : `${options.rate} orders/s`;
  const ms = (value: number) => value.toFixed(0);
  process.stdout.write(
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}; three evaluators and the load on this machine\n` +
      `${options.store}, ${load} for ${(tookMs / 1000).toFixed(1)} s: ` +
      `${accepted} of ${result.orders} accepted by all three, ` +
      `${result.acceptedPerS.toFixed(0)} orders/s; ms until the last receipt: p50 ${ms(p50)}, p90 ${ms(p90)}, ` +
      `p99 ${ms(p99)}, most ${ms(most)}\n`,
  );
  for (const [status, times] of refused) process.stdout.write(`refused with ${status}: ${times}\n`);
}
