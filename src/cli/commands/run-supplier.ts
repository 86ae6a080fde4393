// hushwatt supplier: what a supplier's customers traded and metered together, period by period, and what each of them
// owes for a month, in files.

import type { Span } from "../../agents/span.ts";
import {
  AggregateFile,
  type AggregateRow,
  csvHeader,
  csvRow,
} from "../../agents/supplier/aggregate-file.ts";
import { MeteredFile } from "../../agents/supplier/metered-file.ts";
import { PayablesFolder } from "../../agents/supplier/payables-file.ts";
import type { SettlementSink } from "../../agents/supplier/settlements.ts";
import type { Supplier } from "../../agents/supplier/supplier.ts";
import { openSupplier } from "../../agents/supplier/supplier-program.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { stopSignal, untilStopped } from "../stop-signal.ts";
import { EXIT_FAILED, print } from "../terminal.ts";

export interface SupplierOptions {
  readonly config: string;
  readonly from?: number;
  readonly to?: number;
  readonly csv?: string;
  readonly json?: string;
  readonly follow?: boolean;
  /** A file of metered sums. */
  readonly metered?: string;
  /** A folder of closed months. */
  readonly payables?: string;
}

export async function runSupplier(options: SupplierOptions): Promise<void> {
  const signal = stopSignal();
  const files = await Promise.all([
    ...(options.csv === undefined ? [] : [AggregateFile.open(options.csv, "csv")]),
    ...(options.json === undefined ? [] : [AggregateFile.open(options.json, "json")]),
  ]);
  const sink = files.length > 0 ? intoFiles(files) : ontoTerminal();
  const opened = await openSupplier(options.config, {
    ...sink,
    settlements: await settlementSink(options),
    onProblem: (start, message) => process.stderr.write(`${textOfPeriod(start)} ${message}\n`),
    onTrouble: (what, message) => process.stderr.write(`${what} ${message}\n`),
  });
  try {
    await untilStopped(fetchAll(opened.supplier, options, signal), signal);
  } finally {
    opened.close();
  }
}

async function fetchAll(supplier: Supplier, options: SupplierOptions, signal: AbortSignal) {
  const decided = supplier.decidedSpan();
  const from = options.from ?? decided.from;
  if (options.follow) {
    const to = options.to ?? Number.MAX_SAFE_INTEGER;
    await Promise.all([
      supplier.follow({ from, to }, signal),
      supplier.followSettlements({ from, to }, signal),
    ]);
    return;
  }
  const span: Span = { from, to: Math.min(options.to ?? decided.to, decided.to) };
  const missing = await supplier.catchUp(span, signal);
  await supplier.catchUpSettlements(span, signal);
  if (missing.length === 0) return;
  const which = missing.slice(0, 3).map(textOfPeriod).join(", ");
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : "";
  process.stderr.write(`not known yet: ${which}${more}; run this again to fill the gaps\n`);
  process.exitCode = EXIT_FAILED;
}

/** Settled sums go where the options say; undefined without such. */
async function settlementSink({
  metered,
  payables,
}: SupplierOptions): Promise<SettlementSink | undefined> {
  if (metered === undefined && payables === undefined) return undefined;
  const file = metered === undefined ? null : await MeteredFile.open(metered);
  const folder = payables === undefined ? null : new PayablesFolder(payables);
  return {
    meteredState: (start) => (file === null ? "final" : file.state(start)),
    onMetered: async (rows) => file?.put(rows),
    isMonthKnown: (month) => folder === null || folder.has(month),
    onMonth: async (month) => folder?.put(month),
  };
}

function intoFiles(files: readonly AggregateFile[]) {
  return {
    isKnown: (start: number) => files.every((file) => file.has(start)),
    onRows: async (rows: readonly AggregateRow[]) => {
      await Promise.all(files.map((file) => file.add(rows)));
    },
  };
}

function ontoTerminal() {
  const shown = new Set<number>();
  return {
    isKnown: (start: number) => shown.has(start),
    onRows: async (rows: readonly AggregateRow[]) => {
      print([...(shown.size === 0 ? [csvHeader] : []), ...rows.map(csvRow)]);
      for (const { periodStart } of rows) shown.add(periodStart);
    },
  };
}
