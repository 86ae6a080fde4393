// The part of an evaluator's store over SQL that is about settlement.
import type { Kysely } from "kysely";
import type { AddOrderResult, Lease, OrderEntry } from "./evaluator-store.ts";
import type {
  BillRow,
  DecidedSettlement,
  MatterKind,
  MatterName,
  MatterRow,
  Matters,
  NewReading,
  OwnParts,
  Revision,
  SettlementStore,
  Signed,
} from "./settlement-store.ts";
import * as bills from "./sql-bills.ts";
import { readShares } from "./sql-kept-shares.ts";
import * as matters from "./sql-matters.ts";
import * as lists from "./sql-order-lists.ts";
import * as readings from "./sql-readings.ts";
import * as results from "./sql-results.ts";
import type { Kind, Tables } from "./tables.ts";

export class SqlSettlements implements SettlementStore {
  readonly kind: Kind;
  protected readonly db: Kysely<Tables>;

  constructor(db: Kysely<Tables>, kind: Kind) {
    this.db = db;
    this.kind = kind;
  }

  addReadings(
    batch: readonly NewReading[],
    mostVersions: number,
  ): Promise<readonly AddOrderResult[]> {
    return readings.addReadings(this.db, this.kind, batch, mostVersions);
  }

  lastReading(periodStart: number, meter: string): Promise<OrderEntry | null> {
    return lists.lastOrder(this.db, "meter_reading", periodStart, meter);
  }

  readingEntries(periodStart: number): Promise<readonly OrderEntry[]> {
    return lists.orderEntries(this.db, "meter_reading", periodStart);
  }

  readingBodies(
    periodStart: number,
    entries: readonly Pick<OrderEntry, "meter" | "sequence">[],
    onBody: (index: number, body: Uint8Array) => void,
  ): Promise<void> {
    return lists.orderBodies(this.db, this.kind, "meter_reading", periodStart, entries, onBody);
  }

  closeReadings(lease: Lease, month: number): Promise<void> {
    return readings.closeReadings(this.db, this.kind, lease, month);
  }

  changedPeriods(from: number, to: number): Promise<readonly number[]> {
    return readings.changedPeriods(this.db, from, to);
  }

  matter<K extends MatterKind>(name: MatterName<K>): Promise<MatterRow<Matters[K]> | null> {
    return matters.matter(this.db, name);
  }

  lastDecidedMatter(kind: MatterKind): Promise<number | null> {
    return matters.lastDecidedMatter(this.db, kind);
  }

  settlements(from: number, to: number): Promise<readonly DecidedSettlement[]> {
    return matters.settlements(this.db, from, to);
  }

  revisions(from: number, to: number): Promise<readonly Revision[]> {
    return matters.revisions(this.db, from, to);
  }

  promiseMatter(lease: Lease, name: MatterName, ballot: number): Promise<void> {
    return matters.promiseMatter(this.db, this.kind, lease, name, ballot);
  }

  beginSettling(lease: Lease, start: number): Promise<void> {
    return matters.beginSettling(this.db, this.kind, lease, start);
  }

  prepareMatter<K extends MatterKind>(
    lease: Lease,
    name: MatterName<K>,
    ballot: number,
    decision: Matters[K],
    own: OwnParts[K] | null,
  ): Promise<void> {
    return matters.prepareMatter(this.db, this.kind, lease, name, ballot, decision, own);
  }

  decideMatter<K extends MatterKind>(
    lease: Lease,
    name: MatterName<K>,
    decision: Signed<Matters[K]>,
  ): Promise<void> {
    return matters.decideMatter(this.db, this.kind, lease, name, decision);
  }

  completeMatter<K extends MatterKind>(
    lease: Lease,
    name: MatterName<K>,
    own: OwnParts[K],
  ): Promise<void> {
    return matters.completeMatter(this.db, this.kind, lease, name, own);
  }

  agreedReading(
    start: number,
    revision: number,
    meter: string,
  ): Promise<{ readonly position: number; readonly orderId: string } | null> {
    return results.agreedReading(this.db, start, revision, meter);
  }

  agreedReadings(start: number, revision: number): Promise<readonly OrderEntry[]> {
    return results.agreedReadings(this.db, start, revision);
  }

  tradeShares(start: number, attempt: number): Promise<Uint8Array | null> {
    return readShares(this.db, { name: "trades", start, revision: 0 }, attempt);
  }

  settledShares(start: number, revision: number, attempt: number): Promise<Uint8Array | null> {
    return readShares(this.db, { name: "settled", start, revision }, attempt);
  }

  bill(month: number, meter: string): Promise<BillRow | null> {
    return bills.bill(this.db, month, meter);
  }

  bills(month: number, supplier: number): Promise<readonly BillRow[]> {
    return bills.bills(this.db, month, supplier);
  }

  forgetSettled(lease: Lease, from: number, to: number): Promise<number> {
    return bills.forgetSettled(this.db, this.kind, lease, from, to);
  }
}
