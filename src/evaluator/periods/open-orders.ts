// Orders of the period that is cleared next are checked and prepared while its gate is still open, as they arrive:
// then only what needs all of them is left when it closes. Whatever fails here is done after the gate is closed.
import { gateClosureOf } from "../../market/market-document.ts";
import { LIMITS } from "../../platform/limits.ts";
import { agreedOf } from "../../wire/merkle.ts";
import { textOfPeriod } from "../../wire/records.ts";
import type { Mesh } from "../mesh.ts";
import { agreeOnOrders, confirmAgreed } from "./agreement.ts";
import { leastMembers } from "./ballots.ts";
import type { PeriodContext } from "./context.ts";
import { listed, nameList } from "./deciding.ts";
import type { Exchanges } from "./exchange.ts";
import { type KnownOrders, PeriodSession } from "./period-session.ts";
import { waitingSchema } from "./round-messages.ts";

/** Attempts for one period that may fail. */
const MOST_FAILURES = 3;

export class OpenOrders {
  private readonly context: PeriodContext;
  private session: PeriodSession | null = null;
  /** How many orders of the session's period were there when they were looked at last. */
  private seen = 0;
  /** How long preparing takes. */
  private lastMs = 0;
  private failures = { period: 0, count: 0 };
  private underWay: number | null = null;

  constructor(context: PeriodContext) {
    this.context = context;
  }

  /** Whether orders are prepared before the gate closes: with a dealer all of them have to be known first. */
  mayPrepare(mesh: Mesh, period: number): boolean {
    const { market } = this.context;
    const { failures } = this;
    return (
      market.dealer === null &&
      mesh.members.length >= leastMembers(market.setting) &&
      (failures.period !== period || failures.count < MOST_FAILURES)
    );
  }

  /** Whether enough orders wait, and there is time until the gate closes. */
  async arePending(mesh: Mesh, period: number): Promise<boolean> {
    const { market, store, marketClock, leastPrepared } = this.context;
    if (!this.mayPrepare(mesh, period)) return false;
    if (marketClock.msUntil(gateClosureOf(market, period)) < this.lastMs) return false;
    const seen = this.session?.isFor(mesh, period) ? this.seen : 0;
    return (await store.orderCount(period)) - seen >= leastPrepared;
  }

  /** The members agree on orders that all of them have, and prepare them. Throws as ClearingSession does. */
  async prepare(mesh: Mesh, exchanges: Exchanges, period: number): Promise<void> {
    const { context } = this;
    const { store, tools, clock, events } = context;
    this.underWay = period;
    const beginMs = clock.nowMs();
    const session = await this.sessionFor(mesh, period, null);
    const all = await store.orderEntries(period);
    const waiting = all.filter((entry) => session.lacks(entry));
    const own = nameList(waiting.slice(0, LIMITS.mostPrepared));
    const positions = await exchanges.all(waitingSchema, listed(context, own));
    const entries = await agreeOnOrders(exchanges, positions, own.entries, own.bytes);
    await confirmAgreed(exchanges, "order", agreedOf(tools.primitives, entries));
    await session.take(entries);
    // What only some have yet is looked at when more has come.
    this.seen = all.length - (waiting.length - own.entries.length);
    this.lastMs = clock.nowMs() - beginMs;
    this.underWay = null;
    events.prepared(textOfPeriod(period), entries.length, this.lastMs);
  }

  /** The session of a period among these evaluators, with what it has taken; another one that is open ends. */
  async sessionFor(mesh: Mesh, period: number, known: KnownOrders | null): Promise<PeriodSession> {
    if (this.session?.isFor(mesh, period)) return this.session;
    this.end();
    this.session = await PeriodSession.start(this.context, mesh, period, known);
    return this.session;
  }

  /** Takes note if it was here that something failed. */
  failed(message: string, lie: boolean): boolean {
    const period = this.underWay;
    this.underWay = null;
    if (period === null) return false;
    const before = this.failures.period === period ? this.failures.count : 0;
    this.failures = { period, count: lie ? MOST_FAILURES : before + 1 };
    this.context.events.preparingFailed(textOfPeriod(period), message, lie);
    return true;
  }

  /** Ends the session that is open, if there is one. Nothing may be under way. */
  end(): void {
    this.session?.end();
    this.session = null;
    this.seen = 0;
  }
}
