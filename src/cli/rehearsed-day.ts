// A rehearsed day put together from what its meters and suppliers found out by themselves, each for its own, and
// checked as only whoever sees them all can: everybody has the same price, and every sum is right.
import type { RehearsedPeriod } from "../agents/rehearsal-results.ts";
import type { SupplierSums } from "../market/order.ts";
import type { CommunityDay } from "../sim/community/community.ts";
import type { DayPeriod } from "../sim/day-summary.ts";
import { textOfPeriod } from "../wire/records.ts";

export interface RehearsedDay {
  readonly periods: readonly DayPeriod[];
  /** What does not fit together, in words. */
  readonly problems: readonly string[];
}

/** `counted` says how many orders the evaluators agreed to count in a period. */
export function rehearsedDay(
  day: CommunityDay,
  found: readonly RehearsedPeriod[],
  counted: (periodStart: number) => number,
): RehearsedDay {
  const problems: string[] = [];
  const periods = found.map((period, t): DayPeriod => {
    const { startUtc, orders } = day.periods[t]!;
    const outcomes = period.meters.map((entry) => entry?.outcome ?? null);
    const prices = new Set(outcomes.map((outcome) => outcome?.priceTick ?? null));
    const isVoid = outcomes.some((outcome) => outcome?.state === "void");
    const tradedUnits = Float64Array.from(outcomes, (outcome) => outcome?.tradedUnits ?? 0);
    const priceTick = [...prices][0] ?? null;
    const suppliers = period.suppliers.map(sumsOf);
    const say = (what: string) => problems.push(`${textOfPeriod(period.start)}: ${what}`);
    if (isVoid) say("void");
    if (prices.size > 1) say("meters found different prices");
    const sums = day.suppliers.map((_, k) => sumsOfCustomers(orders, tradedUnits, k));
    if (total(sums, "boughtUnits") !== total(sums, "soldUnits")) say("bought is not sold");
    suppliers.forEach((told, k) => {
      const own = sums[k]!;
      const same = told?.boughtUnits === own.boughtUnits && told.soldUnits === own.soldUnits;
      if (told !== null && !same)
        say(`the sums of ${day.suppliers[k]?.name} are not its customers'`);
    });
    const outcome = { traded: priceTick !== null, priceTick, tradedUnits, suppliers };
    return { startUtc, orders, outcome, isVoid, counted: counted(period.start) };
  });
  return { periods, problems };
}

function sumsOf(row: RehearsedPeriod["suppliers"][number]): SupplierSums | null {
  if (row === null || row.boughtUnits === null || row.soldUnits === null) return null;
  return { boughtUnits: row.boughtUnits, soldUnits: row.soldUnits };
}

function sumsOfCustomers(
  orders: CommunityDay["periods"][number]["orders"],
  tradedUnits: Float64Array,
  supplier: number,
): SupplierSums {
  const sumOf = (side: "buy" | "sell"): number =>
    orders.reduce((sum, order, i) => {
      const counts = order.supplier === supplier && order.side === side;
      return counts ? sum + (tradedUnits[i] ?? 0) : sum;
    }, 0);
  return { boughtUnits: sumOf("buy"), soldUnits: sumOf("sell") };
}

const total = (sums: readonly SupplierSums[], of: keyof SupplierSums): number =>
  sums.reduce((sum, one) => sum + one[of], 0);
