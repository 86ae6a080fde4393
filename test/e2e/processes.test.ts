// Evaluator processes that end, fall silent or meet strangers: every failure ends in a clear error
// within its time, and nothing is left behind. The processes and their links are the real ones.
import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { LocalMarket } from "../../src/agents/local-market.ts";
import { ChannelError } from "../../src/channel/channel.ts";
import { connect } from "../../src/channel/tls.ts";
import type { ClearRequest } from "../../src/client/clearing-client.ts";
import { EvaluatorConnection } from "../../src/client/evaluator-connection.ts";
import { createAuthority, issueIdentity } from "../../src/crypto/certificates.ts";
import { writeIdentity } from "../../src/crypto/identity-files.ts";
import { clearInClear } from "../../src/market/oracle.ts";
import type { Order } from "../../src/market/order.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { completeSetting } from "../../src/wire/setting.ts";
import { ROOT } from "./command.test-helper.ts";

const PROGRAM = join(ROOT, "src", "evaluator", "main.ts");
const MANY = 100_000;

const request: ClearRequest = {
  priceBits: 12,
  energyBits: 16,
  priceRule: "midpoint",
  rationing: "priority",
  revealedSuppliers: [true, true],
  setting: completeSetting({ engine: "replicated" }),
};

/** Orders of a market that trades; `variant` gives different ones. */
function ordersOf(count: number, variant: number): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    meter: `m${i}`,
    side: (i + variant) % 3 === 0 ? "sell" : "buy",
    energyWh: 1 + ((i * 37 + variant * 11) % 900),
    limitTick: (i * 101 + variant * 1009) % 4096,
    supplier: i % 2,
  }));
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  // One that has ended but that nobody has collected yet (state Z) is no longer running.
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

const byCode = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Awaits `condition`; false when it does not come true within `limitMs`. */
async function within(limitMs: number, condition: () => boolean): Promise<boolean> {
  const end = systemClock.nowMs() + limitMs;
  while (!condition()) {
    if (systemClock.nowMs() > end) return false;
    await systemClock.sleep(20);
  }
  return true;
}

/** The error that `action` ends in, and after how long. */
async function failure(action: () => Promise<unknown>): Promise<{ error: Error; afterMs: number }> {
  const begin = systemClock.nowMs();
  try {
    await action();
  } catch (error) {
    return { error: error as Error, afterMs: systemClock.nowMs() - begin };
  }
  throw new Error("it succeeded");
}

// Temporary files of this test go where nobody else's are.
const temporary = mkdtempSync(join(tmpdir(), "market-test-"));
const temporaryBefore = process.env.TMPDIR;

beforeAll(() => {
  process.env.TMPDIR = temporary;
});

