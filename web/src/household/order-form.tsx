// Placing, changing and withdrawing the order of one period, and what the evaluators say to it.
import { type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { ClearOrder } from "../../../src/client/prepared-order.ts";
import { IDLE } from "../../../src/client/standing-rule.ts";
import { gateClosureOf, orderWindow } from "../../../src/market/market-document.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import { Choice, Field } from "../components/field.tsx";
import { dayText, editableNumber, kwhOfWh, priceNumber, spanText } from "../i18n/format.ts";
import { market, msUntil, nowS } from "../market/feed.ts";
import { openPeriods } from "../market/schedule.ts";
import type { StoredOrder } from "./database.ts";
import { GatewayError } from "./gateway.ts";
import { readEnergy, readTick } from "./order-input.ts";
import { OrderProgress } from "./order-progress.tsx";
import { gateway, settings } from "./session.ts";
import { householdTexts } from "./texts.ts";

interface Problems {
  readonly energy: string | null;
  readonly limit: string | null;
  readonly order: string | null;
}

const NO_PROBLEMS: Problems = { energy: null, limit: null, order: null };
/** A person needs this long to fill the form. */
const TIME_TO_FILL_MS = 20_000;

export function OrderForm({ chosen }: { readonly chosen: Signal<number | null> }) {
  const t = householdTexts();
  const { parameters } = market.value!;
  const { grid, energyBits } = parameters;
  const side = useSignal<"sell" | "buy">("sell");
  const energy = useSignal("");
  const limit = useSignal("");
  const problems = useSignal<Problems>(NO_PROBLEMS);
  const isBusy = useSignal(false);
  /** The last order that was placed here, and when. */
  const placed = useSignal<{ readonly order: StoredOrder; readonly atMs: number } | null>(null);
  const start = chosen.value ?? defaultPeriod();
  const entry = gateway.value?.entries.get(start);
  const known = gateway.value?.revision.value !== undefined ? entry?.order : undefined;
  // At once: after painting it could replace what somebody has begun to write.
  useLayoutEffect(() => {
    if (chosen.value === null) return;
    const order = gateway.value?.entries.get(chosen.value)?.order;
    if (order === undefined || order.side === "idle" || order.limitTick === null) return;
    side.value = order.side;
    energy.value = editableNumber(order.energyWh / 1000);
    limit.value = editableNumber(grid.value(order.limitTick));
  }, [chosen.value, grid, side, energy, limit]);

  const place = async (order: ClearOrder, origin: "hand" | "rule") => {
    isBusy.value = true;
    const atMs = systemClock.nowMs();
    try {
      placed.value = { order: await gateway.value!.place(start, order, origin), atMs };
      chosen.value = start;
      problems.value = NO_PROBLEMS;
    } catch (error) {
      problems.value = { ...NO_PROBLEMS, order: explained(error) };
    }
    isBusy.value = false;
  };
  const explained = (error: unknown): string => {
    if (!(error instanceof GatewayError)) return t.placeFailed(messageOf(error));
    return error.code === "too-often" ? t.tooOften : t.closedNow;
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const [wh, tick] = [readEnergy(energy.value, parameters), readTick(limit.value, parameters)];
    problems.value = {
      energy: "problem" in wh ? wh.problem : null,
      limit: "problem" in tick ? tick.problem : null,
      order: null,
    };
    if ("problem" in wh || "problem" in tick) return;
    void place({ side: side.value, energyWh: wh.value, limitTick: tick.value }, "hand");
  };
  const isSet = known !== undefined && known.side !== "idle";
  const isOpen = orderWindow(market.value!, start, nowS.value) === "open";
  return (
    <section class="card" id="order-form" aria-labelledby="order-title">
      <h2 id="order-title">{t.place}</h2>
      <p class="quiet-text">{t.placeLead}</p>
      <form class="fields" onSubmit={submit} noValidate>
        <PeriodField start={start} chosen={chosen} />
        <Choice
          label={t.side}
          value={side.value}
          choices={[
            { value: "sell", text: t.sell },
            { value: "buy", text: t.buy },
          ]}
          onChoose={(value) => {
            side.value = value;
          }}
        />
        <Field
          label={t.energy}
          hint={t.energyHint(kwhOfWh(2 ** energyBits - 1))}
          value={energy}
          inputMode="decimal"
          problem={problems.value.energy}
        />
        <Field
          label={side.value === "sell" ? t.sellLimit : t.buyLimit}
          hint={t.limitHint(
            priceNumber(grid.value(0)),
            priceNumber(grid.value(grid.size - 1)),
            priceNumber(Number(grid.step)),
          )}
          value={limit}
          inputMode="decimal"
          problem={problems.value.limit}
        />
        <div class="wide">
          {problems.value.order !== null && (
            <p class="notice bad" role="alert">
              {problems.value.order}
            </p>
          )}
          {!isOpen && problems.value.order === null && <p class="notice warn">{t.closedNow}</p>}
          <p class="actions">
            <button class="button" type="submit" disabled={isBusy.value || !isOpen}>
              {isBusy.value ? t.placing : isSet ? t.changeButton : t.placeButton}
            </button>
            {isSet && isOpen && (
              <button class="button quiet" type="button" onClick={() => void place(IDLE, "hand")}>
                {t.withdraw}
              </button>
            )}
            {known?.origin === "hand" && settings.value.rule.active && isOpen && (
              <button
                class="button quiet"
                type="button"
                onClick={() => gateway.value!.leaveToRule(start)}
              >
                {t.byRule}
              </button>
            )}
          </p>
        </div>
      </form>
      {entry !== undefined && known?.origin === "hand" && (
        <OrderProgress
          entry={entry}
          sinceMs={isSame(placed.value?.order, known) ? placed.value!.atMs : null}
        />
      )}
    </section>
  );
}

const isSame = (one: StoredOrder | undefined, other: StoredOrder): boolean =>
  one?.periodStart === other.periodStart && one.sequence === other.sequence;

/** The next period that leaves time to fill in the form. */
function defaultPeriod(): number {
  const document = market.value!;
  const all = openPeriods(document, nowS.value);
  const inTime = all.find((start) => msUntil(gateClosureOf(document, start)) > TIME_TO_FILL_MS);
  return inTime ?? all.at(-1) ?? 0;
}

interface PeriodFieldProps {
  readonly start: number;
  readonly chosen: Signal<number | null>;
}

function PeriodField({ start, chosen }: PeriodFieldProps) {
  const t = householdTexts();
  const document = market.value!;
  const all = openPeriods(document, nowS.value);
  const shown = all.includes(start) ? all : [start, ...all];
  const days = Map.groupBy(shown, dayText);
  return (
    <div class="field">
      <label for="order-period">{t.period}</label>
      <select
        id="order-period"
        value={String(start)}
        onChange={({ currentTarget }) => {
          chosen.value = Number(currentTarget.value);
        }}
        onFocus={() => {
          // What is being looked at must not change under the person's hands.
          chosen.value = start;
        }}
      >
        {[...days].map(([day, starts]) => (
          <optgroup key={day} label={day}>
            {starts.map((one) => (
              <option key={one} value={String(one)}>
                {spanText(one, document.schedule.period_s)}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}
