// The household's pages: enrolment first, then its parts.
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Parts } from "../components/parts.tsx";
import { EnrolForm, Unsupported } from "../market/enrol-form.tsx";
import { BillPage } from "./bill-page.tsx";
import { ChecksPage } from "./checks-page.tsx";
import { DevicePage } from "./device-page.tsx";
import { OrdersPage } from "./orders-page.tsx";
import { ReadingsPage } from "./readings-page.tsx";
import { ResultsPage } from "./results-page.tsx";
import { RulePage } from "./rule-page.tsx";
import { enrol, metering, runHere, sessionState, startSession, unsupported } from "./session.ts";
import { householdTexts } from "./texts.ts";

const PARTS = ["orders", "rule", "results", "readings", "bill", "checks", "device"] as const;
/** Only where the market settles. */
const SETTLED: ReadonlySet<string> = new Set(["readings", "bill"]);
const PAGES: Readonly<Record<(typeof PARTS)[number], ComponentType>> = {
  orders: OrdersPage,
  rule: RulePage,
  results: ResultsPage,
  readings: ReadingsPage,
  bill: BillPage,
  checks: ChecksPage,
  device: DevicePage,
};

export function HouseholdPage() {
  const t = householdTexts();
  useEffect(startSession, []);
  const state = sessionState.value;
  if (state === "loading") return <p class="waiting">…</p>;
  if (state === "unsupported") return <Unsupported missing={unsupported.value} />;
  if (state === "new") return <EnrolForm texts={t} enrol={enrol} />;
  if (state === "elsewhere") {
    return (
      <div class="card">
        <p>{t.elsewhere}</p>
        <button type="button" class="button" onClick={() => void runHere(true)}>
          {t.useHere}
        </button>
      </div>
    );
  }
  const parts = PARTS.filter((part) => metering.value !== null || !SETTLED.has(part));
  return <Parts label={t.parts} base="/household" parts={parts} names={t} pages={PAGES} />;
}
