// A household's bill for a terminal. Pure: lines are returned.
import { createColors } from "picocolors";
import type { BillDocument } from "./bill-document.ts";
import { BILL_TEXTS, type BillLanguage, billFormats } from "./bill-texts.ts";

export interface BillReportOptions {
  readonly color: boolean;
  readonly language: BillLanguage;
}

const [LABEL, ENERGY, AMOUNT] = [34, 16, 18];

/** None wider than 80 columns, but for what is wrong. */
export function billReport(bill: BillDocument, { color, language }: BillReportOptions): string[] {
  const colors = createColors(color);
  const texts = BILL_TEXTS[language];
  const { euros, fineEuros, kwh } = billFormats(language);
  const row = (label: string, energy: string, amount: string) =>
    `  ${label.padEnd(LABEL)}${energy.padStart(ENERGY)}${amount.padStart(AMOUNT)}`.trimEnd();
  const fact = (label: string, text: string) => `  ${colors.dim(label.padEnd(22))} ${text}`;
  const { energy_wh: energy, components_ct: components, total_ct: total } = bill;
  const { without_market_ct: without, saved_ct: saved } = bill;
  return [
    colors.bold(`${texts.title} ${bill.month}`),
    fact(texts.market, bill.market_name),
    fact(texts.meter, bill.meter),
    fact(texts.supplier, bill.supplier),
    fact(texts.periods, `${bill.periods}, ${texts.estimated} ${bill.estimated_periods}`),
    "",
    colors.dim(row(texts.item, texts.energy, texts.amount)),
    row(texts.traded, "", fineEuros(components.traded)),
    row(`  ${texts.bought}`, kwh(energy.bought_locally), ""),
    row(`  ${texts.sold}`, kwh(energy.sold_locally), ""),
    row(texts.fees, kwh(energy.bought_locally), fineEuros(components.fees)),
    row(texts.shortage, kwh(energy.from_supplier), fineEuros(components.shortage)),
    row(texts.surplus, kwh(energy.to_supplier), fineEuros(components.surplus)),
    colors.bold(row(total < 0 ? texts.receive : texts.total, "", euros(Math.abs(total)))),
    row(`${texts.vat} (${bill.vat_percent} %)`, "", euros(bill.vat_contained_ct)),
    ...(without === null || saved === null
      ? []
      : [
          "",
          row(texts.without, "", euros(without)),
          row(saved < 0 ? texts.lost : texts.saved, "", euros(Math.abs(saved))),
        ]),
    "",
    ...verdict(bill, texts),
  ];
}

function verdict(
  { agrees, differences, notes, checks }: BillDocument,
  texts: (typeof BILL_TEXTS)[BillLanguage],
): string[] {
  const failed = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
  const differing = differences.map(
    ({ what, stated, expected }) =>
      `  ${what}: ${texts.stated} ${stated}, ${texts.own} ${expected}`,
  );
  return [agrees ? texts.agrees : texts.differs, ...differing, ...notes, ...failed];
}
