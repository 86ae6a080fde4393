// Decides one settlement period after the other, as long as this process leads: keeps linked with the other
// evaluators, waits for gates to close, and clears what there is. Whatever fails is tried again until the period is
// decided: cleared, or void when its deadline has passed.
import { ChannelError } from "../../channel/channel.ts";
import { deadlineOf, gateClosureOf } from "../../market/market-document.ts";
import { messageOf } from "../../platform/errors.ts";
import { LIMITS } from "../../platform/limits.ts";
import { type Lease, LeaseLostError } from "../../storage/evaluator-store.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { isLie } from "../clearing-attempts.ts";
import type { Mesh } from "../mesh.ts";
import { formMesh } from "../mesh-forming.ts";
import { leastMembers, majorityOf } from "./ballots.ts";
import type { PeriodContext } from "./context.ts";
import { type Failures, runRound } from "./round.ts";

export class PeriodEngine {
  private readonly context: PeriodContext;
  private readonly lease: Lease;
  private readonly signal: AbortSignal;
  private mesh: Mesh | null = null;
  /** What went wrong with the period that is next. */
  private troubles: Failures & { period: number } = { period: 0, aborts: 0, failures: 0 };
  private pauseMs: number = LIMITS.connectBackoffFirstMs;
  /** Why there are no links, as it was told last. */
  private told = "";

  constructor(context: PeriodContext, lease: Lease, signal: AbortSignal) {
    this.context = context;
    this.lease = lease;
    this.signal = signal;
  }

  /** Runs until the signal is aborted; rejects with LeaseLostError when another process leads. */
  async run(): Promise<void> {
    // Ends whatever is under way.
    this.signal.addEventListener("abort", () => this.mesh?.close(), { once: true });
    try {
      while (!this.signal.aborted) {
        const next = await this.nextPeriod();
        if (this.troubles.period !== next) {
          this.troubles = { period: next, aborts: 0, failures: 0 };
        }
        await this.step(next);
      }
    } finally {
      this.leave("it stops");
    }
  }

  private async nextPeriod(): Promise<number> {
    const { market, store } = this.context;
    const last = await store.lastDecided();
    return last === null ? market.firstPeriod : last + market.schedule.period_s;
  }

  private async step(next: number): Promise<void> {
    try {
      const mesh = await this.meshFor(next);
      const { aborts, failures } = this.troubles;
      const round = { lease: this.lease, mesh, next, failures: { aborts, failures } };
      const end = await runRound(this.context, round);
      this.pauseMs = LIMITS.connectBackoffFirstMs;
      if (end.kind === "idle") await this.untilDue(next, mesh);
      else if (end.kind === "wait") {
        this.leave(`it waits ${end.reason}`);
        await this.pause();
      }
    } catch (error) {
      if (error instanceof LeaseLostError) throw error;
      if (this.signal.aborted) return;
      this.failed(next, error);
      await this.pause();
    }
  }

  private failed(next: number, error: unknown): void {
    const message = messageOf(error);
    const lie = isLie(error);
    const wasLinked = this.mesh !== null;
    this.leave(message);
    if (!wasLinked && message !== this.told) this.context.events.unlinked(message);
    this.told = message;
    const passing = error instanceof ChannelError || !wasLinked;
    if (lie) this.troubles.aborts += 1;
    else if (!passing) this.troubles.failures += 1;
    // Evaluators that come and go are reported as links.
    if (lie || !passing) this.context.events.failed(textOfPeriod(next), message, lie);
  }

  /** The links with the others; new ones if some are broken or an evaluator is missing that may be back. */
  private async meshFor(next: number): Promise<Mesh> {
    const { market, marketClock, mesh: tools, rejoinMs, events } = this.context;
    const { setting } = market;
    const due = marketClock.nowS() >= gateClosureOf(market, next);
    const incomplete = (this.mesh?.members.length ?? 0) < setting.parties;
    if (this.mesh?.intact && !(due && incomplete)) return this.mesh;
    this.leave("links are renewed");
    const overdue = marketClock.nowS() >= deadlineOf(market, next);
    const quorum = overdue ? majorityOf(setting.parties) : leastMembers(setting);
    const purpose = { clearing: 1, attempt: 1, quorum, limitMs: rejoinMs, signal: this.signal };
    const addresses = market.evaluators.map(({ peers }) => peers);
    this.mesh = await formMesh(tools, addresses, purpose);
    events.linked(this.mesh.members);
    return this.mesh;
  }

  /** Until the gate of the next period closes, links break, or an evaluator that was missing calls. */
  private async untilDue(next: number, mesh: Mesh): Promise<void> {
    const { market, marketClock, clock, mesh: tools } = this.context;
    const over = new AbortController();
    const signal = AbortSignal.any([this.signal, over.signal]);
    const due = clock.sleep(marketClock.msUntil(gateClosureOf(market, next)), signal);
    due.catch(() => {}); // The signal ends it.
    const called = tools.callers.whenCalled().then(() => {
      if (!over.signal.aborted) this.leave("an evaluator has called");
    });
    await Promise.race([due.catch(() => {}), mesh.whenBroken(), called]);
    over.abort();
    if (!mesh.intact) this.leave("an evaluator has gone");
  }

  private async pause(): Promise<void> {
    const pauseMs = this.pauseMs;
    this.pauseMs = Math.min(2 * pauseMs, LIMITS.connectBackoffLongestMs);
    await this.context.clock.sleep(pauseMs, this.signal).catch(() => {});
  }

  private leave(reason: string): void {
    if (this.mesh === null) return;
    this.mesh.close();
    this.mesh = null;
    this.context.events.unlinked(reason);
  }
}
