// A household's bill of a month as a document: the same facts for JSON, for a terminal and for paper. Made from what
// the household's own meter keeps; pure.
import type { KeptBill } from "../agents/meter/kept-bill.ts";
import { billOf } from "../market/bill.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { exactCents } from "../market/money.ts";
import { UNITS_PER_WH } from "../market/order.ts";
import { periodsOfMonth } from "../market/tariffs.ts";
import { assert } from "../platform/assert.ts";
import { textOfPeriod } from "../wire/records.ts";

export const COMPONENTS = ["traded", "fees", "shortage", "surplus"] as const;
type Component = (typeof COMPONENTS)[number];

export interface BillDocument {
  readonly market: string;
  readonly market_name: string;
  readonly meter: string;
  readonly supplier: string;
  readonly month: string;
  /** UTC; `to` is not part of it. */
  readonly from: string;
  readonly to: string;
  readonly time_zone: string;
  readonly periods: number;
  readonly estimated_periods: number;
  /** What the household's own meter remembers, in Wh; estimates included. */
  readonly energy_wh: {
    readonly bought_locally: number;
    readonly sold_locally: number;
    readonly imported: number;
    readonly exported: number;
    readonly from_supplier: number;
    readonly to_supplier: number;
  };
  /** Exact amounts in ct as text; below 0 the household receives. */
  readonly components_ct: Readonly<Record<Component, string>>;
  /** The sum of the components, rounded once. */
  readonly total_ct: number;
  readonly vat_percent: number;
  readonly vat_contained_ct: number;
  readonly without_market_ct: number | null;
  readonly saved_ct: number | null;
  /** Whether the meter's own history comes to the same, and what differs if not. */
  readonly agrees: boolean;
  readonly differences: readonly {
    readonly what: string;
    readonly stated: string;
    readonly expected: string;
  }[];
  readonly notes: readonly string[];
  readonly checks: KeptBill["checks"];
}

export interface BillOwner {
  readonly market: MarketDocument;
  readonly meter: string;
  readonly supplier: number;
}

const COUNTS: ReadonlySet<string> = new Set(["periods", "estimated"]);

/** The document of a bill that evaluators have stated. */
export function billDocument(kept: KeptBill, { market, meter, supplier }: BillOwner): BillDocument {
  const { stated, expected, differences } = kept;
  assert(stated !== null && market.settlement !== null, "a bill that was stated");
  const { timeZone, vatBasisPoints } = market.settlement;
  const bill = billOf(stated.components, vatBasisPoints);
  const { energies } = expected;
  const without = expected.bill.withoutMarketCents;
  const { from, to } = periodsOfMonth(market, kept.month);
  const wh = (units: number) => units / UNITS_PER_WH;
  const ct = (of: Component) => exactCents(stated.components[of]);
  const { traded, fees, shortage, surplus } = {
    traded: ct("traded"),
    fees: ct("fees"),
    shortage: ct("shortage"),
    surplus: ct("surplus"),
  };
  return {
    market: market.id,
    market_name: market.parameters.name,
    meter,
    supplier: market.suppliers[supplier] ?? "",
    month: kept.month,
    from: textOfPeriod(from),
    to: textOfPeriod(to),
    time_zone: timeZone,
    periods: stated.periods,
    estimated_periods: stated.estimated,
    energy_wh: {
      bought_locally: wh(energies.boughtUnits),
      sold_locally: wh(energies.soldUnits),
      imported: wh(energies.importedUnits),
      exported: wh(energies.exportedUnits),
      from_supplier: wh(energies.shortageUnits),
      to_supplier: wh(energies.surplusUnits),
    },
    components_ct: { traded, fees, shortage, surplus },
    total_ct: bill.totalCents,
    vat_percent: vatBasisPoints / 100,
    vat_contained_ct: bill.vatCents,
    without_market_ct: without,
    saved_ct: without === null ? null : without - bill.totalCents,
    agrees: differences.length === 0,
    differences: differences.map(({ what, name, stated: said, expected: own }) => ({
      what: name,
      stated: COUNTS.has(what) ? String(said) : `${exactCents(said)} ct`,
      expected: COUNTS.has(what) ? String(own) : `${exactCents(own)} ct`,
    })),
    notes: kept.notes,
    checks: kept.checks,
  };
}
