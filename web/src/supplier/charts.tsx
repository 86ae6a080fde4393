// Charts of a supplier's sums, one for each question.
import { useMemo } from "preact/hooks";
import { UNITS_PER_WH } from "../../../src/market/order.ts";
import { Chart } from "../components/chart.tsx";
import type { ChartSeries } from "../components/chart-drawing.ts";
import {
  kwhOfUnits,
  kwhOfWh,
  priceNumber,
  spanText,
  timeText,
  wholeNumber,
} from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import type { PeriodRow, SupplierSums } from "./sums.ts";
import { supplierTexts } from "./texts.ts";

interface SumsChartsProps {
  readonly rows: readonly PeriodRow[];
  readonly sums: SupplierSums;
}

interface Line {
  readonly label: string;
  readonly of: (row: PeriodRow) => number | null;
  readonly colour: ChartSeries["colour"];
  readonly kind: ChartSeries["kind"];
}

interface PeriodChartProps {
  readonly rows: readonly PeriodRow[];
  readonly question: string;
  readonly note: string;
  readonly answer: string;
  readonly lines: readonly Line[];
}

/** In Wh, of the y axis. */
const LEAST_TOP = 100;

const kwhAxis = (wh: number): string => priceNumber(wh / 1000);

function PeriodChart({ rows, question, note, answer, lines }: PeriodChartProps) {
  const t = supplierTexts();
  const { period_s: length } = market.value!.schedule;
  const key = rows.map((row) => `${row.start} ${lines.map(({ of }) => of(row))}`).join();
  const labels = lines.map(({ label }) => label).join();
  // What the values and their names are is in `key` and `labels`.
  const { xs, series } = useMemo(() => {
    const valuesOf = (of: Line["of"]) =>
      rows.map((row) => {
        const units = of(row);
        return units === null ? null : units / UNITS_PER_WH;
      });
    const hasAny = lines.some(({ of }) => rows.some((row) => of(row) !== null));
    return {
      xs: hasAny ? rows.map(({ start }) => start) : [],
      series: lines.map(({ of, ...line }) => ({ ...line, values: valuesOf(of), format: kwhOfWh })),
    };
  }, [key, labels]);
  return (
    <Chart
      question={question}
      note={note}
      answer={answer}
      xs={xs}
      series={series}
      unit="kWh"
      leastTop={LEAST_TOP}
      yText={kwhAxis}
      axisText={timeText}
      xText={(x) => spanText(x, length)}
      xHeading={t.period}
    />
  );
}

export function SumsCharts({ rows, sums }: SumsChartsProps) {
  const t = supplierTexts();
  const hasSettlement = market.value!.settlement !== null;
  return (
    <>
      <PeriodChart
        rows={rows}
        question={t.forecast}
        note={t.forecastNote}
        answer={
          sums.cleared === 0
            ? t.noneTold
            : t.forecastAnswer(kwhOfUnits(sums.boughtUnits), kwhOfUnits(sums.soldUnits))
        }
        lines={[
          { label: t.boughtLabel, of: (row) => row.boughtUnits, colour: "blue", kind: "step" },
          { label: t.soldLabel, of: (row) => row.soldUnits, colour: "orange", kind: "step" },
        ]}
      />
      <PeriodChart
        rows={rows}
        question={t.net}
        note={t.netNote}
        answer={
          sums.told === 0
            ? t.noneTold
            : t.netAnswer(kwhOfUnits(sums.positionUnits), kwhOfUnits(sums.avoidedUnits))
        }
        lines={[
          { label: t.netLabel, of: (row) => row.positionUnits, colour: "green", kind: "bars" },
        ]}
      />
      {hasSettlement && (
        <PeriodChart
          rows={rows}
          question={t.metered}
          note={t.meteredNote}
          answer={
            sums.metered === 0
              ? t.noneMetered
              : t.meteredAnswer(
                  kwhOfUnits(sums.importedUnits),
                  kwhOfUnits(sums.exportedUnits),
                  wholeNumber(sums.metered),
                )
          }
          lines={[
            {
              label: t.importedLabel,
              of: (row) => row.importedUnits,
              colour: "blue",
              kind: "step",
            },
            {
              label: t.exportedLabel,
              of: (row) => row.exportedUnits,
              colour: "orange",
              kind: "step",
            },
          ]}
        />
      )}
    </>
  );
}
