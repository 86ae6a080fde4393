// A month that was cleared and settled on shares, computed again in clear from the same orders and readings by the
// plain rules: prices, trades, every household's bill, what suppliers are told. Whoever sees all inputs can do this;
// nobody in a real market does.
import type { MeterBill } from "../../client/meter-bill.ts";
import type { ClearOrder } from "../../client/prepared-order.ts";
import type { SupplierMonth } from "../../client/supplier-settlement.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import { clearInClear } from "../../market/oracle.ts";
import { type Order, type Outcome, UNITS_PER_WH } from "../../market/order.ts";
import { readingOf } from "../../market/reading.ts";
import {
  type Amounts,
  amountsOf,
  type MeterPeriod,
  NOTHING_DUE,
  sumOfAmounts,
  totalOf,
  withoutMarket,
} from "../../market/settlement-oracle.ts";
import { periodPrices } from "../../market/tariffs.ts";
import { permutationFrom } from "../../mpc/permutation.ts";
import { assert } from "../../platform/assert.ts";
import type { Primitives } from "../../platform/primitives.ts";
import { fromHex } from "../../wire/hex.ts";
import { textOfPeriod } from "../../wire/records.ts";
import type { FoundPeriod, MonthFound } from "./month-found.ts";
import type { MonthPlan } from "./month-plan.ts";

/** What the plain rules say. */
export interface PlainMonth {
  /** By household. */
  readonly households: readonly PlainBill[];
  readonly voidPeriods: number;
  readonly tradedPeriods: number;
  readonly boughtUnits: number;
  /** What does not agree with what was found on shares, in words. */
  readonly differences: readonly string[];
}

export interface PlainBill {
  readonly amounts: Amounts;
  readonly without: bigint;
  readonly periods: number;
  readonly estimated: number;
}

type Hash = Pick<Primitives, "prg" | "sha256">;

export function checkedMonth(
  primitives: Primitives,
  market: MarketDocument,
  meterIds: readonly string[],
  plan: MonthPlan,
  found: MonthFound,
): PlainMonth {
  return new PlainComputation(primitives, market, meterIds, plan, found).run();
}

class PlainComputation {
  readonly #primitives: Primitives;
  readonly #market: MarketDocument;
  readonly #meterIds: readonly string[];
  readonly #plan: MonthPlan;
  readonly #found: MonthFound;
  readonly #differences: string[] = [];
  readonly #bills: PlainBill[];
  #tradedPeriods = 0;
  #boughtUnits = 0;

