// The processes of a local market: evaluators and dealers, started with a configuration of their own, and ended.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { systemClock } from "../platform/clock.ts";

/** A process that has not ended this long after it was asked to is killed. */
const STOP_GRACE_MS = 2_000;
/** Collecting garbage in one thread: the processes of one machine have no cores to spare (-15 % CPU). */
const NODE_OPTIONS = ["--disable-warning=ExperimentalWarning", "--single-threaded-gc"];
const SOURCES = join(import.meta.dirname, "..");

/** A process could not be started, or ended by itself. */
export class LocalProcessError extends Error {
  override readonly name = "LocalProcessError";
}

export interface LocalProcess {
  /** "evaluator 0" */
  readonly name: string;
  readonly child: ChildProcess;
  /** Where it listens; rejects with LocalProcessError if it ends before. */
  readonly port: Promise<number>;
  /** Aborted when it has ended. */
  readonly ended: AbortSignal;
  readonly errorOutput: () => string;
}

/** Starts src/`program`/main.ts with `config` in `folder`/`file`. */
export async function startProcess(
  program: "evaluator" | "dealer",
  name: string,
  file: string,
  config: object,
): Promise<LocalProcess> {
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  const main = join(SOURCES, program, "main.ts");
  const child = spawn(
    process.execPath,
    [...NODE_OPTIONS, main, "--config", file, "--stop-with-parent"],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  let errors = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  const ended = new AbortController();
  const lines = createInterface({ input: child.stdout });
  const port = new Promise<number>((resolve, reject) => {
    lines.once("line", (line) => resolve(Number(JSON.parse(line).listening)));
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      ended.abort();
      const reason = errors.trim() || `exit code ${code ?? signal}`;
      reject(new LocalProcessError(`${name} did not start: ${reason}`));
    });
  });
  port.catch(() => {}); // Whoever awaits it sees the error.
  return { name, child, port, ended: ended.signal, errorOutput: () => errors.trim() };
}

/** Whether a process has ended. */
export const hasEnded = ({ child }: LocalProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

/** Ends processes, by force if they take too long. */
export async function stopProcesses(processes: readonly LocalProcess[]): Promise<void> {
  const ended = processes.map((one) => {
    if (hasEnded(one)) return Promise.resolve();
    return new Promise<void>((resolve) => {
      const { child } = one;
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
