// What an evaluator keeps for settlement: readings, what is decided about periods after delivery and about months, its
// shares of what households traded and owe, and bills. Part of the contract of evaluator-store.ts, and kept as it says.
import type { Closing, Settlement } from "../wire/settlement-records.ts";
import type { AddOrderResult, Lease, NewOrder, OrderEntry } from "./store-rows.ts";

/** A reading; names and sequence numbers are as those of orders. */
export interface NewReading extends NewOrder {
  /** The start of the month that it belongs to. */
  readonly month: number;
}

/** What is decided by ballots besides clearings. */
export interface Matters {
  readonly settlement: Settlement;
  readonly closing: Closing;
}
export type MatterKind = keyof Matters;

/** A settlement by the start of its period and its revision, a closing by the start of its month and 0. */
export interface MatterName<Kind extends MatterKind = MatterKind> {
  readonly kind: Kind;
  readonly start: number;
  readonly revision: number;
}

export interface Signed<Decision> {
  readonly decision: Decision;
  readonly signatures: readonly {
    readonly evaluator: number;
    readonly certificate: string;
    readonly signature: string;
  }[];
}

export interface MatterRow<Decision> {
  /** The highest ballot that this evaluator has promised to take part in; 0 before the first. */
  readonly ballot: number;
  /** What it has accepted, and in which ballot. */
  readonly prepared: { readonly ballot: number; readonly decision: Decision } | null;
  /**
   * What this evaluator keeps with the decision, or else with what it has accepted; null if it has no shares of that.
   */
  readonly notes: string | null;
  readonly decision: Signed<Decision> | null;
}

/** What belongs to a decision at an evaluator that has shares of it. */
export interface OwnParts {
  readonly settlement: {
    /** The readings that count, in their order. */
    readonly readings: readonly OrderEntry[];
    readonly shares: Uint8Array;
    readonly notes: string;
  };
  readonly closing: { readonly bills: readonly BillRow[]; readonly notes: string };
}

/** A meter's bill of a month: this evaluator's shares. */
export interface BillRow {
  readonly meter: string;
  readonly supplier: number;
  readonly periods: number;
  readonly estimated: number;
  readonly components: Uint8Array;
  readonly payable: Uint8Array;
}

/** A period that is settled anew. */
export interface Revision {
  readonly start: number;
  readonly isDecided: boolean;
}

export interface DecidedSettlement {
  readonly start: number;
  readonly revision: number;
  readonly signed: Signed<Settlement>;
  readonly notes: string | null;
}

export interface SettlementStore {
  /** As `addOrders`; "closed" once the month is. */
  addReadings(
    readings: readonly NewReading[],
    mostVersions: number,
  ): Promise<readonly AddOrderResult[]>;
  lastReading(periodStart: number, meter: string): Promise<OrderEntry | null>;
  readingEntries(periodStart: number): Promise<readonly OrderEntry[]>;
  readingBodies(
    periodStart: number,
    entries: readonly Pick<OrderEntry, "meter" | "sequence">[],
    onBody: (index: number, body: Uint8Array) => void,
  ): Promise<void>;
  /**
   * No more readings of a month are taken: those that are being added are in, or refused, when this resolves.
   * Idempotent.
   */
  closeReadings(lease: Lease, month: number): Promise<void>;
  /** Periods from..to (exclusive) with a reading that is later than the one that counts in revision 0, ascending. */
  changedPeriods(from: number, to: number): Promise<readonly number[]>;

  /** Null while nothing is known of it. */
  matter<Kind extends MatterKind>(name: MatterName<Kind>): Promise<MatterRow<Matters[Kind]> | null>;
  /** The start of the last one that is decided in revision 0; null before the first. */
  lastDecidedMatter(kind: MatterKind): Promise<number | null>;
  /** The decided settlements of periods from..to (exclusive), by period and revision. */
  settlements(from: number, to: number): Promise<readonly DecidedSettlement[]>;
  /** Settlements anew of periods from..to (exclusive) that this evaluator has taken part in, decided or not. */
  revisions(from: number, to: number): Promise<readonly Revision[]>;

  /** As `promise` of a period. */
  promiseMatter(lease: Lease, name: MatterName, ballot: number): Promise<void>;
  /** Notes that a settlement is being computed: state `settling` of its period, if that was published. */
  beginSettling(lease: Lease, start: number): Promise<void>;
  /**
   * As `prepare` of a period: accepts `decision` in the ballot that was promised last. `own` null keeps what is there
   * if the decision is the same.
   */
  prepareMatter<Kind extends MatterKind>(
    lease: Lease,
    name: MatterName<Kind>,
    ballot: number,
    decision: Matters[Kind],
    own: OwnParts[Kind] | null,
  ): Promise<void>;
  /** As `decide` of a period; a period's state is `settled` then, unless it is void. */
  decideMatter<Kind extends MatterKind>(
    lease: Lease,
    name: MatterName<Kind>,
    decision: Signed<Matters[Kind]>,
  ): Promise<void>;
  /** Keeps what an evaluator without shares of a decided matter has got later. */
  completeMatter<Kind extends MatterKind>(
    lease: Lease,
    name: MatterName<Kind>,
    own: OwnParts[Kind],
  ): Promise<void>;

  /** The place of a meter among the readings that count in a revision, and the reading. */
  agreedReading(
    start: number,
    revision: number,
    meter: string,
  ): Promise<{ readonly position: number; readonly orderId: string } | null>;
  agreedReadings(start: number, revision: number): Promise<readonly OrderEntry[]>;

  /** This evaluator's shares of what the orders of a clearing's attempt bought and sold; null if it has none. */
  tradeShares(start: number, attempt: number): Promise<Uint8Array | null>;
  /** This evaluator's shares of a revision's settled amounts; null if it has none of this attempt. */
  settledShares(start: number, revision: number, attempt: number): Promise<Uint8Array | null>;

  bill(month: number, meter: string): Promise<BillRow | null>;
  /** The bills of a supplier's customers, by meter. */
  bills(month: number, supplier: number): Promise<readonly BillRow[]>;
  /**
   * Deletes bodies of readings, shares of trades and settled amounts of periods from..to (exclusive), whose month is
   * closed. Resolves with how many bodies there were.
   */
  forgetSettled(lease: Lease, from: number, to: number): Promise<number>;
}
