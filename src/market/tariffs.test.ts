// Tariffs and dates of settlement: what a market document may say, what holds when, days of 23 and 25 hours.
import { describe, expect, it } from "vitest";
import { MarketDocumentError } from "./market-document.ts";
import { flat, SETTLEMENT, settledMarket } from "./settled-market.test-helper.ts";
import {
  monthClosureOf,
  monthOf,
  periodPrices,
  periodsOfMonth,
  settlementDueOf,
} from "./tariffs.ts";

const utc = (text: string) => Date.parse(text) / 1000;

describe("settlement in a market document", () => {
  it("may be missing", () => {
    expect(settledMarket(null).settlement).toBeNull();
  });

  it("is read, with defaults", () => {
    expect(settledMarket({}).settlement).toMatchObject({
      timeZone: "Europe/Berlin",
      localFee: 5_500,
      vatBasisPoints: 1_900,
      estimateWh: 500,
      settleAfterPeriods: 4,
      closeAfterS: 432_000,
    });
    expect(settledMarket({ local_discount_ct_per_kwh: 20 }).settlement).toMatchObject({
      localFee: 0,
    });
  });

  it.each([
    ["an unknown field", { grid_fee: 1 }, "grid_fee"],
    ["an unknown time zone", { time_zone: "Berlin" }, "Europe/Berlin"],
    ["no tariff of a supplier", { tariffs: { Aurora: SETTLEMENT.tariffs.Aurora } }, "Borealis"],
    [
      "a tariff of nobody",
      { tariffs: { ...SETTLEMENT.tariffs, Zephyr: SETTLEMENT.tariffs.Aurora } },
      '"Zephyr" is no supplier',
    ],
    ["too many decimals", { grid_fee_ct_per_kwh: "1.2345" }, "at most 3 decimals"],
    ["a fee below 0", { grid_fee_ct_per_kwh: -1 }, "from 0 to 1000"],
    ["a price that is none", { local_discount_ct_per_kwh: "1,5" }, "expected a decimal"],
    ["an estimate beyond an order", { estimate_wh: 65_536 }, "expected less than 65536"],
    [
      "times in disorder",
      {
        tariffs: {
          ...SETTLEMENT.tariffs,
          Aurora: {
            retail: [
              { from: "06:00", ct_per_kwh: 1 },
              { from: "06:00", ct_per_kwh: 2 },
            ],
            feed_in: flat("8"),
          },
        },
      },
      "expected times that rise",
    ],
  ])("refuses %s", (_, changes, message) => {
    expect(() => settledMarket(changes)).toThrow(MarketDocumentError);
    expect(() => settledMarket(changes)).toThrow(message);
  });

  it("refuses what could not be counted", () => {
    const parameters = { suppliers: ["Aurora", "Borealis"], energy_bits: 24 };
    expect(() => settledMarket({}, { parameters })).toThrow("a month's extreme bill is");
    const fine = { suppliers: ["Aurora", "Borealis"], price: { tick_ct_per_kwh: "0.0001" } };
    expect(() => settledMarket({}, { parameters: fine })).toThrow("4 decimals; at most 3");
  });
});

describe("prices of a period", () => {
  const market = settledMarket({});

  it("follow local time, and wrap around midnight", () => {
    const at = (text: string) => periodPrices(market, utc(text), 1825).retail;
    expect(at("2025-06-01T03:45:00Z")).toEqual([32_505, 24_900]);
    expect(at("2025-06-01T04:00:00Z")).toEqual([32_505, 36_000]);
    expect(at("2025-06-01T19:45:00Z")).toEqual([32_505, 36_000]);
    expect(at("2025-06-01T20:00:00Z")).toEqual([32_505, 24_900]);
    expect(at("2025-12-01T05:00:00Z")).toEqual([32_505, 36_000]);
  });

  it.each([
    ["2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", 100, 36],
    ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 92, 28],
    ["2025-06-01T22:00:00Z", "2025-06-02T22:00:00Z", 96, 32],
  ])("have 16 hours of the dear step in a day that begins %s", (begin, end, all, cheap) => {
    const prices: number[] = [];
    for (let start = utc(begin); start < utc(end); start += 900) {
      prices.push(periodPrices(market, start, null).retail[1]!);
    }
    expect(prices).toHaveLength(all);
    expect(prices.filter((price) => price === 24_900)).toHaveLength(cheap);
    expect(prices.filter((price) => price === 36_000)).toHaveLength(64);
  });

  it("hold the clearing price, if there is one, and prices below 0", () => {
    const known = { localFee: 5_500, feedIn: [-1_500, 8_100] };
    const start = utc("2025-06-01T00:00:00Z");
    expect(periodPrices(market, start, 1825)).toMatchObject({ ...known, clearing: 13_250 });
    expect(periodPrices(market, start, 0)).toMatchObject({ ...known, clearing: -5_000 });
    expect(periodPrices(market, start, null)).toMatchObject({ ...known, clearing: 0 });
  });
});

describe("months", () => {
  const market = settledMarket({});

  it("begin and end at local midnight, days of 23 and 25 hours included", () => {
    const quarters = (month: string) => {
      const { from, to } = periodsOfMonth(market, month);
      return [from, (to - from) / 900];
    };
    expect(quarters("2025-06")).toEqual([utc("2025-05-31T22:00:00Z"), 2880]);
    expect(quarters("2025-10")).toEqual([utc("2025-09-30T22:00:00Z"), 31 * 96 + 4]);
    expect(quarters("2026-03")).toEqual([utc("2026-02-28T23:00:00Z"), 31 * 96 - 4]);
    expect(quarters("2024-03")[1]).toBe(0);
    // From the first period on.
    expect(quarters("2025-03")).toEqual([market.firstPeriod, 22 * 96 - 4 - 4]);
  });

  it("have each period once", () => {
    for (const month of ["2025-05", "2025-12", "2026-01"]) {
      const { from, to } = periodsOfMonth(market, month);
      expect([from - 900, from, to - 900, to].map((start) => monthOf(market, start))).toEqual([
        expect.not.stringMatching(month),
        month,
        month,
        expect.not.stringMatching(month),
      ]);
    }
  });

  it("are closed some days after, never before their last period is due", () => {
    const to = utc("2025-06-30T22:00:00Z");
    expect(monthClosureOf(market, "2025-06")).toBe(to + 5 * 86_400);
    expect(monthClosureOf(settledMarket({ close_after_days: 0.5 }), "2025-06")).toBe(to + 43_200);
    const hasty = settledMarket({ close_after_days: 0, settle_after_periods: 2 });
    expect(settlementDueOf(hasty, to - 900)).toBe(to + 1_800);
    expect(monthClosureOf(hasty, "2025-06")).toBe(to + 1_800);
  });

  it("do not begin twice where clocks are put back at midnight", () => {
    // Havana, 2026-11-01 01:00 -> 00:00; Casablanca and Amman do such things on other days.
    const cuba = settledMarket({ time_zone: "America/Havana" });
    expect(periodsOfMonth(cuba, "2026-11").from).toBe(utc("2026-11-01T04:00:00Z"));
    expect(monthOf(cuba, utc("2026-11-01T05:30:00Z"))).toBe("2026-11");
  });
});
