// Texts of the checks: what each one means, in the person's words.
import { textTable } from "../i18n/language.ts";

interface CheckText {
  readonly title: string;
  readonly meaning: string;
}

export const checkTexts = textTable({
  en: {
    title: "Checks",
    lead: "Nobody need be believed. For every result this browser checks what the evaluators have signed, against the certificate of the market's authority. Open a check to see what it means and what was found.",
    period: "Period",
    none: "There is no result to check yet.",
    again: "Check again now",
    checking: "Checking …",
    allGood: "All checks hold.",
    someSilent:
      "Some evaluators have not answered; what the others have signed is enough, and the result is right without them.",
    someFailed:
      "Not all checks hold. Keep the evidence, and show it to the operator and to an evaluator that you trust.",
    failedToAsk: (why: string) => `The evaluators could not be asked: ${why}`,
    holds: "holds",
    fails: "does not hold",
    found: "Found",
    evidence: "Evidence, as it was signed",
    savedAt: "Checked when the result arrived.",
    freshAt: (when: string) => `Checked at ${when}.`,
    checks: {
      receipts: {
        title: "Receipts",
        meaning:
          "Every evaluator has signed that it holds exactly this order. If the order did not count all the same, this proves whose fault it is.",
      },
      answers: {
        title: "Answers",
        meaning: "Every evaluator that was asked has given its record of the period.",
      },
      decision: {
        title: "One decision",
        meaning: "All evaluators say the same about the period: same price, same set of orders.",
      },
      signatures: {
        title: "Signatures",
        meaning:
          "A majority of the evaluators has signed the decision, with keys that the market's authority has certified.",
      },
      inclusion: {
        title: "Your order counted",
        meaning:
          "Your order is in the set that the evaluators have signed. The proof is a path in a tree of digests from your order to the signed root.",
      },
      accepted: {
        title: "Your order was accepted",
        meaning: "The evaluators found your order well-formed; one that is not counts as nothing.",
      },
      shares: {
        title: "Shares of your result",
        meaning:
          "Each evaluator sent a random-looking share of what you trade. They fit together; only your browser puts them together.",
      },
      energy: {
        title: "Energy",
        meaning: "You trade no more than you ordered.",
      },
      price: {
        title: "Price",
        meaning: "The price is no worse than your limit.",
      },
      outcome: {
        title: "Outcome",
        meaning: "What the evaluators decided about the whole period.",
      },
      bill: {
        title: "Bill",
        meaning: "The bill, computed again from your own readings, trades and the tariff.",
      },
    } as Readonly<Record<string, CheckText>>,
  },
  de: {
    title: "Prüfungen",
    lead: "Niemandem muss geglaubt werden. Zu jedem Ergebnis prüft dieser Browser, was die Auswerter signiert haben, gegen das Zertifikat der Zertifizierungsstelle des Marktes. Öffnen Sie eine Prüfung, um zu sehen, was sie bedeutet und was gefunden wurde.",
    period: "Zeitabschnitt",
    none: "Noch gibt es kein Ergebnis zu prüfen.",
    again: "Jetzt erneut prüfen",
    checking: "Wird geprüft …",
    allGood: "Alle Prüfungen sind in Ordnung.",
    someSilent:
      "Einige Auswerter haben nicht geantwortet; was die anderen signiert haben, genügt, und das Ergebnis stimmt auch ohne sie.",
    someFailed:
      "Nicht alle Prüfungen sind in Ordnung. Bewahren Sie die Belege auf und zeigen Sie sie dem Betreiber und einem Auswerter, dem Sie vertrauen.",
    failedToAsk: (why) => `Die Auswerter konnten nicht gefragt werden: ${why}`,
    holds: "in Ordnung",
    fails: "nicht in Ordnung",
    found: "Gefunden",
    evidence: "Belege, wie sie signiert wurden",
    savedAt: "Geprüft, als das Ergebnis eintraf.",
    freshAt: (when) => `Geprüft um ${when}.`,
    checks: {
      receipts: {
        title: "Quittungen",
        meaning:
          "Jeder Auswerter hat signiert, dass er genau diesen Auftrag hat. Zählt der Auftrag trotzdem nicht, beweist das, an wem es lag.",
      },
      answers: {
        title: "Antworten",
        meaning: "Jeder gefragte Auswerter hat seinen Stand zum Zeitabschnitt genannt.",
      },
      decision: {
        title: "Eine Entscheidung",
        meaning: "Alle Auswerter sagen dasselbe: gleicher Preis, gleiche Menge von Aufträgen.",
      },
      signatures: {
        title: "Signaturen",
        meaning:
          "Eine Mehrheit der Auswerter hat die Entscheidung signiert, mit Schlüsseln, die die Zertifizierungsstelle des Marktes bestätigt hat.",
      },
      inclusion: {
        title: "Ihr Auftrag zählte",
        meaning:
          "Ihr Auftrag ist in der Menge, die die Auswerter signiert haben. Der Beweis ist ein Pfad in einem Baum von Prüfsummen von Ihrem Auftrag zur signierten Wurzel.",
      },
      accepted: {
        title: "Ihr Auftrag wurde angenommen",
        meaning: "Die Auswerter fanden Ihren Auftrag wohlgeformt; sonst zählte er als nichts.",
      },
      shares: {
        title: "Anteile Ihres Ergebnisses",
        meaning:
          "Jeder Auswerter sandte einen zufällig aussehenden Anteil dessen, was Sie handeln. Sie passen zusammen; nur Ihr Browser setzt sie zusammen.",
      },
      energy: { title: "Energie", meaning: "Sie handeln nicht mehr, als Sie wollten." },
      price: { title: "Preis", meaning: "Der Preis ist nicht schlechter als Ihre Grenze." },
      outcome: {
        title: "Ausgang",
        meaning: "Was die Auswerter über den ganzen Zeitabschnitt entschieden.",
      },
      bill: {
        title: "Rechnung",
        meaning: "Die Rechnung, nachgerechnet aus eigenen Messwerten, Geschäften und dem Tarif.",
      },
    },
  },
});
