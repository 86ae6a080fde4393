// A market with a dealer from orders to bills, of real processes: readings late, missing, corrected and one that does
// not fit, the dealer killed before a settlement, it and evaluators before the closing; everything is what the plain
// rules say, and the dealer tells nobody what is not its own.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { LocalService } from "../../src/agents/local-service.ts";
import { ServiceProcess } from "../../src/agents/service-processes.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import type { ClearOrder } from "../../src/client/prepared-order.ts";
import type { Metered } from "../../src/client/prepared-reading.ts";
import { SupplierClient } from "../../src/client/supplier-client.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { readingOf } from "../../src/market/reading.ts";
import {
  type Amounts,
  amountsOf,
  type MeterPeriod,
  meteredUnits,
  NOTHING_DUE,
  sumOfAmounts,
  totalOf,
} from "../../src/market/settlement-oracle.ts";
import { monthClosureOf, periodPrices } from "../../src/market/tariffs.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { marketClock } from "../../src/platform/market-clock.ts";
import { setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import { completeSetting } from "../../src/wire/setting.ts";
import type { SignedSettlement } from "../../src/wire/settlement-records.ts";
import { within } from "./two-processes.test-helper.ts";

const PERIOD_S = 900;
/** Real milliseconds of a period, and until the market's clock starts. */
const [PERIOD_MS, SETUP_MS] = [3_000, 12_000];
const MONTH = "2025-06";
const END = Date.parse("2025-07-01T00:00:00Z") / 1000;
/** One with all kinds of readings, one with prompt ones, one without, and one for which nobody orders. */
const STARTS = [4, 3, 2, 1].map((before) => END - before * PERIOD_S);
const [ORDERED, FIRST] = [STARTS.slice(0, 3), STARTS[0]!];
const UNORDERED = 3;
const SUPPLIERS = ["Aurora", "Borealis"];
const WAIT_MS = 60_000;

const ORDERS: readonly ClearOrder[] = [
  { side: "buy", energyWh: 701, limitTick: 2000 },
  { side: "sell", energyWh: 1000, limitTick: 500 },
  { side: "buy", energyWh: 600, limitTick: 1500 },
  { side: "sell", energyWh: 800, limitTick: 900 },
  { side: "buy", energyWh: 303, limitTick: 900 },
  { side: "idle", energyWh: 0, limitTick: null },
];
const [LATE, MISSING, CORRECTED, WRONG] = [0, 1, 2, 3];

const steps = (price: string) => [{ from: "00:00", ct_per_kwh: price }];

async function running() {
  const folder = mkdtempSync(join(tmpdir(), "dealt-"));
  const files = await setUpLocalMarket(folder, {
    parameters: { suppliers: SUPPLIERS, minimum_group: 1 },
    setting: completeSetting({ engine: "dealer" }),
    schedule: {
      period_s: PERIOD_S,
      first_period: new Date(FIRST * 1000).toISOString(),
      gate_closure_periods: 4,
      clearing_periods: 3,
    },
    settlement: {
      tariffs: {
        Aurora: { retail: steps("32"), feed_in: steps("-1.5") },
        Borealis: { retail: steps("31"), feed_in: steps("7.5") },
      },
      grid_fee_ct_per_kwh: "5",
      settle_after_periods: 2,
      close_after_days: (7 * PERIOD_S) / 86_400,
    },
    rehearsal: {
      real: new Date(Date.now() + SETUP_MS).toISOString(),
      market: new Date((FIRST - 6 * PERIOD_S) * 1000).toISOString(),
      speed: (PERIOD_S * 1000) / PERIOD_MS,
    },
    meters: ORDERS.map((_, i) => ({ supplier: i % 2 })),
    logLevel: "warn",
  });
  const { market } = files;
  for (const file of files.evaluators) {
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, rejoin_ms: 500, lease_ms: 800 }));
  }
  const command = ["dealer", "--config", files.dealer!];
  const dealer = new ServiceProcess({ name: "the dealer", arguments: command });
  const evaluators = files.evaluators.map((config, number) => ({ number, config }));
  const [service] = await Promise.all([
    LocalService.start({ market, registrar: null, dealer: null, evaluators }),
    dealer.start(),
  ]);
  const access = evaluatorAccess(market);
  onTestFinished(async () => {
    access.close();
    await Promise.all([dealer.end(), service.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });
  const tools = { field: new Field(), primitives: nodePrimitives };
  const signerAt = async (identity: string) => signerOf(await readIdentity(identity));
  const signers = await Promise.all(files.meters.map(({ identity }) => signerAt(identity)));
  const meters = files.meters.map(
    ({ id: meter }, i) =>
      new MeterClient({ market, ...access, signer: signers[i]!, meter, supplier: i % 2, tools }),
  );
  const supplierSigners = await Promise.all(files.suppliers.map(signerAt));
  const suppliers = supplierSigners.map(
    (signer, supplier) => new SupplierClient({ market, ...access, signer, supplier, tools }),
  );
  const time = marketClock(systemClock, market.rehearsal);
  const until = (marketS: number) => systemClock.sleep(time.msUntil(marketS));
  const ids = files.meters.map(({ id }) => id);
  const clients = { ids, meters, suppliers, signers, supplierSigners };
  return { market, dealer, access, service, ...clients, until };
}

type Running = Awaited<ReturnType<typeof running>>;

/** What a household did in a period. */
interface Lived {
  readonly netUnits: number;
  readonly priceTick: number | null;
  metered: Metered | null;
}

/** Everybody orders for all periods but the last, and learns what it trades. */
async function traded({ meters, until }: Running): Promise<Lived[][]> {
  const orders = await Promise.all(
    meters.map((meter, i) =>
      Promise.all(
        ORDERED.map(async (start) => {
          const prepared = await meter.prepareOrder(start, ORDERS[i]!, 1);
          const answers = await meter.submit(prepared);
          expect(answers.map(({ problem }) => problem)).toEqual([null, null]);
          return prepared;
        }),
      ),
    ),
  );
  await until(FIRST);
  const all = await Promise.all(
    meters.map((meter, i) =>
      Promise.all(
        ORDERED.map(async (start, t): Promise<Lived> => {
          const outcome = await within(WAIT_MS, "an outcome", async () => {
            const found = await meter.outcome(start, orders[i]![t]!).catch(() => null);
            return found?.state === "cleared" || found?.state === "void" ? found : null;
          });
          const units = outcome.tradedUnits!;
          const netUnits = ORDERS[i]!.side === "sell" ? -units : units;
          return { netUnits, priceTick: outcome.priceTick, metered: null };
        }),
      ),
    ),
  );
  return all.map((own) => [...own, { netUnits: 0, priceTick: null, metered: null }]);
}

/** Sends a reading; it counts unless `error` units are added to what was traded. */
async function read(
  at: Running,
  lived: Lived[][],
  i: number,
  t: number,
  metered: Metered,
  error = 0,
) {
  const meter = at.meters[i]!;
  const own = lived[i]![t]!;
  const sequence = own.metered === null ? 1 : 2;
  const net = own.netUnits + error;
  const prepared = await meter.prepareReading(STARTS[t]!, metered, net, sequence);
  const answers = await meter.submitReading(prepared);
  expect(answers.map(({ problem }) => problem)).toEqual([null, null]);
  if (error === 0) own.metered = metered;
}

const periodOf = ({ netUnits, metered }: Lived, i: number): MeterPeriod => ({
  supplier: i % 2,
  boughtUnits: Math.max(0, netUnits),
  soldUnits: Math.max(0, -netUnits),
  reading: metered === null ? null : readingOf(metered, netUnits),
});

/**
 * What suppliers are told of a period is what the plain rules say, of a correction those of whom readings have changed;
 * resolves with its settlement.
 */
async function expectMetered({ market, suppliers, access }: Running, lived: Lived[][], t: number) {
  const start = STARTS[t]!;
  let positions = 0;
  for (const [k, supplier] of suppliers.entries()) {
    const told = await within(WAIT_MS, "metered sums", async () => {
      const found = await supplier.metered(start).catch(() => null);
      // Until all evaluators have it.
      return found?.state === "settled" && found.checks.every(({ ok }) => ok) ? found : null;
    });
    const own = lived
      .map((one, i) => [one[t]!, i] as const)
      .filter(([one, i]) => i % 2 === k && isCovered(one, t));
    const { estimateWh } = market.settlement!;
    const units = own.map(([one, i]) => meteredUnits(periodOf(one, i), estimateWh));
    // Estimates alone are no sums to be told.
    const isTold = own.some(([{ metered }]) => metered !== null);
    const position = own.reduce((sum, [{ netUnits }]) => sum + netUnits, 0);
    expect(told).toMatchObject({
      imported: isTold ? units.reduce((sum, one) => sum + one.imported, 0) : null,
      exported: isTold ? units.reduce((sum, one) => sum + one.exported, 0) : null,
      position,
    });
    positions += position;
  }
  expect(positions).toBe(0);
  const { settlements } = await access.apis[0]!.settlement(start);
  return settlements.at(-1)!;
}

/** Whether a meter is part of a period's settlement: with an order that counted, or a reading. */
const isCovered = ({ metered }: Lived, t: number): boolean => t !== UNORDERED || metered !== null;

/** Bills, totals and positions of the month are what the plain rules say. */
async function expectBills({ market, ids, meters, suppliers }: Running, lived: Lived[][]) {
  const totals: bigint[] = [];
  const positions = [0n, 0n];
  for (const [i, meter] of meters.entries()) {
    let due: Amounts = NOTHING_DUE;
    const covered = lived[i]!.filter(isCovered);
    covered.forEach((one) => {
      const t = lived[i]!.indexOf(one);
      const prices = periodPrices(market, STARTS[t]!, one.priceTick);
      const amounts = amountsOf(periodOf(one, i), prices, market.settlement!.estimateWh);
      due = sumOfAmounts(due, amounts);
    });
    const stated = await within(WAIT_MS, "a bill", async () => {
      const found = await meter.bill(MONTH).catch(() => null);
      return found?.state === "closed" && found.checks.every(({ ok }) => ok) ? found : null;
    });
    const estimated = covered.filter(({ metered }) => metered === null).length;
    expect(stated.bill).toEqual({ components: due, periods: covered.length, estimated });
    totals.push(totalOf(due));
    positions[i % 2]! += due.traded;
  }
  expect(positions[0]! + positions[1]!).toBe(0n);
  expect(positions[0]).not.toBe(0n);
  for (const [k, supplier] of suppliers.entries()) {
    const month = await supplier.month(MONTH);
    if (month.state !== "closed") throw new Error(`the month is ${month.state}`);
    expect(new Map(month.customers.map(({ meter, total }) => [meter, total]))).toEqual(
      new Map(totals.flatMap((total, i) => (i % 2 === k ? [[ids[i]!, total]] : []))),
    );
    expect(month.position).toBe(positions[k]);
    expect(month.checks.filter(({ ok }) => !ok)).toEqual([]);
  }
}

/** What a settlement and a closing prove to the dealer, and to whom it tells a mask. */
async function expectProofs(
  { access, signers, supplierSigners }: Running,
  settlement: SignedSettlement,
) {
  const dealer = access.dealer!;
  const [meter, supplier] = [signers[0]!, supplierSigners[0]!];
  const closing = (await access.apis[0]!.month(MONTH)).closing!;
  const bill = { of: "bill", signed: closing } as const;
  const payables = { of: "payables", signed: closing } as const;
  const metered = { of: "metered", signed: settlement } as const;
  const seeds = await Promise.all([
    dealer.resultMask(meter, bill),
    dealer.resultMask(signers[1]!, bill),
    dealer.resultMask(supplier, payables),
    dealer.resultMask(supplierSigners[1]!, payables),
    dealer.resultMask(supplier, metered),
  ]);
  expect(new Set(seeds.map(String)).size).toBe(seeds.length);
  const refused = async (asked: Promise<unknown>, code: string) =>
    expect(asked).rejects.toMatchObject({ code });
  await refused(dealer.resultMask(supplier, bill), "wrong-role");
  await refused(dealer.resultMask(meter, payables), "wrong-role");
  await refused(dealer.resultMask(meter, metered), "wrong-role");
  const { signatures } = closing;
  const forged = [
    { ...closing, signatures: signatures.slice(1) },
    { ...closing, closing: { ...closing.closing, attempt: closing.closing.attempt + 1 } },
    { ...closing, closing: { ...closing.closing, dealing: "00".repeat(16) } },
    // The signatures of a settlement are none of a closing.
    { ...closing, signatures: settlement.signatures },
  ];
  for (const signed of forged)
    await refused(dealer.resultMask(meter, { of: "bill", signed }), "not-decided");
  const nonce = nodePrimitives.randomBytes(16);
  await refused(dealer.rowMask(meter, "reading", FIRST, nonce), "month-closed");
  await refused(dealer.rowMask(supplier, "reading", END, nonce), "wrong-role");
}

it("settles what was traded and metered, whoever is killed meanwhile", {
  timeout: 150_000,
}, async () => {
  const at = await running();
  const { market, dealer, service, access, signers, meters, until } = at;
  const lived = await traded(at);
  expect(lived[0]!.slice(0, UNORDERED).map(({ priceTick }) => priceTick)).not.toContain(null);
  const early = access.dealer!.rowMask(signers[0]!, "reading", END, nodePrimitives.randomBytes(16));
  await expect(early).rejects.toMatchObject({ code: "not-delivered" });

  await until(FIRST + PERIOD_S);
  const metered = (i: number, t: number): Metered => {
    const wh = 100 * i + 10 * t;
    return i % 2 === 0
      ? { importedWh: 500 + wh, exportedWh: 0 }
      : { importedWh: 0, exportedWh: wh };
  };
  const prompt = [...meters.keys()].filter((i) => i !== LATE && i !== MISSING && i !== WRONG);
  for (const i of prompt) await read(at, lived, i, 0, metered(i, 0));
  // A Wh of what it traded is not accounted for: it is refused, and no other.
  await read(at, lived, WRONG, 0, metered(WRONG, 0), 1024);
  await dealer.end("SIGKILL");
  await dealer.start();
  const first = await expectMetered(at, lived, 0);
  expect(first.settlement).toMatchObject({ revision: 0, estimated: 3, readings: { count: 4 } });
  expect(first.settlement.rejected).toHaveLength(1);

  // Until the month is closed.
  await read(at, lived, LATE, 0, metered(LATE, 0));
  await read(at, lived, CORRECTED, 0, { importedWh: 77, exportedWh: 5 });
  for (const i of prompt) await read(at, lived, i, 1, metered(i, 1));
  await service.kill(0);
  await service.restart(0);
  await expectMetered(at, lived, 1);
  const unread = await expectMetered(at, lived, 2);
  expect(unread.settlement).toMatchObject({ estimated: ORDERS.length, readings: { count: 0 } });
  await until(END);
  for (const i of [WRONG, CORRECTED]) await read(at, lived, i, UNORDERED, metered(i, UNORDERED));
  await Promise.all([service.kill(1), dealer.end("SIGKILL")]);
  await Promise.all([service.restart(1), dealer.start()]);
  await until(monthClosureOf(market, MONTH));
  await expectMetered(at, lived, UNORDERED);
  await expectBills(at, lived);
  const again = await expectMetered(at, lived, 0);
  expect(again.settlement).toMatchObject({ revision: 1, estimated: 2, readings: { count: 5 } });
  await expectProofs(at, again);
});
