// Decides one settlement period after the other, as long as this process leads: keeps linked with the other
// evaluators, waits for gates to close, and clears what there is; in between it settles periods after delivery, and
// closes months. Whatever fails is tried again until the period is decided: cleared, or void when its deadline has
// passed.
import { ChannelError } from "../../channel/channel.ts";
import { Field } from "../../field/field.ts";
import { deadlineOf, gateClosureOf } from "../../market/market-document.ts";
import { messageOf } from "../../platform/errors.ts";
import { LIMITS } from "../../platform/limits.ts";
import { type Lease, LeaseLostError } from "../../storage/evaluator-store.ts";
import { textOfPeriod } from "../../wire/records.ts";
import { isLie } from "../clearing-attempts.ts";
import type { Mesh } from "../mesh.ts";
import { formMesh } from "../mesh-forming.ts";
import { SettlingMemory } from "./agenda.ts";
import { leastMembers, majorityOf } from "./ballots.ts";
import type { PeriodContext } from "./context.ts";
import type { RoundEnd } from "./deciding.ts";
import { Forgetting } from "./forgetting.ts";
import { OpenOrders } from "./open-orders.ts";
import { runRound } from "./round.ts";

/** Clocks differ a little: who wakes before the time tries again a moment later. */
const SHORTEST_WAIT_MS = 5;

export class PeriodEngine {
  private readonly context: PeriodContext;
  private readonly lease: Lease;
  private readonly signal: AbortSignal;
  private mesh: Mesh | null = null;
  /** When the links were made, by the market's clock. */
  private linkedAtS = 0;
  /** What went wrong with the period that is next. */
  private troubles: { period: number; aborts: number; failures: number } = {
    period: 0,
    aborts: 0,
    failures: 0,
  };
  private pauseMs: number = LIMITS.connectBackoffFirstMs;
  private readonly memory = new SettlingMemory();
  private readonly settling: PeriodContext;
  private readonly open: OpenOrders;
  private readonly forgetting: Forgetting;
  /** What is being settled or closed, and since when; null while a period is cleared. */
  private underWay: { readonly what: string; readonly sinceMs: number } | null = null;
  /** Why there are no links, as it was told last. */
  private told = "";

