// The tables of an evaluator's database. Numbers of periods are seconds since 1970 UTC; ids are bytes.
import type { Generated } from "kysely";

export type Kind = "sqlite" | "postgres";

/** Orders and readings have the same columns. */
export type RowTable = "meter_order" | "meter_reading";

export interface PeriodTable {
  start: number;
  state: string;
  ballot: number;
  agreed: string | null;
  prepared: string | null;
  decision: string | null;
  /** 1 once the bodies of its orders have been deleted. */
  forgotten: Generated<number>;
}

export interface OrderTable {
  period: number;
  meter: Uint8Array;
  sequence: number;
  order_id: Uint8Array;
  supplier: number;
  body: Uint8Array | null;
  evidence: string;
  received_ms: number;
}

export interface AgreedTable {
  period: number;
  position: number;
  meter: Uint8Array;
  sequence: number;
  order_id: Uint8Array;
  supplier: number;
}

export interface ResultTable {
  period: number;
  attempt: number;
  orders: number;
  share_bytes: number;
  supplier_shares: Uint8Array;
}

/** Shares of results in pieces, so that reading one share does not read all of them. */
export interface ResultPieceTable {
  period: number;
  piece: number;
  order_shares: Uint8Array;
}

/** The readings that count in a revision of a period's settlement. */
export interface AgreedReadingTable extends AgreedTable {
  revision: number;
}

/** A month's first period, and whether readings of it are taken. */
export interface ReadingMonthTable {
  start: number;
  state: string;
}

/** What is decided besides clearings: settlements and closings of months. */
export interface MatterTable {
  kind: string;
  start: number;
  revision: number;
  ballot: number;
  prepared: string | null;
  decision: string | null;
}

/** Shares of whole vectors, in pieces. */
export interface KeptShareTable {
  name: string;
  start: number;
  revision: number;
  attempt: number;
  piece: number;
  shares: Uint8Array;
}

export interface BillTable {
  month: number;
  meter: Uint8Array;
  supplier: number;
  periods: number;
  estimated: number;
  components: Uint8Array;
  payable: Uint8Array;
}

export interface LeaseTable {
  name: string;
  holder: string;
  fence: number;
  expires_ms: number;
}

export interface MigrationTable {
  version: Generated<number>;
}

export interface Tables {
  period: PeriodTable;
  meter_order: OrderTable;
  agreed_order: AgreedTable;
  result: ResultTable;
  result_piece: ResultPieceTable;
  meter_reading: OrderTable;
  agreed_reading: AgreedReadingTable;
  reading_month: ReadingMonthTable;
  matter: MatterTable;
  kept_share: KeptShareTable;
  bill: BillTable;
  lease: LeaseTable;
  hushwatt_version: MigrationTable;
}
