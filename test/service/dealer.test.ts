// A market with a dealer, of real processes: outcomes are those of the rules in clear, the dealer may be killed between
// an order and its clearing, and in a clearing, and nobody is told what is not its own.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { LocalService } from "../../src/agents/local-service.ts";
import { ServiceProcess } from "../../src/agents/service-processes.ts";
import { httpsTransport } from "../../src/channel/https-transport.ts";
import { connect } from "../../src/channel/tls.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import type { ClearOrder } from "../../src/client/prepared-order.ts";
import { SupplierClient } from "../../src/client/supplier-client.ts";
import { createAuthority, issueIdentity } from "../../src/crypto/certificates.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { clearInClear } from "../../src/market/oracle.ts";
import { permutationFrom } from "../../src/mpc/permutation.ts";
import { setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import { signRequest } from "../../src/wire/http-signature.ts";
import { type Decision, type SignedDecision, textOfPeriod } from "../../src/wire/records.ts";
import { completeSetting } from "../../src/wire/setting.ts";
import { within } from "./two-processes.test-helper.ts";

const PERIOD_S = 2;
const GATE_PERIODS = 6;
const CLEARING_PERIODS = 3;
/** Time for orders, hostile requests and a restart, before the first gate closes that matters. */
const ORDERING_S = 6;
const SUPPLIERS = ["Aurora", "Borealis"];

const ORDERS: readonly ClearOrder[] = [
  { side: "buy", energyWh: 701, limitTick: 2000 },
  { side: "sell", energyWh: 1000, limitTick: 500 },
  { side: "buy", energyWh: 600, limitTick: 1500 },
  { side: "sell", energyWh: 800, limitTick: 900 },
  { side: "buy", energyWh: 303, limitTick: 900 },
  { side: "idle", energyWh: 0, limitTick: null },
];

const gateOf = (start: number) => start - GATE_PERIODS * PERIOD_S;

/** The first period whose gate does not close within so many seconds. */
const periodAfter = (seconds: number) =>
  Math.ceil((Date.now() / 1000 + seconds) / PERIOD_S + GATE_PERIODS) * PERIOD_S;

async function running() {
  const folder = mkdtempSync(join(tmpdir(), "dealt-"));
  const files = await setUpLocalMarket(folder, {
    parameters: { suppliers: SUPPLIERS, minimum_group: 3 },
    setting: completeSetting({ engine: "dealer" }),
    schedule: {
      period_s: PERIOD_S,
      first_period: textOfPeriod(periodAfter(5)),
      gate_closure_periods: GATE_PERIODS,
      clearing_periods: CLEARING_PERIODS,
    },
    meters: ORDERS.map((_, i) => ({ supplier: i % 2 })),
    logLevel: "debug",
  });
  const { market } = files;
  for (const file of files.evaluators) {
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, rejoin_ms: 500 }));
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
  return { files, market, dealer, access, signers, meters, supplierSigners, suppliers };
}

type Running = Awaited<ReturnType<typeof running>>;

/** Every meter's order for a period, confirmed by all evaluators. */
const ordered = ({ meters }: Running, start: number) =>
  Promise.all(
    meters.map(async (meter, i) => {
      const prepared = await meter.prepareOrder(start, ORDERS[i]!, 1);
      const answers = await meter.submit(prepared);
      expect(answers.map(({ problem }) => problem)).toEqual([null, null]);
      return prepared;
    }),
  );

type Prepared = Awaited<ReturnType<typeof ordered>>;

/** The decision about a period, the same at all evaluators. */
async function decisionOf({ access }: Running, start: number): Promise<SignedDecision> {
  const all = await Promise.all(
    access.apis.map((api) =>
      within(30_000, `the decision about ${textOfPeriod(start)}`, async () => {
        const found = await api.period(start).catch(() => null);
        return found?.decision ?? null;
      }),
    ),
  );
  expect(all[0]!.decision).toEqual(all[1]!.decision);
  return all[0]!;
}

