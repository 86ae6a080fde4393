// Texts of the frame that all pages have.
import { textTable } from "./i18n/language.ts";

export const frameTexts = textTable({
  en: {
    skip: "Skip to the content",
    nav: "Parts of the market",
    start: "Overview",
    household: "Household",
    seen: "What they see",
    supplier: "Supplier",
    operator: "Operator",
    language: "Language",
    footer: "Everything here is loaded from this server alone. Orders are split in your browser.",
    noPage: "There is no such page.",
    loading: "Loading …",
    partFailed:
      "This part of the pages could not be loaded. Check the connection, then load again.",
    offline:
      "This device is offline. Orders that all evaluators have confirmed stand; others are kept here and sent when the connection is back, as long as their gate is open.",
    reconnecting:
      "The operator's server does not answer, so prices and states here are not up to date. Orders go to the evaluators directly and are not affected.",
    failed:
      "The market cannot be loaded: the operator's server does not answer. Trying again every few seconds.",
    silentOne: (names: string) =>
      `${names} does not answer. Orders are kept and sent again until their gate closes. An order counts when every evaluator that computes has it; what cannot be decided in time is void and costs nobody anything: all energy goes through the suppliers.`,
    silentMore: (names: string) =>
      `${names} do not answer. Orders are kept and sent again until their gate closes. What cannot be decided in time is void and costs nobody anything: all energy goes through the suppliers.`,
    skew: (by: string) =>
      `This device's clock is off by ${by}. Set it right: evaluators refuse what was signed at another time.`,
    minutes: (count: string) => `${count} min`,
    rehearsal: (speed: string) =>
      `A rehearsal: the market's time runs ${speed} times as fast as real time.`,
    marketTime: "Market time",
  },
  de: {
    skip: "Zum Inhalt",
    nav: "Teile des Marktes",
    start: "Überblick",
    household: "Haushalt",
    seen: "Was sie sehen",
    supplier: "Lieferant",
    operator: "Betreiber",
    language: "Sprache",
    footer: "Alles hier kommt allein von diesem Server. Aufträge werden in Ihrem Browser zerlegt.",
    noPage: "Diese Seite gibt es nicht.",
    loading: "Lädt …",
    partFailed:
      "Dieser Teil konnte nicht geladen werden. Prüfen Sie die Verbindung und laden Sie neu.",
    offline:
      "Dieses Gerät ist offline. Aufträge, die alle Auswerter bestätigt haben, gelten; die übrigen bleiben hier und werden gesendet, sobald die Verbindung wieder da ist und solange ihr Annahmeschluss nicht erreicht ist.",
    reconnecting:
      "Der Server des Betreibers antwortet nicht; Preise und Zustände hier sind nicht aktuell. Aufträge gehen direkt an die Auswerter und sind nicht betroffen.",
    failed:
      "Der Markt lässt sich nicht laden: Der Server des Betreibers antwortet nicht. Neuer Versuch alle paar Sekunden.",
    silentOne: (names: string) =>
      `${names} antwortet nicht. Aufträge bleiben erhalten und werden bis zum Annahmeschluss erneut gesendet. Ein Auftrag zählt, wenn jeder rechnende Auswerter ihn hat; was nicht rechtzeitig entschieden wird, ist nichtig und kostet niemanden etwas: Alle Energie läuft über die Lieferanten.`,
    silentMore: (names: string) =>
      `${names} antworten nicht. Aufträge bleiben erhalten und werden bis zum Annahmeschluss erneut gesendet. Was nicht rechtzeitig entschieden wird, ist nichtig und kostet niemanden etwas: Alle Energie läuft über die Lieferanten.`,
    skew: (by: string) =>
      `Die Uhr dieses Geräts geht um ${by} falsch. Bitte stellen: Auswerter weisen ab, was zu anderer Zeit signiert wurde.`,
    minutes: (count: string) => `${count} min`,
    rehearsal: (speed: string) =>
      `Eine Probe: Die Zeit des Marktes läuft ${speed}-mal so schnell wie die wirkliche.`,
    marketTime: "Marktzeit",
  },
});
