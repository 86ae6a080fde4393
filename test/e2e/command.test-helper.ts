// Runs the real command as a child process, as a user would, and reads what it says. Every caller
// works in its own temporary folder, which is also the command's folder for temporary files.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Side } from "../../src/market/order.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
export const HEADER = "meter,side,energy_wh,limit_price_ct_per_kwh,supplier";

const NODE_OPTIONS = ["--disable-warning=ExperimentalWarning"];

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ReportedOrder {
  readonly meter: string;
  readonly side: Side;
  readonly energy_wh: number;
  readonly limit_price_ct_per_kwh: number | null;
  readonly traded_wh: number;
}

/** What `hushwatt clear --json` prints. */
export interface Report {
  readonly traded: boolean;
  readonly price_ct_per_kwh: number | null;
  readonly orders: readonly ReportedOrder[];
  readonly suppliers: readonly {
    readonly supplier: string;
    readonly bought_wh: number | null;
    readonly sold_wh: number | null;
  }[];
  readonly engine: string;
  readonly evaluators: number;
  readonly timings_ms: Readonly<Record<"share" | "offline" | "online" | "total", number>>;
  readonly traffic: { readonly bytes_sent_per_evaluator: number; readonly rounds: number };
}

/** A folder for one test with files by name; it is deleted when the test has ended. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), "market-test-"));
  private readonly temporary = join(this.folder, "tmp");

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    mkdirSync(this.temporary);
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(this.folder, name), content);
    }
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** Runs `hushwatt ...args` in this folder. */
  run(...args: string[]): Promise<Finished> {
    return this.node([join(ROOT, "src", "cli", "main.ts"), ...args]);
  }

  /** Runs a program of the checkout in this folder. */
  node(args: readonly string[]): Promise<Finished> {
    const child = spawn(process.execPath, [...NODE_OPTIONS, ...args], {
      cwd: this.folder,
      env: { ...process.env, TMPDIR: this.temporary, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** Runs `hushwatt clear ...args --json`, which must succeed without a word on standard error. */
  async clear(...args: string[]): Promise<Report> {
    const { code, stdout, stderr } = await this.run("clear", ...args, "--json");
    if (code !== 0 || stderr !== "") throw new Error(`exit code ${code}: ${stderr}`);
    return JSON.parse(stdout) as Report;
  }

  /** What programs run here left behind among the temporary files. */
  leftovers(): string[] {
    return readdirSync(this.temporary);
  }
}

/** An order file from rows such as "m1,buy,100,20.00,Aurora". */
export const orderFile = (...rows: string[]): string => [HEADER, ...rows, ""].join("\n");

/** Energy in units of 2^-10 Wh; throws unless it is a whole number of them. */
export function unitsOf(wh: number): number {
  const units = wh * 1024;
  if (!Number.isSafeInteger(units)) throw new Error(`${wh} Wh is no multiple of 2^-10 Wh`);
  return units;
}

/** Traded energy by meter, in Wh. */
export const tradedBy = (report: Report): Record<string, number> =>
  Object.fromEntries(report.orders.map(({ meter, traded_wh }) => [meter, traded_wh]));
