// Notices a peer that sends nothing while something is awaited from it, with one timer per link
// that is set anew at most once per limit, however many bytes arrive. Internal to the channel
// layer.

import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onSilence: () => void;
  #waiting: boolean = false;
  /** When the last byte came or the waiting began, whichever was later. */
  #sinceMs = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, limitMs: number, onSilence: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
  }

  /** Something is awaited from now on. */
  start(): void {
    this.#waiting = true;
    this.#sinceMs = this.#clock.nowMs();
    if (this.#cancelTimer === undefined) this.#arm(this.#limitMs);
  }

  /** Bytes have arrived. */
  heard(): void {
    if (this.#waiting) this.#sinceMs = this.#clock.nowMs();
  }

  /** Nothing is awaited any more; the running timer finds that out by itself. */
  pause(): void {
    this.#waiting = false;
  }

  /** Ends the watch and its timer. */
  stop(): void {
    this.#waiting = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #arm(durationMs: number, last = false): void {
    this.#cancelTimer = this.#clock.timer(durationMs, () => {
      this.#cancelTimer = undefined;
      if (this.#waiting) this.#check(last);
    });
  }

  #check(last: boolean): void {
    const leftMs = this.#limitMs - (this.#clock.nowMs() - this.#sinceMs);
    if (leftMs > 0) this.#arm(Math.ceil(leftMs));
    // After a long computation of our own, timers run before the bytes that came meanwhile are
    // read.
    else if (!last) this.#arm(LIMITS.silenceConfirmMs, true);
    else this.#onSilence();
  }
}
