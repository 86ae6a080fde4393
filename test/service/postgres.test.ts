// An evaluator of two processes on PostgreSQL: either may be killed at any moment and the other one goes on, and a
// database server that is gone for a while stops nothing for good.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ApiError } from "../../src/client/evaluator-api.ts";
import type { ClearOrder, PreparedOrder } from "../../src/client/prepared-order.ts";
import { gateClosureOf } from "../../src/market/market-document.ts";
import { UNITS_PER_WH } from "../../src/market/order.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { TransportError } from "../../src/wire/http-transport.ts";
import { codeOfProblem, PROBLEM_MEDIA_TYPE, problemSchema } from "../../src/wire/problems.ts";
import { periodOfText } from "../../src/wire/records.ts";
import { drawsFrom } from "../adversary/draws.test-helper.ts";
import { Secrets } from "./secrets-in-text.test-helper.ts";
import {
  ask,
  dataOf,
  type EvaluatorProcess,
  startTwoProcessMarket,
  type TwoProcessMarket,
  within,
} from "./two-processes.test-helper.ts";

const PERIOD_S = 4;
const KILLS = 6;
/** On a machine that is busy with much else. */
const PATIENCE_MS = 240_000;
const SEED = 20_250_704;
/** How long the other process may take to lead, and all evaluators to be linked. */
const TAKEOVER_MS = 8_000;
const LINKED_MS = 20_000;
/** The first gate closes some time after the start. */
const CLEARING_MS = 30_000;
/** A request to an evaluator without its database is answered within this time. */
const REFUSAL_MS = 4_000;
const OUTAGE_MS = 2_500;
/** Order bodies begin with what is no secret: names, and digests of salted pieces. */
const PUBLIC_BYTES = 160;

// The seller at tick 1307 is last in line, and the others at the price or better trade all they have.
const HOUSEHOLDS: readonly { order: ClearOrder; tradedWh: number }[] = [
  { order: { side: "buy", energyWh: 7013, limitTick: 2017 }, tradedWh: 7013 },
  { order: { side: "sell", energyWh: 10_037, limitTick: 711 }, tradedWh: 10_037 },
  { order: { side: "buy", energyWh: 6029, limitTick: 1511 }, tradedWh: 6029 },
  { order: { side: "sell", energyWh: 8059, limitTick: 1307 }, tradedWh: 3005 },
];

interface Sent {
  readonly meter: number;
  readonly start: number;
  readonly prepared: PreparedOrder;
  /** Whether evaluator 0, by one of its processes, and both others have confirmed it. */
  confirmed: boolean;
  /** What the other process of evaluator 0 said to the same order, and to another one with its number. */
  atOther: string;
  conflicting: string;
}

let running: TwoProcessMarket | null = null;
let ordering: Promise<Sent[]> = Promise.resolve([]);
const stopOrdering = new AbortController();

beforeAll(async () => {
  running = await startTwoProcessMarket(PERIOD_S, HOUSEHOLDS.length);
  ordering = keepOrdering(running, stopOrdering.signal);
  ordering.catch(() => {}); // Whoever awaits it says so.
}, 120_000);

afterAll(async () => {
  stopOrdering.abort();
  await ordering.catch(() => {});
  await running?.stop();
});

/** Every meter orders for every period, some time before its gate closes, until told to stop. */
async function keepOrdering(
  { market, meters, processes }: TwoProcessMarket,
  signal: AbortSignal,
): Promise<Sent[]> {
  const sent: Sent[] = [];
  const sending: Promise<void>[] = [];
  for (let at = 0; !signal.aborted; at += 1) {
    const start = market.firstPeriod + at * PERIOD_S;
    const dueMs = (gateClosureOf(market, start) - 3 * PERIOD_S) * 1000;
    await systemClock.sleep(Math.max(0, dueMs - Date.now()), signal).catch(() => {});
    if (signal.aborted) break;
    const other = processes[1 - (at % 2)]!;
    for (const [meter, { clients, signer }] of meters.entries()) {
      const client = clients[at % 2]!;
      const { order } = HOUSEHOLDS[meter]!;
      const prepared = await client.prepareOrder(start, order, 1);
      const conflict = await client.prepareOrder(start, order, 1);
      const one: Sent = {
        meter,
        start,
        prepared,
        confirmed: false,
        atOther: "",
        conflicting: "",
      };
      sent.push(one);
      const tell = (body: Uint8Array) =>
        toldBy(() => other.api.submitOrder(signer, start, body), gateClosureOf(market, start));
      const all = async () => {
        const answers = await client.submit(prepared);
        one.confirmed = answers.every(({ receipt }) => receipt !== null);
        one.atOther = await tell(prepared.bodies[0]!);
        one.conflicting = await tell(conflict.bodies[0]!);
      };
      sending.push(all());
    }
  }
  await Promise.all(sending);
  return sent;
}

