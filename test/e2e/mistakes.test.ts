// What `hushwatt` says to mistakes in files and arguments: where, what, and what would be right, with
// exit code 2, and nothing is cleared. And what it says when asked for help.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Finished, HEADER, orderFile, ROOT, Workplace } from "./command.test-helper.ts";

const GOOD = "m1,sell,100,10.00,Aurora";
const ENERGY = "expected a whole number from 0 to 65535";
const PRICE = "limit_price_ct_per_kwh";

/** Exit code 2, nothing on standard output, and a message that is no stack trace. */
function expectRefused({ code, stdout, stderr }: Finished, ...said: string[]): void {
  expect(stderr.trimEnd().split("\n")).toEqual(said);
  expect(code).toBe(2);
  expect(stdout).toBe("");
}

describe("order files", () => {
  it("are refused with every mistake named at its line", async () => {
    const mistakes: [row: string, reason: string][] = [
      [GOOD, 'meter "m1" already has an order on line 2'],
      ["m2,buy,1e3,20.00,A", `energy_wh is "1e3"; ${ENERGY}`],
      ["m3,buy,65536,20.00,A", `energy_wh is "65536"; ${ENERGY}`],
      ["m4,buy,-1,20.00,A", `energy_wh is "-1"; ${ENERGY}`],
      ["m5,buy,1,20.005,A", `${PRICE} "20.005" is off the grid: nearest are 20.00 and 20.01`],
      ["m6,buy,1,40.96,A", `${PRICE} "40.96" is above the market's highest price 40.95`],
      ["m7,buy,1,-0.01,A", `${PRICE} "-0.01" is below the market's lowest price 0.00`],
      ['m8,buy,1,"20,5",A', `${PRICE} "20,5" is not a number: write a decimal point, 20.5`],
      ["m9,buy,1,NaN,A", `${PRICE} "NaN" is not a number such as 18.25`],
      ["m10,buy,1,,A", `${PRICE} is missing; only an idle row may leave it empty`],
      ["m11,Buy,1,1.00,A", 'side is "Buy"; expected buy, sell or idle'],
      ["m12,idle,5,,A", "energy_wh is 5; an idle row must have 0"],
      ["m13,buy,1,1.00", `4 columns; expected 5: ${HEADER}`],
      [",buy,1,1.00,A", "meter is empty"],
      ["m14,buy,1,1.00,", "supplier is empty"],
      [
        "m15,up,x,0.001,A",
        `side is "up"; expected buy, sell or idle; energy_wh is "x"; ${ENERGY}; ` +
          `${PRICE} "0.001" is off the grid: nearest are 0.00 and 0.01`,
      ],
      ['"m16,buy,1,1.00,A', "a quote is not closed, or not written twice inside quotes"],
    ];
    const rows = mistakes.map(([row]) => row);
    const place = new Workplace({ "orders.csv": orderFile(GOOD, ...rows) });
    expectRefused(
      await place.run("clear", "orders.csv", "--out", "report.json"),
      ...mistakes.map(([, reason], index) => `orders.csv:${index + 3}: ${reason}`),
    );
    expect(existsSync(join(place.folder, "report.json"))).toBe(false);
  });

  it.each([
    ["that is empty", "", `the file is empty; its first line must be ${HEADER}`],
    [
      "with another header",
      "meter;side\n",
      `the first line is "meter;side"; it must be ${HEADER}; separate by commas`,
    ],
    ["without a header", `${GOOD}\n`, `the first line is "${GOOD}"; it must be ${HEADER}`],
    [
      "that is no text",
      Uint8Array.of(0xff, 0xfe, 0x6d, 0x00),
      "not UTF-8 text; save the file as UTF-8",
    ],
  ])("a file %s is refused", async (_what, content, reason) => {
    const place = new Workplace({ "orders.csv": content });
    // Also when asked to skip what is wrong: there is nothing else in the file.
    const refused = await place.run("clear", "orders.csv", "--skip-invalid");
    expectRefused(refused, `orders.csv:1: ${reason}`);
  });

  it("must be there, and be files", async () => {
    const place = new Workplace();
    expectRefused(
      await place.run("clear", "orders.csv"),
      "cannot read the orders file orders.csv: there is no such file",
    );
    expectRefused(
      await place.run("clear", "tmp"),
      "cannot read the orders file tmp: it is a folder",
    );
  });
});

describe("market files", () => {
  it.each([
    ["a text that is not JSON", "{", /^market\.json: not valid JSON: /],
    [
      "unknown fields",
      '{"priceRule": "upper", "price": {"bit": 9}}',
      new RegExp(
        "^market\\.json: price\\.bit: unknown field; the fields here are min_ct_per_kwh, .*bits\n" +
          "market\\.json: priceRule: unknown field; the fields here are name, price, .*minimum_group$",
      ),
    ],
    [
      "values that cannot be",
      '{"price_rule": "middle", "price": {"bits": 17}}',
      new RegExp(
        "^market\\.json: price\\.bits: found 17; expected a whole number from 4 to 16\n" +
          'market\\.json: price_rule: found "middle"; expected one of "midpoint", "upper", "lower"$',
      ),
    ],
  ])("with %s are refused", async (_what, market, said) => {
    const place = new Workplace({ "orders.csv": orderFile(GOOD), "market.json": market });
    const refused = await place.run("clear", "orders.csv", "--market", "market.json", "--json");
    expect(refused.stderr.trimEnd()).toMatch(said);
    expectRefused(refused, ...refused.stderr.trimEnd().split("\n"));
  });

  it("settle which suppliers an order may name", async () => {
    const market = JSON.stringify({ suppliers: ["Borealis", "Cumulus"] });
    const place = new Workplace({ "orders.csv": orderFile(GOOD), "market.json": market });
    expectRefused(
      await place.run("clear", "orders.csv", "--market", "market.json"),
      'orders.csv:2: supplier "Aurora" is not in this market; it has "Borealis", "Cumulus"',
    );
  });

  it("must be there", async () => {
    const place = new Workplace({ "orders.csv": orderFile(GOOD) });
    expectRefused(
      await place.run("clear", "orders.csv", "--market", "market.json"),
      "cannot read the market file market.json: there is no such file",
    );
  });
});

