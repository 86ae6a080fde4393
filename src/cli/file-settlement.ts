// One period from files, cleared and settled: by a market of its own on this machine, or in clear by the plain rules.
import type { MonthPlan } from "../agents/month/month-plan.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { clearInClear } from "../market/oracle.ts";
import type { Order } from "../market/order.ts";
import type { MarketParameters } from "../market/parameters.ts";
import { readingOf } from "../market/reading.ts";
import { amountsOf, meteredUnits, withoutMarket } from "../market/settlement-oracle.ts";
import { periodPrices, type SettlementRules } from "../market/tariffs.ts";
import { permutationFrom } from "../mpc/permutation.ts";
import { textOfPeriod } from "../wire/records.ts";
import { rehearseMonth } from "./month-rehearsal.ts";
import type { SettledHousehold, SettlementReport } from "./settlement-report.ts";

export interface SettledFiles {
  readonly market: MarketParameters;
  readonly rules: SettlementRules;
  readonly plan: MonthPlan;
  readonly orders: readonly Order[];
  /** Start of the period that the files are of. */
  readonly start: number;
}

/** Real time of a settlement period, in which evaluators clear, and households send. */
const [PERIOD_MS, PERIOD_MS_PER_HOUSEHOLD] = [1000, 6];
/** As many times as long with a dealer: twice the rounds, and masks to be asked for. */
const WITH_DEALER = 2.5;

/** Throws when what was computed on shares is not what the plain rules have. */
export async function settleOnShares(
  files: SettledFiles,
  onStage: (stage: string) => void,
  signal: AbortSignal,
): Promise<SettlementReport> {
  const { plan, orders } = files;
  const periodMs = PERIOD_MS + PERIOD_MS_PER_HOUSEHOLD * orders.length;
  const rehearsed = await rehearseMonth(plan, {
    periodMs: plan.setting.engine === "dealer" ? WITH_DEALER * periodMs : periodMs,
    isShort: true,
    signal,
    onStage,
    onProgress: ({ decided, bills }) =>
      onStage(decided === 0 ? "clearing" : bills === 0 ? "settling" : "fetching the bills"),
  });
  const { found, plain } = rehearsed;
  const [period] = found.periods;
  if (period === undefined || period.decision.outcome === "void") {
    throw new Error("the evaluators could not clear the period in time");
  }
  if (plain.differences.length > 0) throw new Error(plain.differences.join("\n"));
  const trades = orders.map((_, h) => period.netUnits[h]!);
  const households = householdsOf(files, trades, period.decision.priceTick).map((one, h) => {
    const bill = found.bills[h]!;
    return bill.state === "closed" ? { ...one, amounts: bill.bill.components } : one;
  });
  const positions = found.suppliers.map((month) =>
    month.state === "closed" ? month.position : null,
  );
  const { engine, parties } = plan.setting;
  return reportOf(files, households, period.decision.priceTick, positions, engine, parties);
}

/** The reference: everything in one process, in clear. */
export function settleInClear(files: SettledFiles): SettlementReport {
  const { market, orders, plan } = files;
  const coin = nodePrimitives.randomBytes(32);
  const suppliers = market.suppliers ?? [];
  const rules = {
    priceBits: market.grid.bits,
    priceRule: market.priceRule,
    rationing: market.rationing,
    supplierCount: suppliers.length,
    revealedSuppliers: suppliers.map(() => true),
  };
  const order = permutationFrom(nodePrimitives, coin, orders.length);
  const outcome = clearInClear(orders, rules, order);
  const trades = orders.map(({ side }, h) => {
    const traded = outcome.tradedUnits[h]!;
    return side === "sell" ? -traded : traded;
  });
  const households = householdsOf(files, trades, outcome.priceTick);
  const positions = suppliers.map((_, k) => tradedOf(households, plan, k));
  return reportOf(files, households, outcome.priceTick, positions, "plain", 1);
}

function householdsOf(
  { market, rules, plan, orders, start }: SettledFiles,
  netUnits: readonly number[],
  priceTick: number | null,
): SettledHousehold[] {
  const schedule = { period_s: plan.periodS };
  const document = { parameters: market, schedule, firstPeriod: start, settlement: rules };
  const prices = periodPrices(document, start, priceTick);
  return orders.map(({ meter, supplier }, h) => {
    const net = netUnits[h]!;
    const [metered] = plan.readings(h, 0);
    const { importedWh = 0, exportedWh = 0 } = metered ?? {};
    const reading = metered === undefined ? null : readingOf({ importedWh, exportedWh }, net);
    const trade = { boughtUnits: Math.max(0, net), soldUnits: Math.max(0, -net) };
    const own = { supplier, ...trade, reading };
    const { imported, exported, shortage, surplus } = meteredUnits(own, rules.estimateWh);
    return {
      meter,
      supplier: market.suppliers?.[supplier] ?? "",
      ...trade,
      importedUnits: imported,
      exportedUnits: exported,
      shortageUnits: shortage,
      surplusUnits: surplus,
      estimated: reading === null,
      amounts: amountsOf(own, prices, rules.estimateWh),
      without: withoutMarket(own, prices, rules.estimateWh),
    };
  });
}

const tradedOf = (
  households: readonly SettledHousehold[],
  { suppliers }: MonthPlan,
  supplier: number,
) =>
  households
    .filter((_, h) => suppliers[h] === supplier)
    .map(({ amounts }) => amounts.traded)
    .reduce((sum, one) => sum + one, 0n);

function reportOf(
  { market, start }: SettledFiles,
  households: readonly SettledHousehold[],
  priceTick: number | null,
  positions: readonly (bigint | null)[],
  engine: string,
  evaluators: number,
): SettlementReport {
  const names = market.suppliers ?? [];
  return {
    market: market.name,
    period: textOfPeriod(start),
    price: priceTick === null ? null : market.grid.format(priceTick),
    households,
    suppliers: names.map((name, k) => ({ name, position: positions[k] ?? null })),
    engine,
    evaluators,
  };
}
