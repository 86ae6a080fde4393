// The table of a meter's history.
import { expect, it } from "vitest";
import type { HistoryEntry } from "../agents/meter/history.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { defaultMarketParameters } from "../market/parameters.ts";
import { historyReport } from "./history-report.ts";

const NOON = Date.parse("2025-06-01T12:00:00Z") / 1000;
const market = {
  parameters: defaultMarketParameters(),
  evaluators: Array.from({ length: 3 }, (_, i) => ({ name: "", url: `https://e${i}`, peers: [] })),
} satisfies Pick<MarketDocument, "parameters" | "evaluators">;

const entry = (k: number, changes: Partial<HistoryEntry["order"]> = {}): HistoryEntry => ({
  order: {
    periodStart: NOON + 900 * k,
    sequence: 1,
    side: "sell",
    energyWh: 500,
    limitTick: 950,
    prepared: null,
    receipts: [],
    ...changes,
  },
  outcome: null,
});

it("has a line per period and says what was wrong", () => {
  const outcome = { periodStart: NOON, sequence: 1, state: "cleared" as const, priceTick: 1234 };
  const lines = historyReport(
    [
      { ...entry(0), outcome: { ...outcome, tradedUnits: 1024 * 250 + 512, checks: [] } },
      entry(1, { side: "idle", energyWh: 0, limitTick: null }),
      {
        ...entry(2),
        outcome: {
          ...outcome,
          tradedUnits: null,
          checks: [{ name: "inclusion", ok: false, detail: "none" }],
        },
      },
    ],
    market,
    100,
  );
  const cells = lines.map((line) => line.trim().split(/ {2,}/));
  expect(cells[1]).toEqual([
    "2025-06-01T12:00:00Z",
    "sell",
    "500",
    "9.50",
    "0 of 3",
    "cleared",
    "12.34",
    "250.500",
    "passed",
  ]);
  expect(cells[2]).toEqual(["2025-06-01T12:15:00Z", "idle", "0 of 3"]);
  expect(cells[3]?.at(-1)).toBe("FAILED");
  expect(lines.at(-2)).toBe("3 periods; limits and prices in ct/kWh");
  expect(lines.at(-1)).toBe("2025-06-01T12:30:00Z: inclusion: none");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
});

it("says when there is nothing", () => {
  expect(historyReport([], market, 100)).toEqual(["no orders yet"]);
});
