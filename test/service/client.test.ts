// Clients of all roles against a market of real processes: orders that are sent, replaced and lost, and what everybody
// makes of the period, with an evaluator killed where the setting can do without it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { LocalService } from "../../src/agents/local-service.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import type { MeterOutcome } from "../../src/client/meter-outcome.ts";
import { OperatorClient } from "../../src/client/operator-client.ts";
import type { ClearOrder } from "../../src/client/prepared-order.ts";
import { SupplierClient } from "../../src/client/supplier-client.ts";
import { webPrimitives } from "../../src/client/web-primitives.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { UNITS_PER_WH } from "../../src/market/order.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import { textOfPeriod } from "../../src/wire/records.ts";
import { completeSetting, type SettingChoice } from "../../src/wire/setting.ts";

/** How long evaluators wait for one that is missing, in milliseconds: a killed one is not coming back. */
const REJOIN_MS = 500;
/** At least this long a test has for its orders. */
const ORDERING_S = 5;

// 1,800 Wh are offered. The first two buyers, above all others, take 1,300 of them; the seller at tick 900 is next in
// line and keeps 500 of its 800, so it sells 300 and the cheaper one all it has. Its limit is the price.
const HOUSEHOLDS: readonly { order: ClearOrder; tradedWh: number }[] = [
  { order: { side: "buy", energyWh: 700, limitTick: 2000 }, tradedWh: 700 },
  { order: { side: "sell", energyWh: 1000, limitTick: 500 }, tradedWh: 1000 },
  { order: { side: "buy", energyWh: 600, limitTick: 1500 }, tradedWh: 600 },
  { order: { side: "sell", energyWh: 800, limitTick: 900 }, tradedWh: 300 },
  { order: { side: "idle", energyWh: 0, limitTick: null }, tradedWh: 0 },
  { order: { side: "buy", energyWh: 900, limitTick: 400 }, tradedWh: 0 },
];
const PRICE_TICK = 900;

/** A running market with a client of everybody, and a period that is open for orders. */
async function running(periodS: number, choice: SettingChoice) {
  const folder = mkdtempSync(join(tmpdir(), "clients-"));
  const setting = completeSetting(choice);
  const files = await setUpLocalMarket(folder, {
    parameters: {
      suppliers: ["Aurora", "Borealis", "Corona"],
      minimum_group: 3,
    },
    setting,
    schedule: {
      period_s: periodS,
      first_period: textOfPeriod((Math.ceil(Date.now() / 1000 / periodS) + 3) * periodS),
    },
    meters: HOUSEHOLDS.map((_, i) => ({ supplier: i % 2 })),
  });
  const { market } = files;
  for (const file of files.evaluators) {
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, rejoin_ms: REJOIN_MS }));
  }
  const service = await LocalService.start({
    market,
    registrar: null,
    dealer: null,
    evaluators: files.evaluators.map((config, number) => ({ number, config })),
  });
  const access = evaluatorAccess(market);
  onTestFinished(async () => {
    access.close();
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const { apis } = access;
  const signers = await Promise.all(
    files.meters.map(async ({ identity }) => signerOf(await readIdentity(identity))),
  );
  const meters = files.meters.map(({ id }, i) => {
    const signer = signers[i]!;
    // One household uses what a browser has.
    const primitives = i === 0 ? webPrimitives : nodePrimitives;
    const tools = { field: new Field(), primitives };
    return new MeterClient({ market, apis, signer, meter: id, supplier: i % 2, tools });
  });
  const suppliers = await Promise.all(
    files.suppliers.map(async (identity, supplier) => {
      const signer = signerOf(await readIdentity(identity));
      const tools = { field: new Field(), primitives: nodePrimitives };
      return new SupplierClient({ market, apis, signer, supplier, tools });
    }),
  );
  const operator = new OperatorClient({ market, apis });
  const earliest = Date.now() / 1000 + ORDERING_S + 2 * periodS;
  const start = Math.max(Math.ceil(earliest / periodS) * periodS, market.firstPeriod);
  return { market, service, apis, signers, meters, suppliers, operator, start };
}

/** Asks until the period is decided. */
async function decided<T extends { readonly state: string }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const found = await ask();
    if (found.state !== "pending") return found;
    await systemClock.sleep(200);
  }
}

const failedChecks = ({ checks }: Pick<MeterOutcome, "checks">) =>
  checks.filter(({ ok }) => !ok).map(({ name }) => name);

