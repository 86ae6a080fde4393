// hushwatt bill: a household's bill of a month, in a terminal, as JSON, or as a page to print.
import type { KeptBill } from "../../agents/meter/kept-bill.ts";
import { type OpenedMeter, openMeter } from "../../agents/meter/meter-program.ts";
import { monthClosureOf, monthOf, periodsOfMonth } from "../../market/tariffs.ts";
import { systemClock } from "../../platform/clock.ts";
import { marketClock } from "../../platform/market-clock.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { billDocument } from "../bill-document.ts";
import { billHtml } from "../bill-html.ts";
import { billReport } from "../bill-report.ts";
import type { BillLanguage } from "../bill-texts.ts";
import { stopSignal } from "../stop-signal.ts";
import { checkWritable, EXIT_FAILED, InputError, useColour, writeOut } from "../terminal.ts";

export interface BillOptions {
  readonly config: string;
  readonly month?: string;
  readonly lang: BillLanguage;
  readonly json?: boolean;
  readonly html?: string;
  readonly out?: string;
}

export async function runBill(options: BillOptions): Promise<void> {
  const { html, out } = options;
  for (const file of [html, out]) if (file !== undefined) await checkWritable(file);
  const opened = await openMeter(options.config, () => {});
  try {
    const month = options.month ?? lastClosed(opened);
    const kept = await keptBill(opened, month);
    if (kept.stated === null) {
      throw new InputError([`${month}: this meter took no part in that month, it has no bill`]);
    }
    const { market, meterId: meter, supplier } = opened;
    const bill = billDocument(kept, { market, meter, supplier });
    if (html !== undefined) await writeOut([billHtml(bill, options.lang)], html);
    const asJson = options.json === true || out?.endsWith(".json") === true;
    if (html === undefined || out !== undefined || asJson) {
      const color = out === undefined && useColour(process.stdout);
      const text = asJson
        ? JSON.stringify(bill, null, 2)
        : billReport(bill, { color, language: options.lang }).join("\n");
      await writeOut([`${text}\n`], out);
    }
    for (const file of [html, out]) {
      if (file !== undefined) process.stderr.write(`wrote ${file}\n`);
    }
    if (!bill.agrees) process.exitCode = EXIT_FAILED;
  } finally {
    opened.close();
  }
}

const nowOf = ({ market }: OpenedMeter): number =>
  marketClock(systemClock, market.rehearsal).nowS();

/** The last month that is closed by the market's clock. */
function lastClosed(opened: OpenedMeter): string {
  const { market } = opened;
  if (market.settlement === null) throw new InputError(["this market has no settlement: no bills"]);
  const now = nowOf(opened);
  let month = monthOf(market, Math.max(now, market.firstPeriod));
  while (monthClosureOf(market, month) > now) {
    const { from } = periodsOfMonth(market, month);
    if (from <= market.firstPeriod) {
      const closure = textOfPeriod(monthClosureOf(market, month));
      throw new InputError([`no month is closed yet; ${month} is closed at ${closure}`]);
    }
    month = monthOf(market, from - 1);
  }
  return month;
}

/** The bill as it is kept, or fetched and kept now. */
async function keptBill({ market, meter, history }: OpenedMeter, month: string): Promise<KeptBill> {
  if (meter.metering === null) throw new InputError(["this market has no settlement: no bills"]);
  const known = history.readings.bill(month);
  if (known !== null) return known;
  const fetched = await meter.metering.bill(month, stopSignal());
  if (fetched === null) {
    const closure = textOfPeriod(monthClosureOf(market, month));
    throw new InputError([`${month} is not closed yet: that is due at ${closure}`]);
  }
  history.readings.addBill(fetched);
  return fetched;
}
