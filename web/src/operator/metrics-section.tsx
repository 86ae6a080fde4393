// What evaluators measure, in plain words, side by side.
import { useEffect } from "preact/hooks";
import { editableNumber, wholeNumber } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import { followMetrics, METRICS, type Metric, metricOf, samples } from "./metrics.ts";
import { operatorTexts } from "./texts.ts";

export function MetricsSection() {
  const t = operatorTexts();
  useEffect(() => {
    const stopping = new AbortController();
    void followMetrics(stopping.signal);
    return () => stopping.abort();
  }, []);
  const { evaluators } = market.value!;
  return (
    <section aria-labelledby="metrics">
      <h2 id="metrics">{t.metrics}</h2>
      <p class="quiet-text">{t.metricsLead}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label={t.metrics}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t.metric}</th>
              {evaluators.map(({ name }) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {METRICS.map((metric) => (
              <tr key={metric} data-metric={metric}>
                <th scope="row">{t.metricNames[metric]}</th>
                {evaluators.map(({ name }, evaluator) => (
                  <td key={name} class="number">
                    {valueText(metric, evaluator)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

const MILLI = 1000;

function valueText(metric: Metric, evaluator: number): string {
  const t = operatorTexts();
  const all = samples.value.find((one) => one.evaluator === evaluator)?.samples ?? null;
  if (all === null) return t.noMetrics;
  const value = metricOf(all, metric);
  if (value === null) return "–";
  if (metric !== "online") return wholeNumber(value);
  return t.seconds(editableNumber(Math.round(value * MILLI) / MILLI));
}
