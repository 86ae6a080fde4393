// What is public about the market, live: the market document and the evaluators' record from the operator's
// process, kept up to date by server-sent events.
import { batch, computed, effect, signal } from "@preact/signals";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { type MarketClock, marketClock } from "../../../src/platform/market-clock.ts";
import {
  OPERATOR_API,
  type OperatorEventName,
  type OperatorEvents,
  type PublicEvaluator,
  type PublicMonth,
  type PublicPeriod,
  type PublicStatus,
} from "../../../src/wire/operator-api.ts";

export type Engine = typeof import("./engine.ts");

/** "failed": the market could not be loaded at all. */
export type FeedState = "loading" | "live" | "reconnecting" | "failed";

const FIRST_SPAN_S = 2 * 24 * 3600;
const TICK_MS = 1_000;
const LEAST_TICK_MS = 250;
const RETRY_MS = 3_000;
/** Clocks that differ by more are told: evaluators refuse what was signed at another time. */
const MOST_SKEW_MS = 30_000;

export const engine = signal<Engine | null>(null);
export const market = signal<MarketDocument | null>(null);
export const feedState = signal<FeedState>("loading");
export const evaluators = signal<readonly PublicEvaluator[]>([]);
/** By start of the period; a new map with every change. */
export const periods = signal<ReadonlyMap<number, PublicPeriod>>(new Map());
/** In their order; empty in a market without settlement. */
export const months = signal<readonly PublicMonth[]>([]);
/** Seconds since 1970 UTC of the market's time; a rehearsal's runs faster. */
export const nowS = signal(0);
export const isOnline = signal(navigator.onLine);
/** By how much this device's clock differs from the operator's; 0 when it does not matter. */
export const skewMs = signal(0);
/** The end of what was asked for, of earlier periods. */
let askedFrom = Number.POSITIVE_INFINITY;

let time: MarketClock = marketClock(systemClock, null);
export const msUntil = (marketS: number): number => time.msUntil(marketS);
export const speed = computed(() => market.value?.rehearsal?.speed ?? 1);

export const silentEvaluators = computed(() =>
  evaluators.value.filter(({ problem }) => problem !== null),
);

/** Calls back once, as soon as the market and the library are there. */
export function whenKnown(callback: (document: MarketDocument, library: Engine) => void): void {
  const stop = effect(() => {
    const [document, library] = [market.value, engine.value];
    if (document === null || library === null) return;
    queueMicrotask(() => stop());
    callback(document, library);
  });
}

/** Loads the market and follows it, for as long as the page is open. */
export function startFeed(): void {
  for (const name of ["online", "offline"]) {
    window.addEventListener(name, () => {
      isOnline.value = navigator.onLine;
    });
  }
  void load();
}

async function load(): Promise<void> {
  const loaded = import("./engine.ts");
  for (;;) {
    try {
      const [text, library] = await Promise.all([marketText(), loaded]);
      const document = library.parseMarketDocument(text);
      time = marketClock(systemClock, document.rehearsal);
      batch(() => {
        engine.value = library;
        market.value = document;
        nowS.value = time.nowS();
      });
      break;
    } catch {
      feedState.value = "failed";
      await systemClock.sleep(RETRY_MS);
    }
  }
  void tick();
  listen();
}

async function marketText(): Promise<string> {
  const answer = await fetch(OPERATOR_API.market);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const date = Date.parse(answer.headers.get("date") ?? "");
  const differs = systemClock.utcMs() - date;
  if (Math.abs(differs) > MOST_SKEW_MS) skewMs.value = differs;
  return answer.text();
}

async function tick(): Promise<void> {
  const pauseMs = Math.max(LEAST_TICK_MS, Math.min(TICK_MS, (900 * TICK_MS) / speed.value / 2));
  for (;;) {
    nowS.value = time.nowS();
    await systemClock.sleep(pauseMs);
  }
}

function listen(): void {
  const source = new EventSource(OPERATOR_API.events);
  source.onopen = () => {
    // Whatever was missed while nothing was heard.
    void loadPeriods(time.nowS() - FIRST_SPAN_S).then((done) => {
      feedState.value = done ? "live" : "reconnecting";
    });
  };
  source.onerror = () => {
    feedState.value = "reconnecting";
    if (source.readyState !== EventSource.CLOSED) return;
    void systemClock.sleep(RETRY_MS).then(listen);
  };
  const on = <T extends OperatorEventName>(name: T, take: (data: OperatorEvents[T]) => void) =>
    source.addEventListener(name, ({ data }) => take(JSON.parse(data)));
  on("period", (period) => keepPeriods([period]));
  on("evaluators", (all) => {
    evaluators.value = all;
  });
  on("months", (all) => {
    months.value = all;
  });
  on("gate", () => {
    nowS.value = time.nowS();
  });
}

/** Asks for periods from `from` on, if they were not asked for yet. */
export async function loadEarlier(from: number): Promise<void> {
  if (from < askedFrom) await loadPeriods(from);
}

async function loadPeriods(from: number): Promise<boolean> {
  const start = Math.max(0, Math.floor(Math.min(from, askedFrom)));
  try {
    const answer = await fetch(`${OPERATOR_API.status}?from=${start}`);
    if (!answer.ok) return false;
    const status = (await answer.json()) as PublicStatus;
    askedFrom = start;
    batch(() => {
      evaluators.value = status.evaluators;
      months.value = status.months;
      keepPeriods(status.periods);
    });
    return true;
  } catch {
    return false;
  }
}

function keepPeriods(found: readonly PublicPeriod[]): void {
  const all = new Map(periods.value);
  for (const period of found) all.set(period.start, period);
  periods.value = all;
}
