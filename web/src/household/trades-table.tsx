// Every trade of a day, or every day of a month, with its money.
import { ctPerKwh, dayText, exactMoney, kwhOfUnits, money, spanText } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import { sumsOf, type TariffOf, type Trade } from "./money.ts";
import { resultsTexts } from "./results-texts.ts";
import { householdTexts } from "./texts.ts";
import { tradesByDay } from "./trades.ts";

interface TradesTableProps {
  readonly trades: readonly Trade[];
  readonly byDay: boolean;
  readonly tariff: TariffOf;
}

export function TradesTable({ trades, byDay, tariff }: TradesTableProps) {
  const t = resultsTexts();
  const groups = byDay
    ? [...tradesByDay(trades)].map(([start, some]) => ({ start, some }))
    : trades.map((trade) => ({ start: trade.start, some: [trade] }));
  const { period_s: length } = market.value!.schedule;
  return (
    <section aria-labelledby="trades">
      <h2 id="trades">{t.table}</h2>
      {groups.length === 0 ? (
        <p>{t.nothing}</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{byDay ? t.dayHeading : t.period}</th>
              <th scope="col">{t.result}</th>
              <th scope="col" class="number">
                {t.amount}
              </th>
              <th scope="col" class="number">
                {t.savedHeading}
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map(({ start, some }) => (
              <TradeRow
                key={start}
                when={byDay ? dayText(start) : spanText(start, length)}
                trades={some}
                tariff={tariff}
                isExact={!byDay}
              />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

interface TradeRowProps {
  readonly when: string;
  readonly trades: readonly Trade[];
  readonly tariff: TariffOf;
  readonly isExact: boolean;
}

function TradeRow({ when, trades, tariff, isExact }: TradeRowProps) {
  const amount = isExact ? exactMoney : money;
  const { paidCt, earnedCt, savedCt, boughtUnits, soldUnits } = sumsOf(trades, tariff);
  const [only] = trades;
  return (
    <tr>
      <th scope="row">{when}</th>
      <td>{isExact && only !== undefined ? tradeText(only) : sumText(boughtUnits, soldUnits)}</td>
      <td class="number">{amount(earnedCt - paidCt)}</td>
      <td class="number">{savedCt === null ? "–" : amount(savedCt)}</td>
    </tr>
  );
}

const tradeText = ({ side, tradedUnits, priceCt }: Trade): string =>
  householdTexts().traded[side](kwhOfUnits(tradedUnits), ctPerKwh(priceCt));

const sumText = (boughtUnits: number, soldUnits: number): string =>
  resultsTexts().energyAnswer(kwhOfUnits(boughtUnits), kwhOfUnits(soldUnits));
