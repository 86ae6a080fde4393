// Which of an organisation's evaluator processes leads: the one that holds the lease in their common database. Others
// take orders and answer questions; when the leader ends, one of them follows within the lease's length.
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { type EvaluatorStore, type Lease, LeaseLostError } from "../storage/evaluator-store.ts";

/** How often a leader renews, and how often others try to take over, in the length of a lease. */
const RENEWALS = 4;
const RETRIES = 6;

export interface LeadershipEvents {
  leading(fence: number): void;
  following(reason: string): void;
  /** It could not lead, and will try again. */
  failed(message: string): void;
}

export interface LeadershipTools {
  readonly store: EvaluatorStore;
  readonly clock: Clock;
  readonly events: LeadershipEvents;
  /** How long this process leads without renewing. */
  readonly leaseMs: number;
}

/**
 * Leads whenever this process holds the lease `name`, until `signal` is aborted. `lead` is called each time and ends
 * when its signal is aborted; it is called again when it fails.
 */
export async function leadWhenElected(
  tools: LeadershipTools,
  name: string,
  holder: string,
  lead: (lease: Lease, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, events, leaseMs } = tools;
  const take = () => store.takeLease(name, holder, clock.utcMs(), leaseMs);
  while (!signal.aborted) {
    const lease = await take().catch(() => null);
    if (lease === null) {
      await clock.sleep(leaseMs / RETRIES, signal).catch(() => {});
      continue;
    }
    events.leading(lease.fence);
    const over = new AbortController();
    const term = AbortSignal.any([signal, over.signal]);
    const renewing = renew(tools, take, lease, over, term);
    try {
      await lead(lease, term);
      events.following("it stops");
    } catch (error) {
      if (error instanceof LeaseLostError) events.following("another process leads");
      else {
        events.failed(messageOf(error));
        await clock.sleep(leaseMs / RETRIES, signal).catch(() => {});
      }
    } finally {
      over.abort();
      await renewing;
      await store.releaseLease(lease).catch(() => {});
    }
  }
}

/** Renews the lease until the term ends; ends the term when that has not succeeded in time. */
async function renew(
  { clock, leaseMs }: LeadershipTools,
  take: () => Promise<Lease | null>,
  lease: Lease,
  over: AbortController,
  term: AbortSignal,
): Promise<void> {
  let renewedMs = clock.nowMs();
  while (!term.aborted) {
    await clock.sleep(leaseMs / RENEWALS, term).catch(() => {});
    if (term.aborted) return;
    const startedMs = clock.nowMs();
    const renewed = await take().catch(() => null);
    if (renewed?.fence === lease.fence) renewedMs = startedMs;
    else if (renewed !== null || clock.nowMs() - renewedMs > leaseMs) over.abort();
  }
}
