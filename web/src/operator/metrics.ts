// What evaluators measure, as far as it is worth a look: asked of the operator's process again and again while it is
// shown, and summed up in few numbers.
import { signal } from "@preact/signals";
import { systemClock } from "../../../src/platform/clock.ts";
import {
  type MetricSample,
  OPERATOR_API,
  type PublicMetrics,
} from "../../../src/wire/operator-api.ts";

const ASKED_AGAIN_MS = 5_000;

export const METRICS = [
  "accepted",
  "refused",
  "readings",
  "readingsRefused",
  "cleared",
  "void",
  "online",
  "failures",
  "requests",
  "errors",
  "store",
] as const;
export type Metric = (typeof METRICS)[number];

/** By evaluator; null where it did not answer. */
export const samples = signal<PublicMetrics["evaluators"]>([]);

/** Asks until the signal is aborted. */
export async function followMetrics(stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      const answer = await fetch(OPERATOR_API.metrics, { signal: stop });
      if (answer.ok) samples.value = ((await answer.json()) as PublicMetrics).evaluators;
    } catch {
      // The frame of the pages says that the operator's process does not answer.
    }
    await systemClock.sleep(ASKED_AGAIN_MS, stop).catch(() => {});
  }
}

type Labels = MetricSample["labels"];

/** The sum of the samples of a name, or of those among them; 0 where there is none. */
export function sumOf(
  all: readonly MetricSample[],
  name: string,
  isMeant: (labels: Labels) => boolean = () => true,
): number {
  const meant = all.filter((one) => one.name === `hushwatt_${name}` && isMeant(one.labels));
  return meant.reduce((sum, { value }) => sum + value, 0);
}

const isTaken = ({ result }: Labels) => result === "accepted" || result === "known";
const isOnline = ({ phase }: Labels) => phase === "online";

/** Null where nothing was measured yet. */
export function metricOf(all: readonly MetricSample[], metric: Metric): number | null {
  switch (metric) {
    case "accepted":
      return sumOf(all, "orders_total", isTaken);
    case "refused":
      return sumOf(all, "orders_total", (labels) => !isTaken(labels));
    case "readings":
      return sumOf(all, "readings_total", isTaken);
    case "readingsRefused":
      return sumOf(all, "readings_total", (labels) => !isTaken(labels));
    case "cleared":
      return sumOf(all, "decisions_total", ({ outcome }) => outcome === "cleared");
    case "void":
      return sumOf(all, "decisions_total", ({ outcome }) => outcome === "void");
    case "online": {
      const count = sumOf(all, "clearing_seconds_count", isOnline);
      return count === 0 ? null : sumOf(all, "clearing_seconds_sum", isOnline) / count;
    }
    case "failures":
      return sumOf(all, "clearing_failures_total") + sumOf(all, "settling_failures_total");
    case "requests":
      return sumOf(all, "http_requests_total");
    case "errors":
      return sumOf(all, "http_requests_total", ({ status }) => Number(status) >= 500);
    case "store":
      return sumOf(all, "store_errors_total");
  }
}
