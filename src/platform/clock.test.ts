// The system's clock: time passes, sleeps end or are aborted, timers fire once or not at all.

import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";

const { nowMs, utcMs, sleep, timer } = systemClock;

describe("systemClock", () => {
  it("measures how long a sleep took, on both clocks", async () => {
    const startMs = nowMs();
    const startUtcMs = utcMs();
    await sleep(30);
    expect(nowMs() - startMs).toBeGreaterThan(28);
    expect(utcMs() - startUtcMs).toBeGreaterThan(25);
  });

  it("ends a sleep when it is aborted, before or during it", async () => {
    const reason = new Error("enough");
    await expect(sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const sleeping = sleep(60_000, abort.signal);
    abort.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });

  it("fires a timer once, and a cancelled one never", async () => {
    let fired = 0;
    timer(5, () => {
      fired += 1;
    });
    const cancel = timer(5, () => {
      fired += 100;
    });
    cancel();
    await sleep(40);
    expect(fired).toBe(1);
  });
});
