// One evaluator of the benchmark of settlement, as a process: links with the others over mutual TLS, then settles
// periods with them. It makes its shares of readings and trades itself, from public seeds that all processes have: what
// meters do is not counted. Started by settle.ts.
import { listen } from "../src/channel/tls.ts";
import type { Identity } from "../src/crypto/certificates.ts";
import { nodePrimitives } from "../src/crypto/node-primitives.ts";
import { activePoints, startEngine } from "../src/evaluator/engine-sessions.ts";
import { Callers } from "../src/evaluator/mesh.ts";
import { formMesh } from "../src/evaluator/mesh-forming.ts";
import { fullRows, type ReceivedRows, seededRows } from "../src/evaluator/received-rows.ts";
import { replicatedCheck, shamirCheck } from "../src/evaluator/share-checks.ts";
import { sharedRows } from "../src/evaluator/shared-rows.ts";
import { Field } from "../src/field/field.ts";
import { signedElements } from "../src/market/money.ts";
import { UNITS_PER_WH } from "../src/market/order.ts";
import { type Reading, readingLayout, readingOf, readingRows } from "../src/market/reading.ts";
import { balanceReadings, foldReadings } from "../src/market/reading-intake.ts";
import {
  addToTotals,
  payable,
  settlePeriod,
  sumsBySupplier,
  tradesOf,
} from "../src/market/settlement.ts";
import { amountsOf, type MeterPeriod, totalOf } from "../src/market/settlement-oracle.ts";
import { type Engine, mul } from "../src/mpc/engine.ts";
import type { Peers } from "../src/mpc/network.ts";
import { systemClock } from "../src/platform/clock.ts";
import type { Primitives } from "../src/platform/primitives.ts";
import { splitRows } from "../src/sharing/replicated.ts";
import { splitShamir } from "../src/sharing/shamir.ts";
import type { Setting } from "../src/wire/setting.ts";
import type { SettledRun, SettleSetup } from "./settle.ts";

const LAYOUT = readingLayout(16);
const SUPPLIERS = 3;
const PROFILE_WH = 500;
const PRICES = {
  clearing: 18_250,
  localFee: 5_500,
  retail: [32_500, 30_900, 36_000],
  feedIn: [8_100, 7_900, 8_400],
};
/** One meter in a hundred sends no reading. */
const MISSING = 100;
const SPLIT_AT_ONCE = 2048;
const KIB = 1024;

/** The period's meters, the same in every process. */
interface Community {
  readonly suppliers: Uint8Array;
  readonly buys: Uint8Array;
  readonly offeredWh: Float64Array;
  readonly aboveUnits: Float64Array;
  /** Places of the meters with a reading, and what they read. */
  readonly places: Uint32Array;
  readonly rows: Uint8Array;
  /** What everybody owes in all. */
  readonly due: bigint;
}

function communityOf(count: number): Community {
  let state = 12345;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const suppliers = new Uint8Array(count);
  const buys = new Uint8Array(count);
  const offeredWh = new Float64Array(count);
  const aboveUnits = new Float64Array(count);
  const places: number[] = [];
  const rows = new Uint8Array(count * LAYOUT.width);
  let due = 0n;
  for (let i = 0; i < count; i++) {
    const supplier = below(SUPPLIERS);
    const isBuyer = below(10) < 6;
    const energyUnits = below(1500) * UNITS_PER_WH;
    const above = below(energyUnits + 1);
    const boughtUnits = isBuyer ? above : 0;
    const soldUnits = isBuyer ? 0 : energyUnits - above;
    suppliers[i] = supplier;
    buys[i] = isBuyer ? 1 : 0;
    offeredWh[i] = isBuyer ? 0 : energyUnits / UNITS_PER_WH;
    aboveUnits[i] = above;
    const metered = {
      importedWh: below(isBuyer ? 2000 : 50),
      exportedWh: below(isBuyer ? 50 : 2000),
    };
    const reading: Reading | null =
      i % MISSING === MISSING - 1 ? null : readingOf(metered, boughtUnits - soldUnits);
    if (reading !== null) {
      rows.set(readingRows([reading], LAYOUT), places.length * LAYOUT.width);
      places.push(i);
    }
    const meter: MeterPeriod = { supplier, boughtUnits, soldUnits, reading };
    due += totalOf(amountsOf(meter, PRICES, PROFILE_WH));
  }
  const used = rows.subarray(0, places.length * LAYOUT.width);
  return {
    suppliers,
    buys,
    offeredWh,
    aboveUnits,
    places: Uint32Array.from(places),
    rows: used,
    due,
  };
}

/** Randomness that every process has alike: for the shares that meters would have made. */
const commonPrimitives = (): Primitives => {
  const prg = nodePrimitives.prg(new Uint8Array(16));
  const randomBytes = (length: number) => {
    const bytes = new Uint8Array(length);
    prg.fill(bytes);
    return bytes;
  };
  return { ...nodePrimitives, randomBytes };
};

