// Texts of readings and bills.
import { textTable } from "../i18n/language.ts";

export const billTexts = textTable({
  en: {
    readingsTitle: "Readings",
    readingsLead:
      "After delivery the market counts what your meter measured: one reading per period, split into shares like an order. Nobody but you sees what you used.",
    rule: (estimate: string) =>
      `A period without a reading is estimated: what you traded, and ${estimate} from your supplier on top. That is more than most households use, so make sure that readings arrive. A reading can be corrected until its month is closed; the last one counts.`,
    file: "Readings of your meter (CSV)",
    fileHint:
      "Columns period_start,import_wh,export_wh; times in UTC, energy in whole Wh from and to the grid. The file stays in this browser.",
    taken: (count: string, all: string) => `${count} of ${all} periods taken.`,
    notTaken: "The others are in months that are closed, or before this market began.",
    one: "One period",
    period: "Period",
    imported: "From the grid, kWh",
    exported: "To the grid, kWh",
    need: "Enter how much energy, such as 0.5; 0 for none.",
    send: "Keep and send",
    kept: "Kept, and sent when the period is over and its trade is known.",
    closed: "This month is closed: readings are taken no more.",
    importedHeading: "From the grid",
    exportedHeading: "To the grid",
    state: "State",
    noneOver: "No period of this day is over yet.",
    states: {
      waiting: "kept, waits for the result of the order",
      sending: (count: string, all: string) => `sent, ${count} of ${all} confirmed`,
      confirmed: "confirmed by all",
      counted: "counted",
      rejected: "rejected, estimated instead",
      late: "came late, counts when the month is closed",
      correction: "correction confirmed, counts when the month is closed",
      estimated: "estimated",
      open: "no reading yet",
      unread: "–",
    },
    title: "Bill",
    month: "Month",
    noMonth: "There is no month to bill yet.",
    preview: "Preview",
    previewLead: (when: string) =>
      `Computed in this page from your own orders and readings. The evaluators close the month on ${when}; until then readings can change it.`,
    closing:
      "The month is over. The evaluators are closing it; the bill is fetched when they have.",
    trouble: (why: string) => `The bill cannot be fetched at the moment: ${why}`,
    nothingBilled: "The evaluators have nothing of this household in this month.",
    agrees:
      "This page has computed the bill again from your own history: both agree to the last unit.",
    differs: "This bill differs from what your own history comes to:",
    difference: (what: string, stated: string, own: string) =>
      `${what}: stated ${stated}, own history ${own}`,
    names: {
      periods: "periods covered",
      estimated: "periods with an estimate",
      traded: "traded with neighbours",
      fees: "grid fee",
      shortage: "delivered by the supplier",
      surplus: "taken by the supplier",
    },
    otherReading: (when: string) => `${when}: another reading counted than your last one, or none`,
    unknown: (count: string) =>
      `The results of ${count} orders of this month are not known here yet; until they are, the comparison is not complete.`,
    market: "Local market",
    meter: "Meter",
    supplier: "Supplier",
    periods: "Settlement periods",
    periodsText: (all: string, estimated: string) => `${all}, of them estimated ${estimated}`,
    item: "Item",
    energy: "Energy",
    amount: "Amount",
    traded: "Traded with neighbours",
    bought: "bought",
    sold: "sold",
    fees: "Grid fee for local energy",
    shortage: "Delivered by the supplier",
    surplus: "Taken by the supplier",
    rounding: "Rounded, once, to the cent",
    total: "Total to pay",
    receive: "Total to receive",
    vat: (percent: string) => `VAT contained (${percent} %)`,
    without: "Without the local market",
    saved: "Saved",
    lost: "Paid more",
    print: "Print",
    checksTitle: "What was checked",
    evaluatorsState: "Stated by the evaluators",
    checks: {
      answers: {
        title: "Answers",
        meaning: "Every evaluator that was asked has given its record of the month.",
      },
      closing: {
        title: "One closing",
        meaning: "All evaluators say the same about the month: same periods, same set of bills.",
      },
      signatures: {
        title: "Signatures",
        meaning:
          "A majority of the evaluators has signed the closing, with keys that the market's authority has certified.",
      },
      shares: {
        title: "Shares of your bill",
        meaning:
          "Each evaluator sent a random-looking share of each amount. They fit together; only your browser puts them together.",
      },
      coverage: {
        title: "Coverage",
        meaning: "All evaluators say the same about how many periods are billed and estimated.",
      },
      receipts: {
        title: "Receipts of readings",
        meaning: "Every evaluator has signed that it holds exactly the readings that you sent.",
      },
      readings: {
        title: "Your readings counted",
        meaning:
          "Each reading is proven to be in the set that the evaluators have signed, by a path in a tree of digests to the signed root.",
      },
      bill: {
        title: "Bill computed again",
        meaning: "The bill, computed again from your own readings, trades and the tariff.",
      },
    } as Readonly<Record<string, { readonly title: string; readonly meaning: string }>>,
    receiptsFound: (right: string, all: string) => `${right} of ${all} readings confirmed by all`,
    readingsFound: (right: string, all: string) => `${right} of ${all} readings proven to count`,
    billFound: "every amount is the same to 10^-9 ct",
    costs: "Due for metered periods",
    costsNote: (estimated: string, all: string) => `${estimated} of ${all} periods estimated`,
    toBill: "Bill of the month",
    noSettlement:
      "This market settles no bills: your supplier bills you as before. What stands above is what was traded, at its price.",
  },
  de: {
    readingsTitle: "Messwerte",
    readingsLead:
      "Nach der Lieferung zählt, was Ihr Zähler gemessen hat: ein Messwert je Zeitabschnitt, in Anteile zerlegt wie ein Auftrag. Niemand außer Ihnen sieht, was Sie verbraucht haben.",
    rule: (estimate) =>
      `Ein Zeitabschnitt ohne Messwert wird geschätzt: was Sie gehandelt haben, und dazu ${estimate} vom Lieferanten. Das ist mehr, als die meisten Haushalte verbrauchen; sorgen Sie also dafür, dass Messwerte ankommen. Ein Messwert lässt sich berichtigen, bis sein Monat abgeschlossen ist; der letzte zählt.`,
    file: "Messwerte Ihres Zählers (CSV)",
    fileHint:
      "Spalten period_start,import_wh,export_wh; Zeiten in UTC, Energie in ganzen Wh aus dem und in das Netz. Die Datei bleibt in diesem Browser.",
    taken: (count, all) => `${count} von ${all} Zeitabschnitten übernommen.`,
    notTaken: "Die übrigen liegen in abgeschlossenen Monaten oder vor dem Beginn dieses Marktes.",
    one: "Ein Zeitabschnitt",
    period: "Zeitabschnitt",
    imported: "Aus dem Netz, kWh",
    exported: "In das Netz, kWh",
    need: "Geben Sie die Energie an, etwa 0,5; 0 für keine.",
    send: "Speichern und senden",
    kept: "Gespeichert; gesendet, wenn der Zeitabschnitt vorbei und sein Ergebnis bekannt ist.",
    closed: "Dieser Monat ist abgeschlossen: Messwerte werden nicht mehr angenommen.",
    importedHeading: "Aus dem Netz",
    exportedHeading: "In das Netz",
    state: "Zustand",
    noneOver: "Kein Zeitabschnitt dieses Tages ist schon vorbei.",
    states: {
      waiting: "gespeichert, wartet auf das Ergebnis des Auftrags",
      sending: (count, all) => `gesendet, ${count} von ${all} bestätigt`,
      confirmed: "von allen bestätigt",
      counted: "gezählt",
      rejected: "abgewiesen, stattdessen geschätzt",
      late: "kam spät, zählt beim Monatsabschluss",
      correction: "Berichtigung bestätigt, zählt beim Monatsabschluss",
      estimated: "geschätzt",
      open: "noch kein Messwert",
      unread: "–",
    },
    title: "Rechnung",
    month: "Monat",
    noMonth: "Es gibt noch keinen Monat abzurechnen.",
    preview: "Vorschau",
    previewLead: (when) =>
      `In dieser Seite aus Ihren eigenen Aufträgen und Messwerten berechnet. Die Auswerter schließen den Monat am ${when} ab; bis dahin können Messwerte sie ändern.`,
    closing:
      "Der Monat ist vorbei. Die Auswerter schließen ihn gerade ab; die Rechnung wird geholt, sobald sie fertig sind.",
    trouble: (why) => `Die Rechnung lässt sich gerade nicht holen: ${why}`,
    nothingBilled: "Die Auswerter haben in diesem Monat nichts von diesem Haushalt.",
    agrees:
      "Diese Seite hat die Rechnung aus Ihrem eigenen Verlauf nachgerechnet: Beide stimmen bis auf die letzte Einheit überein.",
    differs: "Diese Rechnung weicht von dem ab, was Ihr eigener Verlauf ergibt:",
    difference: (what, stated, own) => `${what}: angegeben ${stated}, eigener Verlauf ${own}`,
    names: {
      periods: "Zeitabschnitte",
      estimated: "geschätzte Zeitabschnitte",
      traded: "mit Nachbarn gehandelt",
      fees: "Netzentgelt",
      shortage: "vom Lieferanten geliefert",
      surplus: "vom Lieferanten abgenommen",
    },
    otherReading: (when) => `${when}: Ein anderer Messwert zählte als Ihr letzter, oder keiner`,
    unknown: (count) =>
      `Die Ergebnisse von ${count} Aufträgen dieses Monats sind hier noch nicht bekannt; bis dahin ist der Vergleich nicht vollständig.`,
    market: "Lokaler Markt",
    meter: "Zähler",
    supplier: "Lieferant",
    periods: "Zeitabschnitte",
    periodsText: (all, estimated) => `${all}, davon geschätzt ${estimated}`,
    item: "Position",
    energy: "Energie",
    amount: "Betrag",
    traded: "Mit Nachbarn gehandelt",
    bought: "gekauft",
    sold: "verkauft",
    fees: "Netzentgelt für lokale Energie",
    shortage: "Vom Lieferanten geliefert",
    surplus: "Vom Lieferanten abgenommen",
    rounding: "Einmal auf den Cent gerundet",
    total: "Zu zahlen",
    receive: "Guthaben",
    vat: (percent) => `enthaltene Umsatzsteuer (${percent} %)`,
    without: "Ohne den lokalen Markt",
    saved: "Gespart",
    lost: "Mehr bezahlt",
    print: "Drucken",
    checksTitle: "Was geprüft wurde",
    evaluatorsState: "Angabe der Auswerter",
    checks: {
      answers: {
        title: "Antworten",
        meaning: "Jeder gefragte Auswerter hat sein Protokoll des Monats gegeben.",
      },
      closing: {
        title: "Ein Abschluss",
        meaning:
          "Alle Auswerter sagen dasselbe über den Monat: dieselben Zeitabschnitte, dieselben Rechnungen.",
      },
      signatures: {
        title: "Unterschriften",
        meaning:
          "Eine Mehrheit der Auswerter hat den Abschluss signiert, mit Schlüsseln, die die Stelle des Marktes beglaubigt hat.",
      },
      shares: {
        title: "Anteile Ihrer Rechnung",
        meaning:
          "Jeder Auswerter sandte einen zufällig aussehenden Anteil jedes Betrags. Sie passen zusammen; nur Ihr Browser setzt sie zusammen.",
      },
      coverage: {
        title: "Umfang",
        meaning:
          "Alle Auswerter sagen dasselbe darüber, wie viele Zeitabschnitte abgerechnet und geschätzt sind.",
      },
      receipts: {
        title: "Quittungen der Messwerte",
        meaning: "Jeder Auswerter hat signiert, dass er genau Ihre Messwerte hat.",
      },
      readings: {
        title: "Ihre Messwerte zählten",
        meaning:
          "Jeder Messwert ist beweisbar in der Menge, die die Auswerter signiert haben, durch einen Pfad in einem Baum von Prüfsummen zur signierten Wurzel.",
      },
      bill: {
        title: "Rechnung nachgerechnet",
        meaning: "Die Rechnung, nachgerechnet aus eigenen Messwerten, Geschäften und dem Tarif.",
      },
    },
    receiptsFound: (right, all) => `${right} of ${all} readings confirmed by all`,
    readingsFound: (right, all) => `${right} of ${all} readings proven to count`,
    billFound: "every amount is the same to 10^-9 ct",
    costs: "Fällig für gemessene Zeitabschnitte",
    costsNote: (estimated, all) => `${estimated} von ${all} Zeitabschnitten geschätzt`,
    toBill: "Rechnung des Monats",
    noSettlement:
      "Dieser Markt rechnet nicht ab: Ihr Lieferant rechnet ab wie bisher. Oben steht, was gehandelt wurde, zu seinem Preis.",
  },
});
