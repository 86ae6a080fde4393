// What this browser keeps of readings: what the person has entered or chosen, what was made of it and sent, which
// counted, and the bills. In clear, and durable before anything is sent.
import type { DBSchema, IDBPDatabase } from "idb";
import type { Check } from "../../../src/client/checks.ts";
import type { CountedReading } from "../../../src/client/counted-reading.ts";
import type { Metered } from "../../../src/client/prepared-reading.ts";
import type { StatedBill } from "../../../src/market/bill.ts";
import type { SignedReadingReceipt } from "../../../src/wire/settlement-records.ts";

/** The person's last word about a period. */
export interface MeteredPeriod extends Metered {
  readonly periodStart: number;
}

export interface StoredReading extends MeteredPeriod {
  readonly sequence: number;
  readonly readingId: string;
  /** As it is sent; null when it is no longer needed. */
  readonly prepared: Uint8Array | null;
  readonly receipts: readonly SignedReadingReceipt[];
}

/** What counted when it was last asked. */
export interface StoredCounting {
  readonly periodStart: number;
  readonly state: Exclude<CountedReading["state"], "pending">;
  readonly readingId: string | null;
  readonly checks: readonly Check[];
  /** Whether its month was closed then: nothing changes any more. */
  readonly isFinal: boolean;
}

export interface StoredBill {
  readonly month: string;
  /** Null when this household has nothing in the month. */
  readonly stated: StatedBill | null;
  readonly checks: readonly Check[];
  readonly foundMs: number;
}

export interface ReadingsSchema extends DBSchema {
  metered: { key: number; value: MeteredPeriod };
  readings: { key: [number, number]; value: StoredReading };
  countings: { key: number; value: StoredCounting };
  bills: { key: string; value: StoredBill };
}

const STRICT = { durability: "strict" } as const;

export class ReadingsStore {
  readonly #database: IDBPDatabase<ReadingsSchema>;

  constructor(database: IDBPDatabase<ReadingsSchema>) {
    this.#database = database;
  }

  /** Keeps what was metered; durable when it resolves. */
  async keepMetered(rows: readonly MeteredPeriod[]): Promise<void> {
    const transaction = this.#database.transaction("metered", "readwrite", STRICT);
    for (const row of rows) void transaction.store.put(row);
    await transaction.done;
  }

  /** Keeps a reading; durable when it resolves. Rejects when there is one with this number already. */
  async add(reading: StoredReading): Promise<void> {
    const transaction = this.#database.transaction("readings", "readwrite", STRICT);
    await Promise.all([transaction.store.add(reading), transaction.done]);
  }

  async addReceipt(
    { periodStart, sequence }: Pick<StoredReading, "periodStart" | "sequence">,
    receipt: SignedReadingReceipt,
  ): Promise<void> {
    const { evaluator } = receipt.receipt;
    const transaction = this.#database.transaction("readings", "readwrite");
    const reading = await transaction.store.get([periodStart, sequence]);
    if (reading?.receipts.every((one) => one.receipt.evaluator !== evaluator)) {
      await transaction.store.put({ ...reading, receipts: [...reading.receipts, receipt] });
    }
    await transaction.done;
  }

  async keepCounting(counting: StoredCounting): Promise<void> {
    await this.#database.put("countings", counting);
  }

  async keepBill(bill: StoredBill): Promise<void> {
    await this.#database.put("bills", bill);
  }

  /** Everything about periods from `from` on; readings in the order of their sequence numbers. */
  async all(from: number) {
    const [metered, readings, countings, bills] = await Promise.all([
      this.#database.getAll("metered", IDBKeyRange.lowerBound(from)),
      this.#database.getAll("readings", IDBKeyRange.lowerBound([from, 0])),
      this.#database.getAll("countings", IDBKeyRange.lowerBound(from)),
      this.#database.getAll("bills"),
    ]);
    return { metered, readings, countings, bills };
  }
}
