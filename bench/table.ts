// What benchmarks print: medians, a table on the standard output, progress on a terminal.
import { machine } from "./machine.ts";

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}

/** Progress, on a terminal. */
export function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(text);
}

/** Title and text of each column. */
export type Columns<Row> = readonly (readonly [string, (row: Row) => string])[];

/** Prints the machine, a note, and the rows; the first column is text, the others are numbers. */
export function printTable<Row>(note: string, columns: Columns<Row>, rows: readonly Row[]): void {
  const cells = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, of]) => of(row))),
  ];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const { cpu, cores, memoryGiB, node } = machine();
  process.stdout.write(`${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}; ${note}\n`);
  for (const line of cells) {
    const padded = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    );
    process.stdout.write(`${padded.join("  ")}\n`);
  }
}
