// Evaluators killed while they settle periods and close a month, again and again, while readings and corrections keep
// coming: every matter has one decision, the same at all of them, every reading that all have confirmed counts, and
// every bill is what its meter's own history comes to.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { LocalService } from "../../src/agents/local-service.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import { SupplierClient } from "../../src/client/supplier-client.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { readingOf } from "../../src/market/reading.ts";
import {
  type Amounts,
  amountsOf,
  NOTHING_DUE,
  sumOfAmounts,
  totalOf,
} from "../../src/market/settlement-oracle.ts";
import { monthClosureOf, periodPrices, settlementDueOf } from "../../src/market/tariffs.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { marketClock } from "../../src/platform/market-clock.ts";
import { setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import { completeSetting } from "../../src/wire/setting.ts";
import { drawsFrom } from "../adversary/draws.test-helper.ts";

const PERIOD_S = 900;
/** How long evaluators take to start. */
const SETUP_MS = 3_000;
/** Real milliseconds of a period. */
const PERIOD_MS = 1_500;
const PERIODS = 4;
const MONTH = "2025-06";
const END = Date.parse("2025-07-01T00:00:00Z") / 1000;
const FIRST = END - PERIODS * PERIOD_S;
const STARTS = Array.from({ length: PERIODS }, (_, i) => FIRST + i * PERIOD_S);
const SUPPLIERS = ["Aurora", "Borealis"];
const METERS = 6;
const EVALUATORS = 3;
const KILLS = 15;
/** How long a stage is waited for before the kill comes anyway. */
const STAGE_WAIT_MS = 20_000;
const POLL_MS = 2;
const RECOVERY_MS = 60_000;

/** Of a matter at one evaluator. */
const STAGES = ["unknown", "promised", "accepted", "decided"] as const;
type Stage = (typeof STAGES)[number];

/** Looks into an evaluator's database while its process runs. */
class Watched {
  private readonly database: DatabaseSync;

  constructor(file: string) {
    this.database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  }

  /** The matter of a kind that is to be decided next, and how far it is. */
  next(kind: "settlement" | "closing"): { name: string; stage: Stage } {
    const rows = this.database
      .prepare(
        `select start, revision, prepared is not null as accepted, decision is not null as decided
         from matter where kind = ? order by decided, revision desc, start limit 1`,
      )
      .all(kind);
    const [row] = rows;
    if (row === undefined) return { name: "none", stage: "unknown" };
    const stage = row.decided ? "decided" : row.accepted ? "accepted" : "promised";
    return { name: `${kind} ${row.start} ${row.revision}`, stage };
  }

  decisions(): Map<string, string> {
    const rows = this.database
      .prepare("select kind, start, revision, decision from matter where decision is not null")
      .all();
    return new Map(
      rows.map(({ kind, start, revision, decision }) => [
        `${kind} ${start} ${revision}`,
        JSON.stringify(JSON.parse(String(decision)).decision),
      ]),
    );
  }

  close(): void {
    this.database.close();
  }
}

const steps = (price: string) => [{ from: "00:00", ct_per_kwh: price }];

async function startMarket() {
  const folder = mkdtempSync(join(tmpdir(), "kills-"));
  const files = await setUpLocalMarket(folder, {
    parameters: { suppliers: SUPPLIERS, minimum_group: 1 },
    setting: completeSetting({ engine: "replicated" }),
    schedule: {
      period_s: PERIOD_S,
      first_period: new Date(FIRST * 1000).toISOString(),
      // All of the month is cleared before the first of its periods is settled: then kills begin.
      gate_closure_periods: 3,
      clearing_periods: 2,
    },
    settlement: {
      tariffs: {
        Aurora: { retail: steps("32"), feed_in: steps("8") },
        Borealis: { retail: steps("31"), feed_in: steps("7.5") },
      },
      grid_fee_ct_per_kwh: "5",
      settle_after_periods: 1,
      close_after_days: 0.04,
    },
    rehearsal: {
      real: new Date(Date.now() + SETUP_MS).toISOString(),
      market: new Date((FIRST - 4 * PERIOD_S) * 1000).toISOString(),
      speed: (PERIOD_S * 1000) / PERIOD_MS,
    },
    meters: Array.from({ length: METERS }, (_, i) => ({ supplier: i % 2 })),
    logLevel: "error",
  });
  for (const file of files.evaluators) {
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, rejoin_ms: 300, lease_ms: 400 }));
  }
  const service = await LocalService.start({
    market: files.market,
    registrar: null,
    dealer: null,
    evaluators: files.evaluators.map((config, number) => ({ number, config })),
  });
  const access = evaluatorAccess(files.market);
  const watched = files.evaluators.map((file) => {
    const { database } = JSON.parse(readFileSync(file, "utf8")) as { database: string };
    return new Watched(join(folder, database.slice("sqlite:".length)));
  });
  onTestFinished(async () => {
    access.close();
    for (const one of watched) one.close();
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const tools = { field: new Field(), primitives: nodePrimitives };
  const common = { market: files.market, apis: access.apis, tools };
  const meters = await Promise.all(
    files.meters.map(async ({ id, identity }, i) => {
      const signer = signerOf(await readIdentity(identity));
      return new MeterClient({ ...common, signer, meter: id, supplier: i % 2 });
    }),
  );
  const suppliers = await Promise.all(
    files.suppliers.map(async (identity, supplier) => {
      const signer = signerOf(await readIdentity(identity));
      return new SupplierClient({ ...common, signer, supplier });
    }),
  );
  return { market: files.market, service, meters, suppliers, watched };
}

type Market = Awaited<ReturnType<typeof startMarket>>;

/** What a meter remembers of a period. */
interface Remembered {
  readonly start: number;
  readonly netUnits: number;
  readonly priceTick: number | null;
  /** The last reading that all evaluators have confirmed, and later ones that not all have: one of them counts. */
  readonly readings: readonly {
    readonly metered: { readonly importedWh: number; readonly exportedWh: number } | null;
    readonly readingId: string | null;
  }[];
}

const NO_READING = { metered: null, readingId: null } as const;

/**
 * A meter's month: it orders, and after delivery sends what it metered, corrected once or twice, or sometimes nothing.
 */
async function liveThrough(
  { market, meters }: Market,
  index: number,
  draw: () => number,
  first: { readonly settled: Promise<void>; readonly onCorrected: (isConfirmed: boolean) => void },
): Promise<Remembered[]> {
  const client = meters[index]!;
  const time = marketClock(systemClock, market.rehearsal);
  const until = (marketS: number) => systemClock.sleep(time.msUntil(marketS));
  const side = index % 2 === 0 ? "buy" : "sell";
  const limitTick = side === "buy" ? 2_000 + index : 900 - index;
  const order = { side, energyWh: 100 + 10 * index, limitTick } as const;
  const orders = await Promise.all(STARTS.map((start) => client.prepareOrder(start, order, 1)));
  await Promise.all(orders.map((one) => client.submit(one)));
  return Promise.all(
    STARTS.map(async (start, i): Promise<Remembered> => {
      await until(start + PERIOD_S);
      let outcome = await client.outcome(start, orders[i]!).catch(() => null);
      while (outcome === null || outcome.state === "pending") {
        await systemClock.sleep(100);
        outcome = await client.outcome(start, orders[i]!).catch(() => null);
      }
      const traded = outcome.tradedUnits!;
      const netUnits = side === "buy" ? traded : -traded;
      const nothing = { start, netUnits, priceTick: outcome.priceTick };
      let readings: Remembered["readings"] = [NO_READING];
      // None, one before it is settled first, one after, or both.
      const times = [start + PERIOD_S, settlementDueOf(market, start) + PERIOD_S];
      for (const [sequence, at] of times.entries()) {
        const isCorrection = index === 0 && start === FIRST && sequence === 1;
        if (draw() < 0.25 && !isCorrection) continue;
        await (isCorrection ? first.settled : until(at));
        const metered = { importedWh: Math.floor(draw() * 500), exportedWh: 0 };
        const reading = await client.prepareReading(start, metered, netUnits, sequence);
        const sent = await client.submitReading(reading);
        const one = { metered, readingId: reading.readingId };
        const isConfirmed = sent.every(({ receipt }) => receipt !== null);
        readings = isConfirmed ? [one] : [...readings, one];
        if (isCorrection) first.onCorrected(isConfirmed);
      }
      return { ...nothing, readings };
    }),
  );
}

async function untilStage(watched: Watched, kind: "settlement" | "closing", target: Stage) {
  const before = watched.next(kind).name;
  const endMs = systemClock.nowMs() + STAGE_WAIT_MS;
  while (systemClock.nowMs() < endMs) {
    const { name, stage } = watched.next(kind);
    const isNew = name !== before || stage !== "decided";
    if (isNew && STAGES.indexOf(stage) >= STAGES.indexOf(target)) return `${kind} ${stage}`;
    await systemClock.sleep(POLL_MS);
  }
  return `${kind} ${watched.next(kind).stage}`;
}

it(`${KILLS} kills while periods are settled and the month is closed: everything counts once`, async () => {
  const own = await startMarket();
  const { market, service, meters, suppliers, watched } = own;
  const draw = drawsFrom(20_260_701);
  const time = marketClock(systemClock, market.rehearsal);
  const settled = Promise.withResolvers<void>();
  const corrected = Promise.withResolvers<boolean>();
  const first = { settled: settled.promise, onCorrected: corrected.resolve };
  const living = Promise.all(meters.map((_, i) => liveThrough(own, i, draw, first)));
  living.catch(corrected.reject);
  const seen = new Map<string, string>();
  const remember = () => {
    for (const one of watched) {
      for (const [name, decision] of one.decisions()) {
        expect({ name, decision: seen.get(name) ?? decision }).toEqual({ name, decision });
        seen.set(name, decision);
      }
    }
  };
  // One correction comes in time, unless the machine is too slow: kills begin when it is there.
  while (watched.some((one) => !one.decisions().has(`settlement ${FIRST} 0`))) {
    await systemClock.sleep(20);
  }
  settled.resolve();
  const isCorrected = await corrected.promise;
  const killedIn = new Map<string, number>();
  for (let kill = 0; kill < KILLS; ) {
    // Each evaluator in each stage, in turn, mostly with another one. The last ones while the month is closed: first
    // periods are settled anew.
    const isLate = kill >= KILLS - 7;
    if (isLate) await systemClock.sleep(time.msUntil(monthClosureOf(market, MONTH)));
    const kind = kill >= KILLS - 4 ? "closing" : "settlement";
    const victims = [kill % EVALUATORS];
    const target = STAGES[1 + (Math.floor(kill / EVALUATORS) % 3)]!;
    if (kill < KILLS - 1 && draw() < 0.7) victims.push((kill + 1) % EVALUATORS);
    const stage = await untilStage(watched[victims[0]!]!, kind, target);
    killedIn.set(stage, (killedIn.get(stage) ?? 0) + victims.length);
    await Promise.all(victims.map((victim) => service.kill(victim)));
    kill += victims.length;
    remember();
    await Promise.all(victims.map((victim) => service.restart(victim)));
  }
  expect([...killedIn.values()].reduce((a, b) => a + b, 0)).toBe(KILLS);
  expect(killedIn.size).toBeGreaterThanOrEqual(3);

  // Nobody is killed any more: they recover, and close the month.
  const histories = await living;
  const closing = `closing ${FIRST} 0`;
  const endMs = systemClock.nowMs() + RECOVERY_MS;
  while (watched.some((one) => !one.decisions().has(closing)) && systemClock.nowMs() < endMs) {
    await systemClock.sleep(100);
  }
  remember();
  expect(JSON.parse(seen.get(closing)!)).toMatchObject({ periods: PERIODS, active: [0, 1, 2] });
  if (isCorrected) expect(seen.has(`settlement ${FIRST} 1`)).toBe(true);
  const confirmed = histories.flat().filter(({ readings }) => readings.length === 1);
  // Fewer the longer evaluators take to start again, but not none.
  expect(confirmed.length).toBeGreaterThan(histories.flat().length / 4);

  const totals: bigint[] = [];
  for (const [i, history] of histories.entries()) {
    let due: Amounts = NOTHING_DUE;
    let covered = 0;
    let estimated = 0;
    for (const { start, netUnits, priceTick, readings } of history) {
      const { readingId } = await meters[i]!.countedReading(start);
      expect(readings.map((one) => one.readingId)).toContain(readingId);
      const { metered } = readings.find((one) => one.readingId === readingId)!;
      // A void period covers those with a reading only.
      if (readingId !== null || priceTick !== null) covered += 1;
      if (readingId === null && priceTick !== null) estimated += 1;
      const period = {
        supplier: i % 2,
        boughtUnits: Math.max(0, netUnits),
        soldUnits: Math.max(0, -netUnits),
        reading: metered === null ? null : readingOf(metered, netUnits),
      };
      if (readingId === null && priceTick === null) continue;
      const prices = periodPrices(market, start, priceTick);
      due = sumOfAmounts(due, amountsOf(period, prices, market.settlement!.estimateWh));
    }
    const stated = await meters[i]!.bill(MONTH);
    expect(stated.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(stated).toMatchObject({
      state: "closed",
      bill: { components: due, periods: covered, estimated },
    });
    totals.push(totalOf(due));
  }
  let positions = 0n;
  for (const [k, supplier] of suppliers.entries()) {
    const month = await supplier.month(MONTH);
    if (month.state !== "closed") throw new Error(`the month is ${month.state}`);
    const owed = new Set(month.customers.map(({ total }) => total));
    expect(owed).toEqual(new Set(totals.filter((_, i) => i % 2 === k)));
    positions += month.position ?? 0n;
  }
  expect(positions).toBe(0n);
}, 300_000);
