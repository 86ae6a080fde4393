// The report of a cleared period: exact JSON, and a text a person can read at any width.

import { describe, expect, test } from "vitest";
import { clearInClear } from "../market/oracle.ts";
import type { Order } from "../market/order.ts";
import { parseMarketParameters } from "../market/parameters.ts";
import { completeSetting } from "../wire/setting.ts";
import {
  type ClearReport,
  clearReportJson,
  clearReportJsonPieces,
  clearReportText,
} from "./clear-report.ts";

const NAMES = ["Nordlicht", 'Werke "Süd"'];
const text = { colour: false, width: 100, full: false };

function reportOf(orders: readonly Order[], changes: Partial<ClearReport> = {}): ClearReport {
  const market = parseMarketParameters('{"name": "Seestraße", "minimum_group": 2}');
  const rules = {
    priceBits: market.grid.bits,
    priceRule: market.priceRule,
    rationing: market.rationing,
    supplierCount: NAMES.length,
    revealedSuppliers: NAMES.map((_, k) => orders.filter((o) => o.supplier === k).length >= 2),
  };
  return {
    market,
    suppliers: NAMES,
    orders,
    outcome: clearInClear(orders, rules, Uint32Array.from(orders.keys())),
    engine: "replicated",
    evaluators: 3,
    setting: completeSetting({ engine: "replicated" }),
    coin: "c0".repeat(32),
    timingsMs: { share: 1.26, offline: 20, online: 345.678, total: 1400 },
    traffic: { bytesSentPerEvaluator: 12_345, rounds: 21 },
    ...changes,
  };
}

// 10 Wh for three buyers of 10 Wh at the same price: 3410, 3410 and 3420 units of 2^-10 Wh.
const small: Order[] = [
  { meter: "A", side: "buy", energyWh: 10, limitTick: 1825, supplier: 0 },
  { meter: 'B "2"', side: "buy", energyWh: 10, limitTick: 1825, supplier: 0 },
  { meter: "C", side: "buy", energyWh: 10, limitTick: 1825, supplier: 0 },
  { meter: "D", side: "sell", energyWh: 10, limitTick: 500, supplier: 0 },
  { meter: "E", side: "idle", energyWh: 0, limitTick: null, supplier: 1 },
];

function many(count: number): Order[] {
  return Array.from({ length: count }, (_, i) => {
    const side = i % 2 === 0 ? "buy" : "sell";
    return { meter: `M${i}`, side, energyWh: 100 + i, limitTick: 7 * (i % 500), supplier: i % 2 };
  });
}

describe("JSON", () => {
  test("the whole object, energies exact", () => {
    expect(JSON.parse(clearReportJson(reportOf(small)))).toEqual({
      traded: true,
      price_ct_per_kwh: 18.25,
      orders: [
        ["A", "buy", 10, 18.25, 3.33984375],
        ['B "2"', "buy", 10, 18.25, 3.330078125],
        ["C", "buy", 10, 18.25, 3.330078125],
        ["D", "sell", 10, 5, 10],
        ["E", "idle", 0, null, 0],
      ].map(([meter, side, energy_wh, limit_price_ct_per_kwh, traded_wh]) => {
        return { meter, side, energy_wh, limit_price_ct_per_kwh, traded_wh };
      }),
      suppliers: [
        { supplier: "Nordlicht", bought_wh: 10, sold_wh: 10 },
        { supplier: 'Werke "Süd"', bought_wh: null, sold_wh: null },
      ],
      engine: "replicated",
      evaluators: 3,
      timings_ms: { share: 1.3, offline: 20, online: 345.7, total: 1400 },
      traffic: { bytes_sent_per_evaluator: 12_345, rounds: 21 },
    });
  });

  test("every step of 2^-10 Wh is written out exactly, beside large sums too", () => {
    const base = reportOf(small);
    for (let fraction = 0; fraction < 1024; fraction += 1) {
      const boughtUnits = 2 ** 52 + fraction;
      const sums = { boughtUnits, soldUnits: fraction };
      const outcome = { ...base.outcome, suppliers: [sums, null] };
      const json = clearReportJson({ ...base, outcome });
      const found = /"bought_wh": ([0-9]+)(\.[0-9]+)?, "sold_wh": ([0-9.]+)/.exec(json);
      expect(found?.[1]).toBe(String(2 ** 42));
      expect(Number(found?.[2] ?? "0") * 1024).toBe(fraction);
      expect(Number(found?.[3]) * 1024).toBe(fraction);
    }
  });

  test("nothing traded, nobody there", () => {
    const json = JSON.parse(clearReportJson(reportOf([], { suppliers: [] })));
    const nothing = { traded: false, price_ct_per_kwh: null, orders: [], suppliers: [] };
    expect(json).toMatchObject(nothing);
  });

  test("large reports come in pieces that make up the same text", () => {
    const report = reportOf(many(10_000));
    const pieces = [...clearReportJsonPieces(report)];
    expect(pieces.length).toBeGreaterThan(3);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(1_000_000);
    const whole = JSON.parse(pieces.join(""));
    expect(whole.orders).toHaveLength(10_000);
    expect(whole.orders[9999]).toMatchObject({ meter: "M9999", energy_wh: 10_099 });
    const traded = whole.orders.map((order: { traded_wh: number }) => order.traded_wh * 1024);
    expect(traded).toEqual([...report.outcome.tradedUnits]);
  });
});

