// Evaluators killed in every state of a period, again and again, while orders keep coming: every period has one
// decision, the same at all of them, every order that all have confirmed counts in a cleared period, and all recover
// by themselves.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { LocalService } from "../../src/agents/local-service.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import type { PreparedOrder } from "../../src/client/prepared-order.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { gateClosureOf, type MarketDocument } from "../../src/market/market-document.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import type { Decision, PeriodState } from "../../src/wire/records.ts";
import { textOfPeriod } from "../../src/wire/records.ts";
import { completeSetting } from "../../src/wire/setting.ts";
import { drawsFrom } from "../adversary/draws.test-helper.ts";

const PERIOD_S = 2;
const METERS = 6;
const KILLS = 51;
const STATES: readonly PeriodState[] = [
  "open",
  "closed",
  "agreed",
  "clearing",
  "cleared",
  "published",
];
const EVALUATORS = 3;
/** How long a state is waited for before the kill comes anyway: some last for less than a millisecond. */
const STATE_WAIT_MS = 4_000;
/** How long nothing may be decided in the end: a slow machine has a long way to go, but it goes on. */
const STANDSTILL_MS = 60_000;
/** Looking without a pause would take a core from the evaluators that are looked at. */
const LOOK_AGAIN_MS = 1;

/** Looks into an evaluator's database while its process runs. */
class Watched {
  private readonly database: DatabaseSync;

  constructor(file: string) {
    this.database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  }

  state(start: number): PeriodState {
    const row = this.database.prepare("select state from period where start = ?").get(start);
    return (row?.state as PeriodState | undefined) ?? "open";
  }

  decisions(): Map<number, string> {
    const rows = this.database
      .prepare("select start, decision from period where decision is not null order by start")
      .all();
    return new Map(
      rows.map(({ start, decision }) => [
        Number(start),
        JSON.stringify(JSON.parse(String(decision)).decision),
      ]),
    );
  }

  close(): void {
    this.database.close();
  }
}

async function startMarket() {
  const folder = mkdtempSync(join(tmpdir(), "kills-"));
  const files = await setUpLocalMarket(folder, {
    parameters: { suppliers: ["Aurora", "Borealis"], minimum_group: 1 },
    setting: completeSetting({ engine: "replicated" }),
    schedule: {
      period_s: PERIOD_S,
      first_period: textOfPeriod((Math.ceil(Date.now() / 1000 / PERIOD_S) + 106) * PERIOD_S),
      // Time enough to recover, also on a busy machine: most periods are to be cleared.
      gate_closure_periods: 96,
      clearing_periods: 95,
    },
    meters: Array.from({ length: METERS }, (_, i) => ({ supplier: i % 2 })),
    logLevel: "error",
  });
  for (const file of files.evaluators) {
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, rejoin_ms: 1_000, lease_ms: 400 }));
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
  const meters = await Promise.all(
    files.meters.map(async ({ id, identity }, i) => {
      const signer = signerOf(await readIdentity(identity));
      const tools = { field: new Field(), primitives: nodePrimitives };
      const { market } = files;
      const { apis } = access;
      return new MeterClient({ market, apis, signer, meter: id, supplier: i % 2, tools });
    }),
  );
  return { market: files.market, service, meters, watched };
}

interface Sent {
  readonly meter: number;
  readonly start: number;
  readonly prepared: PreparedOrder;
  confirmed: boolean;
}

/** Every meter orders for every period, some time before its gate closes, until told to stop. */
async function keepOrdering(
  market: MarketDocument,
  meters: readonly MeterClient[],
  signal: AbortSignal,
): Promise<Sent[]> {
  const sent: Sent[] = [];
  const submissions: Promise<void>[] = [];
  for (let start = market.firstPeriod; !signal.aborted; start += PERIOD_S) {
    const due = gateClosureOf(market, start) - 4 * PERIOD_S;
    await systemClock.sleep(Math.max(0, due * 1000 - Date.now()), signal).catch(() => {});
    if (signal.aborted) break;
    for (const [meter, client] of meters.entries()) {
      const side = meter % 2 === 0 ? "buy" : "sell";
      const limitTick = side === "buy" ? 2_000 + meter : 900 - meter;
      const order = { side, energyWh: 100 + 10 * meter, limitTick } as const;
      const prepared = await client.prepareOrder(start, order, 1);
      const one: Sent = { meter, start, prepared, confirmed: false };
      sent.push(one);
      submissions.push(
        client.submit(prepared).then((answers) => {
          one.confirmed = answers.every(({ receipt }) => receipt !== null);
        }),
      );
    }
  }
  await Promise.all(submissions);
  return sent;
}

