// What a person has set for the household: the standing rule, what it goes by, and what the supplier takes and
// gives.
import type { ClearOrder } from "../../../src/client/prepared-order.ts";
import { type ExpectedEnergy, orderByRule } from "../../../src/client/standing-rule.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { expectedOf, type HouseholdShape, netOf } from "./forecast.ts";

export interface RuleSettings {
  readonly active: boolean;
  /** Limits as ticks of the market's grid; null: never. */
  readonly sellTick: number | null;
  readonly buyTick: number | null;
  readonly source: "shape" | "file";
}

export interface ForecastFile {
  readonly name: string;
  /** By start of the period. */
  readonly rows: ReadonlyMap<number, ExpectedEnergy>;
}

export interface HouseholdSettings {
  readonly rule: RuleSettings;
  readonly shape: HouseholdShape;
  readonly file: ForecastFile | null;
  /** In ct/kWh, as the person has them from the supplier; null while unknown. */
  readonly retailCt: number | null;
  readonly feedInCt: number | null;
}

export const EMPTY_SETTINGS: HouseholdSettings = {
  rule: { active: false, sellTick: null, buyTick: null, source: "shape" },
  shape: {
    annualKwh: 3500,
    peakKw: 5,
    facing: "south",
    sky: "changing",
    latitudeDegrees: 50.9,
    longitudeDegrees: 4.7,
  },
  file: null,
  retailCt: null,
  feedInCt: null,
};

/** What is expected of a period, by the source that the rule goes by; null where it says nothing. */
export function expectationOf(
  { rule, shape, file }: Pick<HouseholdSettings, "rule" | "shape" | "file">,
  { schedule }: MarketDocument,
  start: number,
): ExpectedEnergy | null {
  if (rule.source === "file") return file?.rows.get(start) ?? null;
  return netOf(expectedOf(shape, start, schedule.period_s));
}

/** The rule's order for a period; null when the rule says nothing about it. */
export function wishOf(
  settings: HouseholdSettings,
  market: MarketDocument,
  start: number,
): ClearOrder | null {
  const { rule } = settings;
  if (!rule.active) return null;
  const expected = expectationOf(settings, market, start);
  if (expected === null) return null;
  const order = orderByRule(rule, expected);
  const most = 2 ** market.parameters.energyBits - 1;
  return order.side === "idle" ? null : { ...order, energyWh: Math.min(most, order.energyWh) };
}
