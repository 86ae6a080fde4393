// `hushwatt clear` from the command line to the report, with real evaluator processes: measured
// homes on both engines, and small markets whose outcome can be worked out by hand.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseOrderFile } from "../../src/agents/order-file.ts";
import { clearInClear } from "../../src/market/oracle.ts";
import { defaultMarketParameters } from "../../src/market/parameters.ts";
import {
  HEADER,
  orderFile,
  type Report,
  ROOT,
  tradedBy,
  unitsOf,
  Workplace,
} from "./command.test-helper.ts";

const DATA = join(ROOT, "test", "data", "orders");

/** Holds for every correct outcome without a minimum group, whatever the priority coin. */
function expectSound(report: Report, supplierOf: (index: number) => string): void {
  const price = report.price_ct_per_kwh;
  expect(report.traded).toBe(price !== null);
  const sums = new Map(report.suppliers.map(({ supplier }) => [supplier, { buy: 0, sell: 0 }]));
  let balance = 0;
  const unfair: unknown[] = [];
  report.orders.forEach((order, index) => {
    const { side, energy_wh, limit_price_ct_per_kwh: limit, traded_wh } = order;
    const units = unitsOf(traded_wh);
    // What a unit is worth to its owner, against the price: nobody trades at a loss, and nobody
    // with a strictly better limit than the price is left with anything.
    const gain =
      price === null || limit === null ? 0 : side === "buy" ? limit - price : price - limit;
    if (units < 0 || traded_wh > energy_wh) unfair.push(order);
    if (units > 0 && (price === null || gain < 0)) unfair.push(order);
    if (price !== null && side !== "idle" && gain > 0 && traded_wh !== energy_wh)
      unfair.push(order);
    if (side === "idle") return;
    balance += side === "buy" ? units : -units;
    sums.get(supplierOf(index))![side] += units;
  });
  expect(unfair).toEqual([]);
  expect(balance).toBe(0);
  for (const { supplier, bought_wh, sold_wh } of report.suppliers) {
    expect({ buy: unitsOf(bought_wh!), sell: unitsOf(sold_wh!) }).toEqual(sums.get(supplier));
  }
}

/** Two outcomes of the same orders; only who gets the units that rounding leaves may differ. */
function expectSameButRemainder(one: Report, other: Report): void {
  expect(other.traded).toBe(one.traded);
  expect(other.price_ct_per_kwh).toBe(one.price_ct_per_kwh);
  expect(other.orders.length).toBe(one.orders.length);
  let most = 0;
  one.orders.forEach((order, index) => {
    const { traded_wh, ...asked } = other.orders[index]!;
    const { traded_wh: expected, ...same } = order;
    expect(asked).toEqual(same);
    const difference = Math.abs(unitsOf(traded_wh) - unitsOf(expected));
    expect(difference).toBeLessThanOrEqual(order.energy_wh);
    most += difference;
  });
  one.suppliers.forEach(({ supplier, bought_wh, sold_wh }, index) => {
    const sums = other.suppliers[index]!;
    expect(sums.supplier).toBe(supplier);
    expect(Math.abs(unitsOf(sums.bought_wh!) - unitsOf(bought_wh!))).toBeLessThanOrEqual(most);
    expect(Math.abs(unitsOf(sums.sold_wh!) - unitsOf(sold_wh!))).toBeLessThanOrEqual(most);
  });
}

