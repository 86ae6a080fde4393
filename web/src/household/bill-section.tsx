// What a day or a month comes to by meter, tariff and trades, and the way to the bill.
import { Link } from "../components/link.tsx";
import { kwhOfUnits, money, wholeNumber } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import { billTexts } from "./bill-texts.ts";
import { ownBillIn } from "./month-bill.ts";
import { gateway, metering } from "./session.ts";

interface BillSectionProps {
  readonly from: number;
  readonly to: number;
}

export function BillSection({ from, to }: BillSectionProps) {
  const t = billTexts();
  if (market.value!.settlement === null) return <p class="quiet-text">{t.noSettlement}</p>;
  // Read so that it follows what arrives.
  void [metering.value!.revision.value, gateway.value!.revision.value];
  const { bill, energies, periods, estimated } = ownBillIn(from, to);
  const without = bill.withoutMarketCents ?? 0;
  const saved = without - bill.totalCents;
  return (
    <section aria-labelledby="due">
      <h2 id="due">{t.costs}</h2>
      <dl class="tiles" data-due>
        <div>
          <dt>{bill.totalCents < 0 ? t.receive : t.total}</dt>
          <dd>
            {money(Math.abs(bill.totalCents))}
            <small>{t.costsNote(wholeNumber(estimated), wholeNumber(periods))}</small>
          </dd>
        </div>
        <div>
          <dt>{t.without}</dt>
          <dd>{money(without)}</dd>
        </div>
        <div>
          <dt>{saved < 0 ? t.lost : t.saved}</dt>
          <dd>{money(Math.abs(saved))}</dd>
        </div>
        <div>
          <dt>{t.importedHeading}</dt>
          <dd>{kwhOfUnits(energies.importedUnits)}</dd>
        </div>
        <div>
          <dt>{t.exportedHeading}</dt>
          <dd>{kwhOfUnits(energies.exportedUnits)}</dd>
        </div>
      </dl>
      <p>
        <Link to="/household/bill">{t.toBill}</Link>
      </p>
    </section>
  );
}
