// A meter's private history: its orders and readings in clear, what it sent, who confirmed it, what came of it. An
// embedded database in one file that only its owner may read. What a method has done when it returns is durable, so
// that a meter that was killed sends the very same order again, and never two by accident.
import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { z } from "zod";
import { type Check, doubtfulChecks } from "../../client/checks.ts";
import type { MeterOutcome } from "../../client/meter-outcome.ts";
import type { ClearOrder } from "../../client/prepared-order.ts";
import type { Side } from "../../market/order.ts";
import { messageOf } from "../../platform/errors.ts";
import { type SignedReceipt, signedReceiptSchema } from "../../wire/records.ts";
import { READING_SCHEMA, ReadingHistory } from "./reading-history.ts";

export interface StoredOrder extends ClearOrder {
  /** Start of the settlement period, in seconds since 1970 UTC. */
  readonly periodStart: number;
  readonly sequence: number;
  /** The order as it is sent, to all evaluators; null when it is no longer needed. */
  readonly prepared: Uint8Array | null;
  readonly receipts: readonly SignedReceipt[];
}

export interface StoredOutcome {
  readonly periodStart: number;
  /** The order that the outcome belongs to. */
  readonly sequence: number;
  readonly state: Exclude<MeterOutcome["state"], "pending">;
  readonly priceTick: number | null;
  /** Traded energy in units of 2^-10 Wh; null when it could not be put together. */
  readonly tradedUnits: number | null;
  /** Everything that was verified. */
  readonly checks: readonly Check[];
}

/** The failed checks of an outcome that make it doubtful, in words. */
export const failedChecks = (outcome: StoredOutcome): string[] =>
  doubtfulChecks(outcome).map(({ name, detail }) => `${name}: ${detail}`);

const checksSchema = z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() }));

export interface HistoryEntry {
  /** The last order of the period. */
  readonly order: StoredOrder;
  readonly outcome: StoredOutcome | null;
}

