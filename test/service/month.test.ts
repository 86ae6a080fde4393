// Some periods of a community on a market of real processes, from orders to bills: late, corrected and missing
// readings, a household that only ever reads, and all of it held against the plain rules.
import { expect, it } from "vitest";
import type { MonthPlan, PlannedReading } from "../../src/agents/month/month-plan.ts";
import { rehearseMonth } from "../../src/cli/month-rehearsal.ts";
import type { ClearOrder } from "../../src/client/prepared-order.ts";
import { completeSetting, type SettingChoice } from "../../src/wire/setting.ts";

const PERIOD_S = 900;
const PERIODS = 4;
const PERIOD_MS = 1_200;
/** Midnight in Brussels, when the month and with it the plan ends. */
const FIRST = Date.parse("2025-06-30T22:00:00Z") / 1000 - PERIODS * PERIOD_S;
const always = (ct: string) => [{ from: "00:00", ct_per_kwh: ct }];

const ORDERS: readonly ClearOrder[] = [
  { side: "sell", energyWh: 900, limitTick: 900 },
  { side: "buy", energyWh: 400, limitTick: 2000 },
  { side: "buy", energyWh: 700, limitTick: 1500 },
  { side: "idle", energyWh: 0, limitTick: null },
  { side: "sell", energyWh: 300, limitTick: 1200 },
];

/** By household and period. */
const READINGS = (h: number, t: number): readonly PlannedReading[] => {
  const net = [-850, 420, 690, 55, -310][h]! + 10 * t;
  const metered = { importedWh: Math.max(0, net), exportedWh: Math.max(0, -net) };
  const prompt = { ...metered, afterPeriods: 0 };
  if (h === 3 && t === 1) return [];
  if (h === 1 && t === 0) return [{ ...metered, afterPeriods: 3 }];
  if (h === 2 && t === 0)
    return [
      { ...prompt, importedWh: 999 },
      { ...metered, afterPeriods: 2 },
    ];
  return [prompt];
};

const plan = (choice: SettingChoice): MonthPlan => ({
  parameters: { name: "Test", suppliers: ["Nord", "Sud"], minimum_group: 2 },
  settlement: {
    time_zone: "Europe/Brussels",
    tariffs: {
      Nord: {
        retail: [
          { from: "07:00", ct_per_kwh: "32.5" },
          { from: "23:15", ct_per_kwh: "24.125" },
        ],
        feed_in: always("-1.5"),
      },
      Sud: { retail: always("30"), feed_in: always("8") },
    },
    grid_fee_ct_per_kwh: "8",
    local_discount_ct_per_kwh: "6",
    vat_percent: 21,
    settle_after_periods: 1,
    close_after_days: 0,
  },
  setting: completeSetting(choice),
  periodS: PERIOD_S,
  first: FIRST,
  periods: PERIODS,
  suppliers: [0, 0, 1, 1, 0],
  order: (h) => ORDERS[h]!,
  readings: READINGS,
});

/** With how long a settlement period takes: a dealer's clearing has twice the rounds, and masks to be asked for. */
const ENGINES = [
  ["replicated", PERIOD_MS],
  ["dealer", 2.5 * PERIOD_MS],
] as const;
const TITLE = "is settled as the plain rules have it, to the unit: %s";

it.each(ENGINES)(TITLE, { timeout: 150_000 }, async (engine, periodMs) => {
  const { signal } = new AbortController();
  const options = { periodMs, isShort: true, signal };
  const { found, plain } = await rehearseMonth(plan({ engine }), options);
  expect({ differences: plain.differences, troubles: found.troubles }).toEqual({
    differences: [],
    troubles: [],
  });
  expect(found.month).toBe("2025-06");
  expect(found.counts).toEqual({ orders: 20, readings: 20, late: 1, corrections: 1 });
  expect(plain.voidPeriods).toBe(0);
  expect(plain.tradedPeriods).toBe(PERIODS);
  expect(plain.households.map(({ periods, estimated }) => [periods, estimated])).toEqual([
    [4, 0],
    [4, 0],
    [4, 0],
    [4, 1],
    [4, 0],
  ]);
  const positions = found.suppliers.map((one) => (one.state === "closed" ? one.position : null));
  expect(positions[0]).not.toBeNull();
  expect(positions[0]! + positions[1]!).toBe(0n);
  expect(positions[0]).not.toBe(0n);
});
