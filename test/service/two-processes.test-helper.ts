// A market of three evaluators, the first of which is two processes with one identity and one PostgreSQL database; the
// second one has a database on the same server, the third one SQLite. What each process says is kept in a file.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { evaluatorAccess } from "../../src/agents/evaluator-access.ts";
import { type HttpsTransport, httpsTransport } from "../../src/channel/https-transport.ts";
import { EvaluatorApi } from "../../src/client/evaluator-api.ts";
import { MeterClient } from "../../src/client/meter-client.ts";
import { readIdentity } from "../../src/crypto/identity-files.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { signerOf } from "../../src/crypto/signing-key.ts";
import { Field } from "../../src/field/field.ts";
import { type MarketDocument, parseMarketDocument } from "../../src/market/market-document.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { freePorts, setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import {
  type PostgresServer,
  startPostgres,
} from "../../src/storage/postgres-server.test-helper.ts";
import type { Signer } from "../../src/wire/http-signature.ts";
import { textOfPeriod } from "../../src/wire/records.ts";
import { completeSetting } from "../../src/wire/setting.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const HOST = "127.0.0.1";
const READY_MS = 60_000;
const POLL_MS = 20;
/** Periods between the start of the processes and the first gate. */
const STARTING_PERIODS = 3;

export interface Readiness {
  readonly leading: boolean;
  readonly linked: readonly number[];
}

/** A process of an evaluator, and how to ask it. */
export class EvaluatorProcess {
  readonly number: number;
  readonly url: string;
  readonly api: EvaluatorApi;
  readonly logFile: string;
  readonly transport: HttpsTransport;
  readonly #config: string;
  #child: ChildProcess | null = null;

  constructor(market: MarketDocument, number: number, config: string) {
    this.number = number;
    this.#config = config;
    this.logFile = `${config}.log`;
    const { http } = JSON.parse(readFileSync(config, "utf8"));
    this.url = `https://${HOST}:${http.port}`;
    const server = { role: "evaluator", id: String(number) } as const;
    this.transport = httpsTransport({ authorityPem: market.authorityPem, server });
    const { send } = this.transport;
    this.api = new EvaluatorApi({ evaluator: number, url: this.url, send });
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  /** Starts it; resolves when it is ready. */
  async start(): Promise<void> {
    const log = openSync(this.logFile, "a");
    const stopWithParent = join(ROOT, "src", "agents", "stop-with-parent.ts");
    const command = join(ROOT, "src", "cli", "main.ts");
    const child = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        "--import",
        stopWithParent,
        command,
        "evaluator",
        "--config",
        this.#config,
      ],
      { stdio: ["pipe", "pipe", log] },
    );
    closeSync(log);
    this.#child = child;
    child.stdin!.on("error", () => {}); // It has ended.
    const listening = once(createInterface({ input: child.stdout! }), "line");
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`an evaluator ended with ${code}: ${this.log.slice(-2_000)}`);
    });
    ended.catch(() => {});
    await Promise.race([listening, ended]);
    await within(READY_MS, "ready", () => this.ready());
  }

  /** What it says of itself; null when it is not ready, or does not answer. */
  async ready(): Promise<Readiness | null> {
    const answer = await this.get("/ready").catch(() => null);
    return answer?.status === 200 ? JSON.parse(answer.text) : null;
  }

  async get(path: string) {
    const answer = await this.transport.send({ method: "GET", url: this.url + path, headers: {} });
    return { ...answer, text: new TextDecoder().decode(answer.body) };
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isRunning) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
}

/** Asks until the answer is not null; throws when that takes longer than `limitMs`. */
export async function within<T>(
  limitMs: number,
  what: string,
  ask: () => Promise<T | null> | T | null,
): Promise<T> {
  const endMs = systemClock.nowMs() + limitMs;
  for (;;) {
    const found = await ask();
    if (found !== null) return found;
    if (systemClock.nowMs() > endMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await systemClock.sleep(POLL_MS);
  }
}

export interface MeterAt {
  readonly signer: Signer;
  /** Reaches evaluator 0 by its first process, and by its second one. */
  readonly clients: readonly [MeterClient, MeterClient];
}

export interface TwoProcessMarket {
  readonly market: MarketDocument;
  readonly server: PostgresServer;
  /** Of evaluator 0 and of evaluator 1, as PostgreSQL knows them. */
  readonly databases: readonly string[];
  /** The file of evaluator 2. */
  readonly sqlite: string;
  /** Both of evaluator 0, then one of each other. */
  readonly processes: readonly EvaluatorProcess[];
  readonly meters: readonly MeterAt[];
  /** What the database server has said. */
  serverLog(): string;
  stop(): Promise<void>;
}

/** One statement on a database of the server. */
export async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(text).finally(() => client.end());
  return rows;
}

