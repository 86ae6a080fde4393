// What an evaluator keeps: orders, periods, its shares of results, and who of its processes leads. One contract,
// kept by an embedded SQLite file and by a PostgreSQL server (contract.test-helper.ts). What a method
// has resolved is durable: it survives the end of the process at any later moment.
// Starts of periods are seconds since 1970 UTC, times milliseconds since then.
import type { Agreed, Decision, PeriodState, SignedDecision } from "../wire/records.ts";
import type { SettlementStore } from "./settlement-store.ts";
import type { AddOrderResult, Lease, NewOrder, OrderEntry } from "./store-rows.ts";

export {
  type AddOrderResult,
  type Lease,
  LeaseLostError,
  type NewOrder,
  type OrderEntry,
} from "./store-rows.ts";

export interface PeriodRow {
  readonly start: number;
  readonly state: PeriodState;
  /** The highest ballot that this evaluator has promised to take part in; 0 before the first. */
  readonly ballot: number;
  readonly agreed: Agreed | null;
  /** What this evaluator has accepted, and in which ballot: others may have decided it already. */
  readonly prepared: { readonly ballot: number; readonly decision: Decision } | null;
  /** Whether it keeps shares of the results of `prepared` or of the decision. */
  readonly hasResults: boolean;
  readonly decision: SignedDecision | null;
}

/** This evaluator's shares of an attempt's results. */
export interface ResultRow {
  readonly attempt: number;
  /** One share per order of the agreed set, in its order, all of the same length. */
  readonly orderShares: Uint8Array;
  /** Shares of bought and sold of each supplier that may learn its sums. */
  readonly supplierShares: Uint8Array;
  /** Shares of what each order bought less what it sold, and of what it bought; only in a market with settlement. */
  readonly tradeShares?: Uint8Array | null;
}

export interface EvaluatorStore extends SettlementStore {
  readonly kind: "sqlite" | "postgres";

  /**
   * Adds orders in one transaction; the results are theirs in the same order. Each is decided by itself, those of the
   * same meter one after the other. A meter may have `mostVersions` orders of one period.
   */
  addOrders(orders: readonly NewOrder[], mostVersions: number): Promise<readonly AddOrderResult[]>;
  /** The order with the highest sequence number; null if there is none. */
  lastOrder(periodStart: number, meter: string): Promise<OrderEntry | null>;
  /** How many orders of a period there are, those that others have replaced included. */
  orderCount(periodStart: number): Promise<number>;
  /** All orders of a period, by meter and then descending sequence number. */
  orderEntries(periodStart: number): Promise<readonly OrderEntry[]>;
  /** Hands over the bodies of these orders, one after the other in the order of `entries`. */
  orderBodies(
    periodStart: number,
    entries: readonly Pick<OrderEntry, "meter" | "sequence">[],
    onBody: (index: number, body: Uint8Array) => void,
  ): Promise<void>;

  /** Null while nothing is known of it: then it is open. */
  period(start: number): Promise<PeriodRow | null>;
  /** Known periods from..to (exclusive), the last ones first, at most `most`. */
  periods(from: number, to: number, most: number): Promise<readonly PeriodRow[]>;
  /** The start of the last decided period; null before the first. */
  lastDecided(): Promise<number | null>;

  /** Closes a period for orders. Orders that are being added are in it or refused when this resolves. Idempotent. */
  closePeriod(lease: Lease, start: number): Promise<void>;
  /** Keeps the promise to accept nothing in a lower ballot. InvariantError unless it is higher than the last one. */
  promise(lease: Lease, start: number, ballot: number): Promise<void>;
  /** Keeps the agreed set, in its order, for an attempt that begins: state `agreed`. Replaces an earlier one. */
  saveAgreed(
    lease: Lease,
    start: number,
    agreed: Agreed,
    entries: readonly OrderEntry[],
  ): Promise<void>;
  /** Notes that the computation begins: state `clearing`. */
  beginClearing(lease: Lease, start: number): Promise<void>;
  /**
   * Accepts `decision` in the ballot that was promised last (InvariantError in any other), with this evaluator's shares
   * if it computed: state `cleared`. Replaces what was accepted earlier, and its results unless `results` is null and
   * the decision is the same. Keeps the agreed set only if it is the decision's (same root), else deletes it.
   * InvariantError once there is a decision.
   */
  prepare(
    lease: Lease,
    start: number,
    ballot: number,
    decision: Decision,
    results: ResultRow | null,
  ): Promise<void>;
  /**
   * Keeps the decision: state `published` or `void`, and this period is the last decided one. Signatures are added if
   * the same decision is there; another decision is an InvariantError. Results of other attempts are deleted, and an
   * agreed set that is not the decision's. Possible without `prepare` when others have decided.
   */
  decide(lease: Lease, start: number, decision: SignedDecision): Promise<void>;

  /** The place of a meter in the agreed set, and the order that counts. */
  agreedOrder(
    start: number,
    meter: string,
  ): Promise<{ readonly position: number; readonly orderId: string } | null>;
  /** The agreed set in its order. */
  agreedEntries(start: number): Promise<readonly OrderEntry[]>;
  /** This evaluator's share for one position of the agreed set; null when it has none of this attempt. */
  orderShare(start: number, attempt: number, position: number): Promise<Uint8Array | null>;
  supplierShares(start: number, attempt: number): Promise<Uint8Array | null>;

  /** Takes or renews the lease for `durationMs`; null while another holder's has not run out at `nowMs`. */
  takeLease(name: string, holder: string, nowMs: number, durationMs: number): Promise<Lease | null>;
  releaseLease(lease: Lease): Promise<void>;

  /** Deletes the bodies of orders of periods that were decided and began before `start`. */
  forgetOrders(start: number): Promise<number>;
  close(): Promise<void>;
}
