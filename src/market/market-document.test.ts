// Market documents: what is read, what is refused and why, and when orders for a period are taken.
import { describe, expect, it } from "vitest";
import {
  deadlineOf,
  gateClosureOf,
  MarketDocumentError,
  orderWindow,
  parseMarketDocument,
} from "./market-document.ts";
import { MarketFileError } from "./parameters.ts";

const evaluator = (i: number) => ({
  name: `organisation ${i}`,
  url: `https://evaluator-${i}.example:8443`,
  peers: [{ host: `evaluator-${i}.example`, port: 8444 }],
});
const document = {
  version: 1,
  id: "elm-street",
  parameters: { suppliers: ["Aurora", "Borealis"], priority_order: "hidden" },
  setting: {
    engine: "replicated",
    parties: 3,
    threshold: 1,
    security: "semi-honest",
    algorithm: "descent",
  },
  schedule: { period_s: 900, first_period: "2025-06-01T00:00:00Z" },
  evaluators: [0, 1, 2].map(evaluator),
  authority: "-----BEGIN CERTIFICATE-----",
};
const DEALER = {
  name: "dealer",
  url: "https://dealer.example:8443",
  links: { host: "dealer.example", port: 8444 },
};
const DEALT = { ...document.setting, engine: "dealer", parties: 2, security: "malicious" };
const parse = (changes: object = {}) =>
  parseMarketDocument(JSON.stringify({ ...document, ...changes }));

describe("a market document", () => {
  it("is read, with defaults, and its priority order from the parameters", () => {
    const market = parse();
    expect(market.suppliers).toEqual(["Aurora", "Borealis"]);
    expect(market.setting.priorityOrder).toBe("hidden");
    expect(market.schedule).toMatchObject({ gate_closure_periods: 2, open_periods: 192 });
    expect(market.firstPeriod).toBe(Date.UTC(2025, 5, 1) / 1000);
  });

  it.each([
    ["no JSON", "{", "it is not JSON"],
    ["an unknown field", { more: 1 }, "more"],
    ["no suppliers", { parameters: {} }, "names its suppliers"],
    ["too few evaluators", { evaluators: [0, 1].map(evaluator) }, "they must agree"],
    [
      "a plain address for browsers elsewhere",
      { evaluators: [0, 1, 2].map((i) => ({ ...evaluator(i), web: "http://coop.example" })) },
      "begins with https://",
    ],
    [
      "an insecure address",
      { evaluators: [0, 1, 2].map((i) => ({ ...evaluator(i), url: "http://x" })) },
      "url",
    ],
    ["a dealer where there is none", { dealer: DEALER }, "the engine replicated has none"],
    [
      "no dealer where there must be one",
      { setting: DEALT, evaluators: [0, 1].map(evaluator) },
      "it names none",
    ],
    [
      "a first period off the grid",
      { schedule: { period_s: 900, first_period: "2025-06-01T00:00:01Z" } },
      "multiple of period_s",
    ],
    [
      "a deadline after the begin",
      {
        schedule: {
          period_s: 900,
          first_period: "2025-06-01T00:00:00Z",
          gate_closure_periods: 3,
          clearing_periods: 3,
        },
      },
      "at most 2",
    ],
    [
      "an impossible setting",
      { setting: { ...document.setting, parties: 4 } },
      "exactly 3 evaluators",
    ],
  ])("is refused with %s", (_, changes, message) => {
    const text =
      typeof changes === "string" ? changes : JSON.stringify({ ...document, ...changes });
    expect(() => parseMarketDocument(text)).toThrow(MarketDocumentError);
    expect(() => parseMarketDocument(text)).toThrow(message);
  });

  it("has addresses for browsers, plain ones on their own machine only", () => {
    const web = ["https://coop.example", "http://127.0.0.1:7412", "http://[::1]:7413"];
    const evaluators = web.map((address, i) => ({ ...evaluator(i), web: address }));
    expect(parse({ evaluators }).evaluators.map((one) => one.web)).toEqual(web);
    expect(parse().evaluators[0]?.web).toBeUndefined();
  });

  it("refuses parameters as MARKET.json does", () => {
    expect(() => parse({ parameters: { suppliers: ["A"], pricerule: 1 } })).toThrow(
      MarketFileError,
    );
  });
});

describe("a period", () => {
  const market = parse();
  const start = market.firstPeriod + 900 * 300;

  it("has its gate closed two periods before, and is decided one period later", () => {
    expect(gateClosureOf(market, start)).toBe(start - 1800);
    expect(deadlineOf(market, start)).toBe(start - 900);
  });

  it("takes orders from 192 periods before its gate closes until then", () => {
    const closure = start - 1800;
    expect(orderWindow(market, start, closure - 192 * 900 - 1)).toBe("too-early");
    expect(orderWindow(market, start, closure - 192 * 900)).toBe("open");
    expect(orderWindow(market, start, closure - 0.001)).toBe("open");
    expect(orderWindow(market, start, closure)).toBe("closed");
    expect(orderWindow(market, start + 1, closure)).toBe("no-period");
    expect(orderWindow(market, market.firstPeriod - 900, 0)).toBe("no-period");
  });
});
