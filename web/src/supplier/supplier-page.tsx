// The supplier's pages: enrolment first, then its parts.
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Parts } from "../components/parts.tsx";
import { EnrolForm, Unsupported } from "../market/enrol-form.tsx";
import { DevicePage } from "./device-page.tsx";
import { MonthsPage } from "./months-page.tsx";
import { PeriodsPage } from "./periods-page.tsx";
import { enrol, startSession, supplierState, unsupported } from "./session.ts";
import { supplierTexts } from "./texts.ts";

const PARTS = ["periods", "months", "device"] as const;
const PAGES: Readonly<Record<(typeof PARTS)[number], ComponentType>> = {
  periods: PeriodsPage,
  months: MonthsPage,
  device: DevicePage,
};

export function SupplierPage() {
  const t = supplierTexts();
  useEffect(startSession, []);
  const state = supplierState.value;
  if (state === "loading") return <p class="waiting">…</p>;
  if (state === "unsupported") return <Unsupported missing={unsupported.value} />;
  if (state === "new") return <EnrolForm texts={t} enrol={enrol} />;
  return <Parts label={t.parts} base="/supplier" parts={PARTS} names={t} pages={PAGES} />;
}