  constructor(
    primitives: Primitives,
    market: MarketDocument,
    meterIds: readonly string[],
    plan: MonthPlan,
    found: MonthFound,
  ) {
    this.#primitives = primitives;
    this.#market = market;
    this.#meterIds = meterIds;
    this.#plan = plan;
    this.#found = found;
    this.#bills = plan.suppliers.map(() => ({
      amounts: NOTHING_DUE,
      without: 0n,
      periods: 0,
      estimated: 0,
    }));
  }

  run(): PlainMonth {
    const { periods, bills, suppliers } = this.#found;
    for (const [t, period] of periods.entries()) this.#addPeriod(period, t);
    for (const [h, bill] of bills.entries()) this.#compareBill(bill, h);
    for (const [k, month] of suppliers.entries()) this.#compareSupplier(month, k);
    this.#comparePositions();
    return {
      households: this.#bills,
      voidPeriods: periods.filter(({ decision }) => decision.outcome === "void").length,
      tradedPeriods: this.#tradedPeriods,
      boughtUnits: this.#boughtUnits,
      differences: this.#differences,
    };
  }

  /** Clears and settles a period in clear. */
  #addPeriod({ start, decision, confirmed, netUnits }: FoundPeriod, t: number): void {
    const isVoid = decision.outcome === "void";
    const counted = [...confirmed.keys()].filter((h) => confirmed[h] && !isVoid);
    // Evaluators order them by the meters' ids.
    counted.sort((a, b) => (this.#meterIds[a]! < this.#meterIds[b]! ? -1 : 1));
    const say = (what: string) => this.#differences.push(`${textOfPeriod(start)}: ${what}`);
    if (!isVoid && decision.agreed?.count !== counted.length) {
      say(`${decision.agreed?.count} orders counted, ${counted.length} were confirmed`);
    }
    if (decision.rejected.length > 0) say(`${decision.rejected.length} orders were rejected`);
    const own = isVoid ? null : this.#clear(decision.coin, counted, t);
    if ((own?.priceTick ?? null) !== decision.priceTick) {
      say(`the price is tick ${decision.priceTick}, and ${own?.priceTick} by the plain rules`);
    }
    if (own?.traded === true) this.#tradedPeriods += 1;
    const prices = periodPrices(this.#market, start, own?.priceTick ?? null);
    const { estimateWh } = this.#market.settlement!;
    const place = new Map(counted.map((h, i) => [h, i]));
    this.#plan.suppliers.forEach((supplier, h) => {
      const order = this.#plan.order(h, t);
      const at = place.get(h);
      const traded = own === null || at === undefined ? 0 : own.tradedUnits[at]!;
      const net = order.side === "sell" ? -traded : traded;
      if (net !== netUnits[h]) say(`household ${h} trades ${netUnits[h]}, ${net} by the rules`);
      const boughtUnits = Math.max(0, net);
      this.#boughtUnits += boughtUnits;
      const metered = this.#found.readings[h]![t] ?? null;
      if (metered === null && at === undefined) return;
      const reading = metered === null ? null : readingOf(metered, net);
      const meter = { supplier, boughtUnits, soldUnits: Math.max(0, -net), reading };
      this.#addTo(h, meter, prices, estimateWh);
    });
  }

  #clear(coin: string | null, counted: readonly number[], t: number): Outcome {
    assert(coin !== null, "a market whose priority order is public");
    const { parameters, suppliers } = this.#market;
    const orders = counted.map((h): Order => {
      const order: ClearOrder = this.#plan.order(h, t);
      return { ...order, meter: this.#meterIds[h]!, supplier: this.#plan.suppliers[h]! };
    });
    const rules = {
      priceBits: parameters.grid.bits,
      priceRule: parameters.priceRule,
      rationing: parameters.rationing,
      supplierCount: suppliers.length,
      revealedSuppliers: suppliers.map(() => true),
    };
    return clearInClear(orders, rules, arrangement(this.#primitives, coin, orders.length));
  }

  #addTo(
    h: number,
    meter: MeterPeriod,
    prices: ReturnType<typeof periodPrices>,
    estimateWh: number,
  ): void {
    const { amounts, without, periods, estimated } = this.#bills[h]!;
    this.#bills[h] = {
      amounts: sumOfAmounts(amounts, amountsOf(meter, prices, estimateWh)),
      without: without + withoutMarket(meter, prices, estimateWh),
      periods: periods + 1,
      estimated: estimated + (meter.reading === null ? 1 : 0),
    };
  }

  #compareBill(bill: MeterBill, h: number): void {
    const own = this.#bills[h]!;
    const say = (what: string) => this.#differences.push(`bill of household ${h}: ${what}`);
    if (bill.state !== "closed") {
      if (own.periods > 0) say(`there is none, with ${own.periods} periods`);
      return;
    }
    const { components, periods, estimated } = bill.bill;
    for (const name of ["traded", "fees", "shortage", "surplus"] as const) {
      if (components[name] !== own.amounts[name]) {
        say(`${name} is ${components[name]}, ${own.amounts[name]} by the rules`);
      }
    }
    if (periods !== own.periods) say(`${periods} periods, ${own.periods} by the rules`);
    if (estimated !== own.estimated) say(`${estimated} estimated, ${own.estimated} by the rules`);
    // "answers" tells that an evaluator was a moment behind the others.
    const failed = bill.checks.filter(({ name, ok }) => !ok && name !== "answers");
    for (const { name, detail } of failed) say(`${name}: ${detail}`);
  }

  #compareSupplier(month: SupplierMonth, k: number): void {
    const say = (what: string) => this.#differences.push(`month of supplier ${k}: ${what}`);
    if (month.state !== "closed") {
      say("it is open");
      return;
    }
    const told = new Map(month.customers.map(({ meter, total }) => [meter, total]));
    const customers = [...this.#plan.suppliers.keys()].filter(
      (h) => this.#plan.suppliers[h] === k && this.#bills[h]!.periods > 0,
    );
    if (told.size !== customers.length)
      say(`${told.size} customers, and it has ${customers.length}`);
    for (const h of customers) {
      const due = totalOf(this.#bills[h]!.amounts);
      const total = told.get(this.#meterIds[h]!);
      if (total !== due) say(`household ${h} owes ${total}, ${due} by the rules`);
    }
    if (month.position === null) return;
    const traded = customers.reduce((sum, h) => sum + this.#bills[h]!.amounts.traded, 0n);
    if (month.position !== traded) say(`its position is ${month.position}, ${traded} by the rules`);
  }

  #comparePositions(): void {
    const positions = this.#found.suppliers.map((one) =>
      one.state === "closed" ? one.position : null,
    );
    if (positions.includes(null)) return;
    const total = positions.reduce<bigint>((sum, one) => sum + one!, 0n);
    if (total !== 0n) this.#differences.push(`positions add up to ${total}`);
  }
}

const arrangement = (primitives: Hash & Primitives, coin: string, count: number): Uint32Array =>
  permutationFrom(primitives, fromHex(coin), count);

/** Energy in kWh. */
export const kwhOf = (units: number): number => units / UNITS_PER_WH / 1000;
