// Why sums cannot be had at the moment, how far they are fetched, and where there are none.
import { wholeNumber } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
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
  const { minimumGroup } = market.value!.parameters;
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
      {sums.withheld > 0 && (
        <p class="notice">
          {t.withheldCount(wholeNumber(sums.withheld), wholeNumber(minimumGroup))}
        </p>
      )}
      {sums.void > 0 && <p class="notice warn">{t.voidCount(wholeNumber(sums.void))}</p>}
    </div>
  );
}
