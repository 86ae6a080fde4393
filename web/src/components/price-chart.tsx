// The market's price over a day or more, within what a supplier takes and gives where that is known.
import { useMemo } from "preact/hooks";
import { ctPerKwh, dayStartAfter, priceNumber, spanText, timeText } from "../i18n/format.ts";
import { textTable } from "../i18n/language.ts";
import { market, periods } from "../market/feed.ts";
import { Chart } from "./chart.tsx";
import type { ChartSeries } from "./chart-drawing.ts";

interface PriceChartProps {
  readonly question: string;
  readonly note: string;
  /** The midnight at which the day begins. */
  readonly from: number;
  /** The supplier's prices in ct/kWh, where they are known. */
  readonly retailCt?: number | null;
  readonly feedInCt?: number | null;
}

const texts = textTable({
  en: {
    price: "Market price",
    retail: "Supplier takes",
    feedIn: "Supplier gives",
    period: "Period",
    answer: (low: string, high: string, traded: string, all: string) =>
      `Between ${low} and ${high} in ${traded} of ${all} decided periods; nothing was traded in the others.`,
    none: (all: string) => `Nothing was traded in the ${all} periods decided so far.`,
  },
  de: {
    price: "Marktpreis",
    retail: "Lieferant verlangt",
    feedIn: "Lieferant vergütet",
    period: "Zeitabschnitt",
    answer: (low: string, high: string, traded: string, all: string) =>
      `Zwischen ${low} und ${high} in ${traded} von ${all} entschiedenen Zeitabschnitten; in den übrigen wurde nichts gehandelt.`,
    none: (all: string) =>
      `In den ${all} bisher entschiedenen Zeitabschnitten wurde nichts gehandelt.`,
  },
});

export function PriceChart({ question, note, from, retailCt, feedInCt }: PriceChartProps) {
  const t = texts();
  const { parameters, schedule } = market.value!;
  const { grid } = parameters;
  const to = dayStartAfter(from, 1);
  const known = periods.value;
  const chart = useMemo(() => {
    const inDay = [...known.values()].filter(
      ({ start, decision }) => start >= from && start < to && decision !== null,
    );
    const sorted = inDay.toSorted((a, b) => a.start - b.start);
    const xs = sorted.map(({ start }) => start);
    const values = sorted.map(({ decision }) =>
      decision?.priceTick == null ? null : grid.value(decision.priceTick),
    );
    const level = (label: string, ct: number | null | undefined): ChartSeries[] =>
      ct == null
        ? []
        : [
            {
              label,
              values: xs.map(() => ct),
              kind: "line",
              colour: "grey",
              isDashed: true,
              format: ctPerKwh,
            },
          ];
    const price: ChartSeries = {
      label: t.price,
      values,
      kind: "step",
      colour: "blue",
      format: ctPerKwh,
    };
    const series = [price, ...level(t.retail, retailCt), ...level(t.feedIn, feedInCt)];
    const prices = values.filter((value) => value !== null);
    const count = String(xs.length);
    const answer =
      prices.length === 0
        ? t.none(count)
        : t.answer(
            ctPerKwh(Math.min(...prices)),
            ctPerKwh(Math.max(...prices)),
            String(prices.length),
            count,
          );
    return { xs, series, answer };
  }, [known, from, to, grid, t, retailCt, feedInCt]);
  return (
    <Chart
      question={question}
      note={note}
      {...chart}
      unit="ct/kWh"
      yText={priceNumber}
      axisText={timeText}
      xText={(x) => spanText(x, schedule.period_s)}
      xHeading={t.period}
    />
  );
}
