// The chart in exact characters for small cases, and its bounds for any.

import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChartPoint } from "./chart.ts";
import { SMALLEST_WIDTH, twoPanelChart } from "./chart.ts";

const OPTIONS = {
  width: 60,
  color: false,
  lineTitle: "line",
  barTitle: "bar",
  startMinute: 0,
  minutes: 1440,
};

/** The rows of a panel by its label, without the gutter. */
function panels(lines: string[]): { line: string[]; bar: string[] } {
  const split = lines.indexOf("bar");
  return { line: lines.slice(1, split), bar: lines.slice(split + 1, -2) };
}

test("a line from 0 to 10 and back down, with a gap, over bars of 0 to 4", () => {
  const line = [0, 0, 10, 10, null, null, 5, 5];
  const points = line.map((value, i) => ({ line: value, bar: i % 2 === 0 ? 4 : 1 }));
  expect(twoPanelChart(points, OPTIONS)).toEqual([
    "line",
    " 10┤            ⡖⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒",
    "   │            ⡇",
    "  8┤            ⡇",
    "   │            ⡇",
    "  6┤            ⡇",
    "   │            ⡇                       ⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒",
    "  4┤            ⡇",
    "   │            ⡇",
    "  2┤            ⡇",
    "   │            ⡇",
    "  0┤⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠁",
    "bar",
    "  4┤██████      ██████      ██████      ██████",
    "   │██████      ██████      ██████      ██████",
    "   │██████      ██████      ██████      ██████",
    "  2┤██████      ██████      ██████      ██████",
    "   │██████▄▄▄▄▄▄██████▄▄▄▄▄▄██████▄▄▄▄▄▄██████▄▄▄▄▄▄",
    "   │████████████████████████████████████████████████",
    "  0└┴───────────┴───────────┴───────────┴──────────┘",
    "  00:00       06:00       12:00       18:00    24:00",
  ]);
});

test("without any value the line's panel is empty, without any bar the other one", () => {
  const points = Array.from({ length: 96 }, () => ({ line: null, bar: 0 }));
  const { line, bar } = panels(twoPanelChart(points, OPTIONS));
  for (const row of [...line, ...bar]) expect(row).toMatch(/^ *[0-9.]*[│┤]$/);
});

test("the wide chart has a column for each of 96 points", () => {
  const points = Array.from({ length: 96 }, (_, i) => ({ line: null, bar: i === 40 ? 1 : 0 }));
  const lines = twoPanelChart(points, { ...OPTIONS, width: 100 });
  for (const row of panels(lines).bar) expect(row.slice(4)).toBe(`${" ".repeat(40)}█`);
  expect(lines.at(-1)).toMatch(/^ {2}00:00 .* 03:00 .* 21:00 +24:00$/);
});

test("an axis that begins in the afternoon goes on after midnight", () => {
  const points = [{ line: 1, bar: 1 }];
  const lines = twoPanelChart(points, { ...OPTIONS, startMinute: 720 });
  expect(lines.at(-1)?.trim().split(/ +/)).toEqual(["12:00", "18:00", "24:00", "06:00", "12:00"]);
});

const value = fc.double({ min: -50, max: 900, noNaN: true });
const point: fc.Arbitrary<ChartPoint> = fc.record({
  line: fc.option(value),
  bar: fc.double({ min: 0, max: 5000, noNaN: true }),
});

test("any values fit into the width, and every value has its dot, every energy its bar", () => {
  const points = fc.array(point, { minLength: 1, maxLength: 96 });
  fc.assert(
    fc.property(points, fc.integer({ min: SMALLEST_WIDTH, max: 200 }), (data, width) => {
      const lines = twoPanelChart(data, { ...OPTIONS, width });
      for (const row of lines) expect(row.length).toBeLessThanOrEqual(Math.min(width, 100));
      expect(lines.length).toBeLessThanOrEqual(2 + 11 + 6 + 2);
      const { line, bar } = panels(lines);
      const columns = width >= 100 ? 96 : 48;
      data.forEach(({ line: level, bar: energy }, i) => {
        const column = 4 + Math.ceil((i * columns) / data.length);
        if (data.length > columns) return;
        const drawn = (rows: string[]) => rows.some((row) => (row[column] ?? " ") !== " ");
        if (level !== null) expect(drawn(line)).toBe(true);
        expect(drawn(bar)).toBe(energy > 0);
      });
    }),
  );
});

test("labels on the axes differ from each other", () => {
  const series = fc.array(point, { minLength: 2, maxLength: 30 });
  fc.assert(
    fc.property(series, (data) => {
      const { line, bar } = panels(twoPanelChart(data, OPTIONS));
      for (const rows of [line, bar]) {
        const labels = rows.map((row) => row.slice(0, 4)).filter((label) => /[0-9]/.test(label));
        expect(new Set(labels).size).toBe(labels.length);
        for (const label of labels) expect(label).toMatch(/^[ 0-9.k-]{3}┤$|^-[0-9]{3}$/);
      }
    }),
  );
});

test("colour changes nothing but the colour", () => {
  const points = Array.from({ length: 96 }, (_, i) => ({ line: i % 17, bar: i % 5 }));
  const colored = twoPanelChart(points, { ...OPTIONS, color: true }).join("\n");
  expect(colored).toContain("\u001b[33m");
  const plain = stripVTControlCharacters(colored);
  expect(plain).toBe(twoPanelChart(points, OPTIONS).join("\n"));
});
