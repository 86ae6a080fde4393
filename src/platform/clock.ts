// Time as the rest of the program sees it, so that tests can hand in another clock. The only place
// that reads the system's clocks or sets timers; runs in Node and in a browser.

export interface Clock {
  /** Milliseconds of a monotonic clock with fractions; only differences mean anything. */
  nowMs(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump when the system's clock is set. */
  utcMs(): number;
  /**
   * Resolves after `durationMs`; rejects with the signal's reason as soon as `signal` is aborted.
   */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `callback` once after `durationMs`, unless the returned function is called before. */
  timer(durationMs: number, callback: () => void): () => void;
}

function startTimer(durationMs: number, callback: () => void): () => void {
  const handle = setTimeout(callback, durationMs);
  return () => clearTimeout(handle);
}

function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = startTimer(durationMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The clocks and timers of the system. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  utcMs: () => Date.now(),
  sleep,
  timer: startTimer,
};
