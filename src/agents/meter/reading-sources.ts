// Where a meter's readings come from: a file that grows, as the logger of a smart meter writes it. A later row for
// the same period corrects an earlier one.
import { readFile, stat } from "node:fs/promises";
import type { Metered } from "../../client/prepared-reading.ts";
import type { MarketParameters } from "../../market/parameters.ts";
import { type PeriodFileFormat, readPeriodRows, wholeNumberField } from "./period-file.ts";

export interface ReadingRows {
  /** What was metered, by the start of the period in seconds since 1970 UTC. */
  readonly rows: ReadonlyMap<number, Metered>;
  /** What is wrong with the source; said once. */
  readonly problems: readonly string[];
}

export interface ReadingSource {
  /** All that is known by now. */
  read(): Promise<ReadingRows>;
}

/** For a meter that nobody reads: all of its periods are estimated. */
export const noReadings: ReadingSource = {
  read: async () => ({ rows: new Map(), problems: [] }),
};

const readingFormat = (energyBits: number): PeriodFileFormat<Metered> => ({
  columns: ["period_start", "import_wh", "export_wh"],
  read: ([importText = "", exportText = ""]) => {
    const most = 2 ** energyBits - 1;
    const importedWh = wholeNumberField("import_wh", importText, most);
    const exportedWh = wholeNumberField("export_wh", exportText, most);
    if (typeof importedWh === "number" && typeof exportedWh === "number") {
      return { value: { importedWh, exportedWh } };
    }
    return { problems: [importedWh, exportedWh].filter((found) => typeof found === "string") };
  },
});

export interface ReadingFileOptions {
  readonly parameters: Pick<MarketParameters, "energyBits">;
  /** Length of a settlement period. */
  readonly periodS: number;
  readonly file: string;
}

/**
 * The readings of a file `period_start,import_wh,export_wh`. A last line without an end is still being written, and
 * left for the next time. Rows that are wrong are told, and the others count all the same.
 */
export function readingFileSource({
  parameters,
  periodS,
  file,
}: ReadingFileOptions): ReadingSource {
  const format = readingFormat(parameters.energyBits);
  let stamp = "";
  let rows: ReadonlyMap<number, Metered> = new Map();
  return {
    async read() {
      try {
        const { mtimeMs, size, ino } = await stat(file);
        const now = `${mtimeMs} ${size} ${ino}`;
        if (now === stamp) return { rows, problems: [] };
        const bytes = await readFile(file);
        const whole = bytes.subarray(0, bytes.lastIndexOf("\n") + 1);
        const found = readPeriodRows(whole, file, periodS, format, { laterCount: true });
        [stamp, rows] = [now, found.rows];
        return found;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === undefined) throw error;
        if (stamp === code) return { rows, problems: [] };
        stamp = code;
        const reason = code === "ENOENT" ? "there is no such file yet" : code;
        return { rows, problems: [`cannot read ${file}: ${reason}`] };
      }
    },
  };
}