/** The folder of a server's data. */
export async function dataOf({ url }: PostgresServer): Promise<string> {
  const [row] = await ask(url, "show data_directory");
  return String(row!.data_directory);
}

/** Starts a server that writes its log into files below its data. */
async function startLoggedPostgres(): Promise<PostgresServer> {
  const server = await startPostgres();
  await ask(server.url, "alter system set logging_collector = on");
  await server.kill9();
  await server.startAgain();
  return server;
}

/** Starts everything. */
export async function startTwoProcessMarket(
  periodS: number,
  meterCount: number,
): Promise<TwoProcessMarket> {
  const folder = mkdtempSync(join(tmpdir(), "two-processes-"));
  const server = await startLoggedPostgres();
  const logFolder = join(await dataOf(server), "log");
  const gatePeriods = 8;
  const files = await setUpLocalMarket(folder, {
    parameters: { suppliers: ["Aurora", "Borealis"], minimum_group: 1 },
    setting: completeSetting({ engine: "replicated" }),
    schedule: {
      period_s: periodS,
      first_period: textOfPeriod(
        (Math.ceil(Date.now() / 1000 / periodS) + gatePeriods + STARTING_PERIODS) * periodS,
      ),
      gate_closure_periods: gatePeriods,
      clearing_periods: 6,
    },
    meters: Array.from({ length: meterCount }, (_, i) => ({ supplier: i % 2 })),
    logLevel: "debug",
  });
  const [http, peers] = (await freePorts(2)).map((port) => ({ host: HOST, port }));
  const document = JSON.parse(readFileSync(files.marketFile, "utf8"));
  document.evaluators[0].peers.push(peers);
  writeFileSync(files.marketFile, JSON.stringify(document));
  const market = parseMarketDocument(readFileSync(files.marketFile, "utf8"));

  const databases = [await server.createDatabase(), await server.createDatabase()];
  const changed = (file: string, more: object, to = file) => {
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(to, JSON.stringify({ ...config, rejoin_ms: 500, lease_ms: 2_000, ...more }));
    return to;
  };
  const [first, second, third] = files.evaluators as [string, string, string];
  const twin = join(folder, "evaluator-0-twin.json");
  const database = databases[0];
  const configs = [
    [0, changed(first, { database })],
    [0, changed(first, { database, http, peers }, twin)],
    [1, changed(second, { database: databases[1] })],
    [2, changed(third, {})],
  ] as const;
  const processes = configs.map(([number, file]) => new EvaluatorProcess(market, number, file));
  const access = evaluatorAccess(market);
  const stop = async () => {
    access.close();
    for (const one of processes) one.transport.close();
    await Promise.all(processes.map((one) => one.kill()));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(processes.map((one) => one.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const serverLog = () =>
    readdirSync(logFolder)
      .map((name) => readFileSync(join(logFolder, name), "utf8"))
      .join("");
  const [, ...others] = access.apis;
  const meters = await Promise.all(
    files.meters.map(async ({ id: meter, identity }, i) => {
      const signer = signerOf(await readIdentity(identity));
      const tools = { field: new Field(), primitives: nodePrimitives };
      const clientBy = ({ api }: EvaluatorProcess) =>
        new MeterClient({ market, apis: [api, ...others], signer, meter, supplier: i % 2, tools });
      return { signer, clients: [clientBy(processes[0]!), clientBy(processes[1]!)] as const };
    }),
  );
  const sqlite = join(folder, JSON.parse(readFileSync(third, "utf8")).database.slice(7));
  return { market, server, databases, sqlite, processes, meters, serverLog, stop };
}
