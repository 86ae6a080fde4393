// Deletes what a closed month needs no more, little by little, beside everything else: bodies of readings, and shares
// of single periods. Bills, names and decisions stay.
import { monthOf, periodsOfMonth } from "../../market/tariffs.ts";
import { type Lease, LeaseLostError } from "../../storage/evaluator-store.ts";
import type { PeriodContext } from "./context.ts";

export class Forgetting {
  private readonly context: PeriodContext;
  private readonly lease: Lease;
  private readonly signal: AbortSignal;
  /** The last month that is done with, by its start. */
  private done = -1;
  private underWay: Promise<void> | null = null;

  constructor(context: PeriodContext, lease: Lease, signal: AbortSignal) {
    this.context = context;
    this.lease = lease;
    this.signal = signal;
  }

  /** Begins if a month was closed since the last time. */
  check(): void {
    if (this.context.market.settlement === null || this.underWay !== null) return;
    this.underWay = this.forget()
      .catch((error) => {
        // Whoever leads now goes on with it; anything else is tried again.
        if (error instanceof LeaseLostError || this.signal.aborted) return;
        this.context.events.settlingFailed("forgetting a closed month", String(error), false);
      })
      .finally(() => {
        this.underWay = null;
      });
  }

  /** Resolves when nothing is being deleted. */
  async ended(): Promise<void> {
    await this.underWay;
  }

  private async forget(): Promise<void> {
    const { market, store } = this.context;
    const closed = await store.lastDecidedMatter("closing");
    if (closed === null || closed <= this.done) return;
    const { from, to } = periodsOfMonth(market, monthOf(market, closed));
    const day = 86_400;
    for (let at = from; at < to && !this.signal.aborted; at += day) {
      await store.forgetSettled(this.lease, at, Math.min(to, at + day));
    }
    if (!this.signal.aborted) this.done = closed;
  }
}
