// Periods as requests name them.
import type { MarketDocument } from "../market/market-document.ts";
import { readingWindow } from "../market/tariffs.ts";
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

/** Whether readings of a period that has been delivered are taken still. Throws ProblemError. */
export function deliveredWindow(
  market: MarketDocument,
  text: string,
  nowS: number,
): "open" | "closed" {
  const start = startOf(text);
  const window = readingWindow(market, start, nowS);
  if (window === "no-period") throw noPeriod({ market }, text);
  if (window === "not-delivered") {
    const end = textOfPeriod(start + market.schedule.period_s);
    throw new ProblemError("not-delivered", `readings of ${text} are taken from ${end} on`);
  }
  return window;
}

/** The market, if it has settlement. Throws ProblemError. */
export function settledMarket({ market }: { readonly market: MarketDocument }): MarketDocument {
  if (market.settlement !== null) return market;
  throw new ProblemError("no-settlement", `the market ${market.id} clears, and settles nothing`);
}
