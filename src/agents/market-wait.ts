// Waiting for the market's clock.
import type { Clock } from "../platform/clock.ts";
import type { MarketClock } from "../platform/market-clock.ts";

/** No single wait is longer, so that a system clock that is set is noticed. */
const LONGEST_WAIT_MS = 60_000;

/** Waits until the market's clock shows `marketS`; rejects with the signal's reason when it is aborted. */
export async function waitUntil(
  clock: Clock,
  time: MarketClock,
  marketS: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const ms = time.msUntil(marketS);
    if (ms <= 0) return;
    await clock.sleep(Math.min(Math.ceil(ms), LONGEST_WAIT_MS), signal);
  }
}
