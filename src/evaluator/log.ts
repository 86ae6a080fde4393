// The evaluator's log: JSON lines on standard error. What it is given to write never holds shares, bodies, signatures
// or keys; ids of meters appear at the level debug only.
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import type { ServiceConfig } from "./service-config.ts";

const STANDARD_ERROR = 2;

export const serviceLog = ({
  index,
  log_level: level,
}: Pick<ServiceConfig, "index" | "log_level">): Logger =>
  pino(
    {
      level,
      base: { evaluator: index },
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
