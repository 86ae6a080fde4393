// Charts of what the household traded, and where its energy comes from.
import { useMemo } from "preact/hooks";
import { UNITS_PER_WH } from "../../../src/market/order.ts";
import { Chart } from "../components/chart.tsx";
import {
  dayStartAfter,
  kwhOfWh,
  longDayText,
  priceNumber,
  shortDayText,
  spanText,
  timeText,
} from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import { periodsIn } from "../market/schedule.ts";
import { expectedOf } from "./forecast.ts";
import type { Trade } from "./money.ts";
import { resultsTexts } from "./results-texts.ts";
import { metering, settings } from "./session.ts";

interface SpanProps {
  readonly trades: readonly Trade[];
  readonly from: number;
  readonly to: number;
}

const whOf = (trades: readonly Trade[], side: Trade["side"]): number =>
  trades.reduce((sum, one) => (one.side === side ? sum + one.tradedUnits / UNITS_PER_WH : sum), 0);
const kwhAxis = (wh: number): string => priceNumber(wh / 1000);

export function TradedChart({ trades, from, to, byDay }: SpanProps & { readonly byDay: boolean }) {
  const t = resultsTexts();
  const document = market.value!;
  const { period_s: length } = document.schedule;
  const key = trades.map(({ start, tradedUnits }) => `${start} ${tradedUnits}`).join();
  const chart = useMemo(() => {
    const xs = trades.length === 0 ? [] : byDay ? daysIn(from, to) : periodsIn(document, from, to);
    const stepEnd = (x: number) => (byDay ? dayStartAfter(x, 1) : x + length);
    const at = (x: number) => trades.filter(({ start }) => start >= x && start < stepEnd(x));
    const values = (side: Trade["side"]) => xs.map((x) => whOf(at(x), side) || null);
    return {
      xs,
      answer: t.energyAnswer(kwhOfWh(whOf(trades, "buy")), kwhOfWh(whOf(trades, "sell"))),
      isStacked: true,
      series: [
        {
          label: t.boughtLabel,
          values: values("buy"),
          kind: "bars",
          colour: "blue",
          format: kwhOfWh,
        },
        {
          label: t.soldLabel,
          values: values("sell"),
          kind: "bars",
          colour: "orange",
          format: kwhOfWh,
        },
      ] as const,
    };
  }, [key, from, to, byDay, document, length, t]);
  return (
    <Chart
      question={t.energy}
      {...chart}
      unit="kWh"
      yText={kwhAxis}
      axisText={byDay ? shortDayText : timeText}
      xText={byDay ? longDayText : (x) => spanText(x, length)}
      xHeading={byDay ? t.dayHeading : t.period}
    />
  );
}

function daysIn(from: number, to: number): number[] {
  const days: number[] = [];
  for (let day = from; day < to; day = dayStartAfter(day, 1)) days.push(day);
  return days;
}

/**
 * What the household uses, by where it comes from: as metered where there is a reading, else by the estimate. What the
 * panels yield for the household itself no meter at the grid counts: that is always by the estimate.
 */
export function OwnUseChart({ trades, from, to }: SpanProps) {
  const t = resultsTexts();
  const document = market.value!;
  const { period_s: length } = document.schedule;
  const { shape } = settings.value;
  const readings = metering.value;
  const revision = readings?.revision.value;
  const key = trades.map(({ start, tradedUnits }) => `${start} ${tradedUnits}`).join();
  const chart = useMemo(() => {
    const xs = periodsIn(document, from, to);
    const boughtWh = new Map(trades.map((one) => [one.start, whOf([one], "buy")]));
    const parts = xs.map((start) => {
      const { loadWh, solarWh } = expectedOf(shape, start, length);
      const metered = readings?.entries.get(start)?.wanted ?? null;
      const own = metered === null ? Math.min(loadWh, solarWh) : solarWh - metered.exportedWh;
      const fromGrid = metered === null ? loadWh - own : metered.importedWh;
      const neighbours = Math.min(fromGrid, boughtWh.get(start) ?? 0);
      return { own: Math.max(0, own), neighbours, supplier: fromGrid - neighbours };
    });
    const isMetered = xs.some((start) => readings?.entries.get(start)?.wanted != null);
    const column = (name: keyof (typeof parts)[number]) => parts.map((part) => part[name]);
    const sum = (name: keyof (typeof parts)[number]) =>
      kwhOfWh(column(name).reduce((all, one) => all + one, 0));
    return {
      xs,
      note: isMetered ? t.ownMetered : t.ownNote,
      answer: t.ownAnswer(sum("own"), sum("neighbours"), sum("supplier")),
      isStacked: true,
      series: [
        {
          label: t.ownPanels,
          values: column("own"),
          kind: "bars",
          colour: "orange",
          format: kwhOfWh,
        },
        {
          label: t.neighbours,
          values: column("neighbours"),
          kind: "bars",
          colour: "blue",
          format: kwhOfWh,
        },
        {
          label: t.supplier,
          values: column("supplier"),
          kind: "bars",
          colour: "grey",
          format: kwhOfWh,
        },
      ] as const,
    };
  }, [key, revision, readings, from, to, document, shape, length, t]);
  return (
    <Chart
      question={t.own}
      {...chart}
      unit="kWh"
      yText={kwhAxis}
      axisText={timeText}
      xText={(x) => spanText(x, length)}
      xHeading={t.period}
    />
  );
}
