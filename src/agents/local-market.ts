// A whole market on one machine: a certificate authority, evaluator processes that talk over mutual TLS on
// loopback, and this process as the operator and as everybody's meter. For trying out, rehearsals and benchmarks:
// with all evaluators on one machine its owner could read everything.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../channel/tls.ts";
import {
  type ClearedPeriod,
  type ClearRequest,
  type ClientProgress,
  clearPrivately,
  type DealerPlace,
} from "../client/clearing-client.ts";
import { EvaluatorConnection } from "../client/evaluator-connection.ts";
import { createAuthority, type Identity, issueIdentity } from "../crypto/certificates.ts";
import { writeIdentity } from "../crypto/identity-files.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import type { Party } from "../crypto/party.ts";
import { Field } from "../field/field.ts";
import type { Order } from "../market/order.ts";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { LIMITS } from "../platform/limits.ts";
import { activeCount, completeSetting, type Setting } from "../wire/setting.ts";
import {
  hasEnded,
  type LocalProcess,
  LocalProcessError,
  startProcess,
  stopProcesses,
} from "./local-processes.ts";

const HOST = "127.0.0.1";
const DEALER: Party = { role: "dealer", id: "0" };

export interface LocalMarketOptions {
  /**
   * What is to be cleared: says how many evaluators there are, how many can be missing, and whether there is a
   * dealer.
   */
  readonly setting?: Setting;
  /** Ends a session whose peer sends nothing for this long. */
  readonly silenceMs?: number;
  /** How long evaluators that go on without a failed one wait for each other. */
  readonly rejoinMs?: number;
  /** Hears of the stages of the start, with the evaluators' process ids. */
  readonly onStage?: (stage: "starting" | "listening", processIds: readonly number[]) => void;
}

/** An evaluator that listens. */
interface Listening {
  readonly process: LocalProcess;
  readonly port: number;
}

export class LocalMarket {
  private readonly evaluators: readonly LocalProcess[];
  private readonly connections: readonly EvaluatorConnection[];
  private readonly dealer: (DealerPlace & { readonly process: LocalProcess }) | null;
  private readonly tools = {
    field: new Field(),
    primitives: nodePrimitives,
    clock: systemClock,
  };

  private constructor(
    evaluators: readonly LocalProcess[],
    connections: readonly EvaluatorConnection[],
    dealer: (DealerPlace & { readonly process: LocalProcess }) | null,
  ) {
    this.evaluators = evaluators;
    this.connections = connections;
    this.dealer = dealer;
  }

  /** The evaluators' process ids, by number. */
  get processIds(): number[] {
    return pidsOf(this.evaluators);
  }

