// Files with one row per settlement period, as comma-separated values: what an order plan and a forecast have in
// common. They come from outside: whatever they hold, reading one ends in rows and a list of problems.
import { periodText } from "../../wire/records.ts";
import { firstLineNotUtf8, readRows } from "../csv-rows.ts";

/** The file is wrong; one line per problem, each with file and line. */
export class PeriodFileError extends Error {
  override readonly name = "PeriodFileError";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** A row's value, or what is wrong with it. */
export type RowResult<T> = { readonly value: T } | { readonly problems: readonly string[] };

export interface PeriodFileFormat<T> {
  /** The first line; its first column is the start of the period. */
  readonly columns: readonly string[];
  /** Reads the other columns. */
  read(fields: readonly string[]): RowResult<T>;
}

export interface PeriodRows<T> {
  /** By the start of the period in seconds since 1970 UTC. */
  readonly rows: Map<number, T>;
  /** What is wrong with other rows; each with file and line. */
  readonly problems: readonly string[];
}

/**
 * Reads a file with a row per period, by the start of the period in seconds since 1970 UTC. `name` is for messages.
 * Throws PeriodFileError that names every problem.
 */
export function parsePeriodFile<T>(
  bytes: Uint8Array,
  name: string,
  periodS: number,
  format: PeriodFileFormat<T>,
): Map<number, T> {
  const { rows, problems } = readPeriodRows(bytes, name, periodS, format);
  if (problems.length > 0) throw new PeriodFileError(problems);
  return rows;
}

/** The same with the good rows whatever the others are. With `laterCount` a later row replaces one before. */
export function readPeriodRows<T>(
  bytes: Uint8Array,
  name: string,
  periodS: number,
  format: PeriodFileFormat<T>,
  { laterCount = false }: { readonly laterCount?: boolean } = {},
): PeriodRows<T> {
  const rows = new Map<number, T>();
  const badLine = firstLineNotUtf8(bytes);
  if (badLine !== null) return { rows, problems: [`${name}:${badLine}: not UTF-8 text`] };
  const problems: string[] = [];
  const header = format.columns.join(",");
  let headerSeen = false;
  const say = (line: number, reason: string) => problems.push(`${name}:${line}: ${reason}`);
  readRows(bytes, {
    row: (fields, line) => {
      if (!headerSeen) {
        headerSeen = true;
        if (fields.join(",") !== header) say(line, `the first line must be ${header}`);
        return;
      }
      if (fields.length !== format.columns.length) {
        say(line, `${fields.length} columns; expected ${format.columns.length}: ${header}`);
        return;
      }
      const start = startOf(fields[0] ?? "", periodS);
      const result = format.read(fields.slice(1));
      const found = "problems" in result ? [...result.problems] : [];
      if (typeof start === "string") found.unshift(start);
      else if (rows.has(start) && !laterCount) {
        found.unshift(`period_start ${fields[0]} is there twice`);
      }
      if (found.length > 0) say(line, found.join("; "));
      else if (typeof start === "number" && "value" in result) rows.set(start, result.value);
    },
    unreadable: (line) => say(line, "a quote is not closed, or not written twice inside quotes"),
  });
  if (!headerSeen) say(1, `the file is empty; its first line must be ${header}`);
  return { rows, problems };
}

function startOf(text: string, periodS: number): number | string {
  const start = periodText.safeParse(text).success ? Date.parse(text) / 1000 : Number.NaN;
  if (Number.isNaN(start)) {
    return `period_start is "${clipped(text)}"; expected UTC such as 2025-06-01T12:15:00Z`;
  }
  const multiple = `a multiple of the market's period of ${periodS} s`;
  return start % periodS === 0 ? start : `period_start is "${text}"; expected ${multiple}`;
}

/** A whole number from 0 to `most`, or what is wrong with it. */
export function wholeNumberField(name: string, text: string, most: number): number | string {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  return `${name} is "${clipped(text)}"; expected a whole number from 0 to ${most}`;
}

/** A text from outside for a message: short and without control characters. */
export function clipped(text: string): string {
  const printable = text.replace(/\p{Cc}/gu, "?");
  return printable.length <= 60 ? printable : `${printable.slice(0, 57)}...`;
}
