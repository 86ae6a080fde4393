// The operator's page: everything public about the market, for whoever runs it or only wants to know.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { deadlineOf } from "../../../src/market/market-document.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import type { PublicMonth, PublicPeriod } from "../../../src/wire/operator-api.ts";
import { DayPicker } from "../components/day-picker.tsx";
import { PriceChart } from "../components/price-chart.tsx";
import {
  clockText,
  dayStartAfter,
  dayStartOf,
  dayText,
  longDayText,
  monthText,
  spanText,
  wholeNumber,
} from "../i18n/format.ts";
import { loadEarlier, market, months, nowS, periods } from "../market/feed.ts";
import { periodsIn } from "../market/schedule.ts";
import { EvaluatorsSection } from "./evaluators-section.tsx";
import { MetricsSection } from "./metrics-section.tsx";
import { ParticipationChart } from "./participation-chart.tsx";
import { PeriodsTable } from "./periods-table.tsx";
import { operatorTexts } from "./texts.ts";

export function OperatorPage() {
  const t = operatorTexts();
  const chosen = useSignal<number | null>(null);
  const document = market.value!;
  const home = dayStartOf(nowS.value);
  const from = chosen.value ?? home;
  const to = dayStartAfter(from, 1);
  useEffect(() => void loadEarlier(from), [from]);
  const known = [...periods.value.values()];
  const shown = known
    .filter(({ start }) => start >= from && start < to)
    .toSorted((a, b) => b.start - a.start);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.lead}</p>
      <Disagreements periods={known} />
      <EvaluatorsSection nowMs={systemClock.utcMs()} />
      <h2>{longDayText(from)}</h2>
      <DayPicker day={from} home={home} onChoose={(day) => (chosen.value = day)} />
      <Tiles periods={shown} all={periodsIn(document, from, to).length} />
      <PriceChart question={t.price} note={t.priceNote} from={from} />
      <ParticipationChart from={from} to={to} />
      <PeriodsTable periods={shown} />
      {document.settlement !== null && <Months />}
      <MetricsSection />
      <p class="quiet-text">
        {t.suppliers}{" "}
        <code>
          hushwatt enrol code --role supplier --supplier {document.suppliers[0]} --registry{" "}
          {document.id}
        </code>
      </p>
    </>
  );
}

function Disagreements({ periods: all }: { readonly periods: readonly PublicPeriod[] }) {
  const t = operatorTexts();
  const { period_s: length } = market.value!.schedule;
  const found = all
    .filter(({ disagreements }) => disagreements.length > 0)
    .toSorted((a, b) => b.start - a.start);
  if (found.length === 0) return <p class="good">✓ {t.allAgree}</p>;
  return (
    <div class="notice bad" role="alert" data-disagreements={found.length}>
      <p>
        <strong>{t.disagreements(wholeNumber(found.length))}</strong>
      </p>
      <ul>
        {found.map(({ start, disagreements }) => (
          <li key={start}>
            {dayText(start)}, {spanText(start, length)}:{" "}
            <span lang="en">{disagreements.join("; ")}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface TilesProps {
  /** Newest first. */
  readonly periods: readonly PublicPeriod[];
  /** How many the day has. */
  readonly all: number;
}

function Tiles({ periods: shown, all }: TilesProps) {
  const t = operatorTexts();
  const decisions = shown.flatMap(({ decision }) => (decision === null ? [] : [decision]));
  const voids = decisions.filter(({ outcome }) => outcome === "void").length;
  const traded = decisions.filter((decision) => decision.traded).length;
  const last = decisions[0]?.agreed ?? null;
  const isOverdue = ({ start, decision }: PublicPeriod) =>
    decision === null && deadlineOf(market.value!, start) < nowS.value;
  const overdue = shown.filter(isOverdue).length;
  return (
    <dl class="tiles">
      <div>
        <dt>{t.decided}</dt>
        <dd data-decided={decisions.length}>
          {wholeNumber(decisions.length)}
          <small>{t.decidedOf(wholeNumber(all))}</small>
          {overdue > 0 && <small class="failed">{t.overdue(wholeNumber(overdue))}</small>}
        </dd>
      </div>
      <div>
        <dt>{t.traded}</dt>
        <dd>{wholeNumber(traded)}</dd>
      </div>
      <div>
        <dt>{t.void}</dt>
        <dd class={voids > 0 ? "failed" : undefined} data-void={voids}>
          {wholeNumber(voids)}
        </dd>
      </div>
      <div>
        <dt>{t.participation}</dt>
        <dd>
          {last === null ? "–" : wholeNumber(last.count)}
          <small>{t.perPeriod}</small>
        </dd>
      </div>
    </dl>
  );
}

function Months() {
  const t = operatorTexts();
  const stateOf = ({ closing, closureS }: PublicMonth): string => {
    if (closing !== null) return t.closed(wholeNumber(closing.periods), wholeNumber(closing.bills));
    if (closureS <= nowS.value) return t.awaited;
    return t.closes(`${longDayText(closureS)}, ${clockText(closureS)}`);
  };
  return (
    <section aria-labelledby="months">
      <h2 id="months">{t.months}</h2>
      <ul>
        {months.value.map((one) => (
          <li key={one.month} data-month={one.month} data-closed={one.closing !== null}>
            {monthText(Date.parse(`${one.month}-15T12:00:00Z`) / 1000)}: {stateOf(one)}
          </li>
        ))}
      </ul>
    </section>
  );
}
