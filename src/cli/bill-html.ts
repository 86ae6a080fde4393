// A household's bill as a page to print on A4: no scripts, nothing that is loaded, every text escaped.
import type { BillDocument } from "./bill-document.ts";
import { BILL_TEXTS, type BillLanguage, billFormats } from "./bill-texts.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ESCAPES[one]!);

const STYLE = `
@page { size: A4; margin: 20mm; }
body { font: 11pt/1.45 system-ui, sans-serif; color: #1b1b1b; max-width: 170mm; margin: 10mm auto; padding: 0 5mm; }
h1 { font-size: 20pt; margin: 0 0 6mm; }
dl { display: grid; grid-template-columns: 45mm 1fr; gap: 1mm 4mm; margin: 0 0 8mm; }
dt { color: #595959; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 2mm 1mm; text-align: right; border-bottom: 0.2mm solid #c8c8c8; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; }
thead th { border-bottom: 0.4mm solid #1b1b1b; }
tr.total td { font-weight: 700; border-top: 0.4mm solid #1b1b1b; font-size: 12pt; }
tr.sub td { color: #595959; border-bottom: 0; }
.verdict { margin-top: 8mm; padding: 3mm; border: 0.3mm solid #2f7d32; }
.verdict.differs { border-color: #b00020; color: #b00020; }
.note { color: #595959; font-size: 9pt; }
@media print { body { margin: 0; padding: 0; max-width: none; } }`;

/** The whole page. */
export function billHtml(bill: BillDocument, language: BillLanguage): string {
  const texts = BILL_TEXTS[language];
  const title = escaped(`${texts.title} ${bill.month}`);
  const facts = [
    [texts.market, bill.market_name],
    [texts.month, `${bill.month} (${bill.time_zone})`],
    [texts.meter, bill.meter],
    [texts.supplier, bill.supplier],
    [texts.periods, `${bill.periods}, ${texts.estimated} ${bill.estimated_periods}`],
  ];
  const list = facts.map(([name, text]) => `<dt>${escaped(name!)}</dt><dd>${escaped(text!)}</dd>`);
  return [
    "<!doctype html>",
    `<html lang="${language}">`,
    '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${title}</title><style>${STYLE}</style></head>`,
    `<body><h1>${title}</h1>`,
    `<dl>${list.join("")}</dl>`,
    billTable(bill, language),
    verdict(bill, language),
    `<p class="note">${escaped(texts.rounded)}</p>`,
    "</body></html>",
    "",
  ].join("\n");
}

function billTable(bill: BillDocument, language: BillLanguage): string {
  const texts = BILL_TEXTS[language];
  const { euros, fineEuros, kwh } = billFormats(language);
  const { energy_wh: energy, components_ct: components, total_ct: total } = bill;
  const { without_market_ct: without, saved_ct: saved } = bill;
  const row = (kind: string, label: string, wh: number | null, amount: string) =>
    `<tr class="${kind}"><td>${escaped(label)}</td><td>${wh === null ? "" : escaped(kwh(wh))}</td>` +
    `<td>${escaped(amount)}</td></tr>`;
  const comparison =
    without === null || saved === null
      ? []
      : [
          row("sub", texts.without, null, euros(without)),
          row("sub", saved < 0 ? texts.lost : texts.saved, null, euros(Math.abs(saved))),
        ];
  const head = [texts.item, texts.energy, texts.amount].map((text) => `<th>${escaped(text)}</th>`);
  const rows = [
    row("item", texts.traded, null, fineEuros(components.traded)),
    row("sub", texts.bought, energy.bought_locally, ""),
    row("sub", texts.sold, energy.sold_locally, ""),
    row("item", texts.fees, energy.bought_locally, fineEuros(components.fees)),
    row("item", texts.shortage, energy.from_supplier, fineEuros(components.shortage)),
    row("item", texts.surplus, energy.to_supplier, fineEuros(components.surplus)),
    row("total", total < 0 ? texts.receive : texts.total, null, euros(Math.abs(total))),
    row("sub", `${texts.vat} (${bill.vat_percent} %)`, null, euros(bill.vat_contained_ct)),
    ...comparison,
  ];
  return `<table><thead><tr>${head.join("")}</tr></thead><tbody>\n${rows.join("\n")}\n</tbody></table>`;
}

function verdict({ agrees, differences, notes }: BillDocument, language: BillLanguage): string {
  const texts = BILL_TEXTS[language];
  if (agrees) return `<p class="verdict">${escaped(texts.agrees)}</p>`;
  const lines = [
    ...differences.map(
      ({ what, stated, expected }) =>
        `${what}: ${texts.stated} ${stated}, ${texts.own} ${expected}`,
    ),
    ...notes,
  ];
  const items = lines.map((line) => `<li>${escaped(line)}</li>`).join("");
  return `<div class="verdict differs">${escaped(texts.differs)}<ul>${items}</ul></div>`;
}
