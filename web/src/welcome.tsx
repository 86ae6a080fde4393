// The first page: what this market is, its last price, and where to go.
import { Link } from "./components/link.tsx";
import { PriceChart } from "./components/price-chart.tsx";
import {
  ctPerKwh,
  dayStartOf,
  dayText,
  longDayText,
  spanText,
  wholeNumber,
} from "./i18n/format.ts";
import { textTable } from "./i18n/language.ts";
import { market, nowS, periods } from "./market/feed.ts";

const texts = textTable({
  en: {
    title: (name: string) => `${name}: neighbours trade electricity`,
    lead: "Households sell surplus power to their neighbours, at one price per period. Independent evaluators find the price from random shares of the orders: nobody else ever sees who asked for what.",
    last: "Last price",
    lastFor: (when: string) => `for ${when}`,
    noTrade: "no trade",
    orders: "Orders that counted",
    evaluators: "Evaluators",
    chart: "What was the price today?",
    household: "Take part as a household",
    seen: "See what everybody sees of an order",
  },
  de: {
    title: (name: string) => `${name}: Nachbarn handeln Strom`,
    lead: "Haushalte verkaufen überschüssigen Strom an ihre Nachbarn, zu einem Preis je Zeitabschnitt. Unabhängige Auswerter finden den Preis aus zufälligen Anteilen der Aufträge: Niemand sonst sieht je, wer was wollte.",
    last: "Letzter Preis",
    lastFor: (when: string) => `für ${when}`,
    noTrade: "kein Handel",
    orders: "Aufträge, die zählten",
    evaluators: "Auswerter",
    chart: "Was war heute der Preis?",
    household: "Als Haushalt teilnehmen",
    seen: "Ansehen, was alle von einem Auftrag sehen",
  },
});

export function Welcome() {
  const t = texts();
  const document = market.value;
  if (document === null) return <p class="waiting">…</p>;
  const { grid, name } = document.parameters;
  const decided = [...periods.value.values()].filter(({ decision }) => decision !== null);
  const last = decided.reduce<(typeof decided)[number] | null>(
    (latest, one) => (latest === null || one.start > latest.start ? one : latest),
    null,
  );
  const tick = last?.decision?.priceTick ?? null;
  return (
    <>
      <h1>{t.title(name)}</h1>
      <p class="lead">{t.lead}</p>
      <dl class="tiles">
        <div>
          <dt>{t.last}</dt>
          <dd>
            {last === null ? "–" : tick === null ? t.noTrade : ctPerKwh(grid.value(tick))}
            {last !== null && (
              <small>
                {t.lastFor(
                  `${dayText(last.start)}, ${spanText(last.start, document.schedule.period_s)}`,
                )}
              </small>
            )}
          </dd>
        </div>
        <div>
          <dt>{t.orders}</dt>
          <dd>{last?.decision?.agreed == null ? "–" : wholeNumber(last.decision.agreed.count)}</dd>
        </div>
        <div>
          <dt>{t.evaluators}</dt>
          <dd class="names">{document.evaluators.map((one) => one.name).join(", ")}</dd>
        </div>
      </dl>
      <p class="actions">
        <Link class="button" to="/household">
          {t.household}
        </Link>
        <Link class="button quiet" to="/seen">
          {t.seen}
        </Link>
      </p>
      <PriceChart
        question={t.chart}
        note={longDayText(last?.start ?? nowS.value)}
        from={dayStartOf(last?.start ?? nowS.value)}
      />
    </>
  );
}
