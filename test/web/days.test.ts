// Days of the person's zone, those on which clocks are changed among them, and numbers as people type them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseMarketDocument } from "../../src/market/market-document.ts";
import {
  dayStartAfter,
  dayStartOf,
  hasTwin,
  monthStartAfter,
  monthStartOf,
} from "../../web/src/i18n/days.ts";
import { readTypedNumber } from "../../web/src/i18n/typed-number.ts";
import { periodsIn } from "../../web/src/market/schedule.ts";

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = "Europe/Brussels";
});
afterAll(() => {
  process.env.TZ = zone;
});

const at = (text: string): number => Date.parse(text) / 1000;
const evaluator = { name: "e", url: "https://e.example", peers: [{ host: "e", port: 1 }] };
const MARKET = parseMarketDocument(
  JSON.stringify({
    version: 1,
    id: "days",
    parameters: { suppliers: ["Aurora"] },
    setting: {
      engine: "replicated",
      parties: 3,
      threshold: 1,
      security: "semi-honest",
      algorithm: "descent",
    },
    schedule: { period_s: 900, first_period: "2025-01-01T00:00:00Z" },
    evaluators: [evaluator, evaluator, evaluator],
    authority: "",
  }),
);

describe("a day", () => {
  it.each([
    ["usual", "2026-06-18T10:00:00Z", "2026-06-17T22:00:00Z", 96],
    ["on which clocks are put back", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", 100],
    ["on which clocks are put forward", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", 92],
  ])("%s has all of its periods, once", (_, moment, midnight, count) => {
    const start = dayStartOf(at(moment));
    expect(start).toBe(at(midnight));
    const end = dayStartAfter(start, 1);
    expect(periodsIn(MARKET, start, end)).toHaveLength(count);
    expect(dayStartAfter(end, -1)).toBe(start);
  });

  it("has its zone said where the clock shows a time twice", () => {
    // 02:15 in summer time, 02:15 in winter time, and long before.
    expect(hasTwin(at("2026-10-25T00:15:00Z"))).toBe(true);
    expect(hasTwin(at("2026-10-25T01:15:00Z"))).toBe(true);
    expect(hasTwin(at("2026-10-24T20:15:00Z"))).toBe(false);
  });

  it("is one of its month", () => {
    const month = monthStartOf(at("2026-10-31T23:30:00Z"));
    expect(month).toBe(at("2026-10-31T23:00:00Z"));
    expect(monthStartAfter(month, -1)).toBe(at("2026-09-30T22:00:00Z"));
  });
});

describe("a number that was typed", () => {
  it.each([
    ["9.5", ".", "9.5"],
    ["9,5", ".", "9.5"],
    ["9,5", ",", "9.5"],
    [" 0,25 ", ",", "0.25"],
    [".5", ".", "0.5"],
    ["-3.", ".", "-3"],
    ["0.739", ",", "0.739"],
    ["12.345", ".", "12.345"],
  ] as const)("%s with decimals after %s is %s", (text, sign, plain) => {
    expect(readTypedNumber(text, sign)).toBe(plain);
  });

  it.each([
    ["1.500", ","],
    ["1,500", "."],
    ["", "."],
    ["1.2.3", "."],
    ["1e3", "."],
    ["five", "."],
  ] as const)("%s with decimals after %s is none", (text, sign) => {
    expect(readTypedNumber(text, sign)).toBeNull();
  });
});
