// A chart that answers a question: drawn on a canvas, said in a sentence, walked through by keyboard, and as a
// table.
import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { textTable } from "../i18n/language.ts";
import { type ChartData, type ChartSeries, type DrawnChart, drawChart } from "./chart-drawing.ts";

export interface ChartProps extends ChartData {
  /** What the chart answers; its heading. */
  readonly question: string;
  /** The answer, in a sentence. */
  readonly answer: string;
  readonly note?: string;
  /** What the y axis counts. */
  readonly unit: string;
  /** A place on the x axis in words, and the heading of its column. */
  readonly xText: (x: number) => string;
  readonly xHeading: string;
}

const texts = textTable({
  en: {
    walk: "Go through the chart",
    table: "As a table",
    nothing: "Nothing to show yet.",
  },
  de: {
    walk: "Durch das Diagramm gehen",
    table: "Als Tabelle",
    nothing: "Noch nichts zu zeigen.",
  },
});

export function Chart(props: ChartProps) {
  const { question, answer, note, xs } = props;
  const t = texts();
  const heading = useId();
  return (
    <figure class="chart" aria-labelledby={heading}>
      <figcaption>
        <h3 id={heading}>{question}</h3>
        {note !== undefined && <p class="quiet-text">{note}</p>}
        <p>{answer}</p>
      </figcaption>
      {xs.length === 0 ? <p class="quiet-text">{t.nothing}</p> : <Drawn {...props} />}
    </figure>
  );
}

function Drawn(props: ChartProps) {
  const { xs, series, xText, answer, unit } = props;
  const t = texts();
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnChart | null>(null);
  const at = useSignal<number | null>(null);
  const latest = useRef<ChartData>(props);
  latest.current = props;
  // What is drawn anew when it changes; everything else is new data for the same drawing.
  const look = series.map(({ label, kind, colour }) => `${label} ${kind} ${colour}`).join();
  useEffect(() => {
    let isOver = false;
    const onIndex = (index: number | null) => {
      at.value = index;
    };
    drawChart(place.current!, () => latest.current, onIndex).then(
      (chart) => {
        if (isOver) chart.stop();
        else drawn.current = chart;
      },
      () => {}, // It cannot be loaded without a connection; the table is there all the same.
    );
    return () => {
      isOver = true;
      drawn.current?.stop();
      drawn.current = null;
    };
  }, [look, at]);
  useEffect(() => drawn.current?.update(), [xs, series]);
  const index = Math.min(at.value ?? lastKnown(series), xs.length - 1);
  const said = `${xText(xs[index]!)}: ${series.map((one) => valueText(one, index)).join(", ")}`;
  const goTo = (to: number) => {
    at.value = to;
    drawn.current?.pointAt(xs[to]!);
  };
  return (
    <>
      <Legend series={series} />
      <p class="unit">{unit}</p>
      <div class="plot" ref={place} role="img" aria-label={answer} />
      <div class="walk">
        <input
          type="range"
          aria-label={t.walk}
          aria-valuetext={said}
          min={0}
          max={xs.length - 1}
          value={index}
          onInput={({ currentTarget }) => goTo(Number(currentTarget.value))}
        />
        <p class="readout">{said}</p>
      </div>
      <TableOf {...props} />
    </>
  );
}

/** The last place with something that is more than a level to compare with. */
const lastKnown = (series: readonly ChartSeries[]): number => {
  const own = series.filter(({ isDashed }) => isDashed !== true);
  const last = own.map(({ values }) => values.findLastIndex((value) => value !== null));
  return Math.max(0, ...last);
};

const valueText = ({ label, values, format }: ChartSeries, index: number): string => {
  const value = values[index];
  return `${label} ${value == null ? "–" : format(value)}`;
};

const Legend = ({ series }: Pick<ChartProps, "series">) => (
  <ul class="legend">
    {series.map(({ label, colour, kind, isDashed }) => (
      <li key={label}>
        <span class={`swatch ${colour} ${kind} ${isDashed ? "dashed" : ""}`} aria-hidden="true" />
        {label}
      </li>
    ))}
  </ul>
);

function TableOf({ xs, series, xText, xHeading, question }: ChartProps) {
  const t = texts();
  const isOpen = useSignal(false);
  return (
    <details onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
      <summary>{t.table}</summary>
      {isOpen.value && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section class="table-scroll high" tabIndex={0} aria-label={question}>
          <table>
            <thead>
              <tr>
                <th scope="col">{xHeading}</th>
                {series.map(({ label }) => (
                  <th key={label} scope="col" class="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {xs.map((x, i) => (
                <tr key={x}>
                  <th scope="row">{xText(x)}</th>
                  {series.map(({ label, values, format }) => (
                    <td key={label} class="number">
                      {values[i] == null ? "–" : format(values[i])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
