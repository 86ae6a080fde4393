// The words of a bill, in English and German, and how amounts and energies are written in each.

export const BILL_LANGUAGES = ["en", "de"] as const;
export type BillLanguage = (typeof BILL_LANGUAGES)[number];

const ENGLISH = {
  title: "Electricity bill",
  month: "Month",
  meter: "Meter",
  supplier: "Supplier",
  market: "Local market",
  periods: "Settlement periods",
  estimated: "of them estimated",
  item: "Item",
  energy: "Energy",
  amount: "Amount",
  traded: "Traded with neighbours",
  bought: "bought",
  sold: "sold",
  fees: "Grid fee for local energy",
  shortage: "Delivered by the supplier",
  surplus: "Taken by the supplier",
  total: "Total to pay",
  receive: "Total to receive",
  vat: "VAT contained",
  without: "Without the local market",
  saved: "Saved",
  lost: "Paid more",
  agrees: "The meter has computed this bill again from its own history: both agree.",
  differs: "This bill DIFFERS from what the meter computes from its own history:",
  stated: "stated",
  own: "own history",
  rounded: "Amounts are computed exactly and shown to 0.01 ct; only the total is rounded.",
};

type BillTexts = typeof ENGLISH;

const GERMAN: BillTexts = {
  title: "Stromrechnung",
  month: "Monat",
  meter: "Z\u00e4hler",
  supplier: "Lieferant",
  market: "Lokaler Markt",
  periods: "Abrechnungsperioden",
  estimated: "davon gesch\u00e4tzt",
  item: "Position",
  energy: "Energie",
  amount: "Betrag",
  traded: "Mit Nachbarn gehandelt",
  bought: "gekauft",
  sold: "verkauft",
  fees: "Netzentgelt f\u00fcr lokale Energie",
  shortage: "Vom Lieferanten geliefert",
  surplus: "Vom Lieferanten abgenommen",
  total: "Zu zahlen",
  receive: "Guthaben",
  vat: "enthaltene Umsatzsteuer",
  without: "Ohne den lokalen Markt",
  saved: "Gespart",
  lost: "Mehr bezahlt",
  agrees:
    "Der Z\u00e4hler hat diese Rechnung aus seinen eigenen Aufzeichnungen nachgerechnet: sie stimmt.",
  differs: "Diese Rechnung WEICHT von den eigenen Aufzeichnungen des Z\u00e4hlers ab:",
  stated: "angegeben",
  own: "eigene Aufzeichnungen",
  rounded:
    "Betr\u00e4ge sind exakt berechnet und auf 0,01 ct gezeigt; nur die Summe wird gerundet.",
};

export const BILL_TEXTS: Readonly<Record<BillLanguage, BillTexts>> = { en: ENGLISH, de: GERMAN };

const LOCALES = { en: "en-IE", de: "de-DE" } as const;

/** Amounts and energies as people write them. */
export function billFormats(language: BillLanguage) {
  const locale = LOCALES[language];
  const number = (digits: number) =>
    new Intl.NumberFormat(locale, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  const [two, three, four] = [number(2), number(3), number(4)];
  return {
    /** Whole ct. */
    euros: (ct: number): string => `${two.format(ct / 100)} \u20ac`,
    /** Exact ct as text, to 10^-4 EUR. */
    fineEuros: (ct: string): string => `${four.format(Number(ct) / 100)} \u20ac`,
    kwh: (wh: number): string => `${three.format(wh / 1000)} kWh`,
  };
}
