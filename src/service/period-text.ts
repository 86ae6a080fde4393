// Periods as requests name them.
import type { MarketDocument } from "../market/market-document.ts";
import { ProblemError } from "../wire/problems.ts";
import { periodOfText, periodText, textOfPeriod } from "../wire/records.ts";

/** The start of a period from the text in a path or query. Throws ProblemError. */
export function startOf(text: string): number {
  const start = periodText.safeParse(text).success ? periodOfText(text) : Number.NaN;
  if (Number.isNaN(start) || textOfPeriod(start) !== text) {
    throw new ProblemError("malformed-request", "a period is written like 2025-06-01T12:15:00Z");
  }
  return start;
}

export function noPeriod(
  { market }: { readonly market: MarketDocument },
  text: string,
): ProblemError {
  const first = textOfPeriod(market.firstPeriod);
  const right = `periods begin every ${market.schedule.period_s} s from ${first} on`;
  return new ProblemError("unknown-period", `no period begins at ${text}; ${right}`);
}
