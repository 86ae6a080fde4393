// The bill of a month, from metered energy.
import { monthText } from "../i18n/format.ts";
import { resultsTexts } from "./results-texts.ts";

export function BillSection({ month }: { readonly month: number }) {
  const t = resultsTexts();
  return (
    <section class="card" aria-labelledby="bill">
      <h2 id="bill">
        {t.billTitle}, {monthText(month)}
      </h2>
      <p class="quiet-text">{t.billLead}</p>
    </section>
  );
}
