// What `npm start` runs, by the very command behind it: a small community's day, and a file of orders.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { orderFile, ROOT, Workplace } from "./command.test-helper.ts";

const START = [join(ROOT, "bin", "run.mjs"), "start"];
const KERNELS = join(ROOT, "src", "field", "kernels.generated.ts");
/** It is as fast as the machine allows: some seconds where nothing else runs. */
const LIMIT_MS = 300_000;

it("runs a market for hours of a simulated day and shows who saw what", {
  timeout: LIMIT_MS,
}, async () => {
  const kernels = statSync(KERNELS).mtimeMs;
  const place = new Workplace();
  const { code, stdout, stderr } = await place.node([
    ...START,
    "--households",
    "12",
    "--hours",
    "9-14",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });

  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/^A simulated summer day: \d{4}-\d\d-\d\d, 12 households$/);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);

  // A row for every hour, 4 periods of 12 orders each, and one for all of them.
  const rows = [...stdout.matchAll(/^(\d\d):00 +(\d+) +(\d+) +(\d+) .*?(no trade|\d+\.\d\d)/gm)];
  const hours = ["09", "10", "11", "12", "13"];
  expect(rows.map(([, hour]) => hour)).toEqual(hours);
  for (const [, , buying, selling, idle] of rows) {
    expect(Number(buying) + Number(selling) + Number(idle)).toBe(4 * 12);
  }
  expect(rows.at(3)?.[5]).not.toBe("no trade");
  expect(stdout).toMatch(/^day +\d+ +\d+ +\d+ +\d+\.\d\d \.\. \d+\.\d\d +\d+\.\d\d /m);

  expect(stdout).toContain("Clearing price, ct/kWh");
  expect(stdout).toMatch(/[\u2801-\u28ff]{2}/);
  expect(stdout).toContain("Traded, kWh per 15 minutes");
  expect(stdout).toMatch(/[▁▂▃▄▅▆▇█]{2}/);

  // Bills beside what the households would have paid without the market; each meter has computed its own again.
  const all = stdout.match(
    /^all +12 +-?€(\d+\.\d\d) +-?€(\d+\.\d\d) +€(\d+\.\d\d) +.* \.\. €\d+\.\d\d$/m,
  );
  expect(Number(all?.[3])).toBeGreaterThan(0);
  expect(stdout).toContain("12 of 12 bills agree");
  expect(stdout).toMatch(/^\d+ readings confirmed by all evaluators, \d+ periods estimated$/m);
  expect(stdout).toMatch(/^Suppliers owe each other: Merel .*; unrounded they add up to 0$/m);

  expect(stdout).toMatch(/^Household meter-\d+ saw its own trades, and nobody else's:$/m);
  expect(stdout).toMatch(/^Supplier \S+ saw the sums of its customers, and no single one:$/m);
  // Twelve households are too few for the sums of a supplier's customers to hide each of them.
  expect(stdout).toMatch(/no sums: it has too few customers/);
  expect(stdout).toMatch(/^Evaluator 1 saw random numbers:$/m);
  expect(stdout).toMatch(/^( {2}[0-9a-f]{16}){5}$/m);

  // Every order of every meter counted, and all evaluators say the same.
  expect(stdout).toMatch(/^day .* 240 +0$/m);
  expect(stdout).toContain("Operator  20 periods: 20 cleared; 0 disagreements");

  expect(place.leftovers()).toEqual([]);
  expect(statSync(KERNELS).mtimeMs).toBe(kernels);
});

it("clears a file of orders instead", async () => {
  const place = new Workplace({
    "orders.csv": orderFile("a,sell,100,10.00,Nord", "b,buy,100,20.00,Nord"),
  });
  const args = ["--orders", "orders.csv"];
  const shown = await place.node([...START, ...args]);
  expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: "" });
  expect(shown.stdout).toMatch(/Price +15\.00 ct\/kWh \(midpoint price\)/);
  expect(shown.stdout).toMatch(/^ +a +sell +100 +10\.00 +100 +Nord$/m);
  expect(shown.stdout).toContain("Engine    replicated, 3 evaluators");

  const written = await place.node([...START, ...args, "--engine", "plain", "--out", "r.json"]);
  expect(written).toEqual({ code: 0, stdout: "", stderr: "wrote r.json\n" });
  const report = JSON.parse(readFileSync(join(place.folder, "r.json"), "utf8"));
  expect(report.price_ct_per_kwh).toBe(15);

  const missing = await place.node([...START, "--orders", "none.csv"]);
  const said = "cannot read the orders file none.csv: there is no such file\n";
  expect(missing).toEqual({ code: 2, stdout: "", stderr: said });
});
