// What `hushwatt settle` reports of one settled period: JSON for programs, a table for people. Pure: returns strings.
import { createColors } from "picocolors";
import { roundedCents } from "../market/bill.ts";
import { exactWh } from "../market/energy-text.ts";
import { exactCents } from "../market/money.ts";
import { UNITS_PER_WH } from "../market/order.ts";
import { type Amounts, totalOf } from "../market/settlement-oracle.ts";
import { clipped, counted, table } from "./text-layout.ts";

export interface SettledHousehold {
  readonly meter: string;
  readonly supplier: string;
  /** In units of 2^-10 Wh. */
  readonly boughtUnits: number;
  readonly soldUnits: number;
  /** Metered, or estimated. */
  readonly importedUnits: number;
  readonly exportedUnits: number;
  readonly shortageUnits: number;
  readonly surplusUnits: number;
  readonly estimated: boolean;
  readonly amounts: Amounts;
  readonly without: bigint;
}

export interface SettlementReport {
  readonly market: string;
  readonly period: string;
  /** As an exact decimal in ct/kWh; null when nothing traded. */
  readonly price: string | null;
  readonly households: readonly SettledHousehold[];
  readonly suppliers: readonly { readonly name: string; readonly position: bigint | null }[];
  readonly engine: string;
  readonly evaluators: number;
}

const HOUSEHOLDS_SHOWN = 40;

/** Energies in Wh and amounts in ct, both exact: amounts as text. */
export function settlementJson(report: SettlementReport): string {
  const households = report.households.map((one) => ({
    meter: one.meter,
    supplier: one.supplier,
    bought_wh: Number(exactWh(one.boughtUnits)),
    sold_wh: Number(exactWh(one.soldUnits)),
    imported_wh: Number(exactWh(one.importedUnits)),
    exported_wh: Number(exactWh(one.exportedUnits)),
    shortage_wh: Number(exactWh(one.shortageUnits)),
    surplus_wh: Number(exactWh(one.surplusUnits)),
    estimated: one.estimated,
    traded_ct: exactCents(one.amounts.traded),
    fees_ct: exactCents(one.amounts.fees),
    shortage_ct: exactCents(one.amounts.shortage),
    surplus_ct: exactCents(one.amounts.surplus),
    total_ct: exactCents(totalOf(one.amounts)),
    without_market_ct: exactCents(one.without),
  }));
  const document = {
    period: report.period,
    price_ct_per_kwh: report.price === null ? null : Number(report.price),
    households,
    suppliers: report.suppliers.map(({ name, position }) => ({
      supplier: name,
      position_ct: position === null ? null : exactCents(position),
    })),
    engine: report.engine,
    evaluators: report.evaluators,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const HEAD = ["meter", "bought", "sold", "import", "export", "traded", "fees", "supplier", "total"];
const ALIGN = ["left", ...HEAD.slice(1).map(() => "right" as const)] as const;

/** For a person; energies in Wh, amounts in ct, rounded. */
export function settlementText(
  report: SettlementReport,
  options: { readonly colour: boolean; readonly width: number; readonly full: boolean },
): string {
  const colours = createColors(options.colour);
  const wh = (units: number) => (units / UNITS_PER_WH).toFixed(1);
  const ct = (units: bigint) => (Number(exactCents(units)) || 0).toFixed(3);
  const shown = options.full ? report.households : report.households.slice(0, HOUSEHOLDS_SHOWN);
  const rows = shown.map((one) => [
    one.estimated ? `${one.meter} *` : one.meter,
    wh(one.boughtUnits),
    wh(one.soldUnits),
    wh(one.importedUnits),
    wh(one.exportedUnits),
    ct(one.amounts.traded),
    ct(one.amounts.fees),
    ct(one.amounts.shortage + one.amounts.surplus),
    ct(totalOf(one.amounts)),
  ]);
  const [head = "", ...lines] = table(HEAD, rows, [...ALIGN], options.width);
  const left = report.households.length - shown.length;
  const estimated = report.households.filter((one) => one.estimated).length;
  const sum = (of: (one: SettledHousehold) => bigint) =>
    report.households.reduce((total, one) => total + roundedCents(of(one) * 1000n), 0) / 1000;
  const [due, without] = [sum(({ amounts }) => totalOf(amounts)), sum((one) => one.without)];
  const price = report.price === null ? "nothing trades" : `${report.price} ct/kWh`;
  return [
    colours.bold(clipped(report.market, options.width)),
    `  ${report.period}, price ${price}; ${counted(report.households.length, "household")}, ${estimated} estimated`,
    "",
    colours.bold("Households, in Wh and ct"),
    colours.dim(head),
    ...lines,
    ...(left > 0 ? [colours.dim(`  ... and ${left} more; --out FILE has all`)] : []),
    ...(estimated > 0 ? [colours.dim("  * no reading: estimated by rule")] : []),
    `  all owe ${due.toFixed(3)} ct; without the market it would be ${without.toFixed(3)} ct`,
    "",
    colours.bold("Suppliers owe each other, in ct"),
    ...report.suppliers.map(
      ({ name, position }) =>
        `  ${name.padEnd(20)} ${(position === null ? "withheld" : ct(position)).padStart(12)}`,
    ),
    "",
    `Engine ${report.engine}, ${counted(report.evaluators, "evaluator")}`,
    "",
  ].join("\n");
}
