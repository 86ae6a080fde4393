// How many took part in a day's periods: orders that counted, readings, and meters that were estimated.
import { useMemo } from "preact/hooks";
import { Chart } from "../components/chart.tsx";
import type { ChartSeries } from "../components/chart-drawing.ts";
import { spanText, timeText, wholeNumber } from "../i18n/format.ts";
import { market, periods } from "../market/feed.ts";
import { periodsIn } from "../market/schedule.ts";
import { operatorTexts } from "./texts.ts";

/** Households. */
const LEAST_TOP = 4;

export function ParticipationChart({ from, to }: { readonly from: number; readonly to: number }) {
  const t = operatorTexts();
  const document = market.value!;
  const { period_s: length } = document.schedule;
  const known = periods.value;
  const chart = useMemo(() => {
    const starts = periodsIn(document, from, to);
    const at = (start: number) => known.get(start);
    const line = (
      label: string,
      colour: ChartSeries["colour"],
      values: readonly (number | null)[],
    ): ChartSeries => ({ label, colour, values, kind: "step", format: wholeNumber });
    const orders = starts.map((start) => at(start)?.decision?.agreed?.count ?? null);
    const counted = orders.filter((count) => count !== null);
    const series = [line(t.ordersLabel, "blue", orders)];
    if (document.settlement !== null) {
      const settled = starts.map((start) => at(start)?.settlement ?? null);
      series.push(
        line(
          t.readingsLabel,
          "green",
          settled.map((one) => one?.readings ?? null),
        ),
        line(
          t.estimatedLabel,
          "orange",
          settled.map((one) => one?.estimated ?? null),
        ),
      );
    }
    const [low, high] = [Math.min(...counted), Math.max(...counted)];
    const answer =
      counted.length === 0
        ? t.ordersNone
        : low === high
          ? t.ordersSame(wholeNumber(low))
          : t.ordersAnswer(wholeNumber(low), wholeNumber(high));
    return { xs: counted.length === 0 ? [] : starts, series, answer };
  }, [document, known, from, to, t]);
  return (
    <Chart
      question={t.orders}
      note={t.ordersNote}
      {...chart}
      unit={t.count}
      leastTop={LEAST_TOP}
      yText={wholeNumber}
      axisText={timeText}
      xText={(x) => spanText(x, length)}
      xHeading={t.period}
    />
  );
}
