// Reads a forecast, comma-separated: period_start,import_wh,export_wh. Every mistake is named with its line.
import { parse } from "csv-parse/browser/esm/sync";
import type { ExpectedEnergy } from "../../../src/client/standing-rule.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { textTable } from "../i18n/language.ts";

const HEADER = ["period_start", "import_wh", "export_wh"];
const PERIOD = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const MOST_SHOWN = 5;

const texts = textTable({
  en: {
    header: `The first line must be ${HEADER.join(",")}.`,
    start: (line: number) =>
      `Line ${line}: the start is no period of this market in UTC, such as 2025-06-01T12:15:00Z.`,
    energy: (line: number, most: number) =>
      `Line ${line}: energies are whole Wh from 0 to ${most}.`,
    twice: (line: number) => `Line ${line}: this period is there already.`,
    unreadable: "This is no file of comma-separated values.",
    more: (count: number) => `And ${count} more.`,
  },
  de: {
    header: `Die erste Zeile muss ${HEADER.join(",")} sein.`,
    start: (line) =>
      `Zeile ${line}: Der Beginn ist kein Zeitabschnitt dieses Marktes in UTC, etwa 2025-06-01T12:15:00Z.`,
    energy: (line, most) => `Zeile ${line}: Energien sind ganze Wh von 0 bis ${most}.`,
    twice: (line) => `Zeile ${line}: Diesen Zeitabschnitt gibt es schon.`,
    unreadable: "Das ist keine Datei mit kommagetrennten Werten.",
    more: (count) => `Und ${count} weitere.`,
  },
});

/** By start of the period. Throws an Error with words for the person. */
export function readForecast(
  text: string,
  { schedule, parameters }: Pick<MarketDocument, "schedule" | "parameters">,
): Map<number, ExpectedEnergy> {
  const t = texts();
  const [header, ...lines] = rowsOf(text);
  if (header?.join(",") !== HEADER.join(",")) throw new Error(t.header);
  const most = 2 ** parameters.energyBits - 1;
  const rows = new Map<number, ExpectedEnergy>();
  const problems: string[] = [];
  for (const [i, [start = "", importText = "", exportText = ""]] of lines.entries()) {
    const line = i + 2;
    const startS = PERIOD.test(start) ? Date.parse(start) / 1000 : Number.NaN;
    const [importWh, exportWh] = [importText, exportText].map(wholeNumber) as [number, number];
    if (!(startS % schedule.period_s === 0)) problems.push(t.start(line));
    else if (rows.has(startS)) problems.push(t.twice(line));
    else if (!(importWh <= most && exportWh <= most)) problems.push(t.energy(line, most));
    else rows.set(startS, { importWh, exportWh });
  }
  if (problems.length === 0) return rows;
  const more = problems.length > MOST_SHOWN ? [t.more(problems.length - MOST_SHOWN)] : [];
  throw new Error([...problems.slice(0, MOST_SHOWN), ...more].join(" "));
}

function rowsOf(text: string): string[][] {
  try {
    return parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true });
  } catch {
    throw new Error(texts().unreadable);
  }
}

const wholeNumber = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);
