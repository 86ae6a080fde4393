// A supplier's months: what each customer owes, its own position, and the metered sums of the month.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { roundedCents } from "../../../src/market/bill.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { monthClosureOf, monthOf, periodsOfMonth } from "../../../src/market/tariffs.ts";
import { download } from "../components/download.ts";
import { Select } from "../components/field.tsx";
import {
  clockText,
  kwhOfUnits,
  longDayText,
  money,
  monthText,
  wholeNumber,
} from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { periodsIn } from "../market/schedule.ts";
import { monthCsv, periodsCsv } from "./csv.ts";
import type { StoredMonth } from "./database.ts";
import { follower } from "./session.ts";
import { rowsOf, type SupplierSums, sumsOf } from "./sums.ts";
import { supplierTexts } from "./texts.ts";

/** A day of the month, whatever the person's zone. */
const middleOf = (month: string): number => Date.parse(`${month}-15T12:00:00Z`) / 1000;

/** The months that have begun, the last one first. */
function monthsUntil(document: MarketDocument, now: number): string[] {
  const months: string[] = [];
  for (let start = document.firstPeriod; start <= Math.max(now, document.firstPeriod); ) {
    const month = monthOf(document, start);
    months.unshift(month);
    start = periodsOfMonth(document, month).to;
  }
  return months;
}

export function MonthsPage() {
  const t = supplierTexts();
  return (
    <>
      <h1>{t.monthsTitle}</h1>
      {market.value!.settlement === null ? (
        <p class="notice">{t.noSettlement}</p>
      ) : (
        <SettledMonths />
      )}
    </>
  );
}

function SettledMonths() {
  const t = supplierTexts();
  const document = market.value!;
  const running = follower.value!;
  const all = monthsUntil(document, nowS.value);
  const asked = useSignal<string | null>(null);
  const isClosedNow = (one: string) => monthClosureOf(document, one) <= nowS.value;
  // The last month that is closed is what one comes for.
  const month = asked.value ?? all.find(isClosedNow) ?? all[0]!;
  const { from, to } = periodsOfMonth(document, month);
  useEffect(() => {
    void running.want(from, to);
    void running.wantMonth(month);
  }, [running, month, from, to]);
  const rows = rowsOf(periodsIn(document, from, to), running.periods.value);
  const sums = sumsOf(rows);
  const closed = running.months.value.get(month) ?? null;
  const closure = monthClosureOf(document, month);
  const save = (kind: string, text: string) =>
    download(`hushwatt-${document.id}-${kind}-${month}.csv`, text, "text/csv");
  return (
    <>
      <p class="lead">{t.monthsLead}</p>
      <div class="narrow">
        <Select
          label={t.month}
          value={month}
          choices={all.map((one) => ({ value: one, text: monthText(middleOf(one)) }))}
          onChoose={(value) => (asked.value = value)}
        />
      </div>
      {closed === null && (
        <p class="notice">
          {closure > nowS.value
            ? t.open(`${longDayText(closure)}, ${clockText(closure)}`)
            : t.awaited}
        </p>
      )}
      <MonthTiles sums={sums} closed={closed} />
      <p class="quiet-text">{t.avoidedMeaning}</p>
      {closed !== null && <Payables closed={closed} />}
      <p class="actions">
        {closed !== null && (
          <button
            type="button"
            class="button quiet"
            onClick={() => save("payables", monthCsv(closed))}
          >
            {t.monthCsv}
          </button>
        )}
        <button
          type="button"
          class="button quiet"
          onClick={() => save("periods", periodsCsv(rows))}
        >
          {t.monthPeriodsCsv}
        </button>
      </p>
    </>
  );
}

interface MonthTilesProps {
  readonly sums: SupplierSums;
  readonly closed: StoredMonth | null;
}

function MonthTiles({ sums, closed }: MonthTilesProps) {
  const t = supplierTexts();
  const told = t.coverage(wholeNumber(sums.told), wholeNumber(sums.periods));
  const metered = t.coverage(wholeNumber(sums.metered), wholeNumber(sums.periods));
  return (
    <dl class="tiles">
      {closed !== null && (
        <div>
          <dt>{t.total}</dt>
          <dd data-sum="total">
            {money(totalCents(closed))}
            <small>{t.customers(wholeNumber(closed.customers.length))}</small>
          </dd>
        </div>
      )}
      {closed !== null && (
        <div>
          <dt>{t.owed}</dt>
          <dd>
            {closed.position === null ? "–" : money(roundedCents(closed.position))}
            {closed.position === null && <small>{t.owedWithheld}</small>}
          </dd>
        </div>
      )}
      <div>
        <dt>{t.position}</dt>
        <dd>
          {sums.told === 0 ? "–" : kwhOfUnits(sums.positionUnits)}
          <small>{told}</small>
        </dd>
      </div>
      <div>
        <dt>{t.avoided}</dt>
        <dd>
          {sums.told === 0 ? "–" : kwhOfUnits(sums.avoidedUnits)}
          <small>{told}</small>
        </dd>
      </div>
      <div>
        <dt>{t.monthMetered}</dt>
        <dd class="names">
          {sums.metered === 0
            ? "–"
            : t.inOut(kwhOfUnits(sums.importedUnits), kwhOfUnits(sums.exportedUnits))}
          <small>{metered}</small>
        </dd>
      </div>
    </dl>
  );
}

const totalCents = ({ customers }: StoredMonth): number =>
  customers.reduce((sum, { total }) => sum + roundedCents(total), 0);

function Payables({ closed }: { readonly closed: StoredMonth }) {
  const t = supplierTexts();
  return (
    <section aria-labelledby="payables">
      <h2 id="payables">{t.payables}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll high" tabIndex={0} aria-label={t.payables}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t.customer}</th>
              <th scope="col" class="number">
                {t.covered}
              </th>
              <th scope="col" class="number">
                {t.estimated}
              </th>
              <th scope="col" class="number">
                {t.amount}
              </th>
            </tr>
          </thead>
          <tbody>
            {closed.customers.map(({ meter, periods, estimated, total }) => (
              <tr key={meter} data-customer={meter}>
                <th scope="row">
                  <code>{meter}</code>
                </th>
                <td class="number">{wholeNumber(periods)}</td>
                <td class="number">{wholeNumber(estimated)}</td>
                <td class="number">{money(roundedCents(total))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
