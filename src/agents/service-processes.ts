// The long-running programs of a market on this machine, as processes: started through the command line, watched, and
// ended with the process that started them, however that one ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { systemClock } from "../platform/clock.ts";

const STOP_GRACE_MS = 5_000;
const CLI_MAIN = join(import.meta.dirname, "..", "cli", "main.ts");
const STOP_WITH_PARENT = pathToFileURL(join(import.meta.dirname, "stop-with-parent.ts")).href;
/** Collecting garbage in one thread: the processes of one machine have no cores to spare. */
const NODE_OPTIONS = [
  "--disable-warning=ExperimentalWarning",
  "--single-threaded-gc",
  "--import",
  STOP_WITH_PARENT,
];
/** How much of what a process says on standard error is kept for messages. */
const SAID_CHARACTERS = 4_000;

/** A program of the service did not start, or ended by itself. */
export class ServiceProcessError extends Error {
  override readonly name = "ServiceProcessError";
}

/** What to start: `hushwatt ...arguments`. */
export interface ServiceProgram {
  /** For messages: "evaluator 0". */
  readonly name: string;
  readonly arguments: readonly string[];
}

/** One program of the service; it may be ended and started again. */
export class ServiceProcess {
  readonly program: ServiceProgram;
  #child: ChildProcess | null = null;
  #said = "";
  #onEnded: ((name: string) => void) | null = null;

  constructor(program: ServiceProgram) {
    this.program = program;
  }

  get pid(): number | null {
    return this.isRunning ? (this.#child?.pid ?? null) : null;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of what it said on standard error. */
  get said(): string {
    return this.#said.trim();
  }

  /** Calls back when the process ends without having been asked to. */
  onUnexpectedEnd(callback: (name: string) => void): void {
    this.#onEnded = callback;
  }

  /**
   * Starts the program and resolves with the first line that it prints, which it does when it listens. Throws
   * ServiceProcessError, with what the program said, when it ends before.
   */
  async start(): Promise<string> {
    const { name } = this.program;
    if (this.isRunning) throw new ServiceProcessError(`${name} is running already`);
    this.#said = "";
    const child = spawn(process.execPath, [...NODE_OPTIONS, CLI_MAIN, ...this.program.arguments], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdin.on("error", () => {}); // It has ended; its exit says so.
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-SAID_CHARACTERS);
    });
    const lines = createInterface({ input: child.stdout });
    return new Promise((resolve, reject) => {
      let listening = false;
      lines.on("line", (line) => {
        listening = true;
        resolve(line);
      });
      child.once("error", reject);
      child.once("close", (code, signal) => {
        const reason = this.said || `exit code ${code ?? signal}`;
        if (!listening) reject(new ServiceProcessError(`${name} did not start: ${reason}`));
        else if (this.#child === child) this.#onEnded?.(name);
      });
    });
  }

  /** Sends a signal and resolves when the process has ended; it is killed if it takes too long. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    const running = this.isRunning;
    this.#child = null;
    if (child === null || !running) return;
    const cancel = systemClock.timer(STOP_GRACE_MS, () => child.kill("SIGKILL"));
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
    cancel();
  }
}
