// Files of aggregates: exact, ordered, without duplicates, and never somebody else's file.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  AggregateFile,
  AggregateFileError,
  type AggregateRow,
  formatCsv,
  formatJson,
  parseCsv,
  parseJson,
} from "./aggregate-file.ts";

const NOON = Date.parse("2025-06-01T12:00:00Z") / 1000;

const ok = (k: number, boughtUnits: number, soldUnits: number): AggregateRow => ({
  periodStart: NOON + 900 * k,
  state: "ok",
  boughtUnits,
  soldUnits,
});
const without = (k: number, state: "withheld" | "void"): AggregateRow => ({
  periodStart: NOON + 900 * k,
  state,
  boughtUnits: null,
  soldUnits: null,
});

function place(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "aggregates-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

it("looks as documented", () => {
  const rows = [ok(0, 1025, 2048), without(1, "withheld"), without(2, "void")];
  expect(formatCsv(rows)).toBe(
    [
      "period_start,bought_wh,sold_wh,state",
      "2025-06-01T12:00:00Z,1.0009765625,2,ok",
      "2025-06-01T12:15:00Z,,,withheld",
      "2025-06-01T12:30:00Z,,,void",
      "",
    ].join("\n"),
  );
  expect(JSON.parse(formatJson(rows))).toEqual([
    { period_start: "2025-06-01T12:00:00Z", bought_wh: 1.0009765625, sold_wh: 2, state: "ok" },
    { period_start: "2025-06-01T12:15:00Z", bought_wh: null, sold_wh: null, state: "withheld" },
    { period_start: "2025-06-01T12:30:00Z", bought_wh: null, sold_wh: null, state: "void" },
  ]);
  expect(formatJson([])).toBe("[]\n");
});

it("reads what it writes", () => {
  const units = fc.nat({ max: 2 ** 48 });
  const row = fc.oneof(
    fc.tuple(fc.nat(1000), units, units).map(([k, bought, sold]) => ok(k, bought, sold)),
    fc.nat(1000).map((k) => without(k, "withheld")),
  );
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      expect(parseCsv(formatCsv(rows), "f")).toEqual(rows);
      expect(parseJson(formatJson(rows), "f")).toEqual(rows);
    }),
  );
});

describe.each(["csv", "json"] as const)("a file of %s", (kind) => {
  it("is resumed without duplicates, in the order of the periods", async () => {
    const file = place(`rows.${kind}`);
    const first = await AggregateFile.open(file, kind);
    await first.add([ok(2, 5, 6)]);
    const second = await AggregateFile.open(file, kind);
    expect([second.has(NOON), second.has(NOON + 1800)]).toEqual([false, true]);
    await second.add([ok(2, 7, 8), without(0, "void")]);
    const third = await AggregateFile.open(file, kind);
    expect(third.rows()).toEqual([without(0, "void"), ok(2, 5, 6)]);
    expect(readdirSync(dirname(file))).toEqual([`rows.${kind}`]);
  });

  it("is left alone when it is something else", async () => {
    const file = place("notes.txt");
    writeFileSync(file, "my notes\n");
    await expect(AggregateFile.open(file, kind)).rejects.toThrow(AggregateFileError);
    expect(readFileSync(file, "utf8")).toBe("my notes\n");
    await expect(AggregateFile.open(dirname(file), kind)).rejects.toThrow(/cannot read .*EISDIR/);
  });
});

it("names a bad line", () => {
  const header = "period_start,bought_wh,sold_wh,state";
  for (const line of [
    "2025-06-01T12:00:00Z,,2,ok",
    "2025-06-01T12:00:00Z,1,2,withheld",
    "2025-06-01T12:00:00Z,1,2,fine",
    "noon,1,2,ok",
    "2025-06-01T12:00:00Z,1,2,ok,3",
  ]) {
    expect(() => parseCsv(`${header}\n${line}\n`, "f.csv")).toThrow(/^f\.csv:2: not a row/);
  }
});
