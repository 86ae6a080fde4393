// Two stacked panels on one time axis, in text: a line of braille dots above, bars of eighth blocks
// below. Pure: the lines are returned, at most `width` columns each, with colour only when asked
// for.

import { createColors } from "picocolors";
import { assert } from "../platform/assert.ts";

/** One moment of the axis; the points divide it evenly. */
export interface ChartPoint {
  /** Null leaves a gap in the line. */
  readonly line: number | null;
  /** 0 or more. */
  readonly bar: number;
}

export interface ChartOptions {
  /** Columns of the terminal; at least 52. From 100 on the chart has 96 columns, below that 48. */
  readonly width: number;
  readonly color: boolean;
  readonly lineTitle: string;
  readonly barTitle: string;
  /** Where the axis begins, in minutes since midnight, and how long it is. */
  readonly startMinute: number;
  readonly minutes: number;
}

const GUTTER = 4;
const [WIDE, NARROW] = [96, 48];
export const SMALLEST_WIDTH = GUTTER + NARROW;
/**
 * How many rows the panels have at most, without the line's uppermost, and steps of their scales.
 */
const [LINE_ROWS, LINE_STEPS] = [10, 5];
const [BAR_ROWS, BAR_STEPS] = [6, 3];
const EIGHTHS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
/**
 * The bit of each dot of a braille cell: left column from the top, then right (Unicode, U+2800).
 */
const BRAILLE_BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const DOTS_UP = 4;
const DOTS_ACROSS = 2;

/** `steps` equal steps from `low`, each so many rows high that its bounds fall on rows. */
interface Scale {
  readonly low: number;
  readonly step: number;
  readonly steps: number;
  readonly rowsPerStep: number;
}

/** Draws the two panels with their titles and the common axis. Errors: none for finite values. */
export function twoPanelChart(points: readonly ChartPoint[], options: ChartOptions): string[] {
  assert(points.length > 0, "a chart has points");
  assert(options.width >= SMALLEST_WIDTH, `a chart needs ${SMALLEST_WIDTH} columns`);
  const colors = createColors(options.color);
  const columns = options.width >= GUTTER + WIDE ? WIDE : NARROW;
  const line = linePanel(points, columns);
  const bars = barPanel(points, columns);
  const framed = (rows: readonly LabelledRow[], paint: (text: string) => string): string[] =>
    rows.map(({ label, cells }) => {
      const mark = label === "" ? "│" : "┤";
      // Only -100 to -999 needs the column of the mark.
      const gutter = label.length < GUTTER ? label.padStart(GUTTER - 1) + mark : label;
      const drawn = cells.trimEnd();
      return colors.dim(gutter) + (drawn === "" ? "" : paint(drawn));
    });
  return [
    colors.bold(options.lineTitle),
    ...framed(line, (text) => colors.yellow(text)),
    colors.bold(options.barTitle),
    ...framed(bars, (text) => colors.green(text)),
    ...timeAxis(options, columns).map((text) => colors.dim(text)),
  ];
}

interface LabelledRow {
  readonly label: string;
  readonly cells: string;
}

/** The upper panel: each point is a level; neighbouring levels are joined by a vertical stroke. */
function linePanel(points: readonly ChartPoint[], columns: number): LabelledRow[] {
  const values = points.flatMap(({ line }) => line ?? []);
  const scale = niceScale(values.length === 0 ? [0, 1] : values, LINE_ROWS, LINE_STEPS);
  // One row more than the steps have: a labelled value lies near the middle of its row.
  const rows = scale.steps * scale.rowsPerStep + 1;
  const heightOf = (value: number): number =>
    Math.round((rows - 1 - inRows(scale, value)) * DOTS_UP + 1);
  const cells = Array.from({ length: rows }, () => new Uint8Array(columns));
  const dotColumns = columns * DOTS_ACROSS;
  let before: number | null = null;
  for (let x = 0; x < dotColumns; x++) {
    const value = points[Math.floor((x * points.length) / dotColumns)]?.line ?? null;
    const y = value === null ? null : heightOf(value);
    if (y !== null) {
      // The stroke stops one dot short of the level it comes from, which has a dot of its own.
      const from = before === null || before === y ? y : before + Math.sign(y - before);
      for (let dot = Math.min(from, y); dot <= Math.max(from, y); dot++) {
        const row = cells[Math.floor(dot / DOTS_UP)];
        const bit = BRAILLE_BITS[x % DOTS_ACROSS]?.[dot % DOTS_UP];
        const column = Math.floor(x / DOTS_ACROSS);
        if (row && bit) row[column] = (row[column] ?? 0) | bit;
      }
    }
    before = y;
  }
  return cells.map((row, i) => ({
    label: rowLabel(scale, i),
    cells: Array.from(row, (bits) => (bits === 0 ? " " : String.fromCharCode(0x2800 + bits))).join(
      "",
    ),
  }));
}

