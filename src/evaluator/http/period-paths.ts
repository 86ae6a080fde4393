// Periods and months as requests name them, and what is known of them.
import { orderWindow } from "../../market/market-document.ts";
import { periodsOfMonth } from "../../market/tariffs.ts";
import { noPeriod, settledMarket, startOf } from "../../service/period-text.ts";
import type { PeriodRow } from "../../storage/evaluator-store.ts";
import { ProblemError } from "../../wire/problems.ts";
import { type Decision, textOfPeriod } from "../../wire/records.ts";
import { monthText } from "../../wire/settlement-records.ts";
import type { HttpContext } from "./context.ts";

/**
 * The start of a period of the market, from the text in a path or query, that can be ordered for, or could be. Throws
 * ProblemError.
 */
export function knownStartOf({ market, marketClock }: HttpContext, text: string): number {
  const start = startOf(text);
  const window = orderWindow(market, start, marketClock.nowS());
  if (window === "no-period") throw noPeriod({ market }, text);
  if (window === "too-early") {
    throw new ProblemError("unknown-period", `nothing is known of ${text} yet`);
  }
  return start;
}

/** The periods of a month that has begun. Throws ProblemError. */
export function knownMonth(
  context: HttpContext,
  text: string,
): { readonly from: number; readonly to: number } {
  const market = settledMarket(context);
  if (!monthText.safeParse(text).success) {
    throw new ProblemError("malformed-request", "a month is written like 2025-06");
  }
  const periods = periodsOfMonth(market, text);
  if (periods.from === periods.to) {
    const first = textOfPeriod(market.firstPeriod);
    throw new ProblemError("unknown-month", `${text} has no periods: the first is ${first}`);
  }
  if (periods.from > context.marketClock.nowS()) {
    throw new ProblemError("unknown-month", `nothing is known of ${text} yet`);
  }
  return periods;
}

/** A period that was cleared. Throws ProblemError when it is void or not decided. */
export async function clearedPeriod(
  context: HttpContext,
  start: number,
): Promise<{ readonly row: PeriodRow; readonly decision: Decision }> {
  const row = await context.store.period(start);
  const decision = row?.decision?.decision ?? null;
  const text = textOfPeriod(start);
  if (row === null || decision === null) {
    throw new ProblemError("not-decided", `the period ${text} is not decided here yet`);
  }
  if (decision.outcome === "void") {
    const found = `the period ${text} is void (${decision.reason})`;
    throw new ProblemError("period-void", `${found}: all energy goes through the suppliers`);
  }
  return { row, decision };
}
