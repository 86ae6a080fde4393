// What energy costs in a market with settlement: suppliers' tariffs by time of day, the grid fee, when a period is
// settled and a month closed. All of it is public and stands in the market document, section `settlement`.
// Prices are whole units of 10^-3 ct/kWh. Tariffs and the grid fee are stated gross, VAT included; what households
// trade with each other and what suppliers pay for surplus carries none.
import { z } from "zod";
import { assert } from "../platform/assert.ts";
import { decimalTextOf, parseDecimal, unitsAt } from "./decimal.ts";
import { isTimeZone, LocalCalendar } from "./local-calendar.ts";
import { UNITS_PER_WH } from "./order.ts";
import type { MarketParameters } from "./parameters.ts";
import type { PeriodPrices } from "./settlement.ts";

/** Decimals of a price in ct/kWh. */
const PRICE_SCALE = 3;
/** Higher prices, either way, are mistakes. */
const MAX_PRICE = 1_000_000;
/** Amounts and totals stay below this, either way: a field element has a sign. */
const MAX_AMOUNT = 2 ** 60;
const LONGEST_MONTH_S = 31 * 86_400 + 2 * 3600;
/** A household's mean power where the document does not say `estimate_wh`: far above the usual 400 W. */
const ESTIMATED_W = 2000;

/** A decimal text or number as units of 10^-scale from `least` to `most` units. */
function decimal(scale: number, least: number, most: number, example: string) {
  const range = `from ${least / 10 ** scale} to ${most / 10 ** scale}`;
  const error = `expected a decimal ${range} with at most ${scale} decimals, such as ${example}`;
  return z
    .union([z.string(), z.number().transform(decimalTextOf)], { error })
    .transform((text, context) => {
      const parsed = parseDecimal(text);
      const { units, exact } =
        parsed === null ? { units: NaN, exact: false } : unitsAt(parsed, scale);
      if (exact && units >= least && units <= most) return units;
      context.addIssue({ code: "custom", message: error });
      return z.NEVER;
    });
}

const price = (example: string, least = -MAX_PRICE) =>
  decimal(PRICE_SCALE, least, MAX_PRICE, example);

const TIME = 'expected a time of day from "00:00" to "23:59"';
const minuteOfDay = z
  .string({ error: TIME })
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, { error: TIME })
  .transform((text) => 60 * Number(text.slice(0, 2)) + Number(text.slice(3)));

const STEPS = "expected times that rise from step to step";
const stepsSchema = z
  .array(z.strictObject({ from: minuteOfDay, ct_per_kwh: price('"32.50"') }))
  .min(1)
  .max(96)
  .refine((steps) => steps.every(({ from }, i) => i === 0 || from > steps[i - 1]!.from), {
    error: STEPS,
  });

export const settlementRulesSchema = z.strictObject({
  /** Where times of day and months are those of. */
  time_zone: z
    .string()
    .refine(isTimeZone, { error: 'expected a time zone such as "Europe/Berlin"' })
    .default("UTC"),
  /** By supplier's name; before the first step of a day its last one holds. */
  tariffs: z.record(z.string(), z.strictObject({ retail: stepsSchema, feed_in: stepsSchema })),
  /** Grid fee of energy bought on the market, and what is taken off it because the energy is local. */
  grid_fee_ct_per_kwh: price('"9.50"', 0).default(0),
  local_discount_ct_per_kwh: price('"4.00"', 0).default(0),
  /** VAT contained in retail tariffs and the grid fee. */
  vat_percent: decimal(2, 0, 10_000, "19").default(0),
  /** What a meter without a reading is taken to have imported in a period besides what it bought. */
  estimate_wh: z.int().min(0).optional(),
  /** How many periods after the end of delivery a period is settled first. */
  settle_after_periods: z.int().min(0).max(9600).default(4),
  /** How many days after its end a month is closed. */
  close_after_days: z.number().min(0).max(366).default(5),
});

interface Step {
  /** Minutes since midnight. */
  readonly from: number;
  /** 10^-3 ct/kWh */
  readonly price: number;
}

export interface Tariff {
  readonly retail: readonly Step[];
  readonly feedIn: readonly Step[];
}

export interface SettlementRules {
  readonly timeZone: string;
  readonly calendar: LocalCalendar;
  /** By number of supplier. */
  readonly tariffs: readonly Tariff[];
  /** 10^-3 ct/kWh, the discount taken off. */
  readonly localFee: number;
  /** In hundredths of a percent. */
  readonly vatBasisPoints: number;
  readonly estimateWh: number;
  readonly settleAfterPeriods: number;
  readonly closeAfterS: number;
}

/** What the functions below need of a market document. */
interface SettledMarket {
  readonly parameters: Pick<MarketParameters, "grid" | "energyBits">;
  readonly schedule: { readonly period_s: number };
  readonly firstPeriod: number;
  readonly settlement: SettlementRules | null;
}

