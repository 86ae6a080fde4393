// Rows of comma-separated values with their line numbers, from bytes of unknown origin.

import { isUtf8 } from "node:buffer";
import { CsvError, type Options, parse } from "csv-parse/sync";

/** The number of the first line with a byte that is not UTF-8, or null. */
export function firstLineNotUtf8(bytes: Uint8Array): number | null {
  if (isUtf8(bytes)) return null;
  let line = 1;
  let start = 0;
  for (;;) {
    // No byte of a longer UTF-8 sequence looks like a line feed, so lines can be judged one by one.
    const lineFeed = bytes.indexOf(0x0a, start);
    const end = lineFeed < 0 ? bytes.length : lineFeed;
    if (lineFeed < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    line += 1;
    start = end + 1;
  }
}

/** Takes what readRows finds; lines are counted from 1. */
export interface RowReader {
  /** The fields of a row and the line it begins on. */
  row(fields: readonly string[], line: number): void;
  /** A row whose quotes do not match. */
  unreadable(line: number): void;
}

/**
 * Hands all rows of UTF-8 text to `reader`, whatever their number of fields. Lines end in LF or
 * CRLF, blank ones are passed over, a byte order mark is ignored. After a row that cannot be read,
 * goes on with the line below.
 */
export function readRows(bytes: Uint8Array, reader: RowReader): void {
  // A view, not a copy; csv-parse would convert a string back into bytes.
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const options: Options<string[]> = {
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    skip_empty_lines: true,
  };
  let start = 0;
  let linesBefore = 0;
  while (start < input.length) {
    let linesRead = 0;
    const onRecord = (record: string[], context: { readonly lines: number }) => {
      linesRead = context.lines;
      reader.row(record, linesBefore + startLine(record, linesRead));
      return null;
    };
    try {
      parse(input.subarray(start), { ...options, bom: start === 0, on_record: onRecord });
      return;
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
    }
    const broken = nextLineWithContent(input, start, linesRead);
    reader.unreadable(linesBefore + broken.line);
    start = broken.end;
    linesBefore += broken.line;
  }
}

/** The first line below the `skipped` ones from `start` that is not blank, counted from there. */
function nextLineWithContent(
  input: Buffer,
  start: number,
  skipped: number,
): { readonly line: number; readonly end: number } {
  let from = start;
  for (let line = 1; ; line += 1) {
    const lineFeed = input.indexOf("\n", from);
    const end = lineFeed < 0 ? input.length : lineFeed + 1;
    const blank = end - from === 1 || (end - from === 2 && input[from] === 0x0d);
    if ((line > skipped && !blank) || end === input.length) return { line, end };
    from = end;
  }
}

/** csv-parse counts the line a row ends on; quoted fields may hold line breaks. */
function startLine(fields: readonly string[], endLine: number): number {
  let line = endLine;
  for (const field of fields) {
    if (field.includes("\n")) line -= field.split("\n").length - 1;
  }
  return line;
}