/** What everybody finds out is what the rules in clear say, or that the period is void. */
async function expectOutcomes(at: Running, start: number, prepared: Prepared, decision: Decision) {
  const { files, market, meters, suppliers } = at;
  const outcomes = await Promise.all(meters.map((meter, i) => meter.outcome(start, prepared[i]!)));
  const sums = await Promise.all(suppliers.map((supplier) => supplier.aggregate(start)));
  if (decision.outcome === "void") {
    for (const one of [...outcomes, ...sums]) expect(one.state).toBe("void");
    return;
  }
  // Orders count in the order of their meters' ids.
  const ids = files.meters.map(({ id }) => id);
  const places = [...ids.keys()].sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1));
  const orders = places.map((i) => ({ ...ORDERS[i]!, meter: ids[i]!, supplier: i % 2 }));
  const coin = new Uint8Array(Buffer.from(decision.coin!, "hex"));
  const expected = clearInClear(
    orders,
    {
      priceBits: market.parameters.grid.bits,
      priceRule: market.parameters.priceRule,
      rationing: market.parameters.rationing,
      supplierCount: 2,
      revealedSuppliers: [true, true],
    },
    permutationFrom(nodePrimitives, coin, orders.length),
  );
  expect(expected.traded).toBe(true);
  expect(decision).toMatchObject({ traded: true, priceTick: expected.priceTick, rejected: [] });
  places.forEach((meter, place) => {
    const outcome = outcomes[meter]!;
    expect(outcome).toMatchObject({
      state: "cleared",
      priceTick: expected.priceTick,
      tradedUnits: expected.tradedUnits[place]!,
    });
    expect(outcome.checks.filter(({ ok }) => !ok)).toEqual([]);
  });
  expect(sums).toMatchObject(expected.suppliers.map((sum) => ({ state: "ok", ...sum })));
}

/** Kills the dealer in the middle of a clearing: when it has begun to deal. */
async function killedWhileDealing({ dealer }: Running, start: number): Promise<void> {
  await within(30_000, "dealing", () => {
    const lines = dealer.said.split("\n");
    const dealt = lines.some(
      (line) => line.includes('"dealt"') && line.includes(textOfPeriod(start)),
    );
    return dealt ? true : null;
  });
  await dealer.end("SIGKILL");
}

/** Requests of people who are curious: none is told what is not its own. */
async function expectRefusals({ access, signers, supplierSigners, market, files }: Running) {
  const start = periodAfter(60);
  const dealer = access.dealer!;
  const nonce = nodePrimitives.randomBytes(16);
  const [own, again, other] = await Promise.all(
    [signers[0]!, signers[0]!, signers[1]!].map((signer) =>
      dealer.rowMask(signer, "order", start, nonce),
    ),
  );
  expect(again).toEqual(own);
  expect(other!.seed).not.toEqual(own!.seed);

  const { authorityPem } = market;
  const { send, close } = httpsTransport({ authorityPem, server: { role: "dealer", id: "0" } });
  const url = market.dealer!.url;
  const path = `/v1/periods/${textOfPeriod(start)}/masks/${"ab".repeat(16)}`;
  const codeOf = async (headers: Record<string, string>, at = path) => {
    const answer = await send({ method: "GET", url: url + at, headers });
    return JSON.parse(new TextDecoder().decode(answer.body)).type;
  };
  const signed = (signer = signers[0]!, to: number | "dealer" = "dealer", at = path) =>
    signRequest({ method: "GET", path: at, headers: {} }, signer, to, Date.now() / 1000);
  const stranger = await issueIdentity(await createAuthority("another market"), {
    role: "meter",
    id: signers[0]!.party.id,
  });
  const at = (period: number, name = "ab".repeat(16)) =>
    `/v1/periods/${textOfPeriod(period)}/masks/${name}`;
  const problem = (code: string) => `urn:hushwatt:problem:${code}`;
  const tooEarly = at(start + 2000 * PERIOD_S);
  const badName = at(start, "xyz");
  expect(await codeOf({})).toBe(problem("signature-missing"));
  // What was signed for an evaluator is worth nothing here.
  expect(await codeOf(await signed(signers[0], 0))).toBe(problem("wrong-evaluator"));
  expect(await codeOf(await signed(supplierSigners[0]))).toBe(problem("wrong-role"));
  expect(await codeOf(await signed(signerOf(stranger)))).toBe(problem("unknown-certificate"));
  expect(await codeOf(await signed(), at(start + PERIOD_S))).toBe(problem("bad-signature"));
  expect(await codeOf(await signed(signers[0], "dealer", tooEarly), tooEarly)).toBe(
    problem("too-early"),
  );
  expect(await codeOf(await signed(signers[0], "dealer", badName), badName)).toBe(
    problem("malformed-request"),
  );
  const before = at(market.firstPeriod - PERIOD_S);
  expect(await codeOf(await signed(signers[0], "dealer", before), before)).toBe(
    problem("unknown-period"),
  );
  expect(await codeOf({}, "/v1/orders")).toBe(problem("not-found"));
  const { links } = market.dealer!;
  const meter = await readIdentity(files.meters[0]!.identity);
  const link = await connect(meter, { ...links, expect: { role: "dealer", id: "0" } });
  expect((await link.whenEnded()).code).toBe("peer-closed");
  close();
}

