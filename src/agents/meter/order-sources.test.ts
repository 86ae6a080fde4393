// Where orders come from: plans and forecasts, good, edited and wrong.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { IDLE } from "../../client/standing-rule.ts";
import { defaultMarketParameters } from "../../market/parameters.ts";
import { planSource, readWish, ruleSource } from "./order-sources.ts";
import { PeriodFileError } from "./period-file.ts";

const parameters = defaultMarketParameters();
const NOON = Date.parse("2025-06-01T12:00:00Z") / 1000;
const PLAN = "period_start,side,energy_wh,limit_price_ct_per_kwh";
const FORECAST = "period_start,import_wh,export_wh";

function fileOf(...lines: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "meter-orders-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "orders.csv");
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

const plan = (file: string) => planSource({ parameters, periodS: 900, file });

async function problemsOf(source: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await source.then(
    () => new Error("nothing was wrong"),
    (reason: unknown) => reason,
  );
  if (error instanceof PeriodFileError) return error.problems;
  throw error;
}

describe("a plan", () => {
  it("gives each period its order, and the others none", async () => {
    const file = fileOf(
      PLAN,
      "2025-06-01T12:00:00Z,sell,500,9.5",
      "2025-06-01T12:15:00Z,buy,300,25.00",
      "2025-06-01T12:30:00Z,idle,0,",
      "2025-06-01T12:45:00Z,buy,0,25.00",
    );
    const source = await plan(file);
    const wishes = [0, 1, 2, 3, 4].map((k) => source.wishFor(NOON + 900 * k));
    expect(await Promise.all(wishes)).toEqual([
      { side: "sell", energyWh: 500, limitTick: 950 },
      { side: "buy", energyWh: 300, limitTick: 2500 },
      IDLE,
      IDLE,
      IDLE,
    ]);
  });

  it("is read again when it has changed", async () => {
    const file = fileOf(PLAN, "2025-06-01T12:00:00Z,sell,500,9.5");
    const source = await plan(file);
    writeFileSync(file, `${PLAN}\n2025-06-01T12:00:00Z,sell,501,9.5\n`);
    utimesSync(file, 1, 1);
    expect(await source.wishFor(NOON)).toEqual({ side: "sell", energyWh: 501, limitTick: 950 });
    writeFileSync(file, "nonsense\n");
    utimesSync(file, 2, 2);
    await expect(source.wishFor(NOON)).rejects.toThrow(PeriodFileError);
  });

  it("names every mistake with its line", async () => {
    const file = fileOf(
      PLAN,
      "2025-06-01T12:00:00Z,sel,70000,9.555",
      "2025-06-01T12:00:01Z,sell,1,9.5",
      "noon,sell,1,9.5",
      "2025-06-01T12:15:00Z,sell,1,9.5",
      "2025-06-01T12:15:00Z,sell,1,9.5",
      "2025-06-01T12:30:00Z,sell,1",
      "2025-06-01T12:30:00Z,idle,1,",
    );
    const at = (line: number) => `${file}:${line}: `;
    expect(await problemsOf(plan(file))).toEqual([
      `${at(2)}side is "sel"; expected buy, sell or idle; ` +
        `energy_wh is "70000"; expected a whole number from 0 to 65535; ` +
        `limit_price_ct_per_kwh "9.555" is off the grid: nearest are 9.55 and 9.56`,
      `${at(3)}period_start is "2025-06-01T12:00:01Z"; expected a multiple of the market's period of 900 s`,
      `${at(4)}period_start is "noon"; expected UTC such as 2025-06-01T12:15:00Z`,
      `${at(6)}period_start 2025-06-01T12:15:00Z is there twice`,
      `${at(7)}3 columns; expected 4: ${PLAN}`,
      `${at(8)}energy_wh is 1; an idle order must have 0`,
    ]);
  });

  it("says when there is no such file, or nothing in it", async () => {
    const file = fileOf(PLAN);
    expect(await problemsOf(plan(`${file}.none`))).toEqual([
      `cannot read ${file}.none: there is no such file`,
    ]);
    writeFileSync(file, "");
    const said = `${file}:1: the file is empty; its first line must be ${PLAN}`;
    expect(await problemsOf(plan(file))).toEqual([said]);
    writeFileSync(file, Uint8Array.of(0xff, 0x0a));
    expect(await problemsOf(plan(file))).toEqual([`${file}:1: not UTF-8 text`]);
  });
});

describe("a standing rule", () => {
  const lines = [FORECAST, "2025-06-01T12:00:00Z,100,700", "2025-06-01T12:15:00Z,250,0"];
  const rule = (sellTick: number | null, buyTick: number | null, ...more: string[]) => {
    const file = fileOf(...lines, ...more);
    return ruleSource({ parameters, periodS: 900, file, rule: { sellTick, buyTick } });
  };

  it("offers what is left over and bids for what is lacking", async () => {
    const source = await rule(800, 2500, "2025-06-01T12:30:00Z,5,5");
    const wishes = [0, 1, 2, 3].map((k) => source.wishFor(NOON + 900 * k));
    expect(await Promise.all(wishes)).toEqual([
      { side: "sell", energyWh: 600, limitTick: 800 },
      { side: "buy", energyWh: 250, limitTick: 2500 },
      IDLE,
      IDLE,
    ]);
  });

  it("does only what it was told", async () => {
    expect(await (await rule(null, 2500)).wishFor(NOON)).toEqual(IDLE);
    expect(await (await rule(800, null)).wishFor(NOON + 900)).toEqual(IDLE);
  });

  it("names mistakes", async () => {
    const said = `import_wh is "-1"; expected a whole number from 0 to 65535`;
    const problems = await problemsOf(rule(1, 1, "2025-06-01T12:30:00Z,-1,5"));
    expect(problems).toEqual([expect.stringMatching(`:4: ${said}$`)]);
  });
});

it("reads an order from options with their names", () => {
  const names = { side: "--side", energyWh: "--energy-wh", limit: "--limit" };
  expect(readWish(parameters, { side: "buy", energyWh: "5", limit: "" }, names)).toEqual({
    problems: ["--limit is missing"],
  });
});
