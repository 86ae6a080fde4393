// Texts of the supplier's pages.
import { textTable } from "../i18n/language.ts";

export const supplierTexts = textTable({
  en: {
    parts: "Parts of the supplier",
    periods: "Periods",
    months: "Months",
    device: "This device",

    enrolTitle: "See your customers' sums",
    enrolLead:
      "The market's registrar gave you a one-time code for a browser. This browser makes a key that never leaves it, and gets a certificate for it, beside the one of your own program.",
    enrolKept:
      "Sums are fetched from the evaluators, put together and verified here, and kept in this browser only.",
    wrongRole:
      "This code is for a household. It stays good; ask the registrar for a supplier's code.",

    title: (supplier: string) => `${supplier}: what your customers trade together`,
    lead: "Evaluators tell these sums to you alone, and only where enough customers took part. No single order, trade or reading is in them that you could tell apart.",
    unreached:
      "Too few evaluators answer. What is known already stays here; the rest is fetched when enough are back.",
    failed: (why: string) => `Sums cannot be fetched: ${why}`,
    fetching: (told: string, all: string) => `Fetched and verified: ${told} of ${all} periods.`,

    withheldCount: (count: string, group: string) =>
      `Withheld in ${count} periods: fewer than ${group} of your customers sent an order then, and a sum over so few would betray them.`,
    voidCount: (count: string) =>
      `Void in ${count} periods: not decided in time. All energy goes through you then.`,
    noneTold: "No sums are told for this day so far.",
    noneMetered: "No metered sums are told for this day so far.",

    bought: "Customers buy",
    sold: "Customers sell",
    position: "Net position",
    positionNote: (told: string, all: string) => `in ${told} of ${all} decided periods`,
    fromOthers: "others deliver to you",
    toOthers: "you deliver to others",
    avoided: "Imbalance avoided",
    avoidedMeaning:
      "Imbalance avoided: what your customers buy less what they sell, period by period and without its sign. Not told, you would have bought, or sold elsewhere, that energy for them, and been out of balance by it, besides the error of your own forecast. Trade among your own customers cancels out.",

    forecast: "What will your customers trade on the market?",
    forecastNote: "Known before each period begins; what is left goes through you.",
    forecastAnswer: (bought: string, sold: string) =>
      `They buy ${bought} and sell ${sold} in the periods known so far.`,
    net: "How much do other suppliers' customers deliver to yours?",
    netNote: "Bought less sold: above 0 others deliver to you, below 0 you to them.",
    netAnswer: (position: string, avoided: string) =>
      `Net ${position}; ${avoided} of imbalance avoided.`,
    metered: "What did your customers take and feed in, as metered?",
    meteredNote: "Estimates are in it where a reading is missing.",
    meteredAnswer: (imported: string, exported: string, periods: string) =>
      `They took ${imported} from the grid and fed ${exported} into it, in ${periods} settled periods.`,
    boughtLabel: "Bought",
    soldLabel: "Sold",
    netLabel: "Net position",
    importedLabel: "Taken from the grid",
    exportedLabel: "Fed in",

    table: "Every period",
    period: "Period",
    state: "State",
    states: { ok: "known", withheld: "withheld", void: "void", pending: "not decided yet" },
    meteredStates: {
      settled: "settled",
      final: "final",
      withheld: "metered sums withheld",
    },
    why: "What the states mean",
    meanings: (group: string) => [
      `withheld: fewer than ${group} of your customers sent an order. Sums over so few would betray them, so evaluators tell nobody.`,
      "void: the evaluators could not decide in time. Nothing is traded, all energy goes through you.",
      "not decided yet: the gate is still open, or the evaluators are computing. Sums are there a period before delivery at the latest.",
      `metered sums withheld: fewer than ${group} customers of your group sent a reading. New customers join the group together, or after a day, so that no difference between two sums betrays one of them.`,
      "settled: from the first settlement after delivery. final: the month is closed; late and corrected readings are in it where enough changed at once.",
    ],
    csv: "Download these periods (CSV)",
    noSettlement: "This market only clears: nothing is metered or billed through it.",

    monthsTitle: "What your customers owe",
    monthsLead:
      "When a month is closed, evaluators tell you each customer's total, and nothing of what it is made of. You collect what is above 0 and pay what is below.",
    month: "Month",
    open: (until: string) =>
      `This month is open: readings are taken until ${until}, and totals are told after that.`,
    awaited: "This month is being closed. Totals appear here as soon as evaluators have signed it.",
    total: "In all",
    customers: (count: string) => `${count} customers`,
    owed: "To other suppliers",
    owedWithheld:
      "withheld: together with the positions of single periods it would betray those that were withheld; it comes with a later month",
    monthMetered: "Metered",
    inOut: (imported: string, exported: string) => `${imported} taken, ${exported} fed in`,
    coverage: (told: string, all: string) => `${told} of ${all} periods`,
    payables: "Customers",
    customer: "Customer",
    covered: "Periods",
    estimated: "Estimated",
    amount: "Total",
    monthCsv: "Download totals (CSV)",
    monthPeriodsCsv: "Download the month's periods (CSV)",

    deviceTitle: "This device",
    deviceLead:
      "The key is held by the browser, which uses it for this page and gives it to nobody, not even to this page. Your supplier's program has another one; either can be revoked alone.",
    supplier: "Supplier",
    serial: "Certificate",
    validUntil: "Valid until",
    since: "Enrolled",
    lost: (command: string) =>
      `If the device is lost, the registrar revokes this certificate alone: ${command}`,
    forget: "Forget this device's key and sums",
    forgetLead: "For another code, or before the device goes to somebody else. Revoke it, too.",
    forgetAgain: "Yes, forget them",
  },
  de: {
    parts: "Teile des Lieferanten",
    periods: "Zeitabschnitte",
    months: "Monate",
    device: "Dieses Gerät",

    enrolTitle: "Summen Ihrer Kunden ansehen",
    enrolLead:
      "Die Anmeldestelle des Marktes hat Ihnen einen Einmalcode für einen Browser gegeben. Dieser Browser erzeugt einen Schlüssel, der ihn nie verlässt, und holt ein Zertifikat dafür, neben dem Ihres eigenen Programms.",
    enrolKept:
      "Summen werden bei den Auswertern geholt, hier zusammengesetzt und geprüft, und bleiben nur in diesem Browser.",
    wrongRole:
      "Dieser Code ist für einen Haushalt. Er bleibt gültig; bitten Sie die Anmeldestelle um einen für Lieferanten.",

    title: (supplier) => `${supplier}: was Ihre Kunden zusammen handeln`,
    lead: "Auswerter sagen diese Summen nur Ihnen, und nur, wo genügend Kunden teilgenommen haben. Kein einzelner Auftrag, Handel oder Zählerstand lässt sich darin erkennen.",
    unreached:
      "Zu wenige Auswerter antworten. Was schon bekannt ist, bleibt hier; der Rest wird geholt, sobald genügend zurück sind.",
    failed: (why) => `Summen lassen sich nicht holen: ${why}`,
    fetching: (told, all) => `Geholt und geprüft: ${told} von ${all} Zeitabschnitten.`,

    withheldCount: (count, group) =>
      `In ${count} Zeitabschnitten zurückgehalten: Weniger als ${group} Ihrer Kunden haben einen Auftrag gesendet, und eine Summe über so wenige würde sie verraten.`,
    voidCount: (count) =>
      `In ${count} Zeitabschnitten nichtig: nicht rechtzeitig entschieden. Alle Energie läuft dann über Sie.`,
    noneTold: "Für diesen Tag sind bisher keine Summen bekannt.",
    noneMetered: "Für diesen Tag sind bisher keine Zählersummen bekannt.",

    bought: "Kunden kaufen",
    sold: "Kunden verkaufen",
    position: "Nettoposition",
    positionNote: (told, all) => `in ${told} von ${all} entschiedenen Zeitabschnitten`,
    fromOthers: "andere liefern an Sie",
    toOthers: "Sie liefern an andere",
    avoided: "Vermiedene Abweichung",
    avoidedMeaning:
      "Vermiedene Abweichung: was Ihre Kunden kaufen, abzüglich dessen, was sie verkaufen, je Zeitabschnitt und ohne Vorzeichen. Ohne diese Angabe hätten Sie diese Energie für sie beschafft oder anderswo verkauft und Ihre Bilanz um so viel verfehlt, neben dem Fehler Ihrer eigenen Prognose. Handel unter Ihren eigenen Kunden hebt sich auf.",

    forecast: "Was werden Ihre Kunden am Markt handeln?",
    forecastNote: "Bekannt, bevor der Zeitabschnitt beginnt; der Rest läuft über Sie.",
    forecastAnswer: (bought, sold) =>
      `Sie kaufen ${bought} und verkaufen ${sold} in den bisher bekannten Zeitabschnitten.`,
    net: "Wie viel liefern Kunden anderer Lieferanten an Ihre?",
    netNote: "Gekauft abzüglich verkauft: Über 0 liefern andere an Sie, unter 0 Sie an andere.",
    netAnswer: (position, avoided) => `Netto ${position}; ${avoided} Abweichung vermieden.`,
    metered: "Was haben Ihre Kunden laut Zähler bezogen und eingespeist?",
    meteredNote: "Schätzungen sind enthalten, wo ein Zählerstand fehlt.",
    meteredAnswer: (imported, exported, periods) =>
      `Sie bezogen ${imported} aus dem Netz und speisten ${exported} ein, in ${periods} abgerechneten Zeitabschnitten.`,
    boughtLabel: "Gekauft",
    soldLabel: "Verkauft",
    netLabel: "Nettoposition",
    importedLabel: "Aus dem Netz bezogen",
    exportedLabel: "Eingespeist",

    table: "Jeder Zeitabschnitt",
    period: "Zeitabschnitt",
    state: "Zustand",
    states: {
      ok: "bekannt",
      withheld: "zurückgehalten",
      void: "nichtig",
      pending: "noch nicht entschieden",
    },
    meteredStates: {
      settled: "abgerechnet",
      final: "endgültig",
      withheld: "Zählersummen zurückgehalten",
    },
    why: "Was die Zustände bedeuten",
    meanings: (group) => [
      `zurückgehalten: Weniger als ${group} Ihrer Kunden haben einen Auftrag gesendet. Summen über so wenige würden sie verraten; Auswerter sagen sie deshalb niemandem.`,
      "nichtig: Die Auswerter konnten nicht rechtzeitig entscheiden. Nichts wird gehandelt, alle Energie läuft über Sie.",
      "noch nicht entschieden: Noch werden Aufträge angenommen, oder die Auswerter rechnen. Spätestens einen Zeitabschnitt vor der Lieferung sind die Summen da.",
      `Zählersummen zurückgehalten: Weniger als ${group} Kunden Ihrer Gruppe haben einen Zählerstand gesendet. Neue Kunden kommen gemeinsam oder nach einem Tag in die Gruppe, damit kein Unterschied zweier Summen einen von ihnen verrät.`,
      "abgerechnet: aus der ersten Abrechnung nach der Lieferung. endgültig: Der Monat ist abgeschlossen; verspätete und berichtigte Zählerstände sind enthalten, wo sich genügend zugleich geändert haben.",
    ],
    csv: "Diese Zeitabschnitte herunterladen (CSV)",
    noSettlement: "Dieser Markt entscheidet nur: Nichts wird über ihn gemessen oder abgerechnet.",

    monthsTitle: "Was Ihre Kunden schulden",
    monthsLead:
      "Ist ein Monat abgeschlossen, sagen die Auswerter Ihnen die Gesamtsumme jedes Kunden und nichts davon, woraus sie besteht. Was über 0 ist, ziehen Sie ein, was darunter ist, zahlen Sie.",
    month: "Monat",
    open: (until) =>
      `Dieser Monat ist offen: Zählerstände werden bis ${until} angenommen, danach kommen die Summen.`,
    awaited:
      "Dieser Monat wird gerade abgeschlossen. Die Summen erscheinen hier, sobald die Auswerter sie signiert haben.",
    total: "Insgesamt",
    customers: (count) => `${count} Kunden`,
    owed: "An andere Lieferanten",
    owedWithheld:
      "zurückgehalten: Zusammen mit den Positionen einzelner Zeitabschnitte verriete sie die zurückgehaltenen; sie kommt mit einem späteren Monat",
    monthMetered: "Gemessen",
    inOut: (imported, exported) => `${imported} bezogen, ${exported} eingespeist`,
    coverage: (told, all) => `${told} von ${all} Zeitabschnitten`,
    payables: "Kunden",
    customer: "Kunde",
    covered: "Zeitabschnitte",
    estimated: "Geschätzt",
    amount: "Summe",
    monthCsv: "Summen herunterladen (CSV)",
    monthPeriodsCsv: "Zeitabschnitte des Monats herunterladen (CSV)",

    deviceTitle: "Dieses Gerät",
    deviceLead:
      "Der Schlüssel liegt beim Browser, der ihn für diese Seite verwendet und niemandem gibt, auch dieser Seite nicht. Das Programm Ihres Hauses hat einen anderen; jeder lässt sich allein sperren.",
    supplier: "Lieferant",
    serial: "Zertifikat",
    validUntil: "Gültig bis",
    since: "Angemeldet",
    lost: (command) =>
      `Geht das Gerät verloren, sperrt die Anmeldestelle dieses Zertifikat allein: ${command}`,
    forget: "Schlüssel und Summen dieses Geräts vergessen",
    forgetLead:
      "Für einen neuen Code, oder bevor das Gerät jemand anderem gehört. Lassen Sie es auch sperren.",
    forgetAgain: "Ja, vergessen",
  },
});
