// The lines of a bill: exact components, rounded once, what is contained, and what it would be without the market.
import { type Bill, billOf } from "../../../src/market/bill.ts";
import { exactMoney, kwhOfUnits, money, priceNumber, wholeNumber } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import { billTexts } from "./bill-texts.ts";
import { ctOf, type MonthBill } from "./month-bill.ts";
import { identity } from "./session.ts";

export function BillTable({ bill }: { readonly bill: MonthBill }) {
  const t = billTexts();
  const { kept, own } = bill;
  const { vatBasisPoints } = market.value!.settlement!;
  const stated = kept?.stated ?? null;
  // What is due is what the evaluators state; the energies are known here alone.
  const due = stated === null ? own.bill : billOf(stated.components, vatBasisPoints);
  const { periods, estimated } = stated ?? own;
  return (
    <section class="card bill" aria-label={stated === null ? t.preview : t.evaluatorsState}>
      <dl class="pairs">
        <dt>{t.market}</dt>
        <dd>{market.value!.parameters.name}</dd>
        <dt>{t.meter}</dt>
        <dd>
          <code>{identity.value!.enrolled!.meter}</code>
        </dd>
        <dt>{t.supplier}</dt>
        <dd>{market.value!.suppliers[identity.value!.enrolled!.supplier]}</dd>
        <dt>{t.periods}</dt>
        <dd>{t.periodsText(wholeNumber(periods), wholeNumber(estimated))}</dd>
      </dl>
      <table class="bill-lines">
        <thead>
          <tr>
            <th scope="col">{t.item}</th>
            <th scope="col" class="number">
              {t.energy}
            </th>
            <th scope="col" class="number">
              {t.amount}
            </th>
          </tr>
        </thead>
        <tbody>
          <Components bill={bill} due={due} />
          <Totals due={due} withoutCents={own.bill.withoutMarketCents} />
        </tbody>
      </table>
    </section>
  );
}

interface LineProps {
  readonly label: string;
  readonly energy?: number;
  readonly amount?: string;
  readonly kind?: "sub" | "total";
}

const Line = ({ label, energy, amount, kind }: LineProps) => (
  <tr class={kind}>
    <th scope="row">{label}</th>
    <td class="number">{energy === undefined ? "" : kwhOfUnits(energy)}</td>
    <td class="number">{amount}</td>
  </tr>
);

function Components({ bill, due }: { readonly bill: MonthBill; readonly due: Bill }) {
  const t = billTexts();
  const { energies } = bill.own;
  const amount = (of: keyof Bill["components"]) => exactMoney(ctOf(due.components[of]));
  const rounding = due.totalCents - ctOf(due.totalUnits);
  return (
    <>
      <Line label={t.traded} amount={amount("traded")} />
      <Line kind="sub" label={t.bought} energy={energies.boughtUnits} />
      <Line kind="sub" label={t.sold} energy={energies.soldUnits} />
      <Line label={t.fees} energy={energies.boughtUnits} amount={amount("fees")} />
      <Line label={t.shortage} energy={energies.shortageUnits} amount={amount("shortage")} />
      <Line label={t.surplus} energy={energies.surplusUnits} amount={amount("surplus")} />
      <Line kind="sub" label={t.rounding} amount={exactMoney(rounding)} />
    </>
  );
}

function Totals({
  due,
  withoutCents,
}: {
  readonly due: Bill;
  readonly withoutCents: number | null;
}) {
  const t = billTexts();
  const { totalCents, vatCents } = due;
  const vat = priceNumber(market.value!.settlement!.vatBasisPoints / 100);
  const saved = (withoutCents ?? 0) - totalCents;
  return (
    <>
      <Line
        kind="total"
        label={totalCents < 0 ? t.receive : t.total}
        amount={money(Math.abs(totalCents))}
      />
      <Line kind="sub" label={t.vat(vat)} amount={money(vatCents)} />
      {withoutCents !== null && (
        <>
          <Line kind="sub" label={t.without} amount={money(withoutCents)} />
          <Line kind="sub" label={saved < 0 ? t.lost : t.saved} amount={money(Math.abs(saved))} />
        </>
      )}
    </>
  );
}
