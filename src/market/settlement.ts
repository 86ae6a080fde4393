// What every household owes for a settlement period, on secrets; settlement-oracle.ts states the same in clear.
//   amount = price (bought - sold) + local fee * bought + retail * shortage - feed-in * surplus
// Price and tariffs are public, and so is which supplier a meter has: it stands in its certificate. So all of it but
// `bought` is linear: nothing is opened, and amounts add up to a month's bill at each evaluator by itself.
// Money is counted in units of 10^-3 ct/kWh times 2^-10 Wh: amounts are exact, and a bill is rounded once (bill.ts).
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { copy, type Engine, type LocalEngine, mul } from "../mpc/engine.ts";
import type { Secret } from "../mpc/shared.ts";
import { assert } from "../platform/assert.ts";
import { UNITS_PER_WH } from "./order.ts";
import type { PreparedClearing } from "./preparation.ts";
import type { SecretReadings } from "./reading-intake.ts";

/** What the orders of a period came to, one element per order, in units of 2^-10 Wh. */
export interface SecretTrades {
  /** Bought less sold. */
  readonly net: Secret;
  readonly bought: Secret;
}

/**
 * What each order bought and sold. `aboveUnits` as of `SecretOutcome`: a buyer buys what is above the line, a seller
 * sells all but that; so bought - sold = above - offered for all alike. One element per order, one round.
 */
export async function tradesOf(
  engine: Engine,
  prepared: Pick<PreparedClearing, "offers" | "buys">,
  aboveUnits: Secret,
): Promise<SecretTrades> {
  const offered = engine.scale(prepared.offers, UNITS_PER_WH);
  const net = engine.sub(aboveUnits, offered);
  engine.free(offered);
  return { net, bought: await mul(engine, aboveUnits, prepared.buys) };
}

/**
 * Trades by meter of a settlement: it covers the meters of the agreed set, in the order that the service keeps, and
 * those with a reading that counts but no order, which traded nothing. (A meter without order whose reading is refused
 * is not covered, as if it had sent none.) `orders` is per order the place of its meter; null for a void period, which
 * readings alone are settled of. Local; the orders' own trades are the caller's to free.
 */
export function tradesByMeter(
  engine: LocalEngine,
  orders: { readonly trades: SecretTrades; readonly places: Uint32Array } | null,
  meters: number,
): SecretTrades {
  if (orders === null) {
    const nothing = () => engine.constant(new Float64Array(meters));
    return { net: nothing(), bought: nothing() };
  }
  const { trades, places } = orders;
  assert(trades.net.length === places.length, "every order has a place");
  return {
    net: byMeter(engine, trades.net, places, meters),
    bought: byMeter(engine, trades.bought, places, meters),
  };
}

/** Public prices of a period, in units of 10^-3 ct/kWh. */
export interface PeriodPrices {
  /** The clearing price; 0 when nothing was traded. */
  readonly clearing: number;
  /** Grid fee for energy bought locally, the discount taken off. */
  readonly localFee: number;
  /** By supplier. */
  readonly retail: readonly number[];
  readonly feedIn: readonly number[];
}

/** Which readings there are, and of whom. */
export interface Delivery {
  readonly readings: SecretReadings;
  /** Per reading the place of its meter. */
  readonly places: Uint32Array;
  /** Per reading whether it counts. */
  readonly counts: readonly boolean[];
  /** Energy that a meter without a reading is taken to have imported besides what it bought. */
  readonly profileWh: number;
}

/** By meter. */
export interface Settled {
  /** Components of the amount, in money units: what is due for local energy, grid fees, shortage, surplus. */
  readonly traded: Secret;
  readonly fees: Secret;
  readonly shortage: Secret;
  readonly surplus: Secret;
  /** Metered, or estimated, in units of 2^-10 Wh. */
  readonly imported: Secret;
  readonly exported: Secret;
  /** Meters whose reading is missing, estimated by the rule of `estimated`. */
  readonly estimated: Uint8Array;
}

/** Settles a period. Local: nothing is sent. `suppliers` is per meter the number of its supplier. */
export function settlePeriod(
  engine: LocalEngine,
  trades: SecretTrades,
  delivery: Delivery,
  prices: PeriodPrices,
  suppliers: Uint8Array,
): Settled {
  const count = suppliers.length;
  assert(trades.net.length === count, "every meter has a trade, if only of nothing");
  const estimates = new Uint8Array(count).fill(1);
  delivery.places.forEach((place, i) => {
    assert(place < count && estimates[place] === 1, "a meter has one reading of a period");
    if (delivery.counts[i]) estimates[place] = 0;
  });
  const { imported, exported, shortage, surplus } = estimated(engine, trades, delivery, estimates);
  const tariff = (bySupplier: readonly number[], energy: Secret) => {
    const rates = chosen(engine.field, bySupplier, suppliers);
    const amount = engine.mulPublic(energy, rates);
    engine.field.free(rates);
    return amount;
  };
  const settled = {
    traded: engine.scale(trades.net, prices.clearing),
    fees: engine.scale(trades.bought, prices.localFee),
    shortage: tariff(prices.retail, shortage),
    surplus: tariff(
      prices.feedIn.map((price) => -price),
      surplus,
    ),
    imported,
    exported,
    estimated: estimates,
  };
  engine.free(shortage, surplus);
  return settled;
}