/** Checks the section against the market; returns the rules, or what is wrong: where, what was found, what is right. */
export function settlementRules(
  section: z.infer<typeof settlementRulesSchema>,
  suppliers: readonly string[],
  parameters: Pick<MarketParameters, "grid" | "energyBits">,
  periodS: number,
): SettlementRules | string {
  const named = Object.keys(section.tariffs);
  const known = suppliers.join(", ");
  const stranger = named.find((name) => !suppliers.includes(name));
  if (stranger !== undefined) {
    return `tariffs: "${stranger}" is no supplier of this market; they are ${known}`;
  }
  const missing = suppliers.find((name) => !named.includes(name));
  if (missing !== undefined) return `tariffs: expected one for every supplier; missing: ${missing}`;
  if (parameters.grid.decimals > PRICE_SCALE) {
    const found = parameters.grid.decimals;
    return `prices of the market have ${found} decimals; at most ${PRICE_SCALE} can be settled`;
  }
  const energyWh = 2 ** parameters.energyBits;
  const estimateWh = section.estimate_wh ?? Math.ceil((ESTIMATED_W * periodS) / 3600);
  if (estimateWh >= energyWh) {
    return `estimate_wh: found ${estimateWh}; expected less than ${energyWh}, as energies are`;
  }
  const stepsOf = (steps: z.infer<typeof stepsSchema>): Step[] =>
    steps.map(({ from, ct_per_kwh }) => ({ from, price: ct_per_kwh }));
  const rules: SettlementRules = {
    timeZone: section.time_zone,
    calendar: new LocalCalendar(section.time_zone),
    tariffs: suppliers.map((name) => ({
      retail: stepsOf(section.tariffs[name]!.retail),
      feedIn: stepsOf(section.tariffs[name]!.feed_in),
    })),
    localFee: Math.max(0, section.grid_fee_ct_per_kwh - section.local_discount_ct_per_kwh),
    vatBasisPoints: section.vat_percent,
    estimateWh,
    settleAfterPeriods: section.settle_after_periods,
    closeAfterS: Math.ceil(section.close_after_days * 86_400),
  };
  const extreme = extremeTotal(rules, parameters, periodS);
  if (extreme < MAX_AMOUNT) return rules;
  const times = (extreme / MAX_AMOUNT).toPrecision(2);
  return `a month's extreme bill is ${times} times what can be counted: lower energy_bits, prices, or tariffs`;
}

/** No month's total is further from 0, whatever a meter trades and reads, in money units (settlement.ts). */
function extremeTotal(
  { tariffs, localFee }: SettlementRules,
  { grid, energyBits }: Pick<MarketParameters, "grid" | "energyBits">,
  periodS: number,
): number {
  const largest = (prices: readonly number[]) => Math.max(...prices.map(Math.abs));
  const clearing = largest([0, grid.size - 1].map((tick) => priceOfTick(grid, tick)));
  const steps = tariffs.flatMap(({ retail, feedIn }) => [...retail, ...feedIn]);
  const tariff = largest(steps.map((step) => step.price));
  // Shortage and surplus are at most what is metered and what is traded together.
  const perWh = clearing + localFee + 2 * tariff;
  return (LONGEST_MONTH_S / periodS) * 2 ** energyBits * UNITS_PER_WH * perWh;
}

function priceOfTick(grid: MarketParameters["grid"], tick: number): number {
  const text = parseDecimal(grid.format(tick));
  assert(text !== null && text.scale <= PRICE_SCALE, "prices that can be settled");
  return unitsAt(text, PRICE_SCALE).units;
}

function rulesOf({ settlement }: Pick<SettledMarket, "settlement">): SettlementRules {
  assert(settlement !== null, "a market with settlement");
  return settlement;
}

/** The tariff step in force at a minute of the day: before the first one it is the last one's, since yesterday. */
const inForce = (steps: readonly Step[], minute: number): number =>
  (steps.findLast(({ from }) => from <= minute) ?? steps.at(-1)!).price;

/** The prices of a period, known by its start; `priceTick` is null where nothing was traded. */
export function periodPrices(
  market: SettledMarket,
  periodStart: number,
  priceTick: number | null,
): PeriodPrices {
  const { calendar, tariffs, localFee } = rulesOf(market);
  const minute = calendar.minuteOfDay(periodStart);
  return {
    clearing: priceTick === null ? 0 : priceOfTick(market.parameters.grid, priceTick),
    localFee,
    retail: tariffs.map(({ retail }) => inForce(retail, minute)),
    feedIn: tariffs.map(({ feedIn }) => inForce(feedIn, minute)),
  };
}

/** The local month in which a period begins, e.g. "2025-06". */
export const monthOf = (market: SettledMarket, periodStart: number): string =>
  rulesOf(market).calendar.monthOf(periodStart);

/** The starts of a month's periods: from the first one up to and without `to`. Equal if it has none. */
export function periodsOfMonth(
  market: SettledMarket,
  month: string,
): { readonly from: number; readonly to: number } {
  const { calendar } = rulesOf(market);
  const length = market.schedule.period_s;
  const bound = (instant: number) =>
    Math.max(market.firstPeriod, Math.ceil(instant / length) * length);
  return { from: bound(calendar.startOfMonth(month)), to: bound(calendar.endOfMonth(month)) };
}

/** When a period is settled first, in seconds since 1970 UTC. */
export const settlementDueOf = (market: SettledMarket, periodStart: number): number =>
  periodStart + (1 + rulesOf(market).settleAfterPeriods) * market.schedule.period_s;

/** When a month is closed, and readings of it are taken no more: never before its last period is due. */
export function monthClosureOf(market: SettledMarket, month: string): number {
  const { to } = periodsOfMonth(market, month);
  const lastDue = settlementDueOf(market, to - market.schedule.period_s);
  return Math.max(to + rulesOf(market).closeAfterS, lastDue);
}

/** Whether readings of a period are taken at a time, both in seconds; if not, why. */
export function readingWindow(
  market: SettledMarket,
  periodStart: number,
  nowS: number,
): "open" | "no-period" | "not-delivered" | "closed" {
  const { period_s: length } = market.schedule;
  if (periodStart < market.firstPeriod || periodStart % length !== 0) return "no-period";
  if (nowS < periodStart + length) return "not-delivered";
  return nowS >= monthClosureOf(market, monthOf(market, periodStart)) ? "closed" : "open";
}
