// What was verified of each result, and verifying it again, with the evidence.
import { useSignal } from "@preact/signals";
import { doubtfulChecks } from "../../../src/client/checks.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import { CheckList, type ShownCheck } from "../components/check-list.tsx";
import { clockText, dayText, spanText } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import { checkTexts } from "./check-texts.ts";
import type { Entry } from "./gateway.ts";
import { orderText, resultText } from "./order-text.ts";
import { access, gateway } from "./session.ts";
import { type ProvenCheck, verifyAgain } from "./verification.ts";

const MOST_LISTED = 200;

interface Fresh {
  readonly start: number;
  readonly atS: number;
  readonly checks: readonly ProvenCheck[] | null;
  readonly problem: string | null;
}

export function ChecksPage() {
  const t = checkTexts();
  const chosen = useSignal<number | null>(null);
  const fresh = useSignal<Fresh | null>(null);
  const isBusy = useSignal(false);
  const known = knownResults();
  const entry = known.find(({ order }) => order.periodStart === chosen.value) ?? known[0];
  const again = async (asked: Entry) => {
    isBusy.value = true;
    const start = asked.order.periodStart;
    const so = { start, atS: systemClock.utcMs() / 1000 };
    try {
      const checks = await verifyAgain(market.value!, access.value!, asked);
      fresh.value = { ...so, checks, problem: null };
    } catch (error) {
      fresh.value = { ...so, checks: null, problem: messageOf(error) };
    }
    isBusy.value = false;
  };
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.lead}</p>
      {entry === undefined ? (
        <p>{t.none}</p>
      ) : (
        <section class="card">
          <ResultChoice known={known} entry={entry} onChoose={(start) => (chosen.value = start)} />
          <Checks entry={entry} fresh={fresh.value} />
          <p class="actions">
            <button
              type="button"
              class="button quiet"
              disabled={isBusy.value || entry.order.prepared === null}
              onClick={() => void again(entry)}
            >
              {isBusy.value ? t.checking : t.again}
            </button>
          </p>
        </section>
      )}
    </>
  );
}

/** With an outcome, those with a trade first in what is offered, then newest first. */
function knownResults(): Entry[] {
  const running = gateway.value!;
  // Read so that results appear when they arrive.
  running.revision.value;
  const known = [...running.entries.values()].filter(({ outcome }) => outcome !== null);
  const newest = known.toSorted((a, b) => b.order.periodStart - a.order.periodStart);
  const wanted = newest.filter(({ order }) => order.side !== "idle");
  const others = newest.filter(({ order }) => order.side === "idle");
  return [...wanted, ...others].slice(0, MOST_LISTED);
}

interface ResultChoiceProps {
  readonly known: readonly Entry[];
  readonly entry: Entry;
  readonly onChoose: (start: number) => void;
}

function ResultChoice({ known, entry, onChoose }: ResultChoiceProps) {
  const t = checkTexts();
  const document = market.value!;
  const { period_s: length } = document.schedule;
  return (
    <>
      <div class="field">
        <label for="checked-period">{t.period}</label>
        <select
          id="checked-period"
          value={String(entry.order.periodStart)}
          onChange={({ currentTarget }) => onChoose(Number(currentTarget.value))}
          onFocus={() => onChoose(entry.order.periodStart)}
        >
          {known.map(({ order }) => (
            <option key={order.periodStart} value={String(order.periodStart)}>
              {dayText(order.periodStart)}, {spanText(order.periodStart, length)}:{" "}
              {orderText(order, document)}
            </option>
          ))}
        </select>
      </div>
      <p>
        {orderText(entry.order, document)}:{" "}
        <strong>{resultText(entry.order, entry.outcome!, document)}</strong>
      </p>
    </>
  );
}

function Checks({ entry, fresh }: { readonly entry: Entry; readonly fresh: Fresh | null }) {
  const t = checkTexts();
  const isFresh = fresh?.start === entry.order.periodStart;
  const proven = isFresh ? fresh.checks : null;
  const kept = entry.outcome!.checks.map((check) => ({ ...check, evidence: null }));
  const checks: ProvenCheck[] = proven === null ? [receiptsKept(entry), ...kept] : [...proven];
  const shown = checks.map((check): ShownCheck => {
    const { title, meaning } = t.checks[check.name] ?? { title: check.name, meaning: "" };
    return { ...check, title, meaning };
  });
  const { tradedUnits } = entry.outcome!;
  const allHold = checks.every(({ ok }) => ok);
  const isDoubtful = doubtfulChecks({ checks, tradedUnits }).length > 0;
  return (
    <>
      <div role="status">
        {isFresh && fresh.problem !== null && (
          <p class="notice warn">{t.failedToAsk(fresh.problem)}</p>
        )}
        <p class={`notice ${isDoubtful ? "bad" : ""}`}>
          {allHold ? t.allGood : isDoubtful ? t.someFailed : t.someSilent}
        </p>
      </div>
      <CheckList checks={shown} />
      <p class="quiet-text">{proven === null ? t.savedAt : t.freshAt(clockText(fresh!.atS))}</p>
    </>
  );
}

/** Receipts are verified before they are kept. */
function receiptsKept({ order }: Entry): ProvenCheck {
  const all = market.value!.evaluators.length;
  const { receipts } = order;
  const detail = `${receipts.length} of ${all} evaluators have signed that they hold this order`;
  return { name: "receipts", ok: receipts.length === all, detail, evidence: receipts };
}
