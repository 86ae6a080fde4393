// The orders of a day, period by period: what was ordered, who has confirmed it, when the gate closes, what came of it.
import { useSignal } from "@preact/signals";
import { gateClosureOf, orderWindow } from "../../../src/market/market-document.ts";
import { DayPicker } from "../components/day-picker.tsx";
import {
  countdownText,
  dayStartAfter,
  dayStartOf,
  dayText,
  longDayText,
  spanText,
  timeText,
  wholeNumber,
} from "../i18n/format.ts";
import { market, msUntil, nowS } from "../market/feed.ts";
import { firstOpen, periodsIn } from "../market/schedule.ts";
import type { Entry } from "./gateway.ts";
import { orderText, resultText } from "./order-text.ts";
import { gateway } from "./session.ts";
import { householdTexts } from "./texts.ts";

const ROWS_AT_FIRST = 12;
const SOON_MS = 3600 * 1000;

interface DayOrdersProps {
  readonly onEdit: (start: number) => void;
}

export function DayOrders({ onEdit }: DayOrdersProps) {
  const t = householdTexts();
  const document = market.value!;
  const first = firstOpen(document, nowS.value);
  const chosen = useSignal<number | null>(null);
  const showPast = useSignal(false);
  const showAll = useSignal(false);
  const day = chosen.value ?? dayStartOf(first);
  const all = periodsIn(document, day, dayStartAfter(day, 1));
  const wanted = showPast.value ? all : all.filter((start) => start >= first);
  const shown = showAll.value || showPast.value ? wanted : wanted.slice(0, ROWS_AT_FIRST);
  return (
    <section aria-labelledby="day-orders">
      <h2 id="day-orders">{t.ordersOf(longDayText(day))}</h2>
      <DayPicker day={day} home={dayStartOf(first)} onChoose={(to) => (chosen.value = to)} />
      <p class="check-line">
        <label>
          <input
            type="checkbox"
            checked={showPast.value}
            onChange={({ currentTarget }) => {
              showPast.value = currentTarget.checked;
            }}
          />
          {t.showPast}
        </label>
      </p>
      <p class="quiet-text">{t.zeroNote}</p>
      {shown.length === 0 ? (
        <p>{t.noPeriods}</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t.period}</th>
              <th scope="col">{t.yourOrder}</th>
              <th scope="col">{t.state}</th>
              <th scope="col">{t.gate}</th>
              <th scope="col">
                <span class="unseen">{t.action}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((start) => (
              <PeriodRow key={start} start={start} onEdit={onEdit} />
            ))}
          </tbody>
        </table>
      )}
      {shown.length < wanted.length && (
        <p class="actions">
          <button type="button" class="button quiet" onClick={() => (showAll.value = true)}>
            {t.showAll(wholeNumber(wanted.length))}
          </button>
        </p>
      )}
    </section>
  );
}

function PeriodRow({ start, onEdit }: DayOrdersProps & { readonly start: number }) {
  const t = householdTexts();
  const document = market.value!;
  const running = gateway.value;
  const entry = running?.revision.value === undefined ? undefined : running.entries.get(start);
  const isOpen = orderWindow(document, start, nowS.value) === "open";
  const span = spanText(start, document.schedule.period_s);
  return (
    <tr data-period={start}>
      <th scope="row">{span}</th>
      <td>
        {entry === undefined ? t.noOrder : orderText(entry.order, document)}
        {entry !== undefined && <small>{t.origin[entry.order.origin]}</small>}
      </td>
      <td>{stateText(start, entry)}</td>
      <td>{gateText(start)}</td>
      <td class="act">
        {isOpen && (
          <button
            type="button"
            class="button quiet small"
            aria-label={t.editFor(`${dayText(start)} ${span}`)}
            onClick={() => onEdit(start)}
          >
            {entry === undefined || entry.order.side === "idle" ? t.orderHere : t.edit}
          </button>
        )}
      </td>
    </tr>
  );
}

function stateText(start: number, entry: Entry | undefined): string {
  const t = householdTexts();
  const document = market.value!;
  const window = orderWindow(document, start, nowS.value);
  if (entry === undefined) return window === "too-early" ? t.openFrom : "–";
  const { order, outcome } = entry;
  if (outcome !== null) return resultText(order, outcome, document);
  const all = document.evaluators.length;
  const count = order.receipts.length;
  if (window === "open") {
    return count === all ? t.placedAll : t.confirmedBy(wholeNumber(count), wholeNumber(all));
  }
  return count === 0 ? t.notPlaced : t.clearing;
}

function gateText(start: number): string {
  const gate = gateClosureOf(market.value!, start);
  // Read so that the countdown goes on.
  const left = nowS.value >= gate ? 0 : msUntil(gate);
  return left > 0 && left < SOON_MS ? countdownText(left) : timeText(gate);
}
