// Why sums cannot be had at the moment, and how far they are fetched.
import { wholeNumber } from "../i18n/format.ts";
import { follower } from "./session.ts";
import type { SupplierSums } from "./sums.ts";
import { supplierTexts } from "./texts.ts";

export function TroubleNotice({
  sums,
  due,
}: {
  readonly sums: SupplierSums;
  readonly due: number;
}) {
  const t = supplierTexts();
  const trouble = follower.value?.trouble.value ?? null;
  return (
    <div aria-live="polite">
      {trouble !== null && (
        <p class={`notice ${trouble.isUnreached ? "warn" : "bad"}`}>
          {trouble.isUnreached ? t.unreached : t.failed(trouble.problem)}
        </p>
      )}
      {sums.decided < due && (
        <p class="quiet-text">{t.fetching(wholeNumber(sums.decided), wholeNumber(due))}</p>
      )}
    </div>
  );
}