/** The period that is to be decided next, as this evaluator sees it. */
function nextOf(market: MarketDocument, watched: Watched): number {
  const last = [...watched.decisions().keys()].at(-1);
  return last === undefined ? market.firstPeriod : last + PERIOD_S;
}

/** Waits until an evaluator is in a state, as exactly as can be seen from outside. */
async function untilState(market: MarketDocument, watched: Watched, target: PeriodState) {
  const start = nextOf(market, watched);
  const endMs = systemClock.nowMs() + STATE_WAIT_MS;
  while (systemClock.nowMs() < endMs) {
    const state = watched.state(start);
    if (STATES.indexOf(state) >= STATES.indexOf(target)) return state;
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
  return watched.state(start);
}

/** Waits until all have decided a period, or nothing has been decided for a long time. */
async function untilDecided(watched: readonly Watched[], last: number): Promise<void> {
  let [known, sinceMs] = [0, systemClock.nowMs()];
  while (systemClock.nowMs() - sinceMs < STANDSTILL_MS) {
    const all = watched.map((one) => one.decisions());
    if (all.every((decisions) => decisions.has(last))) return;
    const decided = all.reduce((sum, { size }) => sum + size, 0);
    if (decided > known) [known, sinceMs] = [decided, systemClock.nowMs()];
    await systemClock.sleep(200);
  }
}

it(`${KILLS} kills: one decision for every period, and no confirmed order lost`, async () => {
  const { market, service, meters, watched } = await startMarket();
  const draw = drawsFrom(20_260_611);
  const stop = new AbortController();
  const ordering = keepOrdering(market, meters, stop.signal);
  const seen = new Map<number, string>();
  const remember = () => {
    for (const one of watched) {
      for (const [start, decision] of one.decisions()) {
        expect({ start, decision: seen.get(start) ?? decision }).toEqual({ start, decision });
        seen.set(start, decision);
      }
    }
  };
  await systemClock.sleep(
    Math.max(0, gateClosureOf(market, market.firstPeriod) * 1000 - Date.now()),
  );
  const killedIn = new Map<PeriodState, number>();
  for (let kill = 0; kill < KILLS; ) {
    // Each evaluator in each state, in turn; and sometimes two of them at once.
    const victims = [kill % EVALUATORS];
    const target = STATES[Math.floor(kill / EVALUATORS) % STATES.length]!;
    if (kill < KILLS - 1 && draw() < 0.25) victims.push((kill + 1) % EVALUATORS);
    const state = await untilState(market, watched[victims[0]!]!, target);
    killedIn.set(state, (killedIn.get(state) ?? 0) + victims.length);
    await Promise.all(victims.map((victim) => service.kill(victim)));
    kill += victims.length;
    remember();
    await Promise.all(victims.map((victim) => service.restart(victim)));
  }
  expect([...killedIn.values()].reduce((a, b) => a + b, 0)).toBe(KILLS);
  // Most states of a clearing last for milliseconds; some of each kind are met.
  expect(killedIn.size).toBeGreaterThanOrEqual(4);

  // Nobody is killed any more: they recover, and decide everything that is due.
  stop.abort();
  const sent = await ordering;
  const last = Math.max(...sent.map(({ start }) => start));
  await untilDecided(watched, last);
  remember();
  const all = watched.map((one) => one.decisions());
  for (let start = market.firstPeriod; start <= last; start += PERIOD_S) {
    const texts = all.map((decisions) => decisions.get(start));
    expect({ start, decisions: new Set(texts).size, known: texts[0] !== undefined }).toEqual({
      start,
      decisions: 1,
      known: true,
    });
  }
  const decisionOf = (start: number) => JSON.parse(all[0]!.get(start)!) as Decision;
  const confirmed = sent.filter((one) => one.confirmed);
  const cleared = confirmed.filter(({ start }) => decisionOf(start).outcome === "cleared");
  // Orders came through all of it, and most periods were cleared.
  expect(confirmed.length).toBeGreaterThan(sent.length / 2);
  expect(cleared.length).toBeGreaterThan(confirmed.length / 2);
  for (const { meter, start, prepared } of cleared) {
    const outcome = await meters[meter]!.outcome(start, prepared);
    expect({ start, meter, state: outcome.state, order: outcome.countedOrder }).toEqual({
      start,
      meter,
      state: "cleared",
      order: prepared.orderId,
    });
    expect(outcome.checks.filter(({ ok }) => !ok)).toEqual([]);
  }
}, 1_500_000);