  /** Makes certificates, starts the evaluators, links them and connects to each. */
  static async start(options: LocalMarketOptions = {}): Promise<LocalMarket> {
    const folder = await mkdtemp(join(tmpdir(), "hushwatt-"));
    const starting = new MarketStart(folder, options);
    try {
      const { evaluators, connections, dealer } = await starting.run();
      return new LocalMarket(evaluators, connections, dealer);
    } catch (error) {
      await stopProcesses(starting.processes);
      throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Clears one period's orders on shares. */
  async clear(
    request: ClearRequest,
    orders: readonly Order[],
    onProgress?: (progress: ClientProgress) => void,
  ): Promise<ClearedPeriod> {
    try {
      const evaluators = this.connections.filter((connection) => !connection.lost);
      const place = { evaluators, dealer: this.dealer };
      return await clearPrivately(this.tools, place, request, orders, onProgress);
    } catch (error) {
      const ended = this.evaluators.find(hasEnded);
      if (ended === undefined) throw error;
      const reason = ended.errorOutput() || messageOf(error);
      throw new LocalProcessError(`${ended.name} ended during the clearing: ${reason}`);
    }
  }

  /** Ends the evaluators. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.close();
    const dealers = this.dealer === null ? [] : [this.dealer.process];
    await stopProcesses([...this.evaluators, ...dealers]);
  }
}

const pidsOf = (processes: readonly LocalProcess[]) => processes.map(({ child }) => child.pid!);

/** The steps of a start. */
class MarketStart {
  readonly processes: LocalProcess[] = [];
  private readonly folder: string;
  private readonly options: LocalMarketOptions;
  private readonly setting: Setting;
  /** How many evaluators have to be there. */
  private readonly quorum: number;

  constructor(folder: string, options: LocalMarketOptions) {
    this.folder = folder;
    this.options = options;
    this.setting = options.setting ?? completeSetting({ engine: "replicated" });
    this.quorum = activeCount(this.setting);
  }

  async run() {
    const authority = await createAuthority("local market");
    const identity = async (party: Party, name: string) => {
      await writeIdentity(join(this.folder, name), await issueIdentity(authority, party));
    };
    for (let index = 0; index < this.setting.parties; index++) {
      const id = String(index);
      await identity({ role: "evaluator", id }, id);
    }
    if (this.setting.engine === "dealer") await identity(DEALER, "dealer");
    const evaluators = await this.startEvaluators();
    const dealing = this.setting.engine === "dealer" ? await this.startDealer() : null;
    this.options.onStage?.("starting", pidsOf(evaluators));

    const listening = await this.listening(evaluators);
    const dealerPort = await dealing?.port;
    // Every process has read its key: from here on none is on disk, even if this process is killed.
    await rm(this.folder, { recursive: true });
    this.options.onStage?.("listening", pidsOf(evaluators));
    const operator = await issueIdentity(authority, { role: "operator", id: "local" });
    const connections = await this.connectAll(operator, listening);
    if (dealing === null) return { evaluators, connections, dealer: null };
    const address = { host: HOST, port: dealerPort! };
    const limits = { silenceMs: LIMITS.answerMs, signal: dealing.ended };
    const reach = () => connect(operator, { ...address, expect: DEALER, ...limits });
    return { evaluators, connections, dealer: { process: dealing, ...address, reach } };
  }

  private async startEvaluators(): Promise<LocalProcess[]> {
    const { silenceMs, rejoinMs } = this.options;
    const limits = {
      ...(silenceMs === undefined ? {} : { silence_ms: silenceMs }),
      ...(rejoinMs === undefined ? {} : { rejoin_ms: rejoinMs }),
    };
    const evaluators: LocalProcess[] = [];
    for (let index = 0; index < this.setting.parties; index++) {
      const file = join(this.folder, `evaluator-${index}.json`);
      const config = { index, host: HOST, port: 0, identity: String(index), ...limits };
      const started = await startProcess("evaluator", `evaluator ${index}`, file, config);
      this.processes.push(started);
      evaluators.push(started);
    }
    return evaluators;
  }

  private async startDealer(): Promise<LocalProcess> {
    const config = { host: HOST, port: 0, identity: "dealer" };
    const file = join(this.folder, "dealer.json");
    const started = await startProcess("dealer", "the dealer", file, config);
    this.processes.push(started);
    return started;
  }

  /** Per evaluator its port, or null if it did not start and the others can do without it. */
  private async listening(evaluators: readonly LocalProcess[]): Promise<(Listening | null)[]> {
    const outcomes = await Promise.allSettled(evaluators.map(({ port }) => port));
    const listening = outcomes.map((outcome, index) =>
      outcome.status === "fulfilled" ? { process: evaluators[index]!, port: outcome.value } : null,
    );
    if (listening.filter((one) => one !== null).length < this.quorum) {
      // Says which one failed, and why.
      await Promise.all(evaluators.map(({ port }) => port));
    }
    return listening;
  }

  /** Connects to the evaluators and has them link up, those that are there. */
  private async connectAll(
    operator: Identity,
    listening: readonly (Listening | null)[],
  ): Promise<EvaluatorConnection[]> {
    const connections = await this.enough(
      listening.flatMap((one, index) => (one === null ? [] : this.connectTo(operator, one, index))),
    );
    const there = new Set(connections.map(({ number }) => number));
    const evaluators = listening.map((one, index) =>
      one !== null && there.has(index) ? { host: HOST, port: one.port } : null,
    );
    const { quorum } = this;
    return this.enough(
      connections.map(async (connection) => {
        connection.command({ type: "peers", evaluators, quorum });
        await connection.ready();
        return connection;
      }),
    );
  }

  private async connectTo(
    operator: Identity,
    { process, port }: Listening,
    index: number,
  ): Promise<EvaluatorConnection> {
    const expect = { role: "evaluator", id: String(index) } as const;
    const limits = { silenceMs: LIMITS.answerMs, signal: process.ended };
    const link = await connect(operator, { host: HOST, port, expect, ...limits });
    return new EvaluatorConnection(link, index);
  }

  /** What those that succeed lead to; the first error when they are too few. */
  private async enough<T>(works: readonly Promise<T>[]): Promise<T[]> {
    const outcomes = await Promise.allSettled(works);
    const done = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    return done.length >= this.quorum ? done : Promise.all(works);
  }
}
