// The programs of a meter, a supplier and an operator against a market of real processes: a meter that is killed and
// started again, one order by hand, and what everybody then finds out.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { LocalService } from "../../src/agents/local-service.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { setUpLocalMarket } from "../../src/registrar/local-market-setup.ts";
import { textOfPeriod } from "../../src/wire/records.ts";
import { completeSetting } from "../../src/wire/setting.ts";
import { ROOT, Workplace } from "../e2e/command.test-helper.ts";

const PERIOD_S = 900;
/** The last periods of a month, in UTC. */
const FIRST = Date.parse("2025-06-30T23:15:00Z") / 1000;
/** A quarter-hour takes four seconds, so that commands have time to start. */
const SPEED = 225;
const PERIODS = 3;
/** Before its first gate closes, a market has so many periods to start in. */
const STARTING_PERIODS = 5;
const always = (ct: string) => [{ from: "00:00", ct_per_kwh: ct }];
const TARIFF = { retail: always("30"), feed_in: always("8") };
const CLI = ["--disable-warning=ExperimentalWarning", join(ROOT, "src", "cli", "main.ts")];

async function runningMarket() {
  const folder = mkdtempSync(join(tmpdir(), "programs-"));
  const opening = FIRST - (2 + STARTING_PERIODS) * PERIOD_S;
  const files = await setUpLocalMarket(folder, {
    parameters: { suppliers: ["Aurora", "Borealis"], minimum_group: 2 },
    setting: completeSetting({ engine: "replicated" }),
    schedule: { period_s: PERIOD_S, first_period: textOfPeriod(FIRST) },
    settlement: {
      tariffs: { Aurora: TARIFF, Borealis: TARIFF },
      grid_fee_ct_per_kwh: "9",
      local_discount_ct_per_kwh: "6",
      vat_percent: 19,
      estimate_wh: 100,
      settle_after_periods: 1,
      close_after_days: 0,
    },
    rehearsal: {
      real: new Date(systemClock.utcMs()).toISOString(),
      market: new Date(opening * 1000).toISOString(),
      speed: SPEED,
    },
    meters: [{ supplier: 0 }, { supplier: 0 }, { supplier: 1 }],
    logLevel: "warn",
  });
  const evaluators = files.evaluators.map((config, number) => ({ number, config }));
  const service = await LocalService.start({
    market: files.market,
    registrar: null,
    dealer: null,
    evaluators,
  });
  onTestFinished(async () => {
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, files };
}

/** A gateway that runs until it is ended; `said` is all that it wrote. */
function gateway(config: string): { readonly child: ChildProcess; readonly said: () => string } {
  const child = spawn(process.execPath, [...CLI, "meter", "--config", config]);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return { child, said: () => said };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await systemClock.sleep(20);
};

const at = (k: number): string => textOfPeriod(FIRST + k * PERIOD_S);

it("meter, supplier and operator take part and find out", { timeout: 120_000 }, async () => {
  const { folder, files } = await runningMarket();
  const place = new Workplace();
  const write = (name: string, content: string | object): string => {
    const file = join(folder, name);
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  };
  const meterConfig = (i: number, orders: object, readings?: string): string =>
    write(`gateway-${i}.json`, {
      market: "market.json",
      identity: files.meters[i]!.identity,
      history: `history-${i}.sqlite`,
      orders,
      ...(readings === undefined ? {} : { readings: { source: "file", file: readings } }),
    });
  const rows = (side: string, wh: number, limit: number) =>
    [0, 1, 2].map((k) => `${at(k)},${side},${wh},${limit}\n`).join("");
  const header = "period_start,side,energy_wh,limit_price_ct_per_kwh\n";
  write("sells.csv", header + rows("sell", 500, 10));
  write("forecast.csv", `period_start,import_wh,export_wh\n${at(0)},400,0\n${at(1)},0,0\n`);
  // A correction, and a line that is still being written.
  const columns = "period_start,import_wh,export_wh\n";
  const read = `${at(0)},0,999\n${at(0)},0,380\n${at(1)},0,300\n${at(2)},50,0\n${at(2)},1`;
  write("seller-readings.csv", columns + read);
  write("buyer-readings.csv", `${columns}${at(0)},410,0\n${at(2)},0,30\n`);
  const seller = meterConfig(0, { source: "plan", file: "sells.csv" }, "seller-readings.csv");
  const rule = { source: "rule", forecast: "forecast.csv", buy_below_ct_per_kwh: "20.00" };
  const buyer = meterConfig(1, rule, "buyer-readings.csv");
  const byHand = meterConfig(2, { source: "none" });

  const first = gateway(seller);
  const others = [gateway(buyer), gateway(byHand)];
  const order = ["--period", at(1), "--side", "buy", "--energy-wh", "300", "--limit", "12"];
  const placed = place.run("meter", "order", "--config", byHand, ...order);
  // Killed as soon as it has sent anything, and started again.
  await until(() => /order 1 confirmed/.test(first.said()));
  first.child.kill("SIGKILL");
  await once(first.child, "exit");
  const again = gateway(seller);
  const found = [again, ...others];
  await until(() => found.every(({ said }) => new RegExp(`${at(2)} \\w+, all`).test(said())));
  await until(() => found.every(({ said }) => /2025-06 closed: the bill/.test(said())));
  for (const { child, said } of found) {
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(said()).not.toMatch(/FAILED|DIFFERS|not confirmed|Wh/);
  }
  const confirmed = `for ${at(1)}: confirmed by 3 of 3 evaluators\n`;
  expect(await placed).toEqual({
    code: 0,
    stdout: expect.stringMatching(`^order [12] ${confirmed}$`),
    stderr: "",
  });

  const historyOf = async (config: string) => {
    const { stdout } = await place.run("meter", "history", "--config", config);
    const span = ({ 0: start = "" }: string[]) => [at(0), at(1), at(2)].includes(start);
    return stdout
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/))
      .filter(span);
  };
  // The seller's 500 Wh meet 400 Wh at 20 ct, then 300 Wh at 12 ct, then nothing. What is short is all traded.
  const sold = await historyOf(seller);
  expect(sold.map((row) => row.slice(1))).toEqual([
    ["sell", "500", "10.00", "3 of 3", "cleared", "10.00", "400.000", "passed"],
    ["sell", "500", "10.00", "3 of 3", "cleared", "10.00", "300.000", "passed"],
    ["sell", "500", "10.00", "3 of 3", "cleared", "0.000", "passed"],
  ]);
  const bought = [await historyOf(buyer), await historyOf(byHand)].map((table) =>
    table.map((row) => row.slice(1, -1).filter((cell) => /^(buy|idle|[\d.]+)$/.test(cell))),
  );
  expect(bought).toEqual([
    [
      ["buy", "400", "20.00", "10.00", "400.000"],
      ["idle", "10.00", "0.000"],
      ["idle", "0.000"],
    ],
    [
      ["idle", "10.00", "0.000"],
      ["buy", "300", "12.00", "10.00", "300.000"],
      ["idle", "0.000"],
    ],
  ]);
  expect(statSync(join(folder, "history-0.sqlite")).mode & 0o777).toBe(0o600);

  const billOf = async (config: string) => {
    const { code, stdout, stderr } = await place.run("bill", "--config", config, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  };
  // At 10 ct the seller has sold 700 Wh; it fed in 680 Wh and took 50 Wh, and its supplier made up for the rest.
  expect(await billOf(seller)).toMatchObject({
    components_ct: { traded: "-7", fees: "0", shortage: "2.1", surplus: "0" },
    total_ct: -5,
    periods: 3,
    estimated_periods: 0,
    without_market_ct: -4,
    agrees: true,
  });
  expect(await billOf(buyer)).toMatchObject({
    components_ct: { traded: "4", fees: "1.2", shortage: "3.3", surplus: "-0.24" },
    total_ct: 8,
    estimated_periods: 1,
    agrees: true,
  });
  const page = join(folder, "bill.html");
  const args = ["bill", "--config", byHand, "--month", "2025-06", "--lang", "de"];
  const printed = await place.run(...args, "--html", page, "--out", join(folder, "bill.txt"));
  expect(printed.code).toBe(0);
  expect(readFileSync(page, "utf8")).toMatch(
    /<h1>Stromrechnung 2025-06<\/h1>[\s\S]*3, davon gesch/,
  );
  expect(readFileSync(join(folder, "bill.txt"), "utf8")).toMatch(/^ {2}Netzentgelt .* 0,0090 €$/m);

  const supplier = async (k: number) => {
    const config = write(`supplier-${k}.json`, {
      market: "market.json",
      identity: files.suppliers[k],
    });
    const [csv, json] = [join(folder, `s${k}.csv`), join(folder, `s${k}.json`)];
    const span = ["--from", at(0), "--to", at(2)];
    const settled = ["--metered", join(folder, `m${k}.csv`), "--payables", folder];
    const kept = ["--csv", csv, "--json", json, ...(k === 0 ? settled : [])];
    const args = ["supplier", "--config", config, ...span, ...kept];
    for (let runs = 0; runs < 2; runs++) {
      expect(await place.run(...args)).toEqual({ code: 0, stdout: "", stderr: "" });
    }
    expect(JSON.parse(readFileSync(json, "utf8"))).toHaveLength(2);
    return readFileSync(csv, "utf8");
  };
  const head = "period_start,bought_wh,sold_wh,state";
  expect(await supplier(0)).toBe(`${head}\n${at(0)},400,400,ok\n${at(1)},0,300,ok\n`);
  expect(readFileSync(join(folder, "m0.csv"), "utf8").split("\n").slice(1)).toEqual([
    `${at(0)},410,380,0,final`,
    `${at(1)},,,-300,final`,
    "",
  ]);
  const payables = JSON.parse(readFileSync(join(folder, "payables-2025-06.json"), "utf8"));
  expect(payables).toMatchObject({ month: "2025-06", position_exact_ct: "-3", total_ct: 3 });
  expect(
    payables.customers.map(({ total_exact_ct: total }: { total_exact_ct: string }) => total).sort(),
  ).toEqual(["-4.9", "8.26"]);
  expect(await supplier(1)).toBe(`${head}\n${at(0)},,,withheld\n${at(1)},,,withheld\n`);

  const status = ["operator", "status", "--market", files.marketFile];
  const span = ["--from", at(0), "--to", at(PERIODS)];
  const shown = await place.run(...status, ...span);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(shown.stdout).toMatch(new RegExp(`${at(1)} +settled +settled +settled .* 10\\.00$`, "m"));
  expect(shown.stdout).toContain("3 periods: 3 cleared; 0 disagreements");
  const { stdout } = await place.run(...status, ...span, "--json");
  expect(JSON.parse(stdout).periods).toHaveLength(PERIODS);
});
