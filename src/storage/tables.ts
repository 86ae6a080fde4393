// The tables of an evaluator's database. Numbers of periods are seconds since 1970 UTC; ids are bytes.
import type { Generated } from "kysely";

export type Kind = "sqlite" | "postgres";

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
  lease: LeaseTable;
  hushwatt_version: MigrationTable;
}