it("has an order counted, replaced, and its outcome proven to everybody", async () => {
  const { market, apis, signers, meters, suppliers, operator, start } = await running(4, {
    engine: "replicated",
  });
  const prepared = await Promise.all(
    meters.map((meter, i) => meter.prepareOrder(start, HOUSEHOLDS[i]!.order, 2)),
  );
  const earlier = await meters[1]!.prepareOrder(start, HOUSEHOLDS[0]!.order, 1);
  const receiptsOf = async (meter: MeterClient, order: typeof earlier) =>
    (await meter.submit(order)).map(({ receipt, problem }) => receipt?.receipt.order ?? problem);
  expect(await receiptsOf(meters[1]!, earlier)).toEqual(apis.map(() => earlier.orderId));
  for (const [i, meter] of meters.entries()) {
    const { orderId } = prepared[i]!;
    expect(await receiptsOf(meter, prepared[i]!)).toEqual(apis.map(() => orderId));
  }
  // The same again is the same, and changes nothing; a new one must have a higher number.
  expect(await receiptsOf(meters[1]!, earlier)).toEqual(apis.map(() => earlier.orderId));
  const stale = await meters[1]!.prepareOrder(start, HOUSEHOLDS[0]!.order, 0);
  for (const answer of await receiptsOf(meters[1]!, stale)) expect(answer).toMatch(/sequence/);
  expect(await meters[0]!.outcome(start, prepared[0]!)).toMatchObject({
    state: "pending",
  });

  const outcomes = await Promise.all(
    meters.map((meter, i) => decided(() => meter.outcome(start, prepared[i]!))),
  );
  outcomes.forEach((outcome, i) => {
    expect(outcome).toMatchObject({
      state: "cleared",
      priceTick: PRICE_TICK,
      tradedUnits: HOUSEHOLDS[i]!.tradedWh * UNITS_PER_WH,
      countedOrder: prepared[i]!.orderId,
    });
    expect(failedChecks(outcome).filter((name) => name !== "answers")).toEqual([]);
  });
  expect(await meters[1]!.outcome(start, earlier)).toMatchObject({
    state: "missing",
    tradedUnits: null,
    countedOrder: prepared[1]!.orderId,
  });
  // Too late to send anything.
  const late = await meters[1]!.prepareOrder(start, HOUSEHOLDS[0]!.order, 3);
  for (const answer of await receiptsOf(meters[1]!, late)) expect(answer).toMatch(/gate/);

  const sums = await Promise.all(
    suppliers.map((supplier) => decided(() => supplier.aggregate(start))),
  );
  const tradedUnits = 1300 * UNITS_PER_WH;
  expect(sums).toMatchObject([
    { state: "ok", boughtUnits: tradedUnits, soldUnits: 0 },
    { state: "ok", boughtUnits: 0, soldUnits: tradedUnits },
    { state: "withheld" },
  ]);
  await expect(apis[0]!.aggregate(signers[0]!, start)).rejects.toMatchObject({
    code: "wrong-role",
  });
  const status = await operator.status(market.firstPeriod, start + 1);
  expect(status.evaluators.map(({ problem }) => problem)).toEqual([null, null, null]);
  expect(status.periods.flatMap(({ disagreements }) => disagreements)).toEqual([]);
  expect(status.periods[0]).toMatchObject({ periodStart: start });
  expect(status.periods[0]!.decision).toMatchObject({
    outcome: "cleared",
    priceTick: PRICE_TICK,
  });
});

it("goes on without an evaluator where the setting can, and counts no order that one of them lacks", async () => {
  const { market, service, apis, signers, meters, operator, start } = await running(8, {
    engine: "shamir",
    parties: 4,
    threshold: 1,
  });
  const prepared = await Promise.all(
    meters.map((meter, i) => meter.prepareOrder(start, HOUSEHOLDS[i]!.order, 1)),
  );
  for (const [i, meter] of meters.entries()) {
    if (i === 5) continue;
    const answers = await meter.submit(prepared[i]!);
    expect(answers.map(({ problem }) => problem)).toEqual([null, null, null, null]);
  }
  // The last household's order reaches one evaluator only.
  await apis[0]!.submitOrder(signers[5]!, start, prepared[5]!.bodies[0]!);
  await service.kill(3);

  const outcomes = await Promise.all(
    meters.map((meter, i) => decided(() => meter.outcome(start, prepared[i]!))),
  );
  outcomes.slice(0, 5).forEach((outcome, i) => {
    expect(outcome).toMatchObject({
      state: "cleared",
      priceTick: PRICE_TICK,
      tradedUnits: HOUSEHOLDS[i]!.tradedWh * UNITS_PER_WH,
    });
    expect(failedChecks(outcome)).toContain("answers");
  });
  expect(outcomes[5]).toMatchObject({ state: "missing", tradedUnits: 0, countedOrder: null });

  // Two shares of degree 1 are enough, and one is not.
  await service.kill(2);
  const again = await meters[0]!.outcome(start, prepared[0]!);
  expect(again).toMatchObject({ state: "cleared", tradedUnits: 700 * UNITS_PER_WH });
  expect(failedChecks(again)).toEqual(["answers", "shares"]);
  const status = await operator.status(start, start + 1);
  expect(status.evaluators.map(({ problem }) => problem === null)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(status.periods[0]!.disagreements).toEqual([]);
  await service.kill(1);
  await expect(meters[0]!.outcome(start, prepared[0]!)).rejects.toThrow(
    "1 of at least 2 shares of the result",
  );
  await service.kill(0);
  await expect(meters[0]!.outcome(start, prepared[0]!)).rejects.toThrow(
    /cannot reach evaluator-0 .*evaluator-3/,
  );
  expect(market.setting.parties).toBe(4);
});
