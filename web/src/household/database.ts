// What this browser keeps of its household: the device's key and certificate, orders in clear with their shares and
// receipts, outcomes, and settings. It stays in the browser; orders are durable before they are sent.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Check } from "../../../src/client/checks.ts";
import type { MeterOutcome } from "../../../src/client/meter-outcome.ts";
import type { ClearOrder } from "../../../src/client/prepared-order.ts";
import type { SignedReceipt } from "../../../src/wire/records.ts";
import {
  type ReadingsSchema,
  ReadingsStore,
  type StoredBill,
  type StoredReading,
} from "./readings-store.ts";

export interface StoredIdentity {
  readonly keys: CryptoKeyPair;
  /** Null while the key is not enrolled yet: the same request again gets the same certificate. */
  readonly enrolled: {
    readonly meter: string;
    readonly supplier: number;
    readonly certificatePem: string;
    readonly atMs: number;
  } | null;
  readonly requestPem: string;
}

/** Who wanted an order: a person, the standing rule, or nobody (a zero order, which looks like any other). */
export type OrderOrigin = "hand" | "rule" | "none";

export interface StoredOrder extends ClearOrder {
  readonly periodStart: number;
  readonly sequence: number;
  readonly origin: OrderOrigin;
  /** The order as it is sent; null when it is no longer needed. */
  readonly prepared: Uint8Array | null;
  readonly receipts: readonly SignedReceipt[];
  readonly placedMs: number;
}

export interface StoredOutcome {
  readonly periodStart: number;
  readonly sequence: number;
  readonly state: Exclude<MeterOutcome["state"], "pending">;
  readonly priceTick: number | null;
  readonly tradedUnits: number | null;
  readonly checks: readonly Check[];
  readonly foundMs: number;
}

interface Schema extends DBSchema, ReadingsSchema {
  identity: { key: string; value: StoredIdentity };
  orders: { key: [number, number]; value: StoredOrder };
  outcomes: { key: number; value: StoredOutcome };
  settings: { key: string; value: unknown };
}

/** 2: readings and bills. */
const VERSION = 2;
const OWN = "own";
const STRICT = { durability: "strict" } as const;

export class HouseholdDatabase {
  readonly #database: IDBPDatabase<Schema>;

  /** What was metered, sent of it, and billed. */
  readonly readings: ReadingsStore;

  private constructor(database: IDBPDatabase<Schema>) {
    this.#database = database;
    // It sees its own part of the stores.
    this.readings = new ReadingsStore(database as unknown as IDBPDatabase<ReadingsSchema>);
  }

  /** One for each market, in this browser. */
  static async open(market: string): Promise<HouseholdDatabase> {
    const database = await openDB<Schema>(`hushwatt ${market}`, VERSION, {
      upgrade(fresh, before) {
        if (before < 1) {
          fresh.createObjectStore("identity");
          fresh.createObjectStore("orders", { keyPath: ["periodStart", "sequence"] });
          fresh.createObjectStore("outcomes", { keyPath: "periodStart" });
          fresh.createObjectStore("settings");
        }
        fresh.createObjectStore("metered", { keyPath: "periodStart" });
        fresh.createObjectStore("readings", { keyPath: ["periodStart", "sequence"] });
        fresh.createObjectStore("countings", { keyPath: "periodStart" });
        fresh.createObjectStore("bills", { keyPath: "month" });
      },
    });
    return new HouseholdDatabase(database);
  }

  async identity(): Promise<StoredIdentity | null> {
    return (await this.#database.get("identity", OWN)) ?? null;
  }

  async keepIdentity(identity: StoredIdentity): Promise<void> {
    const transaction = this.#database.transaction("identity", "readwrite", STRICT);
    await Promise.all([transaction.store.put(identity, OWN), transaction.done]);
  }

  /** Keeps an order; durable when it resolves. Rejects when there is one with this number already. */
  async addOrder(order: StoredOrder): Promise<void> {
    const transaction = this.#database.transaction("orders", "readwrite", STRICT);
    await Promise.all([transaction.store.add(order), transaction.done]);
  }

  async addReceipt(periodStart: number, sequence: number, receipt: SignedReceipt): Promise<void> {
    const transaction = this.#database.transaction("orders", "readwrite");
    const order = await transaction.store.get([periodStart, sequence]);
    const known = order?.receipts.some(
      (one) => one.receipt.evaluator === receipt.receipt.evaluator,
    );
    if (order !== undefined && known === false) {
      await transaction.store.put({ ...order, receipts: [...order.receipts, receipt] });
    }
    await transaction.done;
  }

  /** Keeps that it is somebody else now who wants an order. */
  async keepOrigin(periodStart: number, sequence: number, origin: OrderOrigin): Promise<void> {
    const transaction = this.#database.transaction("orders", "readwrite");
    const order = await transaction.store.get([periodStart, sequence]);
    if (order !== undefined) await transaction.store.put({ ...order, origin });
    await transaction.done;
  }

  /** Drops the shares of orders for periods that began before `start`: nobody needs them any more. */
  async forgetShares(start: number): Promise<void> {
    const transaction = this.#database.transaction("orders", "readwrite");
    const range = IDBKeyRange.upperBound([start, 0]);
    let cursor = await transaction.store.openCursor(range, "prev");
    while (cursor !== null && cursor.value.prepared !== null) {
      await cursor.update({ ...cursor.value, prepared: null });
      cursor = await cursor.continue();
    }
    await transaction.done;
  }

  async addOutcome(outcome: StoredOutcome): Promise<void> {
    await this.#database.put("outcomes", outcome);
  }

  /** The last order of every period from `from` on. */
  async lastOrders(from: number): Promise<Map<number, StoredOrder>> {
    const range = IDBKeyRange.lowerBound([from, 0]);
    const all = await this.#database.getAll("orders", range);
    return new Map(all.map((order) => [order.periodStart, order]));
  }

  async outcomes(from: number): Promise<Map<number, StoredOutcome>> {
    const all = await this.#database.getAll("outcomes", IDBKeyRange.lowerBound(from));
    return new Map(all.map((outcome) => [outcome.periodStart, outcome]));
  }

  async setting<T>(name: string): Promise<T | null> {
    return ((await this.#database.get("settings", name)) as T | undefined) ?? null;
  }

  async keepSetting(name: string, value: unknown): Promise<void> {
    await this.#database.put("settings", value, name);
  }

  /** Everything in clear, for the person to keep elsewhere: without key and shares. */
  async everything(): Promise<HouseholdCopy> {
    const [orders, outcomes, readings, bills] = await Promise.all([
      this.#database.getAll("orders"),
      this.#database.getAll("outcomes"),
      this.#database.getAll("readings"),
      this.#database.getAll("bills"),
    ]);
    return {
      orders: orders.map((order) => ({ ...order, prepared: null })),
      outcomes,
      readings: readings.map((reading) => ({ ...reading, prepared: null })),
      bills,
    };
  }
}

interface HouseholdCopy {
  readonly orders: readonly StoredOrder[];
  readonly outcomes: readonly StoredOutcome[];
  readonly readings: readonly StoredReading[];
  readonly bills: readonly StoredBill[];
}
