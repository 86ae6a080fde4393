// An evaluator's store over SQL, the same statements for SQLite and PostgreSQL wherever both know them.
import type { Agreed, Decision, SignedDecision } from "../wire/records.ts";
import type {
  AddOrderResult,
  EvaluatorStore,
  Lease,
  NewOrder,
  OrderEntry,
  PeriodRow,
  ResultRow,
} from "./evaluator-store.ts";
import { releaseLease, takeLease } from "./sql-leases.ts";
import * as lists from "./sql-order-lists.ts";
import * as orders from "./sql-orders.ts";
import * as periods from "./sql-periods.ts";
import * as results from "./sql-results.ts";
import { SqlSettlements } from "./sql-settlements.ts";

export class SqlStore extends SqlSettlements implements EvaluatorStore {
  addOrders(batch: readonly NewOrder[], mostVersions: number): Promise<readonly AddOrderResult[]> {
    return orders.addOrders(this.db, this.kind, batch, mostVersions);
  }

  lastOrder(periodStart: number, meter: string): Promise<OrderEntry | null> {
    return lists.lastOrder(this.db, "meter_order", periodStart, meter);
  }

  orderCount(periodStart: number): Promise<number> {
    return lists.orderCount(this.db, "meter_order", periodStart);
  }

  orderEntries(periodStart: number): Promise<readonly OrderEntry[]> {
    return lists.orderEntries(this.db, "meter_order", periodStart);
  }

  orderBodies(
    periodStart: number,
    entries: readonly Pick<OrderEntry, "meter" | "sequence">[],
    onBody: (index: number, body: Uint8Array) => void,
  ): Promise<void> {
    return lists.orderBodies(this.db, this.kind, "meter_order", periodStart, entries, onBody);
  }

  period(start: number): Promise<PeriodRow | null> {
    return periods.period(this.db, start);
  }

  periods(from: number, to: number, most: number): Promise<readonly PeriodRow[]> {
    return periods.periodsBetween(this.db, from, to, most);
  }

  lastDecided(): Promise<number | null> {
    return periods.lastDecided(this.db);
  }

  closePeriod(lease: Lease, start: number): Promise<void> {
    return periods.closePeriod(this.db, this.kind, lease, start);
  }

  promise(lease: Lease, start: number, ballot: number): Promise<void> {
    return periods.promise(this.db, this.kind, lease, start, ballot);
  }

  saveAgreed(
    lease: Lease,
    start: number,
    agreed: Agreed,
    entries: readonly OrderEntry[],
  ): Promise<void> {
    return periods.saveAgreed(this.db, this.kind, lease, start, agreed, entries);
  }

  beginClearing(lease: Lease, start: number): Promise<void> {
    return periods.beginClearing(this.db, this.kind, lease, start);
  }

  prepare(
    lease: Lease,
    start: number,
    ballot: number,
    decision: Decision,
    own: ResultRow | null,
  ): Promise<void> {
    return periods.prepare(this.db, this.kind, lease, start, ballot, decision, own);
  }

  decide(lease: Lease, start: number, decision: SignedDecision): Promise<void> {
    return periods.decide(this.db, this.kind, lease, start, decision);
  }

  agreedOrder(
    start: number,
    meter: string,
  ): Promise<{ readonly position: number; readonly orderId: string } | null> {
    return results.agreedOrder(this.db, start, meter);
  }

  agreedEntries(start: number): Promise<readonly OrderEntry[]> {
    return results.agreedEntries(this.db, start);
  }

  orderShare(start: number, attempt: number, position: number): Promise<Uint8Array | null> {
    return results.orderShare(this.db, start, attempt, position);
  }

  supplierShares(start: number, attempt: number): Promise<Uint8Array | null> {
    return results.supplierShares(this.db, start, attempt);
  }

  takeLease(
    name: string,
    holder: string,
    nowMs: number,
    durationMs: number,
  ): Promise<Lease | null> {
    return takeLease(this.db, name, holder, nowMs, durationMs);
  }

  releaseLease(lease: Lease): Promise<void> {
    return releaseLease(this.db, lease);
  }

  forgetOrders(start: number): Promise<number> {
    return orders.forgetOrders(this.db, start);
  }

  close(): Promise<void> {
    return this.db.destroy();
  }
}
