// Every period of a day: its state, price, participation, and whatever is worth a note: why it is void, what evaluators
// disagree about, who does not have it.
import type { PublicPeriod } from "../../../src/wire/operator-api.ts";
import type { PeriodState } from "../../../src/wire/records.ts";
import { ctPerKwh, spanText, wholeNumber } from "../i18n/format.ts";
import { locale } from "../i18n/language.ts";
import { market } from "../market/feed.ts";
import { operatorTexts } from "./texts.ts";

/** How far a period is: the furthest of what evaluators say. */
const PROGRESS: readonly PeriodState[] = [
  "open",
  "closed",
  "agreed",
  "clearing",
  "cleared",
  "published",
  "settling",
  "settled",
];

function stateOf({ decision, states }: PublicPeriod): PeriodState {
  if (decision?.outcome === "void") return "void";
  const said = states.filter((state) => state !== null && state !== "void");
  const furthest = Math.max(0, ...said.map((state) => PROGRESS.indexOf(state)));
  return PROGRESS[furthest]!;
}

export function PeriodsTable({ periods }: { readonly periods: readonly PublicPeriod[] }) {
  const t = operatorTexts();
  const hasSettlement = market.value!.settlement !== null;
  return (
    <section aria-labelledby="periods">
      <h2 id="periods">{t.periods}</h2>
      {periods.length === 0 ? (
        <p>{t.noPeriods}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section class="table-scroll high" tabIndex={0} aria-label={t.periods}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.period}</th>
                <th scope="col">{t.state}</th>
                <th scope="col" class="number">
                  {t.priceHeading}
                </th>
                <th scope="col" class="number">
                  {t.ordersLabel}
                </th>
                {hasSettlement && (
                  <th scope="col" class="number">
                    {t.readings}
                  </th>
                )}
                <th scope="col">{t.notes}</th>
              </tr>
            </thead>
            <tbody>
              {periods.map((period) => (
                <Row key={period.start} period={period} hasSettlement={hasSettlement} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

interface RowProps {
  readonly period: PublicPeriod;
  readonly hasSettlement: boolean;
}

function Row({ period, hasSettlement }: RowProps) {
  const t = operatorTexts();
  const { schedule, parameters } = market.value!;
  const { start, decision, settlement, disagreements } = period;
  const state = stateOf(period);
  const tick = decision?.priceTick ?? null;
  const isCleared = decision?.outcome === "cleared";
  return (
    <tr data-period={start} data-state={state}>
      <th scope="row">{spanText(start, schedule.period_s)}</th>
      <td class={state === "void" ? "failed" : undefined}>{t.states[state]}</td>
      <td class="number">
        {tick !== null ? ctPerKwh(parameters.grid.value(tick)) : isCleared ? t.noTrade : "–"}
      </td>
      <td class="number">{decision?.agreed == null ? "–" : wholeNumber(decision.agreed.count)}</td>
      {hasSettlement && (
        <td class="number">{settlement === null ? "–" : wholeNumber(settlement.readings)}</td>
      )}
      <td>
        {disagreements.map((text) => (
          <strong key={text} class="failed" lang="en">
            ✗ {text}{" "}
          </strong>
        ))}
        {notesOf(period).join("; ")}
      </td>
    </tr>
  );
}

function notesOf({ decision, settlement, attempts, states }: PublicPeriod): string[] {
  const t = operatorTexts();
  const notes: string[] = [];
  if (decision?.reason != null) notes.push(t.reasons[decision.reason]);
  if (attempts > 1) notes.push(t.attempts(wholeNumber(attempts)));
  const rejected = decision?.rejected.length ?? 0;
  if (rejected > 0) notes.push(t.rejectedOrders(wholeNumber(rejected)));
  const { evaluators } = market.value!;
  const missing = evaluators.filter((_, i) => states[i] === null).map(({ name }) => name);
  const names = new Intl.ListFormat(locale.value, { type: "conjunction" }).format(missing);
  if (missing.length > 0) notes.push(t.missing(names));
  if (settlement === null) return notes;
  if (settlement.estimated > 0) notes.push(t.estimated(wholeNumber(settlement.estimated)));
  if (settlement.rejected > 0) notes.push(t.rejectedReadings(wholeNumber(settlement.rejected)));
  if (settlement.revision > 0) notes.push(t.corrected);
  return notes;
}
