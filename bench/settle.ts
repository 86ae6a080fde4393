// Settlement of one period, as the evaluators do it: processes over mutual TLS on this machine. Offline is what is
// done as readings arrive, online what needs the trades: whether readings fit, amounts, suppliers' sums. Every run's
// amounts are held against the rules in clear. Prints medians as a table, or everything as JSON.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createAuthority, type Identity, issueIdentity } from "../src/crypto/certificates.ts";
import type { Setting } from "../src/wire/setting.ts";
import { machine } from "./machine.ts";
import { nameOf, type SettingOptions, settingsOf } from "./settings.ts";
import { type Columns, printTable, type Spread, say, spread } from "./table.ts";

export interface SettleBenchOptions extends Omit<SettingOptions, "algorithm"> {
  readonly meters: readonly number[];
  readonly runs: number;
  readonly json: boolean;
}

/** What a process is told; then it says its port, and is told all of them. */
export interface SettleSetup {
  readonly party: number;
  readonly identity: Identity;
  readonly setting: Setting;
  readonly meters: number;
  readonly runs: number;
}

/** What a process says of a run; null after the last one. */
export interface SettledRun {
  readonly offlineMs: number;
  readonly onlineMs: number;
  readonly elementsOffline: number;
  readonly elementsOnline: number;
  readonly onlineRounds: number;
  readonly bytesSent: number;
  readonly peakRssBytes: number;
}

interface Row {
  readonly setting: Setting;
  readonly meters: number;
  readonly runs: number;
  readonly offlineMs: Spread;
  readonly onlineMs: Spread;
  readonly elementsOffline: number;
  readonly elementsOnline: number;
  readonly onlineRounds: number;
  readonly bytesSentPerEvaluator: number;
  readonly peakMemoryMiB: number;
}

const PARTY = join(import.meta.dirname, "settle-party.ts");
const NODE_OPTIONS = ["--disable-warning=ExperimentalWarning", "--single-threaded-gc"];

/** The runs of one size in fresh processes, per run that of the slowest; the first ones warm up. */
async function benchSize(setting: Setting, meters: number, counted: number): Promise<Row> {
  say(`\r\x1b[K${nameOf(setting)}, ${meters} meters`);
  const warmUps = meters <= 10_000 ? 5 : 1;
  const authority = await createAuthority("bench");
  const parties = Array.from({ length: setting.parties }, () =>
    fork(PARTY, { execArgv: NODE_OPTIONS }),
  );
  try {
    const ports = parties.map(next<number>);
    for (const [party, child] of parties.entries()) {
      const identity = await issueIdentity(authority, { role: "evaluator", id: String(party) });
      const setup: SettleSetup = { party, identity, setting, meters, runs: warmUps + counted };
      child.send(setup);
    }
    const known = await Promise.all(ports);
    for (const child of parties) child.send(known);
    const all = await Promise.all(parties.map(runsOf));
    return rowOf(
      setting,
      meters,
      all.filter((own) => own.length > 0).map((own) => own.slice(warmUps)),
    );
  } finally {
    say("\r\x1b[K");
    for (const child of parties) if (child.connected) child.disconnect();
  }
}

/** The next thing that a process says. */
async function next<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const exit = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`a process of the benchmark ended with exit code ${code}`);
  });
  const message = once(child, "message", { signal: ended.signal }).then(([first]) => first as T);
  try {
    return await Promise.race([message, exit]);
  } finally {
    exit.catch(() => {});
    message.catch(() => {});
    ended.abort();
  }
}

async function runsOf(child: ChildProcess): Promise<SettledRun[]> {
  const runs: SettledRun[] = [];
  for (;;) {
    const run = await next<SettledRun | null>(child);
    if (run === null) return runs;
    runs.push(run);
  }
}

function rowOf(setting: Setting, meters: number, all: readonly (readonly SettledRun[])[]): Row {
  const most = (run: number, of: (run: SettledRun) => number) =>
    Math.max(...all.map((own) => of(own[run]!)));
  const runs = [...all[0]!.keys()];
  return {
    setting,
    meters,
    runs: runs.length,
    offlineMs: spread(runs.map((run) => most(run, ({ offlineMs }) => offlineMs))),
    onlineMs: spread(runs.map((run) => most(run, ({ onlineMs }) => onlineMs))),
    elementsOffline: most(0, ({ elementsOffline }) => elementsOffline),
    elementsOnline: most(0, ({ elementsOnline }) => elementsOnline),
    onlineRounds: most(0, ({ onlineRounds }) => onlineRounds),
    bytesSentPerEvaluator: most(0, ({ bytesSent }) => bytesSent),
    peakMemoryMiB: most(runs.length - 1, ({ peakRssBytes }) => peakRssBytes) / 2 ** 20,
  };
}

const COLUMNS: Columns<Row> = [
  ["setting", (row) => nameOf(row.setting)],
  ["meters", (row) => String(row.meters)],
  ["offline ms", (row) => row.offlineMs.median.toFixed(0)],
  ["online ms", (row) => row.onlineMs.median.toFixed(1)],
  ["least .. most", (row) => `${row.onlineMs.least.toFixed(0)} .. ${row.onlineMs.most.toFixed(0)}`],
  ["rounds", (row) => String(row.onlineRounds)],
  ["elements/meter", (row) => (row.elementsOnline / row.meters).toFixed(1)],
  ["offline", (row) => (row.elementsOffline / row.meters).toFixed(1)],
  ["sent MB", (row) => (row.bytesSentPerEvaluator / 1e6).toFixed(1)],
  ["peak MiB", (row) => row.peakMemoryMiB.toFixed(0)],
];

/** Runs the benchmark and prints its results. */
export async function benchSettle(options: SettleBenchOptions): Promise<void> {
  const settings = settingsOf({ ...options, algorithm: ["descent"] });
  const rows: Row[] = [];
  for (const setting of settings) {
    for (const meters of options.meters) rows.push(await benchSize(setting, meters, options.runs));
  }
  if (settings.length === 0) {
    process.exitCode = 1;
  } else if (options.json) {
    const result = { benchmark: "settle", machine: machine(), rows };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  } else {
    printTable(`medians of ${options.runs} runs`, COLUMNS, rows);
  }
}