  constructor(context: PeriodContext, lease: Lease, signal: AbortSignal) {
    this.context = context;
    this.lease = lease;
    this.signal = signal;
    // Clearings and settlements do not share memory: each frees all of its own at its end.
    this.settling = { ...context, tools: { ...context.tools, field: new Field() } };
    this.open = new OpenOrders(context);
    this.forgetting = new Forgetting(context, lease, signal);
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
      await this.forgetting.ended();
    }
  }

  private async nextPeriod(): Promise<number> {
    const { market, store } = this.context;
    const last = await store.lastDecided();
    return last === null ? market.firstPeriod : last + market.schedule.period_s;
  }

  private async step(next: number): Promise<void> {
    this.underWay = null;
    try {
      const mesh = await this.meshFor(next);
      const end = await this.round(next, mesh);
      this.pauseMs = LIMITS.connectBackoffFirstMs;
      if (end.kind === "idle") await this.untilDue(end.wakeMs, mesh);
      else if (end.kind === "wait") {
        if (this.underWay !== null) this.memory.failed(this.context.clock.nowMs());
        this.leave(`it waits ${end.reason}`);
        await this.pause(true);
      }
    } catch (error) {
      if (error instanceof LeaseLostError) throw error;
      if (this.signal.aborted) return;
      const wasPassing = this.failed(next, error);
      await this.pause(wasPassing);
    }
  }

  private async round(next: number, mesh: Mesh): Promise<RoundEnd> {
    const { clock } = this.context;
    const { aborts, failures } = this.troubles;
    const end = await runRound(this.context, {
      lease: this.lease,
      mesh,
      next,
      failures: { aborts, failures },
      open: this.open,
      memory: this.memory,
      settling: this.settling,
      onSettling: (what) => {
        this.underWay = { what, sinceMs: clock.nowMs() };
      },
    });
    if (this.underWay !== null && end.kind === "decided") {
      this.memory.succeeded(clock.nowMs() - this.underWay.sinceMs);
    }
    this.forgetting.check();
    return end;
  }

  /** Takes note of what has failed; whether it was no more than evaluators that come and go. */
  private failed(next: number, error: unknown): boolean {
    const message = messageOf(error);
    const lie = isLie(error);
    const wasLinked = this.mesh !== null;
    this.leave(message);
    if (!wasLinked && message !== this.told) this.context.events.unlinked(message);
    this.told = message;
    // It is done when the gate is closed.
    const passing = !lie && (error instanceof ChannelError || !wasLinked);
    if (this.open.failed(message, lie)) return passing;
    if (this.underWay !== null) {
      // It is tried again after a while; periods are cleared meanwhile.
      this.memory.failed(this.context.clock.nowMs());
      if (!passing) this.context.events.settlingFailed(this.underWay.what, message, lie);
      return passing;
    }
    if (lie) this.troubles.aborts += 1;
    else if (!passing) this.troubles.failures += 1;
    // Evaluators that come and go are reported as links.
    if (!passing) this.context.events.failed(textOfPeriod(next), message, lie);
    return passing;
  }

  /** The links with the others; new ones if some are broken or an evaluator is missing that may be back. */
  private async meshFor(next: number): Promise<Mesh> {
    const { market, marketClock, mesh: tools, rejoinMs, events } = this.context;
    const { setting } = market;
    const closure = gateClosureOf(market, next);
    const nowS = marketClock.nowS();
    const incomplete = (this.mesh?.members.length ?? 0) < setting.parties;
    // Once for every gate: whoever catches up with many periods does not look for the missing one each time.
    const isOld = this.linkedAtS < closure && nowS >= closure;
    if (this.mesh?.intact && !(isOld && incomplete)) return this.mesh;
    this.leave("links are renewed");
    this.linkedAtS = nowS;
    const overdue = nowS >= deadlineOf(market, next);
    const quorum = overdue ? majorityOf(setting.parties) : leastMembers(setting);
    const purpose = { clearing: 1, attempt: 1, quorum, limitMs: rejoinMs, signal: this.signal };
    const addresses = market.evaluators.map(({ peers }) => peers);
    this.mesh = await formMesh(tools, addresses, purpose);
    events.linked(this.mesh.members);
    return this.mesh;
  }

  /** Until something is due, links break, or an evaluator that was missing calls. */
  private async untilDue(wakeMs: number, mesh: Mesh): Promise<void> {
    const { clock, mesh: tools } = this.context;
    const over = new AbortController();
    const signal = AbortSignal.any([this.signal, over.signal]);
    const due = clock.sleep(Math.max(SHORTEST_WAIT_MS, wakeMs), signal);
    due.catch(() => {}); // The signal ends it.
    const called = tools.callers.whenCalled().then(() => {
      if (!over.signal.aborted) this.leave("an evaluator has called");
    });
    await Promise.race([due.catch(() => {}), mesh.whenBroken(), called]);
    over.abort();
    if (!mesh.intact) this.leave("an evaluator has gone");
  }

  /**
   * Until it is tried again. After a failure that was passing, another evaluator's call ends it: those that look for
   * each other at different times, each pausing while the others look, would never meet.
   */
  private async pause(wasPassing: boolean): Promise<void> {
    const { clock, mesh: tools } = this.context;
    const pauseMs = this.pauseMs;
    this.pauseMs = Math.min(2 * pauseMs, LIMITS.connectBackoffLongestMs);
    const over = new AbortController();
    const signal = AbortSignal.any([this.signal, over.signal]);
    const rest = (ms: number) => clock.sleep(ms, signal).catch(() => {});
    // Whoever calls all the time does not keep this evaluator busy.
    const first = wasPassing ? LIMITS.connectBackoffFirstMs : pauseMs;
    await rest(first);
    if (pauseMs > first) await Promise.race([rest(pauseMs - first), tools.callers.whenCalled()]);
    over.abort();
  }

  private leave(reason: string): void {
    if (this.mesh === null) return;
    this.mesh.close();
    this.mesh = null;
    this.open.end();
    this.context.events.unlinked(reason);
  }
}
