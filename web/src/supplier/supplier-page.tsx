// The supplier's pages: enrolment first, then its parts.
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Link } from "../components/link.tsx";
import { householdTexts } from "../household/texts.ts";
import { path } from "../router.ts";
import { DevicePage } from "./device-page.tsx";
import { EnrolPage } from "./enrol-page.tsx";
import { MonthsPage } from "./months-page.tsx";
import { PeriodsPage } from "./periods-page.tsx";
import { startSession, supplierState, unsupported } from "./session.ts";
import { supplierTexts } from "./texts.ts";

const PARTS = ["periods", "months", "device"] as const;
const PAGES: Readonly<Record<(typeof PARTS)[number], ComponentType>> = {
  periods: PeriodsPage,
  months: MonthsPage,
  device: DevicePage,
};

export function SupplierPage() {
  const t = supplierTexts();
  const common = householdTexts();
  useEffect(startSession, []);
  const state = supplierState.value;
  if (state === "loading") return <p class="waiting">…</p>;
  if (state === "unsupported") {
    const why = {
      context: common.unsupportedContext,
      storage: common.unsupportedStorage,
      addresses: common.unsupportedAddresses,
    }[unsupported.value];
    return <p class="notice bad">{why}</p>;
  }
  if (state === "new") return <EnrolPage />;
  const asked = path.value.split("/")[2];
  const current = PARTS.find((part) => part === asked) ?? "periods";
  const Page = PAGES[current];
  return (
    <>
      <nav class="inner" aria-label={t.parts}>
        {PARTS.map((part) => (
          <Link
            key={part}
            to={part === "periods" ? "/supplier" : `/supplier/${part}`}
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
