// The session in which a period is cleared, at one of the evaluators that are linked: which orders it has taken, in
// which order. What it made of them is in memory only: if links end it begins anew, with fresh keys, from the shares in
// the store.
import { assert } from "../../platform/assert.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import { ClearingSession, type SessionResult } from "../clearing-session.ts";
import { chooseActive, type MarketDealing } from "../engine-sessions.ts";
import type { Mesh } from "../mesh.ts";
import type { OrderIntake } from "../order-intake.ts";
import type { PeriodContext } from "./context.ts";
import { periodCommand, periodDealing, periodIntake, revealedSuppliers } from "./period-orders.ts";

/** With a dealer, who has to know all orders at the start: the attempt, and its orders. */
export interface KnownOrders {
  readonly ballot: number;
  readonly entries: readonly OrderEntry[];
}

export class PeriodSession {
  readonly period: number;
  /** The evaluators that compute. */
  readonly active: readonly number[];
  private readonly context: PeriodContext;
  private readonly mesh: Mesh;
  /** Null where this evaluator stands by. */
  private readonly session: ClearingSession | null;
  /** Of each order that was taken, by its id, the place. */
  private readonly places = new Map<string, number>();
  /** The sequence number of each meter's last order that was taken. */
  private readonly newest = new Map<string, number>();
  /** In how many pieces orders were taken. */
  private pieces = 0;

  private constructor(
    context: PeriodContext,
    mesh: Mesh,
    period: number,
    active: readonly number[],
    session: ClearingSession | null,
  ) {
    this.context = context;
    this.mesh = mesh;
    this.period = period;
    this.active = active;
    this.session = session;
  }

  /** Begins with the orders that are `known`, if any. Throws as ClearingSession does. */
  static async start(
    context: PeriodContext,
    mesh: Mesh,
    period: number,
    known: KnownOrders | null,
  ): Promise<PeriodSession> {
    const { market, store, tools, clock } = context;
    const active = chooseActive(market.setting, mesh.members);
    assert(active !== null, "a session is among enough evaluators");
    const peers = mesh.peersAmong(active);
    if (peers === null) return new PeriodSession(context, mesh, period, active, null);
    const begin = async (revealed: readonly boolean[], dealing: MarketDealing | null) =>
      new PeriodSession(
        context,
        mesh,
        period,
        active,
        await ClearingSession.start(
          { ...tools, clock, onPhase: () => {}, keepTrades: market.settlement !== null },
          { peers, active },
          { ...periodCommand(market, revealed), dealing },
        ),
      );
    // Until the gate closes nobody knows whose group will be large enough.
    const all = market.suppliers.map(() => true);
    if (known === null) return begin(all, null);
    const { ballot, entries } = known;
    const revealed = revealedSuppliers(market, entries);
    const received = await periodIntake(tools, market, mesh.party, store, period, entries);
    const { intake, maskNames } = received;
    try {
      const dealing = periodDealing(market, maskNames, period, ballot, revealed);
      const session = await begin(revealed, dealing);
      await session.add(entries, intake);
      return session;
    } finally {
      intake.free();
    }
  }

  /** Whether it is among these evaluators, about this period. */
  isFor(mesh: Mesh, period: number): boolean {
    return this.mesh === mesh && this.period === period;
  }

  /** Whether an order is not in it, nor a later one of the same meter. */
  lacks({ meter, sequence }: OrderEntry): boolean {
    const newest = this.newest.get(meter);
    return newest === undefined || sequence > newest;
  }

  /** Takes those of these orders that it has not. Throws as ClearingSession does. */
  async take(orders: readonly OrderEntry[]): Promise<void> {
    const { context, mesh, period } = this;
    const { tools, market, store } = context;
    const entries = orders.filter(({ orderId }) => !this.places.has(orderId));
    // At least once, if only to learn that there is none.
    if (entries.length === 0 && this.pieces > 0) return;
    if (this.session === null) return this.add(entries, null);
    const { party } = mesh;
    const { intake } = await periodIntake(tools, market, party, store, period, entries);
    try {
      await this.add(entries, intake);
    } finally {
      intake.free();
    }
  }

  /** Takes orders from what was received of them; null where this evaluator stands by. */
  private async add(entries: readonly OrderEntry[], intake: OrderIntake | null): Promise<void> {
    if (this.session !== null && intake !== null) await this.session.take(intake, true);
    this.pieces += 1;
    for (const { orderId, meter, sequence } of entries) {
      this.places.set(orderId, this.places.size);
      this.newest.set(meter, Math.max(sequence, this.newest.get(meter) ?? 0));
    }
  }

  /** Clears orders that it has taken; null where this evaluator stands by. Throws as ClearingSession does. */
  async clear(entries: readonly OrderEntry[], sinceMs: number): Promise<SessionResult | null> {
    const { market } = this.context;
    if (this.session === null) return null;
    const positions = Uint32Array.from(entries, ({ orderId }) => {
      const place = this.places.get(orderId);
      assert(place !== undefined, "orders are taken before they are cleared");
      return place;
    });
    const areAll =
      positions.length === this.places.size && positions.every((place, i) => place === i);
    return this.session.clear({
      revealedSuppliers: revealedSuppliers(market, entries),
      positions: areAll ? null : positions,
      sinceMs,
    });
  }

  /** Frees everything. Nothing may be under way. */
  end(): void {
    this.session?.end();
  }
}
