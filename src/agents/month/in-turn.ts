// Lines of work that go on side by side: no more at a time than the other side has room for, and one hands to the next
// what it needs.

export class InTurn {
  readonly #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Does the work when it is its turn. */
  async do<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** Values by number, each handed over once. */
export class Handovers<T> {
  readonly #signal: AbortSignal;
  readonly #open = new Map<number, PromiseWithResolvers<T>>();

  /** Whoever waits when the signal is aborted waits no longer. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      for (const { reject } of this.#open.values()) reject(signal.reason);
    });
  }

  give(number: number, value: T): void {
    this.#of(number).resolve(value);
  }

  async take(number: number): Promise<T> {
    this.#signal.throwIfAborted();
    try {
      return await this.#of(number).promise;
    } finally {
      this.#open.delete(number);
    }
  }

  #of(number: number): PromiseWithResolvers<T> {
    const known = this.#open.get(number);
    if (known !== undefined) return known;
    const fresh = Promise.withResolvers<T>();
    // Nobody may be waiting when it is rejected.
    fresh.promise.catch(() => {});
    this.#open.set(number, fresh);
    return fresh;
  }
}
