// A plausible summer workday of a community near Leuven, Belgium, in 96 quarter-hours. Everything
// follows from the seed. Simulated: nobody's data, and no claim beyond looking like a day that
// could have been.

import type { Order } from "../../market/order.ts";
import { assert } from "../../platform/assert.ts";
import type { Household } from "./household.ts";
import { drawHousehold, ordersOfDay, simulateDay } from "./household.ts";
import type { Tariffs } from "./limit-prices.ts";
import type { Prng } from "./prng.ts";
import { createPrng, shuffled } from "./prng.ts";
import { QUARTERS } from "./standard-load-profile.ts";
import { communityCloudCover } from "./weather.ts";

export interface Supplier extends Tariffs {
  readonly name: string;
}

export interface CommunityHousehold extends Household {
  /** Wh of each quarter-hour from 00:00 UTC: consumption, and the yield of the panels. */
  readonly loadWh: readonly number[];
  readonly solarWh: readonly number[];
}

export interface CommunityPeriod {
  readonly startUtc: string;
  /** One order per household, in the order of `households`. */
  readonly orders: readonly Order[];
}

export interface CommunityDay {
  readonly startUtc: string;
  readonly periodMinutes: number;
  readonly suppliers: readonly Supplier[];
  readonly households: readonly CommunityHousehold[];
  readonly periods: readonly CommunityPeriod[];
}

/** The last day of a month: its bills are closed when it ends. */
const START_UTC = "2026-06-30T00:00:00Z";
const PERIOD_MINUTES = 15;
const PLACE = {
  site: { latitudeDegrees: 50.9, longitudeDegrees: 4.7 },
  dayOfYear: 181,
} as const;

/** Invented suppliers, with the share of the households that each of them serves. */
const SUPPLIERS = [
  { name: "Merel", retailCtPerKwh: 29.4, feedInCtPerKwh: 7.2, share: 0.4 },
  { name: "Zwaluw", retailCtPerKwh: 31.8, feedInCtPerKwh: 8.6, share: 0.33 },
  { name: "Lijster", retailCtPerKwh: 33.2, feedInCtPerKwh: 6.4, share: 0.27 },
] as const;

/** What local energy costs besides its price, as the grid's operator has it in the public tariffs. */
export const GRID_FEES = { gridFeeCtPerKwh: 8, localDiscountCtPerKwh: 6 } as const;

const SHARE_WITH_PANELS = 0.47;
const SHARE_WITH_CAR = 0.12;
/** Streams of the generator: the community's own draws, its weather, then one per household. */
const [COMMUNITY_STREAM, WEATHER_STREAM, FIRST_HOUSEHOLD_STREAM] = [1, 2, 100];

/**
 * Simulates Tuesday 30 June 2026, from 00:00 to 24:00 UTC.
 * `households` is 1 .. 10,000, 60 unless given; `seed` any whole number 0 .. 2^32 - 1. The same
 * options give the same day. Prices are ticks of the default grid (0.01 ct/kWh from 0), energies
 * whole Wh.
 */
export function summerDay(options: { households?: number; seed: number }): CommunityDay {
  const { households: count = 60, seed } = options;
  assert(Number.isInteger(count) && count >= 1 && count <= 10_000, "1 to 10,000 households");
  assert(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32, "the seed is a 32-bit number");
  const cloudCover = communityCloudCover(QUARTERS, createPrng(seed, WEATHER_STREAM));
  const orders: Order[][] = [];
  const households = drawHouseholds(count, seed).map((household, i): CommunityHousehold => {
    const prng = createPrng(seed, FIRST_HOUSEHOLD_STREAM + count + i);
    const day = simulateDay(household, PLACE, cloudCover, prng);
    orders.push(ordersOfDay(household, day, worthOf(supplierOf(household)), prng));
    return { ...household, ...day };
  });
  return {
    startUtc: START_UTC,
    periodMinutes: PERIOD_MINUTES,
    suppliers: SUPPLIERS.map(({ share: _, ...supplier }) => supplier),
    households,
    periods: Array.from({ length: QUARTERS }, (_, t) => ({
      startUtc: startOfQuarter(t),
      orders: orders.map((ofHousehold) => ofHousehold[t] as Order),
    })),
  };
}

/** The part of a day from one whole hour to another. */
export function hoursOf(day: CommunityDay, [from, to]: readonly [number, number]): CommunityDay {
  assert(from >= 0 && from < to && to <= 24, "hours from 0 to 24");
  const perHour = 60 / day.periodMinutes;
  const periods = day.periods.slice(from * perHour, to * perHour);
  return { ...day, startUtc: periods[0]!.startUtc, periods };
}

/**
 * Draws who lives there. Sizes are dealt out by rank rather than drawn one by one, so that even a
 * small community has its mix of large and small and its total consumption is much the same for
 * every seed.
 */
function drawHouseholds(count: number, seed: number): Household[] {
  const prng = createPrng(seed, COMMUNITY_STREAM);
  const consumption = shuffled(ranks(count, prng), prng);
  const withPanels = Math.round(SHARE_WITH_PANELS * count);
  const noPanels = new Array<null>(count - withPanels).fill(null);
  const roofs = shuffled([...ranks(withPanels, prng), ...noPanels], prng);
  const cars = shuffled(
    Array.from({ length: count }, (_, i) => i < Math.round(SHARE_WITH_CAR * count)),
    prng,
  );
  const suppliers = shuffled(
    Array.from({ length: count }, (_, i) => supplierAt((i + 0.5) / count)),
    prng,
  );
  const digits = Math.max(3, String(count).length);
  return Array.from({ length: count }, (_, i) =>
    drawHousehold(
      {
        meter: `meter-${String(i + 1).padStart(digits, "0")}`,
        supplier: suppliers[i] ?? 0,
        consumptionRank: consumption[i] ?? 0.5,
        roofRank: roofs[i] ?? null,
        hasElectricCar: cars[i] ?? false,
      },
      createPrng(seed, FIRST_HOUSEHOLD_STREAM + i),
    ),
  );
}

/** One draw from each of `count` equal slices of 0 .. 1. */
function ranks(count: number, prng: Prng): number[] {
  return Array.from({ length: count }, (_, i) => (i + prng.uniform()) / count);
}

function supplierAt(rank: number): number {
  let upTo = 0;
  const index = SUPPLIERS.findIndex(({ share }) => {
    upTo += share;
    return rank < upTo;
  });
  return index < 0 ? SUPPLIERS.length - 1 : index;
}

function supplierOf(household: Household): Tariffs {
  const supplier = SUPPLIERS[household.supplier];
  assert(supplier !== undefined, "every household has a supplier of the community");
  return supplier;
}

/** Between what local energy may cost: nobody pays more for it, the fee included, than to the own supplier. */
function worthOf({ retailCtPerKwh, feedInCtPerKwh }: Tariffs): Tariffs {
  const { gridFeeCtPerKwh, localDiscountCtPerKwh } = GRID_FEES;
  const feeCtPerKwh = gridFeeCtPerKwh - localDiscountCtPerKwh;
  return { retailCtPerKwh: retailCtPerKwh - feeCtPerKwh, feedInCtPerKwh };
}

function startOfQuarter(t: number): string {
  const start = Date.parse(START_UTC) + t * PERIOD_MINUTES * 60_000;
  return new Date(start).toISOString().replace(".000Z", "Z");
}
