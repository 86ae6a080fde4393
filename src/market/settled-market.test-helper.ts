// A market with settlement for tests: tariffs by time of day, negative ones too, in Europe/Berlin.
import { type MarketDocument, parseMarketDocument } from "./market-document.ts";

export const flat = (price: string) => [{ from: "00:00", ct_per_kwh: price }];

export const SETTLEMENT = {
  time_zone: "Europe/Berlin",
  tariffs: {
    Aurora: { retail: flat("32.505"), feed_in: flat("-1.5") },
    Borealis: {
      retail: [
        { from: "06:00", ct_per_kwh: 36 },
        { from: "22:00", ct_per_kwh: "24.9" },
      ],
      feed_in: flat("8.1"),
    },
  },
  grid_fee_ct_per_kwh: "9.5",
  local_discount_ct_per_kwh: "4",
  vat_percent: 19,
};

/** `changes` are of the section `settlement`, null for none; `others` of the document. */
export const settledMarket = (changes: object | null, others: object = {}): MarketDocument =>
  parseMarketDocument(
    JSON.stringify({
      version: 1,
      id: "elm-street",
      parameters: { suppliers: ["Aurora", "Borealis"], price: { min_ct_per_kwh: "-5" } },
      setting: {
        engine: "replicated",
        parties: 3,
        threshold: 1,
        security: "semi-honest",
        algorithm: "descent",
      },
      schedule: { period_s: 900, first_period: "2025-03-10T00:00:00Z" },
      evaluators: [0, 1, 2].map((i) => ({
        name: `organisation ${i}`,
        url: `https://evaluator-${i}.example:8443`,
        peers: [{ host: `evaluator-${i}.example`, port: 8444 }],
      })),
      authority: "-----BEGIN CERTIFICATE-----",
      ...(changes === null ? {} : { settlement: { ...SETTLEMENT, ...changes } }),
      ...others,
    }),
  );
