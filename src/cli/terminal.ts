// Writing to the terminal: progress that disappears, errors, and output of any length.
import { constants, createWriteStream } from "node:fs";
import { access, open } from "node:fs/promises";
import { dirname } from "node:path";
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
  stream.isTTY === true && process.env.NO_COLOR === undefined;

const DEFAULT_COLUMNS = 100;
export const terminalWidth = (): number => process.stdout.columns || DEFAULT_COLUMNS;

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

/** Throws InputError where writeOut could not write `file`; leaves everything as it is. */
export async function checkWritable(file: string): Promise<void> {
  try {
    await (await open(file, "r+")).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw cannotWrite(file, error);
    await access(dirname(file), constants.W_OK).catch((reason: unknown) => {
      throw cannotWrite(file, reason);
    });
  }
}

function cannotWrite(file: string, error: unknown): InputError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = WRITE_PROBLEMS.get(code ?? "") ?? message;
  return new InputError([`cannot write ${file}: ${reason}`]);
}

const WRITE_PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "its folder does not exist"],
  ["ENOTDIR", "its folder does not exist"],
  ["EISDIR", "it is a folder"],
  ["EACCES", "it may not be written"],
  ["EPERM", "it may not be written"],
  ["EROFS", "it is on a disk that may not be written"],
]);

/** Writes pieces of text to a file, or to standard output when `file` is undefined. */
export async function writeOut(pieces: Iterable<string>, file: string | undefined): Promise<void> {
  if (file === undefined) {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
    return;
  }
  try {
    await pipeline(Readable.from(pieces), createWriteStream(file));
  } catch (error) {
    throw cannotWrite(file, error);
  }
}
