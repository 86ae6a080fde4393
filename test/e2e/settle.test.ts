// `hushwatt settle`: one period from files of orders and readings, by three evaluators and in clear, and what is said
// to mistakes.
import { expect, it } from "vitest";
import { orderFile, Workplace } from "./command.test-helper.ts";

const always = (ct: string) => [{ from: "00:00", ct_per_kwh: ct }];
const MARKET = {
  name: "Elm Street",
  suppliers: ["Nord", "Sud"],
  settlement: {
    tariffs: {
      Nord: { retail: always("30"), feed_in: always("8") },
      Sud: {
        retail: [
          { from: "06:00", ct_per_kwh: "32.5" },
          { from: "22:00", ct_per_kwh: "25" },
        ],
        feed_in: always("7"),
      },
    },
    grid_fee_ct_per_kwh: "9",
    local_discount_ct_per_kwh: "6",
    estimate_wh: 200,
  },
};
const ORDERS = orderFile(
  "a,sell,500,8.00,Nord",
  "b,buy,400,20.00,Nord",
  "c,buy,300,15.00,Sud",
  "d,idle,0,,Sud",
);
const READINGS = "meter,import_wh,export_wh\na,0,480\nb,410,0\nc,250,0\n";
const FILES = ["readings.csv", "--orders", "orders.csv", "--market", "market.json"];

const place = (readings = READINGS, orders = ORDERS, market: object = MARKET) =>
  new Workplace({
    "readings.csv": readings,
    "orders.csv": orders,
    "market.json": JSON.stringify(market),
  });

it.each([
  ["replicated", 3],
  ["dealer", 2],
])(
  "settles on shares what the plain rules say: %s",
  { timeout: 120_000 },
  async (chosen, parties) => {
    const here = place();
    const args = ["settle", ...FILES, "--period", "2025-06-01T12:00:00Z", "--json"];
    const shares = await here.run(...args, "--engine", chosen);
    const plain = await here.run(...args, "--engine", "plain");
    expect({ code: shares.code, stderr: shares.stderr }).toEqual({ code: 0, stderr: "" });
    const { engine, evaluators, ...settled } = JSON.parse(shares.stdout);
    expect({ engine, evaluators }).toEqual({ engine: chosen, evaluators: parties });
    expect(JSON.parse(plain.stdout)).toEqual({ ...settled, engine: "plain", evaluators: 1 });
    // 500 Wh at 15 ct; c is served for 100 Wh only. Sud sells at 32.5 ct at that time.
    expect(settled.price_ct_per_kwh).toBe(15);
    const totals = settled.households.map((one: Record<string, unknown>) => one.total_ct);
    expect(totals).toEqual(["-6.9", "7.5", "6.675", "6.5"]);
    expect(settled.households[3]).toMatchObject({ estimated: true, shortage_wh: 200 });
    expect(settled.suppliers).toEqual([
      { supplier: "Nord", position_ct: "-1.5" },
      { supplier: "Sud", position_ct: "1.5" },
    ]);
    expect(here.leftovers()).toEqual([]);

    const shown = await here.run(
      "settle",
      ...FILES,
      "--period",
      "2025-06-01T22:00:00Z",
      "--engine",
      "plain",
    );
    expect(shown.stdout).toMatch(/^ {2}d \* .* 5\.000$/m);
    for (const line of shown.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  },
);

it("names every mistake with its line", async () => {
  const plain = ["--engine", "plain", "--period", "2025-06-01T12:00:00Z"];
  const said = async (where: Workplace, ...more: string[]) => {
    const { code, stdout, stderr } = await where.run("settle", ...FILES, ...more);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    return stderr;
  };
  const range = "expected a whole number from 0 to 65535";
  const wrong = "meter,import_wh,export_wh\na,1,2\na,3,x\nzz,1,1\nb,1\n";
  expect(await said(place(wrong), ...plain)).toBe(
    [
      `readings.csv:3: meter "a" already has a reading on line 2; export_wh is "x"; ${range}`,
      'readings.csv:4: meter "zz" has no order',
      "readings.csv:5: 2 columns; expected 3: meter,import_wh,export_wh",
      "",
    ].join("\n"),
  );
  expect(await said(place(READINGS, orderFile("a,sell,x,8.00,Nord")), ...plain)).toMatch(
    /^orders\.csv:2: energy_wh/,
  );
  expect(await said(place(), "--engine", "plain")).toMatch(/--period: the tariffs change/);
  const { settlement: _, ...without } = MARKET;
  expect(await said(place(READINGS, ORDERS, without), ...plain)).toMatch(/no section "settlement"/);
  const { Nord } = MARKET.settlement.tariffs;
  const half = { ...MARKET, settlement: { ...MARKET.settlement, tariffs: { Nord } } };
  expect(await said(place(READINGS, ORDERS, half), ...plain)).toMatch(/settlement.*missing: Sud/);
});
