// A settlement period's start on the command line.
import { InvalidArgumentError } from "commander";

/** In seconds since 1970 UTC. */
export function periodArgument(text: string): number {
  const seconds = Date.parse(text) / 1000;
  const isPeriod = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text);
  if (isPeriod && Number.isInteger(seconds)) return seconds;
  throw new InvalidArgumentError("It must be UTC such as 2025-06-01T12:15:00Z.");
}