/** Sends until there is an answer or it is too late. */
async function toldBy(
  send: () => Promise<{ readonly isNew: boolean }>,
  untilS: number,
): Promise<string> {
  while (Date.now() / 1000 < untilS) {
    try {
      return (await send()).isNew ? "new" : "known";
    } catch (error) {
      const passing =
        error instanceof TransportError || (error instanceof ApiError && error.status >= 500);
      if (!passing) return error instanceof ApiError ? error.code : String(error);
      await systemClock.sleep(100);
    }
  }
  return "gate-closed";
}

const started = (): TwoProcessMarket => running!;
const twins = () => started().processes.slice(0, 2) as [EvaluatorProcess, EvaluatorProcess];

/** The one of the two that leads, as soon as exactly one does. */
const leader = (): Promise<EvaluatorProcess> =>
  within(TAKEOVER_MS, "one process leads", async () => {
    const states = await Promise.all(twins().map((one) => one.ready()));
    const leading = twins().filter((_, i) => states[i]?.leading);
    return leading.length === 1 && !states.includes(null) ? leading[0]! : null;
  });

const allLinked = (by: EvaluatorProcess) =>
  within(LINKED_MS, "all are linked", async () =>
    (await by.ready())?.linked.length === 3 ? true : null,
  );

/** Waits for the next clearing to begin at a process, by its log. */
async function untilClearing(by: EvaluatorProcess): Promise<void> {
  const from = by.log.length;
  const begun = () => by.log.slice(from).includes('"msg":"clearing"') || null;
  await within(CLEARING_MS, "a clearing begins", begun);
}

it(
  `goes on by the other process when one is killed, ${KILLS} times`,
  async () => {
    const draw = drawsFrom(SEED);
    await allLinked(await leader());
    for (let kill = 0; kill < KILLS; kill += 1) {
      const killed = await leader();
      const other = twins().find((one) => one !== killed)!;
      // Some in the middle of a clearing, some at any time.
      if (kill % 2 === 1) {
        await untilClearing(killed);
        await systemClock.sleep(150 * draw());
      } else {
        await systemClock.sleep(1_000 * draw());
      }
      await killed.kill();
      await within(TAKEOVER_MS, "the other process leads", async () =>
        (await other.ready())?.leading ? true : null,
      );
      await allLinked(other);
      await killed.start();
      expect(await killed.ready()).toEqual({ status: "ready", leading: false, linked: [] });
      expect(await leader()).toBe(other);
      const gauges = await Promise.all(twins().map((one) => one.get("/metrics")));
      const leading = gauges.map(({ text }) => /^hushwatt_leading (\d)$/m.exec(text)?.[1]);
      expect(leading).toEqual(twins().map((one) => (one === other ? "1" : "0")));
    }
  },
  PATIENCE_MS,
);

/** Stops the server as its keeper would, with its clients connected. */
async function stopServer(): Promise<void> {
  const file = join(await dataOf(started().server), "postmaster.pid");
  process.kill(Number(readFileSync(file, "utf8").split("\n")[0]), "SIGINT");
  await within(TAKEOVER_MS, "the server stops", () => (existsSync(file) ? null : true));
}

/** How a process without its database answers: codes of problems. */
async function refusals({ url, transport, api }: EvaluatorProcess): Promise<string[]> {
  const { market, meters } = started();
  const start = market.firstPeriod + 60 * PERIOD_S;
  const prepared = await meters[0]!.clients[0].prepareOrder(start, HOUSEHOLDS[0]!.order, 1);
  const order = api
    .submitOrder(meters[0]!.signer, start, prepared.bodies[api.evaluator]!)
    .then(() => "taken")
    .catch((error: unknown) => (error instanceof ApiError ? error.code : String(error)));
  const reads = ["/ready", "/v1/periods"].map(async (path) => {
    const answer = await transport.send({ method: "GET", url: url + path, headers: {} });
    if (answer.status === 200) return "answered";
    expect(answer.headers["content-type"]).toBe(PROBLEM_MEDIA_TYPE);
    const text = new TextDecoder().decode(answer.body);
    const problem = problemSchema.parse(JSON.parse(text));
    expect([500, 503]).toContain(problem.status);
    return codeOfProblem(problem);
  });
  return Promise.all([order, ...reads]);
}