/** What evaluator `party` receives of the readings. */
function receivedRows(
  field: Field,
  { engine, parties, threshold }: Setting,
  party: number,
  rows: Uint8Array,
): ReceivedRows[] {
  const { width } = LAYOUT;
  const count = rows.length / width;
  const full = () => fullRows(field, count, width);
  const seeded = () => seededRows(field, nodePrimitives, count, width);
  const held = engine === "replicated" ? [party, (party + 1) % 3] : [party];
  const isFull = (stream: number) => stream >= (engine === "replicated" ? 2 : threshold);
  const received = held.map((stream) => (isFull(stream) ? full() : seeded()));
  const common = commonPrimitives();
  for (let from = 0; from < count; from += SPLIT_AT_ONCE) {
    const piece = rows.subarray(from * width, (from + SPLIT_AT_ONCE) * width);
    const streams =
      engine === "replicated"
        ? Object.values(splitRows(field, common, piece, width))
        : splitShamir(field, common, piece, width, parties, threshold);
    held.forEach((stream, k) => {
      const bytes: Uint8Array = streams[stream]!;
      received[k]!.write(bytes, (bytes.length / (piece.length / width)) * from);
    });
  }
  return received;
}

/** Public values as fresh random sharings. */
async function sharing(engine: Engine, values: ArrayLike<number>) {
  const known = engine.constant(values);
  const one = engine.constant(new Uint8Array(values.length).fill(1));
  const shared = await mul(engine, known, one);
  engine.free(known, one);
  return shared;
}

const bytesSent = (peers: Peers) =>
  peers.links.reduce((sum, link) => sum + (link?.stats.bytesSent ?? 0), 0);

async function settleOnce(
  engine: Engine,
  peers: Peers,
  setting: Setting,
  active: readonly number[],
  community: Community,
  received: readonly ReceivedRows[],
): Promise<Omit<SettledRun, "peakRssBytes">> {
  const { field } = engine;
  const { suppliers, places, due } = community;
  const count = suppliers.length;
  const prepared = {
    offers: await sharing(engine, community.offeredWh),
    buys: await sharing(engine, community.buys),
  };
  const above = await sharing(engine, community.aboveUnits);
  const points = activePoints(setting, { peers, active });
  const check =
    points === null ? replicatedCheck(field, peers) : shamirCheck(engine, peers, points);
  const shares = sharedRows(field, received, places.length, LAYOUT, check);
  await engine.coin(); // Everybody begins at the same time.
  const sentBefore = engine.stats.elementsSent;
  const bytesBefore = bytesSent(peers);
  const begin = systemClock.nowMs();
  const folded = await foldReadings(engine, nodePrimitives, LAYOUT, shares);
  await engine.stockMasks(count);
  await engine.coin();
  const ready = systemClock.nowMs();
  const { elementsSent: sentOffline, rounds } = engine.stats;

  const trades = await tradesOf(engine, prepared, above);
  const net = engine.gather(trades.net, places);
  const { readings, rejected } = await balanceReadings(engine, folded, net);
  const counts = rejected.map((reason) => reason === null);
  const delivery = { readings, places, counts, profileWh: PROFILE_WH };
  const settled = settlePeriod(engine, trades, delivery, PRICES, suppliers);
  const totals = addToTotals(engine, null, settled);
  const all = new Array<boolean>(SUPPLIERS).fill(true);
  const sums = [settled.imported, settled.exported, settled.traded].flatMap((value) =>
    sumsBySupplier(engine, value, suppliers, all).map((sum) => sum!),
  );
  await engine.reveal(sums);
  const end = systemClock.nowMs();
  const { elementsSent, rounds: roundsAfter } = engine.stats;
  const bytesAfter = bytesSent(peers);

  // Of the benchmark's own making: in a market nobody learns it.
  const opened = await engine.openVerified(engine.sum(payable(engine, totals)));
  if (signedElements(field.toBytes(opened))[0] !== due) throw new Error("the amounts are wrong");
  return {
    offlineMs: ready - begin,
    onlineMs: end - ready,
    elementsOffline: sentOffline - sentBefore,
    elementsOnline: elementsSent - sentOffline,
    onlineRounds: roundsAfter - rounds,
    bytesSent: bytesAfter - bytesBefore,
  };
}

async function main(): Promise<void> {
  const setup = await new Promise<SettleSetup>((resolve) => process.once("message", resolve));
  const { party, setting, meters, runs } = setup;
  const identity: Identity = setup.identity;
  const callers = new Callers(systemClock);
  const listener = await listen(identity, {
    host: "127.0.0.1",
    port: 0,
    onPeer: (link, { id }) => callers.arrived(Number(id), link),
  });
  const told = new Promise<readonly number[]>((resolve) => process.once("message", resolve));
  process.send!(listener.port);
  const evaluators = (await told).map((port) => [{ host: "127.0.0.1", port }]);

  const field = new Field();
  const community = communityOf(meters);
  const received = receivedRows(field, setting, party, community.rows);
  const tools = { identity, party, callers, clock: systemClock, linkOptions: {} };
  const signal = new AbortController().signal;
  const purpose = { clearing: 0, attempt: 1, quorum: setting.parties, limitMs: 120_000, signal };
  const mesh = await formMesh(tools, evaluators, purpose);
  const active = evaluators.map((_, i) => i).slice(0, 2 * setting.threshold + 1);
  for (let run = 0; run < runs; run++) {
    const peers = mesh.peersAmong(active);
    if (peers === null) break;
    const noDealer = { field, primitives: nodePrimitives, reachDealer: () => Promise.reject() };
    const { engine } = await startEngine(noDealer, { setting, dealing: null }, { peers, active });
    const result = await settleOnce(engine, peers, setting, active, community, received);
    field.memory.reset();
    const peakRssBytes = process.resourceUsage().maxRSS * KIB;
    process.send!({ ...result, peakRssBytes } satisfies SettledRun);
  }
  process.send!(null);
  await new Promise((resolve) => process.once("disconnect", resolve));
  mesh.close();
  listener.close();
}

await main();
