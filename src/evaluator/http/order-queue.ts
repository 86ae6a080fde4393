// Orders on their way to the disk: those that arrive in a short time, or while a batch is being stored, are one batch,
// so that many share the cost of a durable write. An order's answer is known when the store has resolved, not before.
import type { Clock } from "../../platform/clock.ts";
import type { AddOrderResult, EvaluatorStore, NewOrder } from "../../storage/evaluator-store.ts";

export interface QueueOptions {
  /** Orders of a meter for one period. */
  readonly orderVersions: number;
  readonly ordersWaiting: number;
  readonly ordersAtOnce: number;
  /** How long an order waits for others to be stored with. */
  readonly ordersGatherMs: number;
  readonly clock: Clock;
  /** Told of each batch that is about to be stored. */
  readonly onBatch?: (size: number) => void;
}

/** There is no room for another order. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
}

interface Waiting {
  readonly order: NewOrder;
  readonly resolve: (result: AddOrderResult) => void;
  readonly reject: (error: unknown) => void;
}

export class OrderQueue {
  readonly #store: Pick<EvaluatorStore, "addOrders">;
  readonly #options: QueueOptions;
  #waiting: Waiting[] = [];
  #storing: Promise<void> | null = null;

  constructor(store: Pick<EvaluatorStore, "addOrders">, options: QueueOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Resolves when the order is durable, or refused. Rejects with QueueFullError, or as the store does. */
  add(order: NewOrder): Promise<AddOrderResult> {
    if (this.#waiting.length >= this.#options.ordersWaiting) {
      return Promise.reject(new QueueFullError("too many orders wait to be stored"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ order, resolve, reject });
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

  async #storeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const orders = batch.map(({ order }) => order);
      const results = await this.#store.addOrders(orders, this.#options.orderVersions);
      batch.forEach(({ resolve }, i) => {
        resolve(results[i]!);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