afterAll(() => {
  if (temporaryBefore === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporaryBefore;
  rmSync(temporary, { recursive: true, force: true });
});

describe("a local market", () => {
  it("clears one period after the other on the same evaluators", async () => {
    const market = await LocalMarket.start();
    try {
      const pids = market.processIds;
      for (const [variant, count] of [300, 0, 1, 700, 300].entries()) {
        const orders = ordersOf(count, variant);
        const { outcome } = await market.clear(request, orders);
        const priority = Uint32Array.from(orders.keys());
        const rules = { ...request, supplierCount: 2 };
        const expected = clearInClear(orders, rules, priority);
        expect([outcome.traded, outcome.priceTick]).toEqual([expected.traded, expected.priceTick]);
        const sum = (units: Float64Array) => units.reduce((total, t) => total + t, 0);
        expect(sum(outcome.tradedUnits)).toBe(sum(expected.tradedUnits));
      }
      expect(market.processIds).toEqual(pids);
      expect(pids.map(isRunning)).toEqual([true, true, true]);
    } finally {
      await market.stop();
    }
    expect(market.processIds.map(isRunning)).toEqual([false, false, false]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("keeps its keys readable by the owner only, and on disk no longer than needed", async () => {
    const modes = new Map<string, string>();
    const look = (folder: string): void => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        const mode = statSync(path, { throwIfNoEntry: false })?.mode;
        if (mode !== undefined) modes.set(path, (mode & 0o777).toString(8));
        if (entry.isDirectory() && mode !== undefined) look(path);
      }
    };
    let started = false;
    const starting = LocalMarket.start().finally(() => {
      started = true;
    });
    starting.catch(() => {}); // Awaited below.
    while (!started) {
      look(temporary);
      await systemClock.sleep(2);
    }
    const market = await starting;
    try {
      const seen = [...modes].map(([path, mode]) => `${path.split("/").at(-1)} ${mode}`);
      // A file that is being written has another name until it is whole; whether one is seen is a matter of moments.
      const unfinished = seen.filter((text) => text.includes(".new "));
      expect(unfinished.filter((text) => !text.endsWith(" 600"))).toEqual([]);
      const once = ["authority.pem 600", "certificate.pem 600", "key.pem 600"];
      expect(seen.filter((text) => text.includes(".pem ")).toSorted(byCode)).toEqual(
        once.flatMap((text) => [text, text, text]),
      );
      const others = seen.filter((text) => !text.includes(".pem"));
      expect(others.filter((text) => !/ (700|600)$/.test(text))).toEqual([]);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      await market.stop();
    }
  });

  it.each([
    { killed: 0, phase: "offline" },
    { killed: 2, phase: "online" },
  ])(
    "reports evaluator $killed killed in the $phase phase, and ends",
    async ({ killed, phase }) => {
      const market = await LocalMarket.start();
      try {
        let killedAtMs = 0;
        const { error } = await failure(() =>
          market.clear(request, ordersOf(MANY, 1), (progress) => {
            if (progress.phase !== phase || killedAtMs !== 0) return;
            killedAtMs = systemClock.nowMs();
            process.kill(market.processIds[killed]!, "SIGKILL");
          }),
        );
        expect(systemClock.nowMs() - killedAtMs).toBeLessThan(5_000);
        expect(error.message).toContain(`evaluator-${killed} ended the connection`);
        expect(error.message).not.toMatch(/\n|undefined|\.ts:/);
      } finally {
        await market.stop();
      }
      expect(market.processIds.map(isRunning)).toEqual([false, false, false]);
      expect(readdirSync(temporary)).toEqual([]);
    },
  );

  it.each([0, 2])(
    "names evaluator %i when that one falls silent, and ends it too",
    async (silent) => {
      const silenceMs = 1_500;
      const market = await LocalMarket.start({ silenceMs });
      try {
        let stoppedAtMs = 0;
        const { error } = await failure(() =>
          market.clear(request, ordersOf(MANY, 2), ({ phase }) => {
            if (phase !== "offline") return;
            stoppedAtMs = systemClock.nowMs();
            process.kill(market.processIds[silent]!, "SIGSTOP");
          }),
        );
        const afterMs = systemClock.nowMs() - stoppedAtMs;
        expect(error.message).toMatch(new RegExp(`evaluator-${silent} sent nothing for 1500 ms`));
        expect(error.message).toContain(`evaluator-${silent} has not answered`);
        expect(afterMs).toBeGreaterThan(silenceMs - 100);
        expect(afterMs).toBeLessThan(silenceMs + 5_000);
      } finally {
        await market.stop();
      }
      expect(market.processIds.map(isRunning)).toEqual([false, false, false]);
    },
  );

  it("does not outlive the process that started it", async () => {
    const module = pathToFileURL(join(ROOT, "src", "agents", "local-market.ts")).href;
    const script =
      `import { LocalMarket } from "${module}";` +
      "const market = await LocalMarket.start();" +
      "process.stdout.write(JSON.stringify(market.processIds));";
    const parent = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", script],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const pids = await new Promise<number[]>((resolve, reject) => {
      parent.stdout.once("data", (text: Buffer) => resolve(JSON.parse(text.toString())));
      parent.once("exit", (code) => reject(new Error(`the parent ended with ${code}`)));
    });
    expect(pids.map(isRunning)).toEqual([true, true, true]);
    parent.kill("SIGKILL");
    expect(await within(5_000, () => !pids.some(isRunning))).toBe(true);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe("the evaluator program", () => {
  const folder = mkdtempSync(join(tmpdir(), "market-test-evaluator-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts it on a configuration file; its first line of output, or what it said and its exit code. */
  function startEvaluator(config: string) {
    const file = join(folder, "config.json");
    writeFileSync(file, config);
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", PROGRAM, "--config", file, "--stop-with-parent"],
      { stdio: "pipe" },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    let errors = "";
    child.stderr.on("data", (text: Buffer) => {
      errors += text.toString();
    });
    const listening = new Promise<number>((resolve) => {
      child.stdout.once("data", (text: Buffer) => resolve(JSON.parse(text.toString()).listening));
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { listening, ended, errors: () => errors };
  }

  it("takes commands from the operator of its market and refuses everybody else", async () => {
    const ours = await createAuthority("ours");
    const theirs = await createAuthority("theirs");
    mkdirSync(join(folder, "identity"), { recursive: true });
    const self = await issueIdentity(ours, { role: "evaluator", id: "1" });
    await writeIdentity(join(folder, "identity"), self);
    const config = { index: 1, host: "127.0.0.1", port: 0, identity: "identity" };
    const evaluator = startEvaluator(JSON.stringify(config));
    const address = { host: "127.0.0.1", port: await evaluator.listening, deadlineMs: 5_000 };
    const expected = { ...address, expect: { role: "evaluator", id: "1" } } as const;

    const operator = await issueIdentity(ours, { role: "operator", id: "local" });
    const link = await connect(operator, expected);
    const connection = new EvaluatorConnection(link, 1);

    // A market of its own vouches for this one; it does not trust ours either, so it pretends to.
    const stranger = await issueIdentity(theirs, { role: "operator", id: "local" });
    const pretending = { ...stranger, authorityPem: operator.authorityPem };
    for (const identity of [stranger, pretending]) {
      const { error } = await failure(() => connect(identity, expected));
      expect(error).toBeInstanceOf(ChannelError);
      expect((error as ChannelError).code).toBe("unauthenticated");
      expect(error.message).toContain("evaluator-1 at 127.0.0.1");
    }
    expect(evaluator.errors()).toMatch(/refused .*: UNABLE_TO_VERIFY_LEAF_SIGNATURE/);

    // A meter of this very market has nothing to command; its link is ended at once.
    const meter = await connect(await issueIdentity(ours, { role: "meter", id: "m1" }), expected);
    const { error } = await failure(() => meter.receiveFrame(1, 100));
    expect((error as ChannelError).code).toBe("peer-closed");

    // A second operator has to wait until the first one has gone.
    const second = new EvaluatorConnection(await connect(operator, expected), 1);
    const busy = await failure(() => second.ready());
    expect(busy.error.message).toContain("another operator is being served");

    // The operator still has its evaluator, and hears what is wrong with a command.
    connection.command({ type: "clear", count: 0, ...request, dealing: null });
    const answer = await failure(() => connection.ready());
    expect(answer.error.message).toBe("evaluator-1: the command `clear` comes before `peers`");
  });

  it.each([
    ["that is not JSON", "{", /config\.json is not JSON$/],
    ["with an unknown field", '{"index": 0, "colour": "red"}', /config\.json: (.|\n)*colour/],
    [
      "without the identity it names",
      '{"index": 0, "host": "127.0.0.1", "port": 0, "identity": "nobody"}',
      /nobody\/key\.pem: the file does not exist/,
    ],
  ])("refuses a configuration %s", async (_what, config, said) => {
    const evaluator = startEvaluator(config);
    expect(await evaluator.ended).toBe(1);
    expect(evaluator.errors().trimEnd()).toMatch(said);
    expect(evaluator.errors()).toMatch(/^evaluator: /);
    expect(evaluator.errors()).not.toMatch(/^ +at /m);
  });
});
