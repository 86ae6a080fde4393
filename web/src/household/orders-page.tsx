// Orders: the next gate, placing and changing, and the orders of a day.
import { useSignal } from "@preact/signals";
import { gateClosureOf } from "../../../src/market/market-document.ts";
import { countdownText, dayText, spanText } from "../i18n/format.ts";
import { market, msUntil, nowS } from "../market/feed.ts";
import { firstOpen } from "../market/schedule.ts";
import { DayOrders } from "./day-orders.tsx";
import { OrderForm } from "./order-form.tsx";
import { gateway } from "./session.ts";
import { householdTexts } from "./texts.ts";

export function OrdersPage() {
  const t = householdTexts();
  const chosen = useSignal<number | null>(null);
  const trouble = gateway.value?.trouble.value ?? null;
  return (
    <>
      <h1>{t.orders}</h1>
      <NextGate />
      {trouble !== null && (
        <p class="notice warn">
          {trouble.isUnreached ? t.outcomesLater : t.outcomeTrouble(trouble.problem)}
        </p>
      )}
      <OrderForm chosen={chosen} />
      <DayOrders
        onEdit={(start) => {
          chosen.value = start;
          document.getElementById("order-form")?.scrollIntoView({ block: "start" });
          document.getElementById("order-period")?.focus();
        }}
      />
    </>
  );
}

function NextGate() {
  const t = householdTexts();
  const document = market.value!;
  const start = firstOpen(document, nowS.value);
  const left = msUntil(gateClosureOf(document, start));
  return (
    <p>
      {t.nextGate} <span class="countdown">{countdownText(left)}</span>{" "}
      {t.forPeriod(`${dayText(start)}, ${spanText(start, document.schedule.period_s)}`)}
    </p>
  );
}