describe("orders of measured homes", () => {
  it.each(readdirSync(DATA).sort())(
    "%s clears alike on both engines and by the rules",
    async (name) => {
      const file = join(DATA, name);
      const place = new Workplace();
      const [onShares, plain] = await Promise.all([
        place.clear(file),
        place.clear(file, "--engine", "plain"),
      ]);
      expect([onShares.engine, onShares.evaluators]).toEqual(["replicated", 3]);
      expect([plain.engine, plain.evaluators]).toEqual(["plain", 1]);

      const { orders, suppliers } = parseOrderFile(readFileSync(file), defaultMarketParameters());
      const supplierOf = (index: number) => suppliers[orders[index]!.supplier]!;
      expectSound(onShares, supplierOf);
      expectSound(plain, supplierOf);
      expectSameButRemainder(plain, onShares);

      // The rules as the oracle reads them, with some other priority.
      const { grid, priceRule, rationing } = defaultMarketParameters();
      const revealedSuppliers = suppliers.map(() => true);
      const rules = { priceBits: grid.bits, priceRule, rationing, revealedSuppliers };
      const priority = Uint32Array.from(orders.keys());
      const expected = clearInClear(
        orders,
        { ...rules, supplierCount: suppliers.length },
        priority,
      );
      const { priceTick } = expected;
      const price = priceTick === null ? null : Number(grid.format(priceTick));
      expect(onShares.price_ct_per_kwh).toBe(price);
      onShares.orders.forEach(({ traded_wh, energy_wh }, index) => {
        const difference = Math.abs(unitsOf(traded_wh) - expected.tradedUnits[index]!);
        expect(difference).toBeLessThanOrEqual(energy_wh);
      });
    },
  );
});

it("a private clearing can be repeated in clear with its coin, to the last unit", async () => {
  const place = new Workplace();
  const file = join(ROOT, "test", "data", "orders", "summer-noon-2500homes.csv");
  const onShares = await place.run("clear", file, "--out", "shares.txt");
  expect(onShares.code).toBe(0);
  const report = readFileSync(join(place.folder, "shares.txt"), "utf8");
  const coin = /^ {2}Coin {6}([0-9a-f]{64})$/m.exec(report)![1]!;
  const args = ["--engine", "plain", "--coin", coin, "--out", "plain.txt"];
  expect((await place.run("clear", file, ...args)).code).toBe(0);
  const households = (text: string) =>
    text.slice(text.indexOf("Suppliers"), text.indexOf("Who saw"));
  const inClear = readFileSync(join(place.folder, "plain.txt"), "utf8");
  expect(households(report).split("\n").length).toBeGreaterThan(2500);
  expect(households(inClear)).toBe(households(report));

  const refused = await place.run("clear", file, "--coin", coin);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("--coin: only with --engine plain");
});

describe("the JSON report", () => {
  it("has exactly the documented fields, figures that make sense, and leaves nothing behind", async () => {
    const place = new Workplace({
      "orders.csv": orderFile('"Weg 1, links",sell,100,10.00,Nord', "m2,buy,100,20.00,Süd"),
    });
    const report = await place.clear("orders.csv");
    const { timings_ms, traffic, ...rest } = report;
    expect(rest).toEqual({
      traded: true,
      price_ct_per_kwh: 15,
      orders: [
        {
          meter: "Weg 1, links",
          side: "sell",
          energy_wh: 100,
          limit_price_ct_per_kwh: 10,
          traded_wh: 100,
        },
        { meter: "m2", side: "buy", energy_wh: 100, limit_price_ct_per_kwh: 20, traded_wh: 100 },
      ],
      suppliers: [
        { supplier: "Nord", bought_wh: 0, sold_wh: 100 },
        { supplier: "Süd", bought_wh: 100, sold_wh: 0 },
      ],
      engine: "replicated",
      evaluators: 3,
    });
    expect(Object.keys(report)).toEqual([
      ...["traded", "price_ct_per_kwh", "orders", "suppliers"],
      ...["engine", "evaluators", "timings_ms", "traffic"],
    ]);
    expect(Object.keys(timings_ms)).toEqual(["share", "offline", "online", "total"]);
    for (const ms of Object.values(timings_ms)) expect(ms).toBeGreaterThan(0);
    expect(timings_ms.total).toBeGreaterThanOrEqual(timings_ms.offline + timings_ms.online);
    expect(Object.keys(traffic)).toEqual(["bytes_sent_per_evaluator", "rounds"]);
    expect(traffic.bytes_sent_per_evaluator).toBeGreaterThan(1000);
    expect(traffic.rounds).toBeGreaterThan(10);
    expect(place.leftovers()).toEqual([]);
  });

  it("goes to a file that ends in .json, a text report with every row to any other", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `m${i},idle,0,,Aurora`);
    const place = new Workplace({ "orders.csv": orderFile(...rows) });
    const json = await place.run("clear", "orders.csv", "--out", "report.json");
    const text = await place.run("clear", "orders.csv", "--engine", "plain", "--out", "report.txt");
    expect(json).toEqual({ code: 0, stdout: "", stderr: "wrote report.json\n" });
    expect(text).toEqual({ code: 0, stdout: "", stderr: "wrote report.txt\n" });
    const read = (name: string) => readFileSync(join(place.folder, name), "utf8");
    const report = JSON.parse(read("report.json")) as Report;
    expect([report.orders.length, report.traded, report.price_ct_per_kwh]).toEqual([
      50,
      false,
      null,
    ]);
    expect(read("report.txt")).toMatch(/^ *m49 +idle/m);
    expect(read("report.txt")).toContain("none: nothing trades");

    // On a terminal the first rows do.
    const shown = await place.run("clear", "orders.csv", "--engine", "plain");
    expect(shown.stdout).toMatch(/^ *m39 +idle/m);
    expect(shown.stdout).not.toMatch(/^ *m49 +idle/m);
  });
});

