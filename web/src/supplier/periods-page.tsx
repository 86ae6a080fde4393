// A supplier's day: what its customers buy and sell, its position, what was metered, every period with its state.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { deadlineOf } from "../../../src/market/market-document.ts";
import { DayPicker } from "../components/day-picker.tsx";
import { download } from "../components/download.ts";
import { dayStartAfter, dayStartOf, kwhOfUnits, spanText, wholeNumber } from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { periodsIn } from "../market/schedule.ts";
import { SumsCharts } from "./charts.tsx";
import { periodsCsv } from "./csv.ts";
import { follower, identity } from "./session.ts";
import { type PeriodRow, rowsOf, type SupplierSums, sumsOf } from "./sums.ts";
import { supplierTexts } from "./texts.ts";
import { TroubleNotice } from "./trouble-notice.tsx";

export function PeriodsPage() {
  const t = supplierTexts();
  const chosen = useSignal<number | null>(null);
  const document = market.value!;
  const running = follower.value!;
  const home = dayStartOf(nowS.value);
  const from = chosen.value ?? home;
  const to = dayStartAfter(from, 1);
  useEffect(() => void running.want(from, to), [running, from, to]);
  const starts = periodsIn(document, from, to);
  const rows = rowsOf(starts, running.periods.value);
  const sums = sumsOf(rows);
  const due = starts.filter((start) => deadlineOf(document, start) <= nowS.value).length;
  const save = () => {
    const name = `hushwatt-${document.id}-periods-${new Date(from * 1000).toISOString().slice(0, 10)}.csv`;
    download(name, periodsCsv(rows), "text/csv");
  };
  return (
    <>
      <h1>{t.title(document.suppliers[identity.value!.enrolled!.supplier] ?? "")}</h1>
      <p class="lead">{t.lead}</p>
      <DayPicker day={from} home={home} onChoose={(day) => (chosen.value = day)} />
      <TroubleNotice sums={sums} due={due} />
      <Tiles sums={sums} />
      <p class="quiet-text">{t.avoidedMeaning}</p>
      <SumsCharts rows={rows} sums={sums} />
      <PeriodsTable rows={rows} />
      <p class="actions">
        <button type="button" class="button quiet" onClick={save}>
          {t.csv}
        </button>
      </p>
      <Meanings />
    </>
  );
}

/** A sum over so many periods. */
const energy = (count: number, units: number): string => (count === 0 ? "–" : kwhOfUnits(units));

function Tiles({ sums }: { readonly sums: SupplierSums }) {
  const t = supplierTexts();
  const told = t.positionNote(wholeNumber(sums.told), wholeNumber(sums.decided));
  const { positionUnits } = sums;
  const direction = positionUnits > 0 ? t.fromOthers : positionUnits < 0 ? t.toOthers : null;
  return (
    <dl class="tiles" data-supplier-sums>
      <div>
        <dt>{t.bought}</dt>
        <dd data-sum="bought">{energy(sums.cleared, sums.boughtUnits)}</dd>
      </div>
      <div>
        <dt>{t.sold}</dt>
        <dd data-sum="sold">{energy(sums.cleared, sums.soldUnits)}</dd>
      </div>
      <div>
        <dt>{t.position}</dt>
        <dd data-sum="position">
          {energy(sums.told, positionUnits)}
          {direction !== null && <small>{direction}</small>}
        </dd>
      </div>
      <div>
        <dt>{t.avoided}</dt>
        <dd data-sum="avoided">
          {energy(sums.told, sums.avoidedUnits)}
          <small>{told}</small>
        </dd>
      </div>
    </dl>
  );
}

function PeriodsTable({ rows }: { readonly rows: readonly PeriodRow[] }) {
  const t = supplierTexts();
  const headings = [t.boughtLabel, t.soldLabel, t.netLabel, t.importedLabel, t.exportedLabel];
  return (
    <section aria-labelledby="periods">
      <h2 id="periods">{t.table}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll high" tabIndex={0} aria-label={t.table}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t.period}</th>
              <th scope="col">{t.state}</th>
              {headings.map((heading) => (
                <th key={heading} scope="col" class="number">
                  {heading}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.start} row={row} />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Row({ row }: { readonly row: PeriodRow }) {
  const t = supplierTexts();
  const energies = [
    row.boughtUnits,
    row.soldUnits,
    row.positionUnits,
    row.importedUnits,
    row.exportedUnits,
  ];
  return (
    <tr data-period={row.start} class={row.state === "pending" ? "muted" : undefined}>
      <th scope="row">{spanText(row.start, market.value!.schedule.period_s)}</th>
      <td>
        {t.states[row.state]}
        {row.metered !== null && `, ${t.meteredStates[row.metered]}`}
      </td>
      {energies.map((units, i) => (
        <td key={i} class="number">
          {units === null ? "–" : kwhOfUnits(units)}
        </td>
      ))}
    </tr>
  );
}

function Meanings() {
  const t = supplierTexts();
  const { minimumGroup } = market.value!.parameters;
  return (
    <details>
      <summary>{t.why}</summary>
      <ul>
        {t.meanings(wholeNumber(minimumGroup)).map((meaning) => (
          <li key={meaning}>{meaning}</li>
        ))}
      </ul>
    </details>
  );
}