describe("arguments", () => {
  it.each([
    [["clear", "orders.csv", "--fast"], "error: unknown option '--fast'"],
    [
      ["clear", "orders.csv", "--engine", "fast"],
      "error: option '--engine <name>' argument 'fast' is invalid. " +
        "Allowed choices are replicated, shamir, dealer, plain.",
    ],
    [["clear"], "error: missing required argument 'orders'"],
    [
      ["clear", "a.csv", "b.csv"],
      "error: too many arguments for 'clear'. Expected 1 argument but got 2.",
    ],
    [["clean"], "error: unknown command 'clean'"],
    [
      ["start", "--households", "0"],
      "error: option '--households <number>' argument '0' is invalid. " +
        "It must be a whole number from 1 to 10000.",
    ],
    [
      ["start", "--seed", "one"],
      "error: option '--seed <number>' argument 'one' is invalid. " +
        "It must be a whole number from 0 to 4294967295.",
    ],
  ])("%j are refused", async (args, said) => {
    const place = new Workplace({ "orders.csv": orderFile(GOOD) });
    const { code, stdout, stderr } = await place.run(...args);
    expect(stderr).toMatch(/\(.*--help.*\)/);
    expect(stderr.split("\n")[0]).toMatch(said);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it.each([
    [["start", "--json", "--out", "day.json"], "--json, --out: only with --orders FILE"],
    [["start", "--orders", "orders.csv", "--full"], "--full: not with --orders FILE"],
  ])("%j do not go together", async (args, said) => {
    const place = new Workplace({ "orders.csv": orderFile(GOOD) });
    expectRefused(await place.run(...args), said);
  });

  it.each([
    [
      "--parties 4",
      "--parties: replicated sharing is for exactly 3 evaluators, not 4; take shamir",
    ],
    ["--threshold 2", "--threshold: with 3 evaluators it must be 1, below one half, not 2"],
    [
      "--engine shamir --parties 5 --threshold 3",
      "--threshold: with 5 evaluators it must be from 1 to 2, below one half, not 3",
    ],
    ["--engine shamir --parties 2", "--parties: the engine shamir takes 3 to 16 evaluators, not 2"],
    [
      "--engine dealer --threshold 1",
      "--threshold: not with --engine dealer: it withstands all evaluators but one",
    ],
    [
      "--engine dealer --security semi-honest",
      "--security: the engine dealer always notices lies: its security is malicious",
    ],
    [
      "--engine plain --parties 3 --security malicious",
      "--parties, --security: not with --engine plain, which clears in one process",
    ],
    [
      `--engine shamir --coin ${"0".repeat(64)}`,
      "--coin: only with --engine plain; evaluators toss a coin of their own",
    ],
    [
      `--engine plain --market hidden.json --coin ${"0".repeat(64)}`,
      "--coin: the market's priority_order is hidden: no coin decides it",
    ],
  ])("%s cannot be", async (args, said) => {
    // Had the command gone on to the orders, it would have found their mistake.
    const files = {
      "orders.csv": orderFile("m2,no,,,"),
      "hidden.json": '{"priority_order":"hidden"}',
    };
    const place = new Workplace(files);
    expectRefused(await place.run("clear", "orders.csv", ...args.split(" ")), said);
  });

  it.each([
    ["no-such-folder/report.json", "its folder does not exist"],
    ["tmp", "it is a folder"],
  ])("--out %s is refused before anything is cleared", async (out, reason) => {
    const place = new Workplace({ "orders.csv": orderFile(GOOD, "m2,no,,,") });
    // Had the command gone on to the orders, it would have found their mistake.
    const refused = await place.run("clear", "orders.csv", "--out", out);
    expectRefused(refused, `cannot write ${out}: ${reason}`);
  });
});

describe("help", () => {
  it("lists the commands", async () => {
    const { code, stdout, stderr } = await new Workplace().node([
      join(ROOT, "bin", "hushwatt.mjs"),
      "--help",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: hushwatt /);
    expect(stdout).toMatch(/^ {2}clear .*clear one settlement period from a file of orders$/m);
    expect(stdout).toMatch(/^ {2}start .*run a market for a simulated summer day/m);
  });

  it("explains clear and its options", async () => {
    const { code, stdout, stderr } = await new Workplace().run("clear", "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: hushwatt clear \[options\] <orders>$/m);
    expect(stdout).toContain(HEADER);
    const settings = ["--engine", "--parties", "--threshold", "--security", "--algorithm"];
    for (const option of ["--market", ...settings, "--json", "--out", "--skip-invalid", "--coin"]) {
      expect(stdout).toMatch(new RegExp(`^  ${option} .*\\S`, "m"));
    }
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});