/** What a decision proves to the dealer, and what it does not. */
async function expectProofs(at: Running, decided: SignedDecision, start: number) {
  const { access, signers, supplierSigners } = at;
  const dealer = access.dealer!;
  const [meter, supplier] = [signers[0]!, supplierSigners[0]!];
  const { decision, signatures } = decided;
  const result = { of: "result", signed: decided } as const;
  const mask = await dealer.resultMask(meter, result);
  expect(await dealer.resultMask(meter, result)).toEqual(mask);
  expect(await dealer.resultMask(signers[1]!, result)).not.toEqual(mask);
  const wrong: SignedDecision[] = [
    { decision, signatures: [] },
    { decision, signatures: [signatures[0]!, signatures[0]!] },
    // Another attempt's result, or another session's, under the same signatures.
    { decision: { ...decision, attempt: decision.attempt + 1 }, signatures },
    { decision: { ...decision, dealing: "00".repeat(16) }, signatures },
  ];
  for (const signed of wrong) {
    const refused = dealer.resultMask(meter, { of: "result", signed });
    await expect(refused).rejects.toMatchObject({ code: "not-decided" });
  }
  const refusals = [
    dealer.resultMask(meter, { of: "aggregate", signed: decided }),
    dealer.resultMask(supplier, result),
  ];
  for (const one of refusals) await expect(one).rejects.toMatchObject({ code: "wrong-role" });
  const late = dealer.rowMask(meter, "order", start, nodePrimitives.randomBytes(16));
  await expect(late).rejects.toMatchObject({ code: "gate-closed" });
}

it("clears what was ordered, whenever the dealer is killed", { timeout: 90_000 }, async () => {
  const at = await running();
  const { dealer } = at;
  const first = Math.max(periodAfter(ORDERING_S), at.market.firstPeriod);
  const second = first + PERIOD_S;
  const orders = await Promise.all([first, second].map((start) => ordered(at, start)));
  await expectRefusals(at);
  // Between the orders and their clearing.
  await dealer.end("SIGKILL");
  expect(Date.now() / 1000).toBeLessThan(gateOf(first));
  await dealer.start();

  await killedWhileDealing(at, second);
  await dealer.start();
  const decided = await decisionOf(at, first);
  expect(decided.decision.outcome).toBe("cleared");
  await expectOutcomes(at, first, orders[0]!, decided.decision);
  await expectProofs(at, decided, first);

  // In another attempt or void in the end: one decision in any case, and one result.
  const retried = await decisionOf(at, second);
  expect(retried.decision.attempt).toBeGreaterThan(1);
  await expectOutcomes(at, second, orders[1]!, retried.decision);
  expect(await decisionOf(at, second)).toEqual(retried);

  // Without a dealer nothing is cleared: void at the deadline, which costs nobody anything.
  const third = periodAfter(3);
  const last = await ordered(at, third);
  await dealer.end("SIGKILL");
  const waited = await decisionOf(at, third);
  expect(waited.decision).toMatchObject({ outcome: "void", reason: "no-quorum" });
  await expectOutcomes(at, third, last, waited.decision);
});
