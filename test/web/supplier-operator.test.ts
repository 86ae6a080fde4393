// The supplier's and the operator's whole journeys in a real browser, against one running market of real processes:
// from orders to a closed month, and then two evaluators are killed while a gate closes.
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roundedCents } from "../../src/market/bill.ts";
import { deadlineOf } from "../../src/market/market-document.ts";
import { textOfPeriod } from "../../src/wire/records.ts";
import { launchBrowser, Visitor } from "./browser.test-helper.ts";
import { PagesMarket } from "./market.test-helper.ts";

const PHONE = { width: 390, height: 844 };
const PERIOD_S = 900;
const WAIT = { timeout: 60_000 };
const EVALUATORS = [0, 1, 2];
const MONTH = "2026-06";
/** The last hours of the month, in the market's time zone: the trade is in whichever period is open in time. */
const FIRST_PERIOD = "2026-06-30T22:30:00Z";
const flat = (ct: string) => [{ from: "00:00", ct_per_kwh: ct }];

let market: PagesMarket;
let browser: Browser;
let supplier: Visitor;
let operator: Visitor;

beforeAll(async () => {
  [market, browser] = await Promise.all([
    PagesMarket.start({
      firstPeriod: FIRST_PERIOD,
      // A quarter-hour is 2.5 s.
      speed: 360,
      settlement: {
        time_zone: "UTC",
        tariffs: {
          Aurora: { retail: flat("30"), feed_in: flat("7") },
          Borealis: { retail: flat("32"), feed_in: flat("6") },
        },
        settle_after_periods: 1,
        close_after_days: 0,
      },
      // 900 Wh change hands: Aurora's customers buy 900 and sell 400 of them; Borealis has too few to be told.
      neighbours: [
        {
          order: { side: "buy", energyWh: 1000, limitTick: 2400 },
          supplier: 0,
          metered: { importedWh: 1200, exportedWh: 0 },
        },
        {
          order: { side: "buy", energyWh: 600, limitTick: 1400 },
          supplier: 0,
          metered: { importedWh: 700, exportedWh: 0 },
        },
        {
          order: { side: "sell", energyWh: 400, limitTick: 900 },
          supplier: 0,
          metered: { importedWh: 0, exportedWh: 450 },
        },
        {
          order: { side: "sell", energyWh: 500, limitTick: 900 },
          supplier: 1,
          metered: { importedWh: 0, exportedWh: 500 },
        },
      ],
    }),
    launchBrowser(),
  ]);
  [supplier, operator] = await Promise.all([Visitor.open(browser), Visitor.open(browser)]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await market?.stop();
});

const sum = (name: string) => supplier.page.locator(`[data-sum='${name}']`);
const row = (visitor: Visitor, start: number) => visitor.page.locator(`[data-period='${start}']`);
const goTo = (visitor: Visitor, part: string) =>
  visitor.page.getByRole("link", { name: part, exact: true }).click();

async function saved(button: string): Promise<string[]> {
  const { page } = supplier;
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button }).click(),
  ]);
  return readFileSync(await download.path(), "utf8")
    .trim()
    .split("\r\n");
}

/** Nothing is wrong with a page on desktop and phone, in light and dark, and a phone need not scroll sideways. */
async function expectReadable(visitor: Visitor): Promise<void> {
  for (const look of [{}, { scheme: "dark" }, PHONE, { ...PHONE, scheme: "dark" }] as const) {
    await visitor.look(look);
    expect([look, await visitor.violations()]).toEqual([look, []]);
    const wide = await visitor.page.evaluate(
      () => document.documentElement.scrollWidth - innerWidth,
    );
    expect([look, wide]).toEqual([look, 0]);
  }
  await visitor.look({});
}

