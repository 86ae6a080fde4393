// Evaluators of a small market in one process, each with its own store, keys and links over TLS, and meters that put
// orders straight into the stores; for tests of how periods are decided.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Listener, listen } from "../../channel/tls.ts";
import { shareOrders, shareRows } from "../../client/share-orders.ts";
import { createAuthority, type Identity, issueIdentity } from "../../crypto/certificates.ts";
import { nodePrimitives } from "../../crypto/node-primitives.ts";
import { PartyVerifier } from "../../crypto/party-verifier.ts";
import { Field } from "../../field/field.ts";
import { type MarketDocument, parseMarketDocument } from "../../market/market-document.ts";
import type { Order } from "../../market/order.ts";
import { orderPieces, readingPieces } from "../../market/order-pieces.ts";
import { type Reading, readingLayout, readingRows } from "../../market/reading.ts";
import { monthOf, periodsOfMonth } from "../../market/tariffs.ts";
import { systemClock } from "../../platform/clock.ts";
import { LIMITS } from "../../platform/limits.ts";
import { marketClock } from "../../platform/market-clock.ts";
import { type EvaluatorStore, LeaseLostError } from "../../storage/evaluator-store.ts";
import { openStore } from "../../storage/open-store.ts";
import { decodeOrder, encodeOrder, marketTag } from "../../wire/order-body.ts";
import { type Decision, textOfPeriod } from "../../wire/records.ts";
import { completeSetting, type SettingChoice } from "../../wire/setting.ts";
import { Callers } from "../mesh.ts";
import { decisionSigner } from "./decision-signer.ts";
import { PeriodEngine } from "./period-engine.ts";
import { layoutOf } from "./period-orders.ts";

const HOST = "127.0.0.1";

export interface TestMarketOptions {
  readonly setting: SettingChoice;
  readonly periodS: number;
  readonly rejoinMs?: number;
  /** How many orders wait at least before they are prepared. */
  readonly leastPrepared?: number;
  /** More of the market document; a rehearsal's clock, say. */
  readonly document?: (first: number) => Readonly<Record<string, unknown>>;
}

/** Changes what evaluators receive: by evaluator, its streams. */
type Spoil = (streams: readonly (readonly Uint8Array[])[]) => void;

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
  readonly listener: Listener;
}

export class TestEvaluator {
  readonly number: number;
  readonly store: EvaluatorStore;
  readonly decisions: Decision[] = [];
  readonly failures: string[] = [];
  /** How many orders were prepared at a time. */
  readonly prepared: number[] = [];
  private readonly market: TestMarket;
  private readonly identity: Identity;
  private running: Running | null = null;

