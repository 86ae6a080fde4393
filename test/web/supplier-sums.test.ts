// What a supplier's periods come to, and their text as comma-separated values.
import { expect, it } from "vitest";
import { periodsCsv } from "../../web/src/supplier/csv.ts";
import type { StoredPeriod } from "../../web/src/supplier/database.ts";
import { rowsOf, sumsOf } from "../../web/src/supplier/sums.ts";

const FIRST = Date.parse("2025-06-30T22:00:00Z") / 1000;
const STARTS = [0, 1, 2, 3, 4].map((i) => FIRST + i * 900);
const WH = 1024;

const clearing = (boughtUnits: number, soldUnits: number) =>
  ({ state: "ok", boughtUnits, soldUnits }) as const;
const nothing = { boughtUnits: null, soldUnits: null };

const KNOWN: readonly StoredPeriod[] = [
  { periodStart: STARTS[0]!, clearing: clearing(900 * WH, 400 * WH), metered: null },
  {
    periodStart: STARTS[1]!,
    clearing: clearing(100 * WH, 400 * WH + 1),
    metered: {
      importedUnits: 700 * WH,
      exportedUnits: 50 * WH,
      positionUnits: -300 * WH - 1,
      isFinal: true,
    },
  },
  {
    periodStart: STARTS[2]!,
    clearing: { state: "withheld", ...nothing },
    metered: { importedUnits: null, exportedUnits: null, positionUnits: 0, isFinal: false },
  },
  { periodStart: STARTS[3]!, clearing: { state: "void", ...nothing }, metered: null },
];

const rows = rowsOf(STARTS, new Map(KNOWN.map((period) => [period.periodStart, period])));

it("adds up positions with their sign, and the imbalance avoided without", () => {
  expect(sumsOf(rows)).toEqual({
    boughtUnits: 1000 * WH,
    soldUnits: 800 * WH + 1,
    positionUnits: 200 * WH - 1,
    avoidedUnits: 800 * WH + 1,
    importedUnits: 700 * WH,
    exportedUnits: 50 * WH,
    periods: 5,
    decided: 4,
    withheld: 1,
    void: 1,
    cleared: 2,
    told: 3,
    metered: 1,
  });
});

it("writes exact energies, and nothing where nothing is told", () => {
  expect(periodsCsv(rows).split("\r\n")).toEqual([
    "period_start,bought_wh,sold_wh,state,imported_wh,exported_wh,position_wh,metered_state",
    "2025-06-30T22:00:00Z,900,400,ok,,,500,",
    "2025-06-30T22:15:00Z,100,400.0009765625,ok,700,50,-300.0009765625,final",
    "2025-06-30T22:30:00Z,,,withheld,,,0,withheld",
    "2025-06-30T22:45:00Z,,,void,,,,",
    "2025-06-30T23:00:00Z,,,pending,,,,",
    "",
  ]);
});