it("refuses while its database server is gone, and goes on when it is back", async () => {
  const { server, processes } = started();
  for (const stop of [() => server.kill9(), stopServer]) {
    await allLinked(await leader());
    await stop();
    const backMs = systemClock.nowMs() + OUTAGE_MS;
    while (systemClock.nowMs() < backMs) {
      for (const one of processes.slice(0, 3)) {
        const beginMs = systemClock.nowMs();
        expect(await refusals(one)).toEqual(["busy", "not-ready", "internal"]);
        expect(systemClock.nowMs() - beginMs).toBeLessThan(REFUSAL_MS);
      }
      // Evaluator 2 has a database of its own.
      expect(await processes[3]!.ready()).not.toBeNull();
      await systemClock.sleep(200);
    }
    await server.startAgain();
    await allLinked(await leader());
    expect(processes.map((one) => one.isRunning)).toEqual([true, true, true, true]);
  }
});

it("has one decision for every period, and all confirmed orders in those that are cleared", async () => {
  const { market, processes, meters } = started();
  stopOrdering.abort();
  const sent = await ordering;
  const last = Math.max(...sent.map(({ start }) => start));
  const waitMs = gateClosureOf(market, last) * 1000 - Date.now() + LINKED_MS;
  const starts = [...new Set(sent.map(({ start }) => start))];
  const outcomes: string[] = [];
  for (const start of starts) {
    const decisions = await Promise.all(
      processes.map(({ api }) =>
        within(
          waitMs,
          "a decision",
          async () => (await api.period(start)).decision?.decision ?? null,
        ),
      ),
    );
    const [decision, ...others] = decisions;
    for (const one of others) expect(one).toEqual(decision);
    expect(periodOfText(decision!.period)).toBe(start);
    outcomes.push(decision!.outcome);
  }
  const cleared = outcomes.filter((outcome) => outcome === "cleared").length;
  expect(cleared).toBeGreaterThanOrEqual(starts.length / 2);
  const confirmed = sent.filter((one) => one.confirmed);
  expect(confirmed.length).toBeGreaterThan(sent.length / 2);

  // The other process knew what one had taken; some were sent there too late.
  const told = (of: (one: Sent) => string) =>
    new Set(confirmed.map(of).filter((answer) => answer !== "gate-closed"));
  expect(told(({ atOther }) => atOther)).toEqual(new Set(["known"]));
  expect(told(({ conflicting }) => conflicting)).toEqual(new Set(["sequence-conflict"]));

  for (const { meter, start, prepared } of confirmed) {
    const isVoid = outcomes[starts.indexOf(start)] === "void";
    // By the process to which it was not sent first.
    const other = 1 - (starts.indexOf(start) % 2);
    const outcome = await meters[meter]!.clients[other]!.outcome(start, prepared);
    expect(outcome).toMatchObject(
      isVoid ? { state: "void" } : { state: "cleared", countedOrder: prepared.orderId },
    );
    expect(outcome.checks.filter(({ ok }) => !ok)).toEqual([]);
    const complete = sent.every((one) => one.start !== start || one.confirmed);
    if (!isVoid && complete) {
      expect(outcome.tradedUnits).toBe(HOUSEHOLDS[meter]!.tradedWh * UNITS_PER_WH);
    }
  }
});

/** Numbers of requests and processes may be any. */
const withoutCounters = (log: string): string =>
  log.replace(/"requestId":"[^"]*"|\[\d+\]|\(PID \d+\)/g, "");

it("writes nothing secret into its logs", async () => {
  const { databases, sqlite, processes } = started();
  const secrets = new Secrets();
  const columns = [
    ["select body as secret from meter_order", PUBLIC_BYTES],
    ["select order_shares as secret from result_piece", 0],
    ["select supplier_shares as secret from result", 0],
  ] as const;
  const file = new DatabaseSync(sqlite, { readOnly: true });
  for (const [text, from] of columns) {
    const rows = [...file.prepare(text).all()];
    for (const url of databases) rows.push(...((await ask(url, text)) as typeof rows));
    expect(rows.length).toBeGreaterThan(0);
    for (const { secret } of rows) secrets.addBytes((secret as Uint8Array).subarray(from));
  }
  file.close();
  for (const { order, tradedWh } of HOUSEHOLDS) {
    for (const wh of [order.energyWh, tradedWh]) {
      secrets.addNumber(wh);
      secrets.addNumber(wh * UNITS_PER_WH);
    }
    secrets.addNumber(order.limitTick!);
  }
  const [row] = await ask(databases[0]!, "select body from meter_order limit 1");
  const body = row!.body as Buffer;
  for (const said of [body.toString("hex"), body.toString("base64"), body.join(), " 6029,"]) {
    expect(secrets.foundIn(`{"msg":"an order: ${said}"}`)).not.toEqual([]);
  }
  for (const one of processes) {
    expect(one.log).toContain('"msg":"request"');
    expect(secrets.foundIn(withoutCounters(one.log))).toEqual([]);
  }
  const said = started().serverLog();
  expect(said).toContain("database system is ready to accept connections");
  expect(secrets.foundIn(withoutCounters(said))).toEqual([]);
});