describe("text", () => {
  test("the figures are there", () => {
    const lines = clearReportText(reportOf(small), text).split("\n");
    for (const line of [
      "Seestraße",
      "  Price     18.25 ct/kWh (midpoint price)",
      "  Volume    10 Wh",
      "  Orders    5: 3 buy, 1 sell, 1 idle",
      "  Served    1 fully, 3 partly, 0 not at all",
      "  Engine    replicated, 3 evaluators; semi-honest, threshold 1, descent",
      "  Time      1.40 s (share 1.3 ms, offline 20 ms, online 346 ms)",
      "  Traffic   12.3 kB sent by each evaluator, 21 rounds",
      `  Coin      ${"c0".repeat(32)}`,
      "  supplier     bought kWh  sold kWh",
      "  Nordlicht         0.010     0.010",
      '  Werke "Süd"    withheld  withheld',
      "  withheld: fewer than 2 customers",
      "  meter  side  asked Wh  limit ct/kWh  traded Wh  supplier",
      '  B "2"  buy         10         18.25      3.330  Nordlicht',
      '  E      idle         0             -      0.000  Werke "Süd"',
    ]) {
      expect(lines).toContain(line);
    }
  });

  test("the first 40 households, or all", () => {
    const report = reportOf(many(50));
    const short = clearReportText(report, text);
    expect(short.match(/^ {2}M\d+ /gm)).toHaveLength(40);
    expect(short).toContain("  ... and 10 more (use --json or --out for all)");
    const full = clearReportText(report, { ...text, full: true });
    expect(full.match(/^ {2}M\d+ /gm)).toHaveLength(50);
    expect(full).not.toContain("more (use");
    expect(clearReportText(reportOf(many(40)), text)).not.toContain("more (use");
  });

  test("long names are clipped to the width, numbers are not", () => {
    const orders = many(45).map((order) => ({ ...order, meter: "⚡".repeat(50) + order.meter }));
    const suppliers = ["n".repeat(64), "s".repeat(64)];
    for (const width of [72, 80, 120]) {
      const lines = clearReportText(reportOf(orders, { suppliers }), { ...text, width }).split(
        "\n",
      );
      // The coin is not: half a coin is none.
      const narrow = lines.filter((line) => !line.startsWith("  Coin"));
      for (const line of narrow) expect([...line].length).toBeLessThanOrEqual(width);
    }
    const narrow = clearReportText(reportOf(orders, { suppliers }), { ...text, width: 80 });
    expect(narrow).toMatch(/^ {2}⚡+… {2}buy +100 +0\.00 /m);
  });

  test("nothing traded", () => {
    const none = clearReportText(reportOf([]), text);
    expect(none).toContain("  Price     none: nothing trades\n");
    expect(none).toContain("Households\n  none\n");
  });

  test("colour only when asked for, and nothing else changes", () => {
    const plain = clearReportText(reportOf(small), text);
    const coloured = clearReportText(reportOf(small), { ...text, colour: true });
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
    expect(plain).not.toMatch(escapes);
    expect(coloured).toMatch(escapes);
    expect(coloured.replace(escapes, "")).toBe(plain);
  });

  test("only shares are said to keep anything private", () => {
    const unwrapped = (report: ClearReport) => clearReportText(report, text).replace(/\s+/g, " ");
    const clear = unwrapped(reportOf(small, { engine: "plain", evaluators: 1, setting: null }));
    expect(clear).toContain("Nothing here is private");
    expect(clear).not.toContain("shares");
    const shared = unwrapped(reportOf(small));
    expect(shared).toContain("Each of the 3 evaluators held shares");
    expect(shared).toContain("provided no two of them pool their shares. In a live market");
    expect(shared).not.toContain("Nothing here is private");
  });

  test("the setting is named, with what it withstands", () => {
    const setting = completeSetting({ engine: "shamir", parties: 7, security: "malicious" });
    const report = reportOf(small, { engine: "shamir", evaluators: 7, setting, coin: null });
    const lines = clearReportText(report, text).split("\n");
    expect(lines).toContain("  Engine    shamir, 7 evaluators; malicious, threshold 3, descent");
    expect(lines).toContain("  Coin      none: the priority order is hidden");
  });

  test.each([
    {
      choice: { engine: "shamir", parties: 7, security: "malicious" },
      says: "no more than three of them pool their shares. Lies of up to three of them would",
    },
    {
      choice: { engine: "shamir", parties: 7, threshold: 1 },
      says: "no two of them pool their shares. In a live market",
    },
    {
      choice: { engine: "replicated", security: "malicious" },
      says: "no two of them pool their shares. A lie of one of them would have been noticed",
    },
    {
      choice: { engine: "dealer", parties: 2 },
      says: "pools with nobody. A lie of one of them would have been noticed before",
    },
    {
      choice: { engine: "dealer", parties: 4 },
      says:
        "provided one of them at least keeps its shares to itself, and the dealer pools with nobody. " +
        "Lies of all of them but one would have been noticed before anything was revealed.",
    },
  ] as const)("how many may pool or lie: $choice", ({ choice, says }) => {
    const setting = completeSetting(choice);
    const { engine, parties } = setting;
    const report = reportOf(small, { engine, evaluators: parties, setting });
    expect(clearReportText(report, text).replace(/\s+/g, " ")).toContain(says);
  });
});
