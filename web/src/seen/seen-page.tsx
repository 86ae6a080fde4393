// The same order side by side, as its household, each evaluator, the supplier and the public see it.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Entry } from "../household/gateway.ts";
import { orderText } from "../household/order-text.ts";
import { access, gateway, startSession } from "../household/session.ts";
import { dayText, spanText } from "../i18n/format.ts";
import { market, nowS } from "../market/feed.ts";
import { firstOpen } from "../market/schedule.ts";
import { ownOrder, sampleOrder } from "./seen-order.ts";
import { seenTexts } from "./seen-texts.ts";
import { EvaluatorView, HouseholdView, PublicView, SupplierView } from "./seen-views.tsx";

const MOST_LISTED = 100;

export function SeenPage() {
  const t = seenTexts();
  useEffect(startSession, []);
  const document = market.value!;
  const chosen = useSignal<number | "sample" | null>(null);
  const splits = useSignal(0);
  const own = ownEntries();
  const at = chosen.value ?? own[0]?.order.periodStart ?? "sample";
  const entry = own.find(({ order }) => order.periodStart === at);
  const household = access.value;
  const sample = useMemo(
    () => sampleOrder(document, firstOpen(document, nowS.peek())),
    [document, splits.value],
  );
  const seen =
    entry === undefined || household === null
      ? sample
      : (ownOrder(document, entry, household) ?? sample);
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.lead}</p>
      <OrderChoice own={own} at={at} onChoose={(to) => (chosen.value = to)} />
      {seen.entry === null && (
        <p class="actions">
          <button type="button" class="button quiet" onClick={() => (splits.value += 1)}>
            {t.splitAgain}
          </button>
          <span class="quiet-text">{t.splitNote}</span>
        </p>
      )}
      {own.length === 0 && <p class="quiet-text">{t.sampleNote}</p>}
      <div class="views">
        <HouseholdView seen={seen} />
        {document.evaluators.map(({ name }, i) => (
          <EvaluatorView key={name} seen={seen} evaluator={i} />
        ))}
        <SupplierView seen={seen} />
        <PublicView seen={seen} />
      </div>
      <h2>{t.together}</h2>
      <p>{t.togetherNote[document.setting.engine === "shamir" ? "shamir" : "replicated"]}</p>
    </>
  );
}

/** Own orders that ask for something: those by hand first, then those with a result, the latest first. */
function ownEntries(): Entry[] {
  const running = gateway.value;
  if (running === null || running.revision.value === -1) return [];
  const wanted = [...running.entries.values()].filter(
    ({ order }) => order.side !== "idle" && order.prepared !== null,
  );
  const rank = ({ order, outcome }: Entry) =>
    (order.origin === "hand" ? 2 : 0) + (outcome === null ? 0 : 1);
  const sorted = wanted.toSorted(
    (a, b) => rank(b) - rank(a) || b.order.periodStart - a.order.periodStart,
  );
  return sorted.slice(0, MOST_LISTED);
}

interface OrderChoiceProps {
  readonly own: readonly Entry[];
  readonly at: number | "sample";
  readonly onChoose: (at: number | "sample") => void;
}

function OrderChoice({ own, at, onChoose }: OrderChoiceProps) {
  const t = seenTexts();
  const document = market.value!;
  return (
    <div class="field">
      <label for="seen-order">{t.which}</label>
      <select
        id="seen-order"
        value={String(at)}
        onFocus={() => onChoose(at)}
        onChange={({ currentTarget: { value } }) =>
          onChoose(value === "sample" ? "sample" : Number(value))
        }
      >
        {own.map(({ order }) => (
          <option key={order.periodStart} value={String(order.periodStart)}>
            {dayText(order.periodStart)}, {spanText(order.periodStart, document.schedule.period_s)}:{" "}
            {orderText(order, document)}
          </option>
        ))}
        <option value="sample">{t.sample}</option>
      </select>
    </div>
  );
}