/** The public vector of table[which_i]. */
function chosen(field: Field, table: readonly number[], which: Uint8Array): Vector {
  const numbers = field.alloc(table.length);
  field.setNumbers(numbers, table);
  const indices = field.memory.allocIndices(which.length);
  field.memory.indices(indices).set(which);
  const result = field.alloc(which.length);
  field.gather(result, numbers, indices);
  field.memory.freeIndices(indices);
  field.free(numbers);
  return result;
}

/**
 * Readings by meter, in units of 2^-10 Wh. A meter without one is taken to have imported what it bought and the
 * profile, and exported nothing: it is short of the profile and of all that it sold. Nobody gains by withholding a
 * reading of less than that, and it takes no comparison. The reading itself, when it comes, replaces the estimate.
 */
function estimated(
  engine: LocalEngine,
  trades: SecretTrades,
  { readings, places, profileWh }: Delivery,
  estimates: Uint8Array,
): SecretReadings {
  const count = estimates.length;
  const missing = chosen(engine.field, [0, 1], estimates);
  const placed = (value: Secret) => byMeter(engine, value, places, count);
  const placedWh = (value: Secret) => {
    const units = engine.scale(value, UNITS_PER_WH);
    const result = placed(units);
    engine.free(units);
    return result;
  };
  const orEstimate = (value: Secret, besidesProfile: Secret) => {
    const estimate = engine.addNumber(besidesProfile, profileWh * UNITS_PER_WH);
    const masked = engine.mulPublic(estimate, missing);
    const result = engine.add(value, masked);
    engine.free(value, estimate, masked);
    return result;
  };
  const sold = engine.sub(trades.bought, trades.net);
  const result = {
    imported: orEstimate(placedWh(readings.imported), trades.bought),
    exported: placedWh(readings.exported),
    shortage: orEstimate(placed(readings.shortage), sold),
    surplus: placed(readings.surplus),
  };
  engine.free(sold);
  engine.field.free(missing);
  return result;
}

/** Elements at the places of their meters, 0 at all others. */
function byMeter(engine: LocalEngine, value: Secret, places: Uint32Array, count: number): Secret {
  const zero = engine.constant([0]);
  const extended = engine.concat([value, zero]);
  const from = new Uint32Array(count).fill(value.length);
  for (let i = 0; i < places.length; i++) from[places[i]!] = i;
  const result = engine.gather(extended, from);
  engine.free(zero, extended);
  return result;
}

/** A month's sums by meter, in money units. */
export type Totals = Pick<Settled, "traded" | "fees" | "shortage" | "surplus">;
const COMPONENTS = ["traded", "fees", "shortage", "surplus"] as const;

/** Adds a period to the totals of the periods before it; null before the first. Local. */
export function addToTotals(engine: LocalEngine, totals: Totals | null, settled: Totals): Totals {
  const sumOf = (name: (typeof COMPONENTS)[number]) =>
    totals === null ? copy(engine, settled[name]) : engine.add(totals[name], settled[name]);
  return {
    traded: sumOf("traded"),
    fees: sumOf("fees"),
    shortage: sumOf("shortage"),
    surplus: sumOf("surplus"),
  };
}

/** What each meter owes in all: for itself, and for its supplier. Local. */
export const payable = (engine: LocalEngine, { traded, fees, shortage, surplus }: Totals): Secret =>
  engine.signedSum(
    [traded, fees, shortage, surplus].map((value) => ({ value, positive: true })),
    0,
  );

/**
 * Sums of `value` over each supplier's customers, null where `revealed` says that it may not learn its sum: to be
 * revealed to that supplier only. Of `traded` these are the suppliers' positions against each other: over all
 * suppliers they add up to exactly 0, because what is bought is what is sold. Local.
 */
export function sumsBySupplier(
  engine: LocalEngine,
  value: Secret,
  suppliers: Uint8Array,
  revealed: readonly boolean[],
): (Secret | null)[] {
  return revealed.map((may, supplier) => {
    if (!may) return null;
    const customers = placesOf(suppliers, supplier);
    if (customers.length === 0) return engine.constant([0]);
    const own = engine.gather(value, customers);
    const sum = engine.sum(own);
    engine.free(own);
    return sum;
  });
}

/** Where `wanted` stands. */
function placesOf(values: Uint8Array, wanted: number): Uint32Array {
  const places = new Uint32Array(values.length);
  let found = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === wanted) places[found++] = i;
  return places.subarray(0, found);
}
