// Results and money of a day or a month: sums, savings, charts, every trade, the bill.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { periodPrices } from "../../../src/market/tariffs.ts";
import { DayPicker } from "../components/day-picker.tsx";
import { Choice } from "../components/field.tsx";
import { MonthPicker } from "../components/month-picker.tsx";
import { PriceBandChart } from "../components/price-band-chart.tsx";
import { PriceChart } from "../components/price-chart.tsx";
import {
  dayStartAfter,
  dayStartOf,
  kwhOfUnits,
  longDayText,
  money,
  monthStartAfter,
  monthStartOf,
  monthText,
} from "../i18n/format.ts";
import { loadEarlier, market, nowS } from "../market/feed.ts";
import { BillSection } from "./bill-section.tsx";
import { sumsOf, type TariffOf, type TradeSums } from "./money.ts";
import { OwnUseChart, TradedChart } from "./results-charts.tsx";
import { resultsTexts } from "./results-texts.ts";
import { access, gateway, settings } from "./session.ts";
import { TariffForm } from "./tariff-form.tsx";
import { tradesIn } from "./trades.ts";
import { TradesTable } from "./trades-table.tsx";

/** Prices of settlement are whole units of 10^-3 ct/kWh. */
const PRICES_OF_CT = 1000;

export function ResultsPage() {
  const t = resultsTexts();
  const kind = useSignal<"day" | "month">("day");
  const chosen = useSignal<number | null>(null);
  const home = dayStartOf(latestDecided());
  const at = chosen.value ?? home;
  const isDay = kind.value === "day";
  const from = isDay ? dayStartOf(at) : monthStartOf(at);
  const to = isDay ? dayStartAfter(from, 1) : monthStartAfter(from, 1);
  useEffect(() => void loadEarlier(from), [from]);
  const running = gateway.value!;
  // Read so that results appear when they arrive.
  running.revision.value;
  const trades = tradesIn(running.entries, market.value!, from, to);
  const { retailCt, feedInCt } = settings.value;
  const tariff = useMemo(() => tariffOf(retailCt, feedInCt), [retailCt, feedInCt]);
  const isSettled = market.value!.settlement !== null;
  return (
    <>
      <h1>{t.title}</h1>
      <Choice
        label={t.span}
        value={kind.value}
        choices={[
          { value: "day", text: t.day },
          { value: "month", text: t.month },
        ]}
        onChoose={(value) => (kind.value = value)}
      />
      {isDay ? (
        <DayPicker day={from} home={home} onChoose={(day) => (chosen.value = day)} />
      ) : (
        <MonthPicker month={from} onChoose={(month) => (chosen.value = month)} />
      )}
      <Sums sums={sumsOf(trades, tariff)} />
      {isDay ? (
        <PriceChart question={t.price} note={longDayText(from)} from={from} tariff={tariff} />
      ) : (
        <PriceBandChart question={t.prices} note={monthText(from)} from={from} to={to} />
      )}
      <TradedChart trades={trades} from={from} to={to} byDay={!isDay} />
      {isDay && <OwnUseChart trades={trades} from={from} to={to} />}
      <TradesTable trades={trades} byDay={!isDay} tariff={tariff} />
      {!isSettled && <TariffForm />}
      <BillSection from={from} to={to} />
    </>
  );
}

/** From the market's document where it has tariffs, else as the person has entered them. */
function tariffOf(retailCt: number | null, feedInCt: number | null): TariffOf {
  const document = market.value!;
  if (document.settlement === null) return () => ({ retailCt, feedInCt, localFeeCt: 0 });
  const { supplier } = access.value!;
  return (start) => {
    const { retail, feedIn, localFee } = periodPrices(document, start, null);
    const ct = (price: number | undefined) => (price === undefined ? null : price / PRICES_OF_CT);
    return {
      retailCt: ct(retail[supplier]),
      feedInCt: ct(feedIn[supplier]),
      localFeeCt: localFee / PRICES_OF_CT,
    };
  };
}

/** The last period with an outcome; in a market that decides far ahead that is not today. */
function latestDecided(): number {
  const { entries, revision } = gateway.value!;
  if (revision.value === 0 && entries.size === 0) return nowS.value;
  let latest = 0;
  for (const [start, { outcome }] of entries)
    if (outcome !== null) latest = Math.max(latest, start);
  return latest === 0 ? nowS.value : latest;
}

function Sums({ sums }: { readonly sums: TradeSums }) {
  const t = resultsTexts();
  const { boughtUnits, soldUnits, paidCt, earnedCt, savedCt } = sums;
  return (
    <dl class="tiles" data-sums>
      <div>
        <dt>{t.bought}</dt>
        <dd>
          {kwhOfUnits(boughtUnits)}
          <small>{t.paid(money(paidCt))}</small>
        </dd>
      </div>
      <div>
        <dt>{t.sold}</dt>
        <dd>
          {kwhOfUnits(soldUnits)}
          <small>{t.paid(money(earnedCt))}</small>
        </dd>
      </div>
      <div>
        <dt>{t.saved}</dt>
        <dd>
          {savedCt === null ? "–" : money(savedCt)}
          {savedCt === null && <small>{t.needTariff}</small>}
        </dd>
      </div>
    </dl>
  );
}
