// The market's price over a day or more, within what a supplier takes and gives where that is known.
import { useMemo } from "preact/hooks";
import {
  ctPerKwh,
  dayStartAfter,
  priceNumber,
  spanText,
  timeText,
  wholeNumber,
} from "../i18n/format.ts";
import { textTable } from "../i18n/language.ts";
import { market, periods } from "../market/feed.ts";
import { periodsIn } from "../market/schedule.ts";
import { Chart } from "./chart.tsx";
import type { ChartSeries } from "./chart-drawing.ts";

interface PriceChartProps {
  readonly question: string;
  readonly note: string;
  /** The midnight at which the day begins. */
  readonly from: number;
  /** The supplier's prices in ct/kWh by start of the period, where they are known; the same function each time. */
  readonly tariff?: (start: number) => {
    readonly retailCt: number | null;
    readonly feedInCt: number | null;
  };
}

const texts = textTable({
  en: {
    price: "Market price",
    retail: "Supplier takes",
    feedIn: "Supplier gives",
    period: "Period",
    range: (low: string, high: string) => `Between ${low} and ${high}`,
    answer: (range: string, traded: string, all: string) =>
      `${range} in ${traded} of ${all} decided periods${traded === all ? "" : "; nothing was traded in the others"}.`,
    none: (all: string) => `Nothing was traded in the ${all} periods decided so far.`,
  },
  de: {
    price: "Marktpreis",
    retail: "Lieferant verlangt",
    feedIn: "Lieferant vergütet",
    period: "Zeitabschnitt",
    range: (low: string, high: string) => `Zwischen ${low} und ${high}`,
    answer: (range: string, traded: string, all: string) =>
      `${range} in ${traded} von ${all} entschiedenen Zeitabschnitten${traded === all ? "" : "; in den übrigen wurde nichts gehandelt"}.`,
    none: (all: string) =>
      `In den ${all} bisher entschiedenen Zeitabschnitten wurde nichts gehandelt.`,
  },
});

const rangeText = (low: number, high: number): string =>
  low === high ? ctPerKwh(low) : texts().range(ctPerKwh(low), ctPerKwh(high));

export function PriceChart({ question, note, from, tariff }: PriceChartProps) {
  const t = texts();
  const document = market.value!;
  const { parameters, schedule } = document;
  const { grid } = parameters;
  const to = dayStartAfter(from, 1);
  const known = periods.value;
  const chart = useMemo(() => {
    const xs = periodsIn(document, from, to);
    const decisions = xs.map((start) => known.get(start)?.decision ?? null);
    const decided = decisions.filter((decision) => decision !== null).length;
    const values = decisions.map((decision) =>
      decision?.priceTick == null ? null : grid.value(decision.priceTick),
    );
    const level = (label: string, name: "retailCt" | "feedInCt"): ChartSeries[] =>
      tariff === undefined || tariff(from)[name] === null
        ? []
        : [
            {
              label,
              values: xs.map((start) => tariff(start)[name]),
              kind: "step",
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
    const series = [price, ...level(t.retail, "retailCt"), ...level(t.feedIn, "feedInCt")];
    const prices = values.filter((value) => value !== null);
    const count = wholeNumber(decided);
    const answer =
      prices.length === 0
        ? t.none(count)
        : t.answer(
            rangeText(Math.min(...prices), Math.max(...prices)),
            wholeNumber(prices.length),
            count,
          );
    return { xs, series, answer };
  }, [document, known, from, to, grid, t, tariff]);
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
