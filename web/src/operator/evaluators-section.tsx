// Each evaluator: whether it answers, leads and is linked with the others, and how long its certificate is valid.
import type { PublicEvaluator } from "../../../src/wire/operator-api.ts";
import { clockText, dayText, longDayText, spanText, wholeNumber } from "../i18n/format.ts";
import { evaluators, market } from "../market/feed.ts";
import { samples, sumOf } from "./metrics.ts";
import { operatorTexts } from "./texts.ts";

/** A certificate that ends sooner is told in another colour. */
const SOON_MS = 30 * 24 * 3600 * 1000;

export function EvaluatorsSection({ nowMs }: { readonly nowMs: number }) {
  const t = operatorTexts();
  return (
    <section aria-labelledby="evaluators">
      <h2 id="evaluators">{t.evaluators}</h2>
      <div class="views">
        {evaluators.value.map((one) => (
          <EvaluatorCard key={one.evaluator} told={one} nowMs={nowMs} />
        ))}
      </div>
    </section>
  );
}

interface EvaluatorCardProps {
  readonly told: PublicEvaluator;
  readonly nowMs: number;
}

function EvaluatorCard({ told, nowMs }: EvaluatorCardProps) {
  const t = operatorTexts();
  const { evaluator, name, problem, sinceMs, certificateEndsMs } = told;
  const measured = samples.value.find((one) => one.evaluator === evaluator)?.samples ?? null;
  const since = `${dayText(sinceMs / 1000)}, ${clockText(sinceMs / 1000)}`;
  const endsSoon = certificateEndsMs !== null && certificateEndsMs - nowMs < SOON_MS;
  return (
    <div class="card" data-evaluator={evaluator} data-answers={problem === null}>
      <h3 class="view-name">{name}</h3>
      <p class={problem === null ? "good" : "failed"}>
        <span aria-hidden="true">{problem === null ? "✓ " : "✗ "}</span>
        {problem === null ? t.answers : t.silent(problem)}
        <small>{t.since(since)}</small>
      </p>
      <dl class="pairs">
        {measured !== null && <Measured samples={measured} />}
        <dt>{t.certificate}</dt>
        <dd class={endsSoon ? "failed" : undefined}>
          {certificateEndsMs === null ? t.unknown : longDayText(certificateEndsMs / 1000)}
        </dd>
      </dl>
    </div>
  );
}

function Measured({ samples: all }: { readonly samples: Parameters<typeof sumOf>[0] }) {
  const t = operatorTexts();
  const { schedule, evaluators: known } = market.value!;
  const last = sumOf(all, "last_decided_period_seconds");
  const linked = wholeNumber(sumOf(all, "linked_evaluators"));
  return (
    <>
      <dt>{t.leads}</dt>
      <dd data-leads>{sumOf(all, "leading") > 0 ? t.yes : t.no}</dd>
      <dt>{t.linked}</dt>
      <dd data-linked>{t.linkedOf(linked, wholeNumber(known.length))}</dd>
      <dt>{t.lastDecided}</dt>
      <dd>{last === 0 ? t.unknown : `${dayText(last)}, ${spanText(last, schedule.period_s)}`}</dd>
    </>
  );
}