/** The file cannot be used; says which and why. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
}

const BUSY_MS = 10_000;
const SCHEMA = `
  create table if not exists owner (market text not null, meter text not null) strict;
  create table if not exists orders (
    period_start integer not null, sequence integer not null, side text not null, energy_wh integer not null,
    limit_tick integer, prepared blob, primary key (period_start, sequence)
  ) strict;
  create table if not exists receipts (
    period_start integer not null, sequence integer not null, evaluator integer not null, receipt text not null,
    primary key (period_start, sequence, evaluator)
  ) strict;
  create table if not exists outcomes (
    period_start integer primary key, sequence integer not null, state text not null, price_tick integer,
    traded_units integer, checks text not null
  ) strict;
  ${READING_SCHEMA}`;

type Row = Record<string, unknown>;

export class MeterHistory {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Readings and bills. */
  readonly readings: ReadingHistory;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.readings = new ReadingHistory(
      (sql) => this.#statement(sql),
      (work) => this.#transaction(work),
    );
  }

  /**
   * Opens the history in `file`, or makes it (mode 0600). Without `durable` it survives the end of the process, but
   * not that of the machine: for rehearsals, where sixty meters share one disk. Throws HistoryError when it cannot be
   * opened or belongs to another meter or market.
   */
  static open(
    file: string,
    owner: { readonly market: string; readonly meter: string },
    options: { readonly durable?: boolean } = {},
  ): MeterHistory {
    let database: DatabaseSync;
    try {
      // Made before the database opens it: what SQLite makes beside it gets the same mode.
      closeSync(openSync(file, "a", 0o600));
      chmodSync(file, 0o600);
      database = new DatabaseSync(file);
      database.exec(`pragma busy_timeout = ${BUSY_MS}; pragma journal_mode = wal;`);
      const synchronous = options.durable === false ? "off" : "full";
      database.exec(`pragma synchronous = ${synchronous}; ${SCHEMA}`);
    } catch (error) {
      throw new HistoryError(`cannot open the history ${file}: ${messageOf(error)}`);
    }
    const history = new MeterHistory(database);
    const known = history.#claim(owner);
    if (known.market === owner.market && known.meter === owner.meter) return history;
    database.close();
    const found = `meter ${known.meter} of market ${known.market}`;
    throw new HistoryError(`the history ${file} is that of ${found}; use another file`);
  }

  /** Who the file belongs to; a new one is taken by `owner`. */
  #claim(owner: { readonly market: string; readonly meter: string }) {
    return this.#transaction(() => {
      const row = this.#statement("select market, meter from owner").get();
      if (row !== undefined) return { market: String(row.market), meter: String(row.meter) };
      this.#statement("insert into owner values (?, ?)").run(owner.market, owner.meter);
      return owner;
    });
  }

  /** Prepared once: a meter asks the same few things all day. */
  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec("begin immediate");
    try {
      const result = work();
      this.#database.exec("commit");
      return result;
    } catch (error) {
      this.#database.exec("rollback");
      throw error;
    }
  }

  /**
   * Keeps an order before it is sent. False when the period has an order with this sequence number or a later one
   * already (another process of this meter was faster): then nothing is kept and it must not be sent.
   */
  addOrder(order: Omit<StoredOrder, "receipts">): boolean {
    const { periodStart, sequence, side, energyWh, limitTick, prepared } = order;
    return this.#transaction(() => {
      if (this.#lastSequence(periodStart) >= sequence) return false;
      this.#statement("insert into orders values (?, ?, ?, ?, ?, ?)").run(
        periodStart,
        sequence,
        side,
        energyWh,
        limitTick,
        prepared,
      );
      return true;
    });
  }

  #lastSequence(periodStart: number): number {
    const query = "select coalesce(max(sequence), 0) as last from orders where period_start = ?";
    return Number(this.#statement(query).get(periodStart)?.last);
  }

  /** The order with the highest sequence number; null when there is none. */
  lastOrder(periodStart: number): StoredOrder | null {
    const query = "select * from orders where period_start = ? order by sequence desc limit 1";
    const row = this.#statement(query).get(periodStart);
    return row === undefined ? null : this.#order(row);
  }

  #order(row: Row): StoredOrder {
    const [periodStart, sequence] = [Number(row.period_start), Number(row.sequence)];
    const query = `select receipt from receipts where period_start = ? and sequence = ? order by evaluator`;
    const receipts = this.#statement(query).all(periodStart, sequence);
    return {
      periodStart,
      sequence,
      side: row.side as Side,
      energyWh: Number(row.energy_wh),
      limitTick: row.limit_tick === null ? null : Number(row.limit_tick),
      prepared: row.prepared === null ? null : (row.prepared as Uint8Array),
      receipts: receipts.map(({ receipt }) =>
        signedReceiptSchema.parse(JSON.parse(String(receipt))),
      ),
    };
  }

  /** Keeps evaluators' receipts for an order that was sent. */
  addReceipts(periodStart: number, sequence: number, receipts: readonly SignedReceipt[]): void {
    if (receipts.length === 0) return;
    this.#transaction(() => {
      const insert = this.#statement("insert or ignore into receipts values (?, ?, ?, ?)");
      for (const receipt of receipts) {
        insert.run(periodStart, sequence, receipt.receipt.evaluator, JSON.stringify(receipt));
      }
    });
  }

  /** Keeps what came of a period. The first outcome stays. */
  addOutcome(outcome: StoredOutcome): void {
    const { periodStart, sequence, state, priceTick, tradedUnits, checks } = outcome;
    this.#statement("insert or ignore into outcomes values (?, ?, ?, ?, ?, ?)").run(
      periodStart,
      sequence,
      state,
      priceTick,
      tradedUnits,
      JSON.stringify(checks),
    );
  }

  outcome(periodStart: number): StoredOutcome | null {
    const query = "select * from outcomes where period_start = ?";
    const row = this.#statement(query).get(periodStart);
    if (row === undefined) return null;
    return {
      periodStart,
      sequence: Number(row.sequence),
      state: row.state as StoredOutcome["state"],
      priceTick: row.price_tick === null ? null : Number(row.price_tick),
      tradedUnits: row.traded_units === null ? null : Number(row.traded_units),
      checks: checksSchema.parse(JSON.parse(String(row.checks))),
    };
  }

  /** Periods with an order and no outcome yet, in their order. */
  unfinished(): number[] {
    const query = `select distinct period_start from orders
      where period_start not in (select period_start from outcomes) order by period_start`;
    return this.#statement(query)
      .all()
      .map((row) => Number(row.period_start));
  }

  /** The entries of all periods that begin from `from` on and before `to`, in their order. */
  entries(from = 0, to = Number.MAX_SAFE_INTEGER): HistoryEntry[] {
    const query = `select o.* from orders o join
      (select period_start, max(sequence) as last from orders group by period_start) l
      on l.period_start = o.period_start and l.last = o.sequence
      where o.period_start >= ? and o.period_start < ? order by o.period_start`;
    return this.#statement(query)
      .all(from, to)
      .map((row) => {
        const order = this.#order(row);
        return { order, outcome: this.outcome(order.periodStart) };
      });
  }

  /** The first period with an order or a reading; null when there is none. */
  firstPeriod(): number | null {
    const query = `select min(period_start) as first from
      (select period_start from orders union all select period_start from readings)`;
    const first = this.#statement(query).get()?.first ?? null;
    return first === null ? null : Number(first);
  }

  /** Drops what was sent for periods that began before `start` and have an outcome; returns how many orders. */
  forgetPrepared(start: number): number {
    const query = `update orders set prepared = null where period_start < ? and prepared is not null
      and period_start in (select period_start from outcomes)`;
    return Number(this.#statement(query).run(start).changes);
  }

  close(): void {
    this.#database.close();
  }
}
