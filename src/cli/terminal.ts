// Writing to the terminal: progress that disappears, errors, and output of any length.
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createColors } from "picocolors";

/** Exit codes: the input is wrong; something failed. */
export const EXIT_BAD_INPUT = 2;
export const EXIT_FAILED = 1;

/** Thrown for a mistake in what the user gave; the messages are shown as they are. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

export const useColour = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && process.env["NO_COLOR"] === undefined;

const DEFAULT_COLUMNS = 100;
export const terminalWidth = (): number => process.stdout.columns ?? DEFAULT_COLUMNS;

/** One line on a terminal's standard error that each call overwrites; silent elsewhere. */
export class Progress {
  private readonly stream = process.stderr;

  show(text: string): void {
    if (this.stream.isTTY) this.stream.write(`\r\x1b[K${createColors(true).dim(`${text} ...`)}`);
  }

  clear(): void {
    if (this.stream.isTTY) this.stream.write("\r\x1b[K");
  }
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Writes pieces of text to a file, or to standard output when `file` is undefined. */
export async function writeOut(
  pieces: Iterable<string>,
  file: string | undefined,
): Promise<void> {
  if (file === undefined) {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
    return;
  }
  try {
    await pipeline(Readable.from(pieces), createWriteStream(file));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError([`cannot write ${file}: ${reason}`]);
  }
}
