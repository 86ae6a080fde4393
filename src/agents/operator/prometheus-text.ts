// Measurements in the text format of Prometheus, as far as pages show them.
import type { MetricSample } from "../../wire/operator-api.ts";

const PREFIX = "hushwatt_";
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
/** An evaluator has a few hundred. */
const MOST_SAMPLES = 2_000;

/** The market's own measurements; lines that are none are left out, buckets of histograms too. */
export function samplesIn(text: string): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const line of text.split("\n")) {
    if (samples.length === MOST_SAMPLES) break;
    const [, name = "", labelText = "", number = ""] = LINE.exec(line) ?? [];
    const value = Number(number);
    if (!name.startsWith(PREFIX) || name.endsWith("_bucket") || !Number.isFinite(value)) continue;
    const pairs = [...labelText.matchAll(LABEL)].map(([, label, said]) => [label, said] as const);
    samples.push({ name, labels: Object.fromEntries(pairs), value });
  }
  return samples;
}