/** The lower panel: where several points share a column, the bar is their mean. */
function barPanel(points: readonly ChartPoint[], columns: number): LabelledRow[] {
  const bars = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * points.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * points.length) / columns));
    const shared = points.slice(from, to);
    return shared.reduce((total, { bar }) => total + bar, 0) / shared.length;
  });
  const scale = niceScale([0, ...bars], BAR_ROWS, BAR_STEPS);
  const rows = scale.steps * scale.rowsPerStep;
  const eighthsOf = (value: number): number =>
    value > 0 ? Math.max(1, Math.round(inRows(scale, value) * 8)) : 0;
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * 8;
    const cells = bars.map((bar) => EIGHTHS[Math.max(0, Math.min(8, eighthsOf(bar) - below))]);
    return { label: rowLabel(scale, row), cells: cells.join("") };
  });
}

/**
 * A scale around the values; its step is 1, 2 or 5 times a power of ten and shows in the labels.
 */
function niceScale(values: readonly number[], mostRows: number, mostSteps: number): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const largest = Math.max(Math.abs(least), Math.abs(most));
  // The labels have no room for finer steps, see shortNumber.
  const finest = largest >= 1000 ? 1000 : largest >= 10 || least < 0 ? 1 : 0.1;
  const power = 10 ** Math.floor(Math.log10(Math.max(finest, (most - least) / mostSteps) * 1.001));
  for (let unit = power; ; unit *= 10) {
    for (const factor of [1, 2, 5]) {
      const step = factor * unit;
      const low = Math.floor(least / step) * step;
      const steps = Math.max(1, Math.ceil((most - low) / step - 1e-9));
      if (steps > mostSteps) continue;
      return { low, step, steps, rowsPerStep: Math.floor(mostRows / steps) };
    }
  }
}

/** How many rows above the scale's lower end a value lies. */
function inRows(scale: Scale, value: number): number {
  return ((value - scale.low) / scale.step) * scale.rowsPerStep;
}

/** The value at the top of a row counted from above, where a step ends. */
function rowLabel(scale: Scale, row: number): string {
  if (row % scale.rowsPerStep !== 0) return "";
  return shortNumber(scale.low + (scale.steps - row / scale.rowsPerStep) * scale.step, scale.step);
}

/** At most three characters for anything from -99 to 999. */
function shortNumber(value: number, step: number): string {
  if (Math.abs(value) >= 1000) return `${Math.round(value / 1000)}k`;
  return value.toFixed(step < 1 && Math.abs(value) < 10 ? 1 : 0);
}

/** The axis with a mark and a time every three hours (six when narrow), and at its end. */
function timeAxis(options: ChartOptions, columns: number): string[] {
  const every = columns === WIDE ? 180 : 360;
  const { startMinute, minutes } = options;
  const marks = new Array<string>(columns).fill("─");
  const times = new Array<string>(GUTTER + columns).fill(" ");
  const first = Math.ceil(startMinute / every) * every;
  for (let minute = first; minute <= startMinute + minutes; minute += every) {
    const column = Math.round(((minute - startMinute) / minutes) * columns);
    marks[Math.min(column, columns - 1)] = column === columns ? "┘" : "┴";
    const text = clock(minute);
    const at = Math.min(GUTTER + column - 2, GUTTER + columns - text.length);
    [...text].forEach((character, i) => {
      times[at + i] = character;
    });
  }
  return [`${"0".padStart(GUTTER - 1)}└${marks.join("")}`, times.join("").trimEnd()];
}

function clock(minute: number): string {
  // Midnight at the end of a day is written 24:00; an axis that begins later goes on from 00:00.
  const hours = minute === 1440 ? 24 : Math.floor(minute / 60) % 24;
  return `${String(hours).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
