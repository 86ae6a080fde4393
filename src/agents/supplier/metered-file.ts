// A supplier's metered sums on disk: one row per settled period, as comma-separated values. The file is replaced as a
// whole, so that it is never torn. A row is final when its month is closed; until then corrections may replace it.
import { readFile } from "node:fs/promises";
import { exactWh, unitsOfWh } from "../../market/energy-text.ts";
import { writeDurably } from "../../platform/durable-file.ts";
import { periodText, textOfPeriod } from "../../wire/records.ts";
import { AggregateFileError } from "./aggregate-file.ts";

export const METERED_STATES = ["settled", "final"] as const;

/** Energies in units of 2^-10 Wh; null where they are withheld. */
export interface MeteredRow {
  readonly periodStart: number;
  readonly importedUnits: number | null;
  readonly exportedUnits: number | null;
  /** What its customers bought less what they sold. */
  readonly positionUnits: number | null;
  readonly state: (typeof METERED_STATES)[number];
}

export const meteredHeader = "period_start,imported_wh,exported_wh,position_wh,state";

const textOf = (units: number | null): string => {
  if (units === null) return "";
  return units < 0 ? `-${exactWh(-units)}` : exactWh(units);
};

/** A row as comma-separated values, without a line end. */
export const meteredCsvRow = (row: MeteredRow): string => {
  const energies = [row.importedUnits, row.exportedUnits, row.positionUnits].map(textOf);
  return [textOfPeriod(row.periodStart), ...energies, row.state].join(",");
};

/** Null when the line is no row. */
function rowOf(line: string): MeteredRow | null {
  const [period = "", imported = "", exported = "", position = "", state, ...more] =
    line.split(",");
  const known = METERED_STATES.find((one) => one === state);
  if (known === undefined || more.length > 0 || !periodText.safeParse(period).success) return null;
  const negative = position.startsWith("-");
  const size = unitsOrNull(negative ? position.slice(1) : position);
  const sums = [unitsOrNull(imported), unitsOrNull(exported)];
  if (size === undefined || sums.includes(undefined)) return null;
  return {
    periodStart: Date.parse(period) / 1000,
    importedUnits: sums[0]!,
    exportedUnits: sums[1]!,
    positionUnits: size !== null && negative ? -size : size,
    state: known,
  };
}

/** Null for an empty text, undefined for one that is no energy. */
const unitsOrNull = (text: string): number | null | undefined =>
  text === "" ? null : (unitsOfWh(text) ?? undefined);

export class MeteredFile {
  readonly #file: string;
  readonly #rows: Map<number, MeteredRow>;

  private constructor(file: string, rows: readonly MeteredRow[]) {
    this.#file = file;
    this.#rows = new Map(rows.map((row) => [row.periodStart, row]));
  }

  /** Opens a file that may or may not exist. Throws AggregateFileError when it holds something else. */
  static async open(file: string): Promise<MeteredFile> {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return new MeteredFile(file, []);
      throw new AggregateFileError(`cannot read ${file}: ${code}`);
    }
    const [header, ...lines] = text.split(/\r?\n/);
    if (text !== "" && header !== meteredHeader) {
      throw new AggregateFileError(`${file}:1: the first line must be ${meteredHeader}`);
    }
    const rows = lines.flatMap((line, i) => {
      if (line === "") return [];
      const row = rowOf(line);
      if (row === null) throw new AggregateFileError(`${file}:${i + 2}: not a row of metered sums`);
      return [row];
    });
    return new MeteredFile(file, rows);
  }

  /** What it has of a period. */
  state(periodStart: number): MeteredRow["state"] | null {
    return this.#rows.get(periodStart)?.state ?? null;
  }

  /** Adds rows, or replaces those of the same periods, durably. */
  async put(rows: readonly MeteredRow[]): Promise<void> {
    for (const row of rows) this.#rows.set(row.periodStart, row);
    const sorted = [...this.#rows.values()].toSorted((a, b) => a.periodStart - b.periodStart);
    const text = [meteredHeader, ...sorted.map(meteredCsvRow), ""].join("\n");
    await writeDurably(this.#file, text);
  }
}
