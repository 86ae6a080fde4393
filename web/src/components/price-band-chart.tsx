// The market's prices over a month: the lowest, the mean and the highest of each day.
import { useMemo } from "preact/hooks";
import {
  ctPerKwh,
  dayStartAfter,
  longDayText,
  priceNumber,
  shortDayText,
  wholeNumber,
} from "../i18n/format.ts";
import { textTable } from "../i18n/language.ts";
import { market, periods } from "../market/feed.ts";
import { Chart } from "./chart.tsx";

/** Means are rounded to hundredths of a cent. */
const CENTS = 100;

interface PriceBandChartProps {
  readonly question: string;
  readonly note: string;
  /** Local midnights: of the first day, and after the last. */
  readonly from: number;
  readonly to: number;
}

const texts = textTable({
  en: {
    low: "Lowest",
    mean: "Mean",
    high: "Highest",
    day: "Day",
    answer: (low: string, high: string, days: string) =>
      `Between ${low} and ${high}; days with trade: ${days}.`,
    none: "Nothing was traded so far.",
  },
  de: {
    low: "Niedrigster",
    mean: "Mittel",
    high: "Höchster",
    day: "Tag",
    answer: (low: string, high: string, days: string) =>
      `Zwischen ${low} und ${high}; Tage mit Handel: ${days}.`,
    none: "Bisher wurde nichts gehandelt.",
  },
});

export function PriceBandChart({ question, note, from, to }: PriceBandChartProps) {
  const t = texts();
  const { grid } = market.value!.parameters;
  const known = periods.value;
  const chart = useMemo(() => {
    const xs: number[] = [];
    for (let day = from; day < to; day = dayStartAfter(day, 1)) xs.push(day);
    const prices = xs.map((): number[] => []);
    for (const { start, decision } of known.values()) {
      if (start < from || start >= to || decision?.priceTick == null) continue;
      const day = xs.findLastIndex((one) => one <= start);
      prices[day]?.push(grid.value(decision.priceTick));
    }
    const of = (value: (some: readonly number[]) => number) =>
      prices.map((some) => (some.length === 0 ? null : value(some)));
    const [low, high] = [of((some) => Math.min(...some)), of((some) => Math.max(...some))];
    const mean = of((some) => {
      const sum = some.reduce((all, one) => all + one, 0);
      return Math.round((sum / some.length) * CENTS) / CENTS;
    });
    const all = prices.flat();
    const days = wholeNumber(low.filter((one) => one !== null).length);
    const answer =
      all.length === 0
        ? t.none
        : t.answer(ctPerKwh(Math.min(...all)), ctPerKwh(Math.max(...all)), days);
    const line = { kind: "step", format: ctPerKwh } as const;
    const series = [
      { ...line, label: t.mean, values: mean, colour: "blue" },
      { ...line, label: t.low, values: low, colour: "green", isDashed: true },
      { ...line, label: t.high, values: high, colour: "orange", isDashed: true },
    ] as const;
    return { xs: all.length === 0 ? [] : xs, answer, series };
  }, [known, from, to, grid, t]);
  return (
    <Chart
      question={question}
      note={note}
      {...chart}
      unit="ct/kWh"
      yText={priceNumber}
      axisText={shortDayText}
      xText={longDayText}
      xHeading={t.day}
    />
  );
}
