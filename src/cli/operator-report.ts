// The public record of all evaluators side by side, as text and as JSON.
import { createColors } from "picocolors";
import type { MarketStatus, PeriodStatus } from "../client/operator-client.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { textOfPeriod } from "../wire/records.ts";
import { counted, table } from "./text-layout.ts";

type Market = Pick<MarketDocument, "parameters" | "evaluators" | "id">;

export interface StatusReportOptions {
  readonly width: number;
  readonly color: boolean;
}

/** A line per period, newest first, then what is wrong. */
export function statusReport(
  status: MarketStatus,
  market: Market,
  { width, color }: StatusReportOptions,
): string[] {
  const colors = createColors(color);
  const evaluators = market.evaluators.map((_, i) => `evaluator ${i}`);
  const head = ["period", ...evaluators, "attempts", "orders", "price", ""];
  const align = [
    "left",
    ...evaluators.map(() => "left"),
    "right",
    "right",
    "right",
    "left",
  ] as const;
  const rows = status.periods.map((period) => rowOf(period, market));
  const [heading, ...lines] = table(head, rows, [...align] as ("left" | "right")[], width);
  const marked = lines.map((line, i) =>
    status.periods[i]!.disagreements.length > 0 ? colors.red(line) : line,
  );
  const shown =
    status.periods.length === 0 ? ["no periods yet"] : [colors.bold(heading ?? ""), ...marked];
  return [...shown, ...wrongLines(status).map((line) => colors.red(line)), summaryLine(status)];
}

function rowOf(
  { periodStart, records, decision, disagreements }: PeriodStatus,
  { parameters }: Market,
): string[] {
  const states = records.map((record) => {
    if (record === null) return "-";
    const reason = record.decision?.decision.reason ?? null;
    return reason === null ? record.state : `${record.state} (${reason})`;
  });
  const attempts = Math.max(0, ...records.map((record) => record?.attempts ?? 0));
  const price =
    decision === null
      ? ""
      : decision.priceTick === null
        ? "no trade"
        : parameters.grid.format(decision.priceTick);
  const orders = decision?.agreed == null ? "" : String(decision.agreed.count);
  const note = disagreements.length > 0 ? "DISAGREEMENT" : "";
  return [textOfPeriod(periodStart), ...states, String(attempts), orders, price, note];
}

function wrongLines({ periods, evaluators }: MarketStatus): string[] {
  const unreachable = evaluators.flatMap(({ evaluator, problem }) =>
    problem === null ? [] : `evaluator ${evaluator} cannot be reached: ${problem}`,
  );
  const disagreements = periods.flatMap(({ periodStart, disagreements: found }) =>
    found.map((text) => `DISAGREEMENT ${textOfPeriod(periodStart)}: ${text}`),
  );
  return [...unreachable, ...disagreements];
}

/** How many periods are in which state, and whether evaluators disagree. */
export function summaryLine({ periods, evaluators }: MarketStatus): string {
  const outcomes = periods.map(({ decision }) => decision?.outcome ?? "undecided");
  const states = (["cleared", "void", "undecided"] as const).flatMap((state) => {
    const count = outcomes.filter((outcome) => outcome === state).length;
    return count === 0 ? [] : `${count} ${state}`;
  });
  const wrong = periods.filter(({ disagreements }) => disagreements.length > 0).length;
  const away = evaluators.filter(({ problem }) => problem !== null).length;
  const reach = away === 0 ? "" : `; ${counted(away, "evaluator")} cannot be reached`;
  const counts = `${counted(periods.length, "period")}: ${states.join(", ") || "none"}`;
  return `${counts}; ${counted(wrong, "disagreement")}${reach}`;
}

/** The same as one JSON object. */
export function statusJson(
  { periods, evaluators }: MarketStatus,
  { parameters, id }: Market,
): object {
  return {
    market: id,
    evaluators: evaluators.map(({ evaluator, problem }) => ({ evaluator, problem })),
    periods: periods.map(({ periodStart, records, disagreements }) => ({
      period: textOfPeriod(periodStart),
      disagreements,
      evaluators: records.map((record, evaluator) => {
        if (record === null) return { evaluator, state: null };
        const decision = record.decision?.decision ?? null;
        const tick = decision?.priceTick ?? null;
        return {
          evaluator,
          state: record.state,
          attempts: record.attempts,
          reason: decision?.reason ?? null,
          orders: decision?.agreed?.count ?? null,
          traded: decision?.traded ?? null,
          price_ct_per_kwh: tick === null ? null : Number(parameters.grid.format(tick)),
        };
      }),
    })),
  };
}
