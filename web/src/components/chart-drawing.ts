// Draws a chart with uPlot, which is loaded when the first chart is shown: in the colours of the page, at its
// width.
import type uPlot from "uplot";

export interface ChartSeries {
  readonly label: string;
  /** Null where there is nothing. */
  readonly values: readonly (number | null)[];
  readonly kind: "line" | "step" | "bars";
  /** A colour of the style sheet; they can be told apart by people who see few colours. */
  readonly colour: "blue" | "orange" | "green" | "grey";
  readonly isDashed?: boolean;
  readonly format: (value: number) => string;
}

export interface ChartData {
  /** Seconds since 1970 UTC, ascending. */
  readonly xs: readonly number[];
  readonly series: readonly ChartSeries[];
  /** Bars upon each other, in the order of the series. */
  readonly isStacked?: boolean;
  /** The y axis reaches from 0 to this at least, so that next to nothing looks like it. */
  readonly leastTop?: number;
  readonly yText: (y: number) => string;
  readonly axisText: (x: number) => string;
}

export interface DrawnChart {
  /** Draws the data as they are now. */
  update(): void;
  /** Puts the cursor where the pointer might be. */
  pointAt(x: number): void;
  stop(): void;
}

const CURSOR_TOP = 10;

const HEIGHT = 240;
const BAR_SHARE = 0.8;
const AXIS_SIZE = 52;
/** Between two times on the x axis, so that their texts do not touch. */
const AXIS_SPACE = 64;

/** Draws what `data` gives into `element`; `onIndex` is told what the pointer is at. */
export async function drawChart(
  element: HTMLElement,
  data: () => ChartData,
  onIndex: (index: number | null) => void,
): Promise<DrawnChart> {
  const [{ default: Plot }] = await Promise.all([
    import("uplot"),
    import("uplot/dist/uPlot.min.css"),
  ]);
  const width = () => Math.max(200, element.clientWidth);
  const make = () => new Plot(optionsOf(Plot, data, width(), onIndex), drawnData(data()), element);
  let plot = make();
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  const again = () => {
    plot.destroy();
    plot = make();
  };
  scheme.addEventListener("change", again);
  const resized = new ResizeObserver(() => {
    if (plot.width !== width()) plot.setSize({ width: width(), height: HEIGHT });
  });
  resized.observe(element);
  return {
    update: () => plot.setData(drawnData(data())),
    pointAt: (x) => plot.setCursor({ left: plot.valToPos(x, "x"), top: CURSOR_TOP }, false),
    stop() {
      scheme.removeEventListener("change", again);
      resized.disconnect();
      plot.destroy();
    },
  };
}

/** Stacked series are sums, drawn from the highest down. */
function drawnData({ xs, series, isStacked }: ChartData): uPlot.AlignedData {
  const columns = series.map(({ values }) => [...values]);
  if (isStacked !== true) return [[...xs], ...columns];
  const sums = xs.map(() => 0);
  const stacked = columns.map((values) =>
    values.map((value, i) => {
      sums[i] = sums[i]! + (value ?? 0);
      return sums[i]!;
    }),
  );
  return [[...xs], ...stacked.toReversed()];
}

function optionsOf(
  Plot: typeof uPlot,
  latest: () => ChartData,
  width: number,
  onIndex: (index: number | null) => void,
): uPlot.Options {
  const data = latest();
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const line = { stroke: colour("quiet"), font: `12px ${style.fontFamily}` };
  const rule = { stroke: colour("line"), width: 1 };
  const series = data.isStacked ? data.series.toReversed() : data.series;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    scales: { y: { range: rangeOf(data) } },
    axes: [
      {
        ...line,
        grid: rule,
        ticks: rule,
        space: AXIS_SPACE,
        values: (_, splits) => splits.map((split) => latest().axisText(split)),
      },
      {
        ...line,
        grid: rule,
        ticks: rule,
        size: AXIS_SIZE,
        values: (_, splits) => splits.map((split) => latest().yText(split)),
      },
    ],
    series: [{}, ...series.map((one) => seriesOf(Plot, one, colour))],
    hooks: { setCursor: [({ cursor }) => cursor.idx != null && onIndex(cursor.idx)] },
  };
}

/** Bars begin at zero; lines have some room. */
function rangeOf({ series, leastTop }: ChartData): uPlot.Range.Function {
  const hasBars = series.some(({ kind }) => kind === "bars");
  const hasZero = hasBars || leastTop !== undefined;
  return (_, low, high) => {
    const [least, most] = hasZero ? [Math.min(0, low), Math.max(leastTop ?? 0, high)] : [low, high];
    if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, leastTop ?? 1];
    const room = (most - least || 1) * 0.08;
    return [hasZero && least === 0 ? 0 : least - room, most + room];
  };
}

/** Values without one beside them. */
function alone({ data }: uPlot, index: number): number[] {
  const values = data[index]!;
  const isKnown = (at: number) => values[at] != null;
  return [...values.keys()].filter((at) => isKnown(at) && !isKnown(at - 1) && !isKnown(at + 1));
}

function seriesOf(
  Plot: typeof uPlot,
  { kind, colour: name, isDashed, label }: ChartSeries,
  colour: (name: string) => string,
): uPlot.Series {
  const stroke = colour(name);
  const paths = {
    line: Plot.paths.linear!(),
    // A step lasts until the next one, also before a gap.
    step: Plot.paths.stepped!({ align: 1, alignGaps: 1 }),
    bars: Plot.paths.bars!({ size: [BAR_SHARE], align: 1 }),
  }[kind];
  return {
    label,
    stroke,
    width: kind === "bars" ? 0 : 2,
    paths,
    // What no line leads to would not be seen.
    points: {
      show: kind !== "bars",
      size: 7,
      filter: (plot, index) => (kind === "bars" ? [] : alone(plot, index)),
    },
    ...(kind === "bars" ? { fill: stroke } : {}),
    ...(isDashed ? { dash: [6, 4] } : {}),
  };
}
