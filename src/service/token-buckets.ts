// How many requests each party may send: a bucket of tokens per party, which fills up again with time.

export interface BucketLimits {
  readonly signedRequestsAtOnce: number;
  readonly signedRequestsPerS: number;
  readonly countedParties: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export class TokenBuckets {
  readonly #limits: BucketLimits;
  /** The one used longest ago first. Whoever is not there has a full one. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: BucketLimits) {
    this.#limits = limits;
  }

  /** Takes a token of `name`; 0 if there was one, else in how many milliseconds there will be one. */
  take(name: string, nowMs: number): number {
    const { signedRequestsAtOnce: most, signedRequestsPerS, countedParties } = this.#limits;
    const perMs = signedRequestsPerS / 1000;
    const last = this.#buckets.get(name) ?? { tokens: most, atMs: nowMs };
    const tokens = Math.min(most, last.tokens + (nowMs - last.atMs) * perMs);
    const enough = tokens >= 1;
    this.#buckets.delete(name);
    this.#buckets.set(name, { tokens: enough ? tokens - 1 : tokens, atMs: nowMs });
    if (this.#buckets.size > countedParties) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return enough ? 0 : (1 - tokens) / perMs;
  }
}
