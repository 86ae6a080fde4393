// The household's pages: enrolment first, then its parts.
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Link } from "../components/link.tsx";
import { path } from "../router.ts";
import { BillPage } from "./bill-page.tsx";
import { ChecksPage } from "./checks-page.tsx";
import { DevicePage } from "./device-page.tsx";
import { EnrolPage } from "./enrol-page.tsx";
import { OrdersPage } from "./orders-page.tsx";
import { ReadingsPage } from "./readings-page.tsx";
import { ResultsPage } from "./results-page.tsx";
import { RulePage } from "./rule-page.tsx";
import { metering, runHere, sessionState, startSession, unsupported } from "./session.ts";
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
  if (state === "unsupported") {
    const why = {
      context: t.unsupportedContext,
      storage: t.unsupportedStorage,
      addresses: t.unsupportedAddresses,
    }[unsupported.value ?? "storage"];
    return <p class="notice bad">{why}</p>;
  }
  if (state === "new") return <EnrolPage />;
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
  const asked = path.value.split("/")[2];
  const parts = PARTS.filter((part) => metering.value !== null || !SETTLED.has(part));
  const current = parts.find((part) => part === asked) ?? "orders";
  const Page = PAGES[current];
  return (
    <>
      <nav class="inner" aria-label={t.parts}>
        {parts.map((part) => (
          <Link
            key={part}
            to={part === "orders" ? "/household" : `/household/${part}`}
            isCurrent={part === current}
          >
            {t[part]}
          </Link>
        ))}
      </nav>
      <Page />
    </>
  );
}
