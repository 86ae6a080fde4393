// The part of a meter's private history that is about readings and bills (history.ts): what was metered, in clear, what
// was sent of it and who confirmed it, and what came of each month.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Metered } from "../../client/prepared-reading.ts";
import {
  type SignedReadingReceipt,
  signedReadingReceiptSchema,
} from "../../wire/settlement-records.ts";
import { type KeptBill, keptBillOf, keptBillText } from "./kept-bill.ts";

export interface StoredReading extends Metered {
  /** Start of the settlement period, in seconds since 1970 UTC. */
  readonly periodStart: number;
  /** A correction has a higher one. */
  readonly sequence: number;
  /** Bought less sold in the period, in units of 2^-10 Wh, as the reading's advice has it. */
  readonly netUnits: number;
  /** The name that evaluators know it by. */
  readonly readingId: string;
  /** The reading as it is sent, to all evaluators; null when it is no longer needed. */
  readonly prepared: Uint8Array | null;
  readonly receipts: readonly SignedReadingReceipt[];
}

export const READING_SCHEMA = `
  create table if not exists readings (
    period_start integer not null, sequence integer not null, imported_wh integer not null,
    exported_wh integer not null, net_units integer not null, reading text not null, prepared blob,
    primary key (period_start, sequence)
  ) strict;
  create table if not exists reading_receipts (
    period_start integer not null, sequence integer not null, evaluator integer not null, receipt text not null,
    primary key (period_start, sequence, evaluator)
  ) strict;
  create table if not exists bills (month text primary key, bill text not null) strict;`;

type Row = Record<string, unknown>;

export class ReadingHistory {
  readonly #statement: (sql: string) => StatementSync;
  readonly #transaction: <T>(work: () => T) => T;

  /** Of a database that has READING_SCHEMA. */
  constructor(
    statement: (sql: string) => ReturnType<DatabaseSync["prepare"]>,
    transaction: <T>(work: () => T) => T,
  ) {
    this.#statement = statement;
    this.#transaction = transaction;
  }

  /** Keeps a reading before it is sent; false when the period has one with this sequence number or a later one. */
  add(reading: Omit<StoredReading, "receipts">): boolean {
    const { periodStart, sequence, importedWh, exportedWh, netUnits } = reading;
    return this.#transaction(() => {
      if ((this.last(periodStart)?.sequence ?? 0) >= sequence) return false;
      this.#statement("insert into readings values (?, ?, ?, ?, ?, ?, ?)").run(
        periodStart,
        sequence,
        importedWh,
        exportedWh,
        netUnits,
        reading.readingId,
        reading.prepared,
      );
      return true;
    });
  }

  /** The readings of a period, the last one first. */
  all(periodStart: number): StoredReading[] {
    const query = "select * from readings where period_start = ? order by sequence desc";
    return this.#statement(query)
      .all(periodStart)
      .map((row) => this.#reading(row));
  }

  /** The last reading of a period; null when there is none. */
  last(periodStart: number): StoredReading | null {
    const query = "select * from readings where period_start = ? order by sequence desc limit 1";
    const row = this.#statement(query).get(periodStart);
    return row === undefined ? null : this.#reading(row);
  }

  #reading(row: Row): StoredReading {
    const [periodStart, sequence] = [Number(row.period_start), Number(row.sequence)];
    const query = `select receipt from reading_receipts where period_start = ? and sequence = ?
      order by evaluator`;
    const receipts = this.#statement(query).all(periodStart, sequence);
    return {
      periodStart,
      sequence,
      importedWh: Number(row.imported_wh),
      exportedWh: Number(row.exported_wh),
      netUnits: Number(row.net_units),
      readingId: String(row.reading),
      prepared: row.prepared === null ? null : (row.prepared as Uint8Array),
      receipts: receipts.map(({ receipt }) =>
        signedReadingReceiptSchema.parse(JSON.parse(String(receipt))),
      ),
    };
  }

  addReceipts(
    periodStart: number,
    sequence: number,
    receipts: readonly SignedReadingReceipt[],
  ): void {
    if (receipts.length === 0) return;
    this.#transaction(() => {
      const insert = this.#statement("insert or ignore into reading_receipts values (?, ?, ?, ?)");
      for (const receipt of receipts) {
        insert.run(periodStart, sequence, receipt.receipt.evaluator, JSON.stringify(receipt));
      }
    });
  }

  /** The last readings of periods from `from` on that are still kept as sent and have fewer receipts than `needed`. */
  unconfirmed(from: number, needed: number): StoredReading[] {
    const query = `select * from readings r where period_start >= ? and prepared is not null
      and sequence = (select max(sequence) from readings where period_start = r.period_start)
      and (select count(*) from reading_receipts c
           where c.period_start = r.period_start and c.sequence = r.sequence) < ?
      order by period_start`;
    return this.#statement(query)
      .all(from, needed)
      .map((row) => this.#reading(row));
  }

  /** Starts of the periods with readings, from `from` on and before `to`, in their order. */
  periods(from: number, to: number): number[] {
    const query = `select distinct period_start from readings
      where period_start >= ? and period_start < ? order by period_start`;
    return this.#statement(query)
      .all(from, to)
      .map((row) => Number(row.period_start));
  }

  /** Drops what was sent for periods that began before `start`. */
  forgetPrepared(start: number): void {
    const query =
      "update readings set prepared = null where period_start < ? and prepared is not null";
    this.#statement(query).run(start);
  }

  /** Keeps what came of a month. The first bill stays. */
  addBill(bill: KeptBill): void {
    const insert = this.#statement("insert or ignore into bills values (?, ?)");
    insert.run(bill.month, keptBillText(bill));
  }

  bill(month: string): KeptBill | null {
    const row = this.#statement("select bill from bills where month = ?").get(month);
    return row === undefined ? null : keptBillOf(String(row.bill));
  }

  /** The months that there is a bill of, in their order. */
  months(): string[] {
    const rows = this.#statement("select month from bills order by month").all();
    return rows.map(({ month }) => String(month));
  }
}
