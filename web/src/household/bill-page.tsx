// The bill of a month: a preview from the household's own history, then what the evaluators state, computed again here
// and compared; with every check, and ready to be printed.
import "../styles/print.css";
import { useSignal } from "@preact/signals";
import { type BillDifference, billDifferences } from "../../../src/market/bill.ts";
import { exactCents } from "../../../src/market/money.ts";
import { monthClosureOf } from "../../../src/market/tariffs.ts";
import { CheckList } from "../components/check-list.tsx";
import { Select } from "../components/field.tsx";
import { dayText, spanText, timeText, wholeNumber } from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { billChecks } from "./bill-checks.ts";
import { BillTable } from "./bill-table.tsx";
import { billTexts } from "./bill-texts.ts";
import { type MonthBill, monthBill, monthName } from "./month-bill.ts";
import { knownMonths } from "./own-periods.ts";
import { gateway, metering } from "./session.ts";

export function BillPage() {
  const t = billTexts();
  const chosen = useSignal<string | null>(null);
  const [orders, readings] = [gateway.value!, metering.value!];
  // Read so that the bill follows what arrives.
  void [orders.revision.value, readings.revision.value];
  const over = [...orders.entries.keys(), ...readings.entries.keys()].filter(
    (start) => start <= nowS.value,
  );
  const months = knownMonths(market.value!, over);
  const month = chosen.value ?? firstShown(months);
  if (month === undefined) {
    return (
      <>
        <h1>{t.title}</h1>
        <p>{t.noMonth}</p>
      </>
    );
  }
  const bill = monthBill(month);
  return (
    <>
      <h1>
        {t.title}, {monthName(month)}
      </h1>
      <div class="no-print">
        <Select
          label={t.month}
          value={month}
          choices={months.map((one) => ({ value: one, text: monthName(one) }))}
          onChoose={(value) => (chosen.value = value)}
        />
      </div>
      <Verdict bill={bill} />
      <BillTable bill={bill} />
      <p class="actions no-print">
        <button type="button" class="button quiet" onClick={() => window.print()}>
          {t.print}
        </button>
      </p>
      {bill.kept !== null && <Checks bill={bill} />}
    </>
  );
}

/** The newest month that is billed, unless none is. */
const firstShown = (months: readonly string[]): string | undefined =>
  months.find((month) => metering.value!.bills.get(month)?.stated != null) ?? months[0];

function Verdict({ bill }: { readonly bill: MonthBill }) {
  const t = billTexts();
  const { kept, own, unknown, month } = bill;
  const waits = unknown > 0 && <p class="notice warn">{t.unknown(wholeNumber(unknown))}</p>;
  if (kept === null) {
    const closure = monthClosureOf(market.value!, month);
    const trouble = metering.value!.billTrouble.value;
    const isOver = nowS.value >= closure;
    return (
      <div role="status" data-bill="preview">
        <p class="notice warn">
          <strong>{t.preview}.</strong>{" "}
          {isOver ? t.closing : t.previewLead(`${dayText(closure)}, ${timeText(closure)}`)}
        </p>
        {isOver && trouble !== null && <p class="notice bad">{t.trouble(trouble)}</p>}
      </div>
    );
  }
  if (kept.stated === null) return <p class="notice">{t.nothingBilled}</p>;
  const differences = billDifferences(kept.stated, own);
  if (differences.length === 0) {
    return (
      <p class="notice" role="status" data-bill="agrees">
        {t.agrees}
      </p>
    );
  }
  const text = (what: string, value: BillDifference["stated"]) =>
    what === "periods" || what === "estimated" ? String(value) : `${exactCents(value)} ct`;
  return (
    <div role="status" data-bill="differs">
      {waits}
      <div class="notice bad">
        <p>{t.differs}</p>
        <ul>
          {differences.map(({ what, stated, expected }) => (
            <li key={what}>
              {t.difference(t.names[what], text(what, stated), text(what, expected))}
            </li>
          ))}
          {bill.otherReadings.map((start) => (
            <li key={start}>
              {t.otherReading(
                `${dayText(start)}, ${spanText(start, market.value!.schedule.period_s)}`,
              )}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Checks({ bill }: { readonly bill: MonthBill }) {
  const t = billTexts();
  return (
    <section class="card no-print" aria-labelledby="bill-checks">
      <h2 id="bill-checks">{t.checksTitle}</h2>
      <CheckList checks={billChecks(bill)} />
    </section>
  );
}
