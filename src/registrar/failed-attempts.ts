// Counts the failed enrolments of each client's address, so that nobody keeps the registrar busy with guesses. The
// codes themselves cannot be guessed anyway.
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";

interface Count {
  failures: number;
  readonly untilMs: number;
}

export class FailedAttempts {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For how many more seconds an address has to wait; 0 if it may try. */
  waitS(address: string): number {
    const count = this.#current(address);
    if (count === undefined || count.failures < LIMITS.failedEnrolments) return 0;
    return Math.max(1, Math.ceil((count.untilMs - this.#clock.nowMs()) / 1000));
  }

  failed(address: string): void {
    const count = this.#current(address);
    if (count !== undefined) {
      count.failures += 1;
      return;
    }
    this.#counts.delete(address);
    this.#counts.set(address, {
      failures: 1,
      untilMs: this.#clock.nowMs() + LIMITS.failedEnrolmentsMs,
    });
    if (this.#counts.size <= LIMITS.countedParties) return;
    const [oldest] = this.#counts.keys();
    if (oldest !== undefined) this.#counts.delete(oldest);
  }

  #current(address: string): Count | undefined {
    const count = this.#counts.get(address);
    return count !== undefined && count.untilMs > this.#clock.nowMs() ? count : undefined;
  }
}
