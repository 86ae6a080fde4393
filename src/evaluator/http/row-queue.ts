// Orders or readings on their way to the disk: those that arrive in a short time, or while a batch is being stored, are
// one batch, so that many share the cost of a durable write. The answer to each is known when the store has resolved,
// not before.
import type { Clock } from "../../platform/clock.ts";
import type { AddOrderResult } from "../../storage/evaluator-store.ts";

export interface QueueOptions {
  readonly ordersWaiting: number;
  readonly ordersAtOnce: number;
  /** How long a row waits for others to be stored with. */
  readonly ordersGatherMs: number;
  readonly clock: Clock;
  /** Told of each batch that is about to be stored. */
  readonly onBatch?: (size: number) => void;
}

/** There is no room for another row. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
}

interface Waiting<Row> {
  readonly row: Row;
  readonly resolve: (result: AddOrderResult) => void;
  readonly reject: (error: unknown) => void;
}

type Store<Row> = (rows: readonly Row[]) => Promise<readonly AddOrderResult[]>;

export class RowQueue<Row> {
  readonly #store: Store<Row>;
  readonly #options: QueueOptions;
  #waiting: Waiting<Row>[] = [];
  #storing: Promise<void> | null = null;

  /** `store` makes a batch durable. */
  constructor(store: Store<Row>, options: QueueOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Resolves when the row is durable, or refused. Rejects with QueueFullError, or as the store does. */
  add(row: Row): Promise<AddOrderResult> {
    if (this.#waiting.length >= this.#options.ordersWaiting) {
      return Promise.reject(new QueueFullError("too much waits to be stored"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      this.#storing ??= this.#storeAll();
    });
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#storing;
  }

  async #storeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // An embedded database lets nothing else run while it writes: the fewer writes the better.
      await this.#options.clock.sleep(this.#options.ordersGatherMs);
      const batch = this.#waiting.splice(0, this.#options.ordersAtOnce);
      this.#options.onBatch?.(batch.length);
      await this.#storeBatch(batch);
    }
    this.#storing = null;
  }

  async #storeBatch(batch: readonly Waiting<Row>[]): Promise<void> {
    try {
      const results = await this.#store(batch.map(({ row }) => row));
      batch.forEach(({ resolve }, i) => {
        resolve(results[i]!);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
