// A whole market on one machine: a certificate authority, three evaluator processes that talk over mutual TLS on
// loopback, and this process as the operator and as everybody's meter. For trying out, rehearsals and benchmarks:
// with all three evaluators on one machine its owner could read everything.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "../channel/tls.ts";
import {
  type ClearedPeriod,
  type ClearRequest,
  type ClientProgress,
  clearPrivately,
} from "../client/clearing-client.ts";
import { EvaluatorConnection } from "../client/evaluator-connection.ts";
import { createAuthority, issueIdentity } from "../crypto/certificates.ts";
import { writeIdentity } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Order } from "../market/order.ts";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";

const HOST = "127.0.0.1";
const EVALUATORS = 3;
/** An evaluator that has not ended this long after it was asked to is killed. */
const STOP_GRACE_MS = 2_000;
/** Collecting garbage in one thread: three evaluators on one machine have no cores to spare (-15 % CPU). */
const NODE_OPTIONS = ["--disable-warning=ExperimentalWarning", "--single-threaded-gc"];
const PROGRAM = join(import.meta.dirname, "..", "evaluator", "main.ts");

/** An evaluator process could not be started, or ended by itself. */
export class EvaluatorProcessError extends Error {
  override readonly name = "EvaluatorProcessError";
}

interface EvaluatorProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly errorOutput: () => string;
}

export interface LocalMarketOptions {
  /** Ends a session whose peer sends nothing for this long. */
  readonly silenceMs?: number;
}

export class LocalMarket {
  private readonly processes: readonly EvaluatorProcess[];
  private readonly connections: readonly EvaluatorConnection[];
  private readonly tools = {
    field: new Field(),
    primitives: nodePrimitives,
    clock: systemClock,
  };

  private constructor(
    processes: readonly EvaluatorProcess[],
    connections: readonly EvaluatorConnection[],
  ) {
    this.processes = processes;
    this.connections = connections;
  }

  /** The evaluators' process ids. */
  get processIds(): number[] {
    return this.processes.map(({ child }) => child.pid!);
  }

  /** Makes certificates, starts three evaluators, links them and connects to each. */
  static async start(options: LocalMarketOptions = {}): Promise<LocalMarket> {
    const folder = await mkdtemp(join(tmpdir(), "hushwatt-"));
    const processes: EvaluatorProcess[] = [];
    try {
      const authority = await createAuthority("local market");
      const starting: Promise<EvaluatorProcess>[] = [];
      for (let index = 0; index < EVALUATORS; index++) {
        const id = String(index);
        const identity = await issueIdentity(authority, { role: "evaluator", id });
        await writeIdentity(join(folder, id), identity);
        starting.push(startEvaluator(folder, index, options));
      }
      for (const outcome of await Promise.allSettled(starting)) {
        if (outcome.status === "fulfilled") processes.push(outcome.value);
      }
      await Promise.all(starting);
      // Every evaluator has read its key: from here on none is on disk, even if this process is killed.
      await rm(folder, { recursive: true });
      const operator = await issueIdentity(authority, { role: "operator", id: "local" });
      const evaluators = processes.map(({ port }) => ({ host: HOST, port }));
      const connections = await Promise.all(
        evaluators.map(async (address, index) => {
          const expect = { role: "evaluator", id: String(index) } as const;
          const silenceMs = LIMITS.answerMs;
          const link = await connect(operator, { ...address, expect, silenceMs });
          return new EvaluatorConnection(link);
        }),
      );
      for (const connection of connections) connection.command({ type: "peers", evaluators });
      await Promise.all(connections.map((connection) => connection.ready()));
      return new LocalMarket(processes, connections);
    } catch (error) {
      await stopAll(processes);
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Clears one period's orders on shares. */
  async clear(
    request: ClearRequest,
    orders: readonly Order[],
    onProgress?: (progress: ClientProgress) => void,
  ): Promise<ClearedPeriod> {
    try {
      return await clearPrivately(this.tools, this.connections, request, orders, onProgress);
    } catch (error) {
      const index = this.processes.findIndex(({ child }) => hasEnded(child));
      if (index === -1) throw error;
      const reason = this.processes[index]!.errorOutput() || messageOf(error);
      throw new EvaluatorProcessError(`evaluator ${index} ended during the clearing: ${reason}`);
    }
  }

  /** Ends the evaluators. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.close();
    await stopAll(this.processes);
  }
}

async function startEvaluator(
  folder: string,
  index: number,
  options: LocalMarketOptions,
): Promise<EvaluatorProcess> {
  const file = join(folder, `evaluator-${index}.json`);
  const silence = options.silenceMs === undefined ? {} : { silence_ms: options.silenceMs };
  const config = { index, host: HOST, port: 0, identity: String(index), ...silence };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  const child = spawn(
    process.execPath,
    [...NODE_OPTIONS, PROGRAM, "--config", file, "--stop-with-parent"],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  let errors = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise<number>((resolve, reject) => {
    lines.once("line", (line) => resolve(Number(JSON.parse(line).listening)));
    child.once("error", reject);
    child.once("exit", (code) => {
      const reason = errors.trim() || `exit code ${code}`;
      reject(new EvaluatorProcessError(`evaluator ${index} did not start: ${reason}`));
    });
  });
  return { child, port, errorOutput: () => errors.trim() };
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

async function stopAll(processes: readonly EvaluatorProcess[]): Promise<void> {
  const ended = processes.map(({ child }) => {
    if (hasEnded(child)) return Promise.resolve();
    return new Promise<void>((resolve) => {
      const cancel = systemClock.timer(STOP_GRACE_MS, () => child.kill("SIGKILL"));
      child.once("exit", () => {
        cancel();
        resolve();
      });
      child.kill();
    });
  });
  await Promise.all(ended);
}