  constructor(market: TestMarket, number: number, store: EvaluatorStore, identity: Identity) {
    this.market = market;
    this.number = number;
    this.store = store;
    this.identity = identity;
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  /** Starts to lead, as a process does that has taken the lease. */
  async start(): Promise<void> {
    const { document, rejoinMs } = this.market;
    const callers = new Callers(systemClock);
    const { port } = document.evaluators[this.number]!.peers[0]!;
    const listener = await listen(this.identity, {
      host: HOST,
      port,
      onPeer: (link, party) => callers.arrived(Number(party.id), link),
    });
    const holder = randomBytes(8).toString("hex");
    const lease = await this.store.takeLease("test", holder, Date.now(), 0);
    const stop = new AbortController();
    const engine = new PeriodEngine(
      {
        market: document,
        store: this.store,
        clock: systemClock,
        marketClock: marketClock(systemClock, document.rehearsal),
        signer: decisionSigner(this.identity, new PartyVerifier(this.identity.authorityPem)),
        mesh: {
          identity: this.identity,
          party: this.number,
          callers,
          clock: systemClock,
          linkOptions: { silenceMs: 5_000 },
        },
        tools: {
          field: new Field(),
          primitives: nodePrimitives,
          reachDealer: () => Promise.reject(new Error("there is no dealer")),
        },
        leastPrepared: this.market.leastPrepared,
        rejoinMs,
        events: {
          linked: () => {},
          unlinked: () => {},
          prepared: (_, orders) => this.prepared.push(orders),
          preparingFailed: (_, message) => this.failures.push(`preparing: ${message}`),
          clearing: () => {},
          cleared: () => {},
          decided: (decision) => this.decisions.push(decision),
          failed: (_, message) => this.failures.push(message),
          settling: () => {},
          checkedReadings: () => {},
          settled: () => {},
          closed: () => {},
          settlingFailed: (what, message) => this.failures.push(`${what}: ${message}`),
        },
      },
      lease!,
      stop.signal,
    );
    const done = engine.run().catch((error) => {
      if (!(error instanceof LeaseLostError)) throw error;
    });
    this.running = { stop, done, listener };
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = null;
    running?.stop.abort();
    running?.listener.close();
    await running?.done;
  }
}

export class TestMarket {
  readonly document: MarketDocument;
  readonly rejoinMs: number;
  readonly leastPrepared: number;
  readonly evaluators: TestEvaluator[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), "periods-"));
  private readonly field = new Field();
  private sequence = 0;

  private constructor(
    document: MarketDocument,
    { rejoinMs, leastPrepared }: Pick<TestMarketOptions, "rejoinMs" | "leastPrepared">,
  ) {
    this.document = document;
    this.rejoinMs = rejoinMs ?? 500;
    this.leastPrepared = leastPrepared ?? LIMITS.leastPrepared;
  }

  static async start(options: TestMarketOptions): Promise<TestMarket> {
    const { setting, periodS, document } = options;
    const chosen = completeSetting(setting);
    const authority = await createAuthority("test");
    const ports = await freePorts(chosen.parties);
    const first = Math.ceil(Date.now() / 1000 / periodS + 3) * periodS;
    const { priorityOrder: _, ...rest } = chosen;
    const text = JSON.stringify({
      version: 1,
      id: "test",
      parameters: { suppliers: ["Aurora", "Borealis"], minimum_group: 3 },
      setting: rest,
      schedule: { period_s: periodS, first_period: new Date(first * 1000).toISOString() },
      evaluators: ports.map((port) => ({
        name: "test",
        url: `https://${HOST}:1`,
        peers: [{ host: HOST, port }],
      })),
      authority: authority.certificatePem,
      ...document?.(first),
    });
    const market = new TestMarket(parseMarketDocument(text), options);
    for (let i = 0; i < chosen.parties; i++) {
      const store = await openStore(`sqlite:${join(market.folder, `${i}.db`)}`);
      const identity = await issueIdentity(authority, { role: "evaluator", id: String(i) });
      market.evaluators.push(new TestEvaluator(market, i, store, identity));
    }
    await Promise.all(market.evaluators.map((evaluator) => evaluator.start()));
    return market;
  }

  /**
   * Puts an order into the stores of these evaluators; its meter is `order.meter`, 32 hexadecimal digits. `spoil`
   * changes what they receive.
   */
  async order(
    start: number,
    order: Order,
    at = this.evaluators.map((_, i) => i),
    spoil: Spoil = () => {},
  ): Promise<string> {
    const { setting } = this.document;
    const layout = layoutOf(this.document);
    const pieces = orderPieces(setting, layout);
    const tools = { field: this.field, primitives: nodePrimitives };
    const { engine } = setting;
    if (engine === "dealer") throw new Error("a running market has no dealer");
    const shared = shareOrders(tools, { ...setting, engine }, layout, [order]);
    const streams = shared.map((own) => own.map((bytes) => bytes.slice()));
    spoil(streams);
    this.sequence += 1;
    const header = {
      market: marketTag(nodePrimitives, "test"),
      meter: order.meter,
      periodStart: start,
      sequence: this.sequence,
    };
    const bodies = encodeOrder(nodePrimitives, header, pieces, streams);
    const { orderId } = decodeOrder(nodePrimitives, pieces, 0, bodies[0]!);
    for (const i of at) {
      const [result] = await this.evaluators[i]!.store.addOrders(
        [
          {
            periodStart: start,
            meter: order.meter,
            sequence: this.sequence,
            orderId,
            supplier: order.supplier,
            body: bodies[i]!,
            evidence: "test",
            receivedMs: 0,
          },
        ],
        8,
      );
      if (result !== "accepted") throw new Error(`the order was not accepted: ${result}`);
    }
    return orderId;
  }

  /**
   * Puts a reading of the meter of an order into the stores of these evaluators. `spoil` changes what they receive.
   */
  async read(
    start: number,
    order: Pick<Order, "meter" | "supplier">,
    reading: Reading,
    at = this.evaluators.map((_, i) => i),
    spoil: Spoil = () => {},
  ): Promise<string> {
    const { setting, parameters } = this.document;
    const layout = readingLayout(parameters.energyBits);
    const pieces = readingPieces(setting, layout);
    const tools = { field: this.field, primitives: nodePrimitives };
    const { engine } = setting;
    if (engine === "dealer") throw new Error("a running market has no dealer");
    const rows = readingRows([reading], layout);
    const streams = shareRows(tools, { ...setting, engine }, rows, layout.width);
    spoil(streams);
    this.sequence += 1;
    const { meter, supplier } = order;
    const market = marketTag(nodePrimitives, "test");
    const header = { market, meter, periodStart: start, sequence: this.sequence };
    const bodies = encodeOrder(nodePrimitives, header, pieces, streams);
    const { orderId } = decodeOrder(nodePrimitives, pieces, 0, bodies[0]!);
    const month = periodsOfMonth(this.document, monthOf(this.document, start)).from;
    const own = { periodStart: start, meter, supplier, orderId, evidence: "test", receivedMs: 0 };
    for (const i of at) {
      const row = { ...own, month, sequence: this.sequence, body: bodies[i]! };
      const [result] = await this.evaluators[i]!.store.addReadings([row], 8);
      if (result !== "accepted") throw new Error(`the reading was not accepted: ${result}`);
    }
    return orderId;
  }

  /** The decision that all these evaluators have about a period, once they have it. */
  async decision(
    start: number,
    among: readonly TestEvaluator[] = this.evaluators,
  ): Promise<Decision> {
    for (;;) {
      const rows = await Promise.all(among.map(({ store }) => store.period(start)));
      const decisions = rows.flatMap((row) => row?.decision?.decision ?? []);
      if (decisions.length === among.length) {
        const texts = new Set(decisions.map((decision) => JSON.stringify(decision)));
        if (texts.size > 1) throw new Error(`two decisions about ${textOfPeriod(start)}`);
        return decisions[0]!;
      }
      await systemClock.sleep(20);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.evaluators.map((evaluator) => evaluator.stop()));
    await Promise.all(this.evaluators.map(({ store }) => store.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ports on which nobody listens now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, HOST, () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
