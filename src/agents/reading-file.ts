// Reading files: what meters counted in one settlement period as comma-separated values, one household per line. They
// come from outside: whatever they hold, reading one ends in readings and a list of problems.
import type { Metered } from "../client/prepared-reading.ts";
import { firstLineNotUtf8, readRows } from "./csv-rows.ts";
import type { OrderFileProblem } from "./order-file.ts";

const COLUMNS = ["meter", "import_wh", "export_wh"] as const;
const HEADER = COLUMNS.join(",");

export interface ParsedReadingFile {
  /** By the name of the meter. */
  readonly readings: ReadonlyMap<string, Metered>;
  /** In the order of their lines, counted from 1. */
  readonly problems: readonly OrderFileProblem[];
}

/**
 * Reads `meter,import_wh,export_wh`: energies from and to the grid as whole Wh, both positive. `meters` are those
 * with an order. Never throws on account of the content.
 */
export function parseReadingFile(
  bytes: Uint8Array,
  energyBits: number,
  meters: ReadonlySet<string>,
): ParsedReadingFile {
  const readings = new Map<string, Metered>();
  const problems: OrderFileProblem[] = [];
  const badLine = firstLineNotUtf8(bytes);
  if (badLine !== null) {
    const reason = "not UTF-8 text; save the file as UTF-8";
    return { readings, problems: [{ line: badLine, reason }] };
  }
  const lineOfMeter = new Map<string, number>();
  let header: "awaited" | "right" | "wrong" = "awaited";
  const say = (line: number, reason: string) => problems.push({ line, reason });
  readRows(bytes, {
    row(fields, line) {
      if (header === "awaited") {
        header = fields.join(",") === HEADER ? "right" : "wrong";
        if (header === "wrong") {
          say(line, `the first line is ${shown(fields.join(","))}; it must be ${HEADER}`);
        }
        return;
      }
      if (header === "wrong") return;
      if (fields.length !== COLUMNS.length) {
        say(line, `${fields.length} columns; expected ${COLUMNS.length}: ${HEADER}`);
        return;
      }
      const [meter = "", imported = "", exported = ""] = fields;
      const reasons: string[] = [];
      const first = lineOfMeter.get(meter);
      if (!meters.has(meter)) reasons.push(`meter ${shown(meter)} has no order`);
      else if (first !== undefined) {
        reasons.push(`meter ${shown(meter)} already has a reading on line ${first}`);
      } else lineOfMeter.set(meter, line);
      const energy = (name: string, text: string): number => {
        const most = 2 ** energyBits - 1;
        const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
        if (value <= most) return value;
        reasons.push(`${name} is ${shown(text)}; expected a whole number from 0 to ${most}`);
        return 0;
      };
      const metered = {
        importedWh: energy(COLUMNS[1], imported),
        exportedWh: energy(COLUMNS[2], exported),
      };
      if (reasons.length > 0) say(line, reasons.join("; "));
      else readings.set(meter, metered);
    },
    unreadable(line) {
      if (header !== "wrong")
        say(line, "a quote is not closed, or not written twice inside quotes");
    },
  });
  if (header === "awaited" && problems.length === 0) {
    say(1, `the file is empty; its first line must be ${HEADER}`);
  }
  return { readings, problems };
}

/** A value from the file for a message: quoted, of limited length, without control characters. */
function shown(text: string): string {
  const clipped = text.length <= 80 ? text : `${text.slice(0, 77)}...`;
  return `"${clipped.replace(/\p{Cc}/gu, "?")}"`;
}