describe("small markets", () => {
  it.each([
    ["without orders", "replicated", []],
    ["of buyers only", "replicated", ["m1,buy,100,30.00,Aurora", "m2,buy,1,0.00,Aurora"]],
    ["of sellers only", "plain", ["m1,sell,100,0.00,Aurora", "m2,sell,65535,40.95,Borealis"]],
    ["whose prices do not meet", "plain", ["m1,sell,9,20.01,Aurora", "m2,buy,9,20.00,Aurora"]],
  ])("%s do not trade (%s)", async (_what, engine, rows) => {
    const place = new Workplace({ "orders.csv": orderFile(...rows) });
    const report = await place.clear("orders.csv", "--engine", engine);
    expect(report.engine).toBe(engine);
    expect(report.traded).toBe(false);
    expect(report.price_ct_per_kwh).toBeNull();
    expect(report.orders.map(({ traded_wh }) => traded_wh)).toEqual(rows.map(() => 0));
    for (const { bought_wh, sold_wh } of report.suppliers) {
      expect([bought_wh, sold_wh]).toEqual([0, 0]);
    }
  });

  it("read files with a byte order mark, CRLF and blank lines", async () => {
    const lines = [`\uFEFF${HEADER}`, "m1,sell,7,1.00,A", "", "m2,buy,7,1,A", ""];
    const place = new Workplace({ "orders.csv": lines.join("\r\n") });
    const report = await place.clear("orders.csv", "--engine", "plain");
    expect(report.price_ct_per_kwh).toBe(1);
    expect(tradedBy(report)).toEqual({ m1: 7, m2: 7 });
  });

  it("clear on a coarse grid with a negative floor", async () => {
    const place = new Workplace({
      "orders.csv": orderFile(
        ...["a,sell,100,-2.50,Nord", "b,buy,60,1.00,Nord", "c,buy,80,-1.25,Nord"],
      ),
      "market.json": JSON.stringify({
        price: { min_ct_per_kwh: -5, tick_ct_per_kwh: "0.25", bits: 5 },
      }),
    });
    const report = await place.clear("orders.csv", "--market", "market.json");
    expect(report.price_ct_per_kwh).toBe(-1.25);
    expect(tradedBy(report)).toEqual({ a: 100, b: 60, c: 40 });
    expect(report.orders[0]!.limit_price_ct_per_kwh).toBe(-2.5);
  });

  it.each([
    ["upper", 20],
    ["lower", 10],
  ])("take the %s price where several clear", async (rule, price) => {
    const place = new Workplace({
      "orders.csv": orderFile("a,sell,100,10.00,Nord", "b,buy,100,20.00,Nord"),
      "market.json": JSON.stringify({ price_rule: rule }),
    });
    const report = await place.clear("orders.csv", "--market", "market.json");
    expect(report.price_ct_per_kwh).toBe(price);
    expect(tradedBy(report)).toEqual({ a: 100, b: 100 });
  });

  const contested = orderFile(
    ...["a,sell,100,10.00,Nord", "b,buy,60,20.00,Nord", "c,buy,60,20.00,Nord"],
    "d,buy,60,20.00,Nord",
  );
  const buyersSorted = ({ orders }: Report) =>
    orders
      .flatMap(({ side, traded_wh }) => (side === "buy" ? traded_wh : []))
      .sort((x, y) => x - y);

  it("share scarce energy pro rata, rounding left over included", async () => {
    const place = new Workplace({ "orders.csv": contested });
    const report = await place.clear("orders.csv");
    expect(report.price_ct_per_kwh).toBe(20);
    // 100 Wh for 180 are 568 units of 2^-10 Wh for every Wh, and 160 units left: 60, 60 and 40.
    const shares = [60 * 568 + 40, 60 * 568 + 60, 60 * 568 + 60].map((units) => units / 1024);
    expect(buyersSorted(report)).toEqual(shares);
  });

  it("or serve one order after the other by priority", async () => {
    const market = JSON.stringify({ rationing: "priority" });
    const place = new Workplace({ "orders.csv": contested, "market.json": market });
    const report = await place.clear("orders.csv", "--market", "market.json");
    expect(report.price_ct_per_kwh).toBe(20);
    expect(buyersSorted(report)).toEqual([0, 40, 60]);
    expect(report.suppliers).toEqual([{ supplier: "Nord", bought_wh: 100, sold_wh: 100 }]);
  });

  it("report suppliers in the market's order and withhold sums of small groups", async () => {
    const place = new Workplace({
      "orders.csv": orderFile(
        ...["a,sell,100,10.00,Nord", "b,buy,50,20.00,Nord", "c,buy,50,20.00,Ost"],
      ),
      "market.json": JSON.stringify({ suppliers: ["West", "Ost", "Nord"], minimum_group: 2 }),
    });
    const args = ["orders.csv", "--market", "market.json"];
    const report = await place.clear(...args);
    expect(report.suppliers).toEqual([
      { supplier: "West", bought_wh: null, sold_wh: null },
      { supplier: "Ost", bought_wh: null, sold_wh: null },
      { supplier: "Nord", bought_wh: 50, sold_wh: 100 },
    ]);
    expect(tradedBy(report)).toEqual({ a: 100, b: 50, c: 50 });
    const { stdout } = await place.run("clear", ...args, "--engine", "plain");
    expect(stdout).toMatch(/Ost +withheld +withheld/);
    expect(stdout).toContain("fewer than 2 customers");
  });

  it("leave invalid rows out on request, and name them", async () => {
    const rows = ["a,sell,100,10.00,Nord", "b,buy,a lot,20.00,Nord", "c,buy,100,20.00,Nord"];
    const place = new Workplace({ "orders.csv": orderFile(...rows, "a,buy,9,40.00,Nord") });
    const { code, stdout, stderr } = await place.run(
      ...["clear", "orders.csv", "--skip-invalid", "--json", "--engine", "plain"],
    );
    expect(code).toBe(0);
    expect(stderr.split("\n")).toEqual([
      'orders.csv:3: energy_wh is "a lot"; expected a whole number from 0 to 65535',
      'orders.csv:5: meter "a" already has an order on line 2',
      "skipped 2 invalid row(s)",
      "",
    ]);
    expect(tradedBy(JSON.parse(stdout) as Report)).toEqual({ a: 100, c: 100 });
  });
});
