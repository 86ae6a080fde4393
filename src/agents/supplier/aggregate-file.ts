// A supplier's aggregates on disk: one row per settlement period, as comma-separated values or JSON. A file is
// replaced as a whole, so that it is never torn, and what it has already is not asked for again.
import { open, readFile, rename } from "node:fs/promises";
import { z } from "zod";
import { exactWh, unitsOfWh } from "../../market/energy-text.ts";
import { UNITS_PER_WH } from "../../market/order.ts";
import { periodText, textOfPeriod } from "../../wire/records.ts";

export const AGGREGATE_STATES = ["ok", "withheld", "void"] as const;

/** What the customers of a supplier traded together in one period, in units of 2^-10 Wh; null unless "ok". */
export interface AggregateRow {
  readonly periodStart: number;
  readonly state: (typeof AGGREGATE_STATES)[number];
  readonly boughtUnits: number | null;
  readonly soldUnits: number | null;
}

/** The file holds something else; says which file and what is wrong. */
export class AggregateFileError extends Error {
  override readonly name = "AggregateFileError";
}

export const csvHeader = "period_start,bought_wh,sold_wh,state";

const textOf = (units: number | null): string => (units === null ? "" : exactWh(units));

/** A row as comma-separated values, without a line end. */
export const csvRow = ({ periodStart, state, boughtUnits, soldUnits }: AggregateRow): string =>
  [textOfPeriod(periodStart), textOf(boughtUnits), textOf(soldUnits), state].join(",");

/** Rows as comma-separated values under their header. */
export const formatCsv = (rows: readonly AggregateRow[]): string =>
  [csvHeader, ...rows.map(csvRow), ""].join("\n");

/** Rows as JSON: energies in Wh, exact, null unless the state is "ok". */
export function formatJson(rows: readonly AggregateRow[]): string {
  const lines = rows.map(({ periodStart, state, boughtUnits, soldUnits }) => {
    const [bought, sold] = [textOf(boughtUnits) || "null", textOf(soldUnits) || "null"];
    const when = `"period_start": "${textOfPeriod(periodStart)}"`;
    return `  {${when}, "bought_wh": ${bought}, "sold_wh": ${sold}, "state": "${state}"}`;
  });
  return lines.length === 0 ? "[]\n" : `[\n${lines.join(",\n")}\n]\n`;
}

/** Puts a row together from texts; null when they are no row. */
function rowOf(period: string, bought: string, sold: string, state: string): AggregateRow | null {
  const known = AGGREGATE_STATES.find((one) => one === state);
  if (known === undefined || !periodText.safeParse(period).success) return null;
  const [boughtUnits, soldUnits] = [unitsOfWh(bought), unitsOfWh(sold)];
  const empty = bought === "" && sold === "";
  if (known === "ok" ? boughtUnits === null || soldUnits === null : !empty) return null;
  return { periodStart: Date.parse(period) / 1000, state: known, boughtUnits, soldUnits };
}

/** The inverse of formatCsv; `name` is for the message of AggregateFileError. */
export function parseCsv(text: string, name: string): AggregateRow[] {
  const [header, ...lines] = text.split(/\r?\n/);
  if (header !== csvHeader) {
    throw new AggregateFileError(
      `${name}:1: the first line of a file of aggregates is ${csvHeader}`,
    );
  }
  return lines.flatMap((line, i) => {
    if (line === "") return [];
    const [period = "", bought = "", sold = "", state = "", ...more] = line.split(",");
    const row = more.length > 0 ? null : rowOf(period, bought, sold, state);
    if (row === null) throw new AggregateFileError(`${name}:${i + 2}: not a row of ${csvHeader}`);
    return [row];
  });
}

/** Sums are exact as doubles, but a double's shortest text need not be the sum's. */
function textOfNumber(wh: number | null): string {
  const units = wh === null ? null : wh * UNITS_PER_WH;
  if (units === null) return "";
  return Number.isSafeInteger(units) && units >= 0 ? exactWh(units) : "not whole units";
}

const jsonSchema = z.array(
  z.strictObject({
    period_start: z.string(),
    bought_wh: z.number().nullable(),
    sold_wh: z.number().nullable(),
    state: z.string(),
  }),
);

/** The inverse of formatJson; `name` is for the message of AggregateFileError. */
export function parseJson(text: string, name: string): AggregateRow[] {
  const wrong = new AggregateFileError(
    `${name}: not a file of aggregates as this program writes them`,
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong;
  }
  const rows = jsonSchema.safeParse(value);
  if (!rows.success) throw wrong;
  return rows.data.map(({ period_start, bought_wh, sold_wh, state }) => {
    const [bought, sold] = [textOfNumber(bought_wh), textOfNumber(sold_wh)];
    const row = rowOf(period_start, bought, sold, state);
    if (row === null) throw wrong;
    return row;
  });
}

const FORMATS = {
  csv: { format: formatCsv, parse: parseCsv },
  json: { format: formatJson, parse: parseJson },
} as const;

/** The aggregates in one file. */
export class AggregateFile {
  readonly #file: string;
  readonly #kind: keyof typeof FORMATS;
  readonly #rows: Map<number, AggregateRow>;

  private constructor(file: string, kind: keyof typeof FORMATS, rows: readonly AggregateRow[]) {
    this.#file = file;
    this.#kind = kind;
    this.#rows = new Map(rows.map((row) => [row.periodStart, row]));
  }

  /** Opens a file that may or may not exist. Throws AggregateFileError when it holds something else. */
  static async open(file: string, kind: keyof typeof FORMATS): Promise<AggregateFile> {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return new AggregateFile(file, kind, []);
      throw new AggregateFileError(`cannot read ${file}: ${code}`);
    }
    return new AggregateFile(file, kind, text === "" ? [] : FORMATS[kind].parse(text, file));
  }

  has(periodStart: number): boolean {
    return this.#rows.has(periodStart);
  }

  /** All rows by period. */
  rows(): AggregateRow[] {
    return [...this.#rows.values()].toSorted((a, b) => a.periodStart - b.periodStart);
  }

  /** Adds rows of periods that it does not have yet, durably; there is no other row of the same period after that. */
  async add(rows: readonly AggregateRow[]): Promise<void> {
    for (const row of rows) {
      if (!this.has(row.periodStart)) this.#rows.set(row.periodStart, row);
    }
    const next = `${this.#file}.new`;
    const handle = await open(next, "w", 0o600);
    try {
      await handle.writeFile(FORMATS[this.#kind].format(this.rows()));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, this.#file);
  }
}
