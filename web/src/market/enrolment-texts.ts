// Texts of enrolment, the same for households and suppliers.
import { textTable } from "../i18n/language.ts";

export const enrolmentTexts = textTable({
  en: {
    unsupportedContext:
      "Browsers do cryptography only on pages that came over HTTPS or from this very machine. Ask the operator for the https:// address.",
    unsupportedStorage:
      "This browser does not let the page keep anything (perhaps a private window). Without that, orders would be lost: use a usual window.",
    unsupportedAddresses:
      "The evaluators of this market have no addresses for browsers. Take part with a gateway instead, or ask the operator.",
    code: "One-time code",
    codeHint: "Capitals and hyphens do not matter.",
    enrol: "Enrol this browser",
    enrolling: "Enrolling …",
    noRegistrar: "This market enrols nobody by code in a browser. Ask the operator.",
    problems: {
      "unknown-code": "There is no such code. Compare it sign by sign.",
      "used-code": "This code was used already. Ask for another one.",
      "expired-code": "This code has expired. Ask for another one.",
      "too-many-requests": "Too many attempts failed. Wait a minute.",
    } as Readonly<Record<string, string>>,
    unreachable: "The registrar does not answer. Try again: the same code stays good.",
    enrolFailed: (why: string) => `The registrar refused: ${why}`,
  },
  de: {
    unsupportedContext:
      "Browser erlauben Kryptografie nur auf Seiten, die über HTTPS oder von diesem Rechner selbst kommen. Fragen Sie den Betreiber nach der https://-Adresse.",
    unsupportedStorage:
      "Dieser Browser lässt die Seite nichts speichern (vielleicht ein privates Fenster). Aufträge gingen verloren: Nehmen Sie ein gewöhnliches Fenster.",
    unsupportedAddresses:
      "Die Auswerter dieses Marktes haben keine Adressen für Browser. Nehmen Sie mit einem Gateway teil oder fragen Sie den Betreiber.",
    code: "Einmalcode",
    codeHint: "Groß- und Kleinschreibung und Bindestriche sind egal.",
    enrol: "Diesen Browser anmelden",
    enrolling: "Wird angemeldet …",
    noRegistrar: "Dieser Markt meldet im Browser niemanden per Code an. Fragen Sie den Betreiber.",
    problems: {
      "unknown-code": "Diesen Code gibt es nicht. Vergleichen Sie ihn Zeichen für Zeichen.",
      "used-code": "Dieser Code wurde schon verwendet. Bitten Sie um einen neuen.",
      "expired-code": "Dieser Code ist abgelaufen. Bitten Sie um einen neuen.",
      "too-many-requests": "Zu viele Fehlversuche. Warten Sie eine Minute.",
    },
    unreachable:
      "Die Anmeldestelle antwortet nicht. Versuchen Sie es noch einmal: Derselbe Code bleibt gültig.",
    enrolFailed: (why) => `Die Anmeldestelle lehnte ab: ${why}`,
  },
});
