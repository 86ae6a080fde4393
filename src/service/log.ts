// The log of a service: JSON lines on standard error. What it is given to write never holds shares, masks, bodies,
// signatures or keys; ids of meters appear at the level debug only.
import { destination, type Logger, pino, stdTimeFunctions } from "pino";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

const STANDARD_ERROR = 2;

/** `who` is on every line, such as the number of the evaluator. */
export const jsonLog = (
  who: Readonly<Record<string, number>>,
  level: (typeof LOG_LEVELS)[number],
): Logger =>
  pino(
    {
      level,
      base: who,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ dest: STANDARD_ERROR, sync: true }),
  );

/** An unexpected error as it is logged: errors of databases have values of rows in fields of their own. */
export function errorForLog(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { code } = error as NodeJS.ErrnoException;
  return { name, message, stack, ...(code === undefined ? {} : { code }) };
}
