// What a supplier keeps of settlements and months: exact, replaced when it is final, and never somebody else's file.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { AggregateFileError } from "./aggregate-file.ts";
import { MeteredFile, type MeteredRow } from "./metered-file.ts";
import { PayablesFolder } from "./payables-file.ts";

const NOON = Date.parse("2025-06-01T12:00:00Z") / 1000;

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "settled-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it("keeps metered sums, and replaces them", async () => {
  const path = join(place(), "metered.csv");
  const row = (k: number, changes: Partial<MeteredRow> = {}): MeteredRow => ({
    periodStart: NOON + 900 * k,
    importedUnits: 1025,
    exportedUnits: 0,
    positionUnits: -2049,
    state: "settled",
    ...changes,
  });
  const file = await MeteredFile.open(path);
  await file.put([row(1), row(0, { importedUnits: null, exportedUnits: null })]);
  await file.put([row(1, { importedUnits: 2048, positionUnits: null, state: "final" })]);
  expect(readFileSync(path, "utf8")).toBe(
    [
      "period_start,imported_wh,exported_wh,position_wh,state",
      "2025-06-01T12:00:00Z,,,-2.0009765625,settled",
      "2025-06-01T12:15:00Z,2,0,,final",
      "",
    ].join("\n"),
  );
  const again = await MeteredFile.open(path);
  expect([0, 1, 2].map((k) => again.state(NOON + 900 * k))).toEqual(["settled", "final", null]);
  await again.put([]);
  expect(readFileSync(path, "utf8")).toMatch(/,-2\.0009765625,settled\n/);
  for (const text of ["hello\n", readFileSync(path, "utf8").replace(",final", ",perhaps")]) {
    writeFileSync(path, text);
    await expect(MeteredFile.open(path)).rejects.toThrow(AggregateFileError);
  }
});

it("keeps what customers owe for a month", async () => {
  const folder = place();
  const payables = new PayablesFolder(join(folder, "new"));
  expect(payables.has("2025-06")).toBe(false);
  const customer = (meter: string, total: bigint) => ({
    meter,
    periods: 2880,
    estimated: 1,
    total,
  });
  // 1 ct is 1,024,000,000 units: half a cent is rounded away from zero.
  const customers = [customer("a", 1_536_000_000n), customer("b", -512_000_001n)];
  await payables.put({ month: "2025-06", customers, position: -1n });
  expect(payables.has("2025-06")).toBe(true);
  const text = readFileSync(join(folder, "new", "payables-2025-06.json"), "utf8");
  expect(JSON.parse(text)).toEqual({
    month: "2025-06",
    position_exact_ct: "-0.0000000009765625",
    total_ct: 1,
    customers: [
      {
        meter: "a",
        periods: 2880,
        estimated_periods: 1,
        total_ct: 2,
        total_exact_ct: "1.5",
      },
      {
        meter: "b",
        periods: 2880,
        estimated_periods: 1,
        total_ct: -1,
        total_exact_ct: "-0.5000000009765625",
      },
    ],
  });
});
