// A whole running market on this machine: the registrar and the evaluators as processes, from files that the
// registrar has prepared. Its meters and suppliers are up to whoever starts it.
import { z } from "zod";
import { httpsTransport } from "../channel/https-transport.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { ServiceProcess, ServiceProcessError } from "./service-processes.ts";

export interface LocalServiceFiles {
  readonly market: MarketDocument;
  /** Configuration files of the registrar and of the dealer, if there are such. */
  readonly registrar: string | null;
  readonly dealer: string | null;
  /** One for each process: the evaluator's number and the configuration file. */
  readonly evaluators: readonly { readonly number: number; readonly config: string }[];
}

export interface LocalServiceOptions {
  /** How long all evaluators may take until they are ready. */
  readonly readyMs?: number;
  readonly signal?: AbortSignal;
}

const HOST = "127.0.0.1";
const READY_MS = 60_000;
const READY_AGAIN_MS = 50;

const listeningSchema = z.object({ listening: z.object({ http: z.int() }) });

export class LocalService {
  readonly #numbers: readonly number[];
  readonly #evaluators: readonly ServiceProcess[];
  readonly #others: readonly ServiceProcess[];
  readonly #authorityPem: string;
  readonly #readyMs: number;
  readonly #signal: AbortSignal;

  private constructor(files: LocalServiceFiles, { readyMs, signal }: LocalServiceOptions) {
    this.#authorityPem = files.market.authorityPem;
    this.#readyMs = readyMs ?? READY_MS;
    this.#signal = signal ?? new AbortController().signal;
    const program = (command: string, name: string, file: string) =>
      new ServiceProcess({ name, arguments: [command, "--config", file] });
    const { registrar, dealer } = files;
    this.#others = [
      ...(registrar === null ? [] : [program("registrar", "the registrar", registrar)]),
      ...(dealer === null ? [] : [program("dealer", "the dealer", dealer)]),
    ];
    this.#numbers = files.evaluators.map(({ number }) => number);
    this.#evaluators = files.evaluators.map(({ number, config }) =>
      program("evaluator", `evaluator ${number}`, config),
    );
  }

  /** Starts everything and resolves when all evaluators are ready; stops everything if one is not in time. */
  static async start(
    files: LocalServiceFiles,
    options: LocalServiceOptions = {},
  ): Promise<LocalService> {
    const service = new LocalService(files, options);
    try {
      const all = [
        ...service.#others.map((one) => one.start()),
        ...service.#evaluators.map((_, i) => service.restart(i)),
      ];
      await Promise.all(all);
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  /** The process ids of the evaluators, by their place in the files; null where one does not run. */
  get processIds(): (number | null)[] {
    return this.#evaluators.map(({ pid }) => pid);
  }

  /** The end of what an evaluator said on standard error. */
  said(index: number): string {
    return this.#evaluator(index).said;
  }

  /** Calls back when one of the processes ends by itself. */
  onUnexpectedEnd(callback: (name: string) => void): void {
    for (const one of [...this.#evaluators, ...this.#others]) one.onUnexpectedEnd(callback);
  }

  /** Ends an evaluator, by default as a crash would, and resolves when it has ended. */
  kill(index: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    return this.#evaluator(index).end(signal);
  }

  /** Starts an evaluator again that was ended; resolves when it is ready. */
  async restart(index: number): Promise<void> {
    const evaluator = this.#evaluator(index);
    const line = await evaluator.start();
    const { listening } = listeningSchema.parse(JSON.parse(line));
    await this.#untilReady(index, listening.http);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#evaluators, ...this.#others].map((one) => one.end()));
  }

  #evaluator(index: number): ServiceProcess {
    const evaluator = this.#evaluators[index];
    if (evaluator === undefined) throw new ServiceProcessError(`there is no evaluator ${index}`);
    return evaluator;
  }

  async #untilReady(index: number, port: number): Promise<void> {
    const evaluator = this.#evaluator(index);
    const { name } = evaluator.program;
    const server = { role: "evaluator", id: String(this.#numbers[index]) } as const;
    const transport = httpsTransport({ authorityPem: this.#authorityPem, server });
    const url = `https://${HOST}:${port}/ready`;
    const deadline = systemClock.nowMs() + this.#readyMs;
    let last = "";
    try {
      while (systemClock.nowMs() < deadline) {
        this.#signal.throwIfAborted();
        if (!evaluator.isRunning) {
          throw new ServiceProcessError(`${name} ended before it was ready: ${evaluator.said}`);
        }
        const request = { method: "GET", url, headers: {}, signal: this.#signal };
        const answer = await transport.send(request).catch((error: unknown) => messageOf(error));
        if (typeof answer === "object" && answer.status === 200) return;
        last = typeof answer === "object" ? `it answers ${answer.status}` : answer;
        await systemClock.sleep(READY_AGAIN_MS, this.#signal);
      }
    } finally {
      transport.close();
    }
    throw new ServiceProcessError(
      `${name} was not ready in time: ${last}; it said: ${evaluator.said}`,
    );
  }
}
