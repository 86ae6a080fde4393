// What each evaluator has said to an order, as it comes in.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { systemClock } from "../../../src/platform/clock.ts";
import { wholeNumber } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import type { Entry, Trouble } from "./gateway.ts";
import { householdTexts } from "./texts.ts";

interface OrderProgressProps {
  readonly entry: Entry;
  /** When it was placed here, on the monotonic clock; null when that was before. */
  readonly sinceMs: number | null;
}

function troubleText({ isUnreached, problem }: Trouble): string {
  const t = householdTexts();
  return isUnreached ? t.unreached : t.notConfirmed(problem);
}

export function OrderProgress({ entry, sinceMs }: OrderProgressProps) {
  const t = householdTexts();
  const { order, troubles } = entry;
  const { evaluators } = market.value!;
  const confirmed = new Set(order.receipts.map(({ receipt }) => receipt.evaluator));
  const isComplete = confirmed.size === evaluators.length;
  const tookMs = useSignal<number | null>(null);
  useEffect(() => {
    tookMs.value = null;
  }, [order.sequence, order.periodStart, tookMs]);
  useEffect(() => {
    if (isComplete && sinceMs !== null && tookMs.value === null) {
      tookMs.value = systemClock.nowMs() - sinceMs;
    }
  }, [isComplete, sinceMs, tookMs]);
  return (
    <div aria-live="polite">
      <h3>{t.progress}</h3>
      <ul class="checks">
        {evaluators.map(({ name }, i) => {
          const trouble = troubles.get(i);
          const isDone = confirmed.has(i);
          const mark = isDone ? "✓" : trouble === undefined ? "…" : "!";
          return (
            <li key={name} data-evaluator={i} data-confirmed={isDone}>
              <span class={`mark ${isDone ? "good" : trouble ? "failed" : ""}`} aria-hidden="true">
                {mark}
              </span>
              {name}:{" "}
              {isDone ? t.confirmed : trouble === undefined ? t.sending : troubleText(trouble)}
            </li>
          );
        })}
      </ul>
      {isComplete && tookMs.value !== null && (
        <p class="quiet-text" data-took-ms={Math.round(tookMs.value)}>
          {t.placedIn(wholeNumber(tookMs.value))}
        </p>
      )}
      {!isComplete && <p class="quiet-text">{t.kept}</p>}
    </div>
  );
}
