// What this browser keeps of its supplier: the device's key and certificate, and sums that were verified once, so that
// they need not be fetched again and are there offline.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { SupplierMonth } from "../../../src/client/supplier-settlement.ts";

export interface StoredSupplierIdentity {
  readonly keys: CryptoKeyPair;
  readonly requestPem: string;
  /** Null while the key is not enrolled yet: the same request again gets the same certificate. */
  readonly enrolled: {
    readonly supplier: number;
    readonly certificatePem: string;
    readonly atMs: number;
  } | null;
}

/** What the customers trade together, in units of 2^-10 Wh; null unless "ok". */
export interface ClearingSums {
  readonly state: "ok" | "withheld" | "void";
  readonly boughtUnits: number | null;
  readonly soldUnits: number | null;
}

/** What they metered together, in units of 2^-10 Wh; null where it is withheld. */
export interface MeteredSums {
  readonly importedUnits: number | null;
  readonly exportedUnits: number | null;
  readonly positionUnits: number | null;
  /** Its month is closed: it changes no more. */
  readonly isFinal: boolean;
}

/** Null for what is not known yet. */
export interface StoredPeriod {
  readonly periodStart: number;
  readonly clearing: ClearingSums | null;
  readonly metered: MeteredSums | null;
}

export interface StoredMonth
  extends Pick<Extract<SupplierMonth, { state: "closed" }>, "customers" | "position"> {
  readonly month: string;
}

interface Schema extends DBSchema {
  identity: { key: string; value: StoredSupplierIdentity };
  periods: { key: number; value: StoredPeriod };
  months: { key: string; value: StoredMonth };
}

const VERSION = 1;
const OWN = "own";

export class SupplierDatabase {
  readonly #database: IDBPDatabase<Schema>;

  private constructor(database: IDBPDatabase<Schema>) {
    this.#database = database;
  }

  /** One for each market, in this browser. */
  static async open(market: string): Promise<SupplierDatabase> {
    const database = await openDB<Schema>(`hushwatt supplier ${market}`, VERSION, {
      upgrade(fresh) {
        fresh.createObjectStore("identity");
        fresh.createObjectStore("periods", { keyPath: "periodStart" });
        fresh.createObjectStore("months", { keyPath: "month" });
      },
    });
    return new SupplierDatabase(database);
  }

  async identity(): Promise<StoredSupplierIdentity | null> {
    return (await this.#database.get("identity", OWN)) ?? null;
  }

  async keepIdentity(identity: StoredSupplierIdentity): Promise<void> {
    const transaction = this.#database.transaction("identity", "readwrite", {
      durability: "strict",
    });
    await Promise.all([transaction.store.put(identity, OWN), transaction.done]);
  }

  /** Of periods that begin from `from` on and before `to`. */
  periods(from: number, to: number): Promise<StoredPeriod[]> {
    return this.#database.getAll("periods", IDBKeyRange.bound(from, to, false, true));
  }

  async keepPeriod(period: StoredPeriod): Promise<void> {
    await this.#database.put("periods", period);
  }

  async month(month: string): Promise<StoredMonth | null> {
    return (await this.#database.get("months", month)) ?? null;
  }

  async keepMonth(month: StoredMonth): Promise<void> {
    await this.#database.put("months", month);
  }

  /** Forgets who the device is and all sums: another supplier's may follow. */
  async clear(): Promise<void> {
    const stores = ["identity", "periods", "months"] as const;
    const transaction = this.#database.transaction(stores, "readwrite", { durability: "strict" });
    for (const store of stores) void transaction.objectStore(store).clear();
    await transaction.done;
  }
}