describe("the supplier's and the operator's pages", { timeout: 120_000 }, () => {
  let first: number;

  it("enrol a supplier's browser, with a supplier's code only", async () => {
    first = market.periodIn(2_500);
    const orders = market.neighbourOrders(first);
    const { page } = supplier;
    await page.goto(`${market.pages}supplier`);
    const code = page.getByLabel("One-time code", { exact: true });
    await code.fill(await market.code());
    await page.getByRole("button", { name: "Enrol this browser" }).click();
    await page.getByText("This code is for a household.").waitFor();
    await code.fill(await market.code("supplier"));
    await page.getByRole("button", { name: "Enrol this browser" }).click();
    await page.getByRole("heading", { name: "Aurora: what your customers trade" }).waitFor();
    await orders;
  });

  it("show the sums before delivery, and the imbalance that is avoided", async () => {
    await row(supplier, first).getByText("0.900 kWh").waitFor(WAIT);
    expect(await row(supplier, first).textContent()).toContain("known0.900 kWh0.400 kWh0.500 kWh");
    expect(market.time.nowS()).toBeLessThan(first + PERIOD_S);
    expect(await sum("avoided").textContent()).toContain("0.500 kWh");
    expect(await sum("position").textContent()).toContain("others deliver to you");
    await supplier.page.getByRole("img").first().waitFor();
  });

  it("show the market's state to everybody, as it changes", async () => {
    const { page } = operator;
    await page.goto(`${market.pages}operator`);
    await row(operator, first).getByText("24.00 ct/kWh").waitFor();
    expect(await row(operator, first).textContent()).toContain("4");
    expect(await page.locator("[data-answers=true]").count()).toBe(3);
    await expect
      .poll(() => page.locator("[data-linked]").allTextContents(), WAIT)
      .toEqual(["3 of 3", "3 of 3", "3 of 3"]);
    await page.getByText("All evaluators that answer agree").waitFor();
  });

  it("show what was metered, and each customer's total when the month is closed", async () => {
    await market.until(first + PERIOD_S);
    await market.neighbourReadings(first);
    await row(supplier, first).getByText("1.900 kWh").waitFor(WAIT);
    expect(await row(supplier, first).textContent()).toContain("0.450 kWh");
    await goTo(supplier, "Months");
    await supplier.page.getByLabel("Month", { exact: true }).selectOption(MONTH);
    await sum("total").waitFor(WAIT);
    const month = await market.supplierMonth(MONTH);
    if (month.state !== "closed") throw new Error("the month is open");
    const lines = await saved("Download totals (CSV)");
    expect(lines.slice(1)).toEqual(
      month.customers.map(({ meter, total }) =>
        expect.stringMatching(new RegExp(`^${MONTH},${meter},1,0,${roundedCents(total)},`)),
      ),
    );
    expect(month.customers.length).toBe(3);
    await expectReadable(supplier);
    await goTo(supplier, "Periods");
    await row(supplier, first).getByText("final").waitFor(WAIT);
    expect(await saved("Download these periods (CSV)")).toContain(
      `${textOfPeriod(first)},900,400,ok,1900,450,500,final`,
    );
    await expectReadable(supplier);
    await operator.page.locator(`[data-month='${MONTH}'][data-closed=true]`).waitFor(WAIT);
    await row(operator, first).getByText("settled").waitFor();
  });

  it("say which period is void and why, and who does not answer", async () => {
    // All: one alone still answers that nothing is decided yet, and nothing is amiss with that.
    await Promise.all(EVALUATORS.map((evaluator) => market.service.kill(evaluator)));
    // Its gate closes while they are down.
    const start = market.periodIn(500);
    await operator.page.locator("[data-evaluator='2'][data-answers=false]").waitFor(WAIT);
    await supplier.page.getByText("Too few evaluators answer").waitFor(WAIT);
    await market.until(deadlineOf(market.market, start));
    await Promise.all(EVALUATORS.map((evaluator) => market.service.restart(evaluator)));
    await operator.page
      .locator("[data-state=void]", { hasText: "void: too few evaluators were linked" })
      .first()
      .waitFor(WAIT);
    await supplier.page.locator("[data-period]", { hasText: "void" }).first().waitFor(WAIT);
    await operator.page.locator("[data-answers=false]").first().waitFor({ state: "detached" });
    await expectReadable(operator);
    await operator.page
      .locator("[data-metric=void]")
      .getByText(/^[1-9]/)
      .first()
      .waitFor();
  });

  it("open without a connection with what was fetched, and speak German", async () => {
    const { page, context } = supplier;
    await page.waitForFunction(async () => (await caches.open("pages")).match("/"));
    await context.setOffline(true);
    await page.reload();
    await row(supplier, first).getByText("1.900 kWh").waitFor();
    await context.setOffline(false);
    await page.getByRole("button", { name: "Deutsch" }).click();
    await row(supplier, first).getByText("1,900 kWh").waitFor();
    await goTo(supplier, "Dieses Gerät");
    await page.getByText("hushwatt revoke supplier-0 --certificate").waitFor();
    await expectReadable(supplier);
  });

  it("tell nobody a sum, ask the operator for what is public only, and run no forbidden code", () => {
    const own = new URL(market.pages).origin;
    for (const { sent, complaints } of [supplier, operator]) {
      expect(complaints).toEqual([]);
      const toOperator = sent.filter(({ url }) => new URL(url).origin === own);
      expect(toOperator.filter(({ method, body }) => method !== "GET" || body !== null)).toEqual(
        [],
      );
    }
    const origins = new Set(operator.sent.map(({ url }) => new URL(url).origin));
    expect(origins).toEqual(new Set([own]));
  });
});
