// From shared rows of bits to a book (docs/PROTOCOL.md, "Orders"): an order is well-formed when every bit is a bit and
// exactly one supplier is named, the meter's own where that is known. An order that fails counts as all zeros: no
// energy, no supplier. How rows are checked is in row-intake.ts.
import type { Engine } from "../mpc/engine.ts";
import type { Secret } from "../mpc/shared.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { OrderLayout } from "./order-layout.ts";
import type { SecretBook } from "./preparation.ts";
import {
  numberOf,
  type ReceivedShares,
  type Rejection,
  type TakenRows,
  takeRows,
  WholeColumns,
} from "./row-intake.ts";

/** All parties' shares of the orders, as one party holds them. */
export interface ReceivedOrders extends ReceivedShares {
  /** Per order the supplier that it must name, where everybody knows: null where orders may name any. */
  readonly membership: Uint8Array | null;
}

export type RejectionReason = Rejection<"order">;

export interface Intake {
  readonly book: SecretBook;
  /** Per order: null, or why it was rejected. The same at every evaluator. */
  readonly rejected: readonly (RejectionReason | null)[];
}

/** What is left of a piece of the orders. */
interface Piece {
  readonly energy: Secret;
  readonly keyBits: readonly Secret[];
  readonly suppliers: readonly Secret[];
}

/** Checks and folds all orders: see `takeRows` for what is opened, and the rounds. */
export async function takeOrders(
  engine: Engine,
  primitives: Primitives,
  layout: OrderLayout,
  received: ReceivedOrders,
): Promise<Intake> {
  const kind = {
    name: "order" as const,
    width: layout.width,
    fold(columns: readonly Secret[], from: number, to: number) {
      const energyBits = columns.slice(layout.energy, layout.suppliers);
      const membership = received.membership?.subarray(from, to) ?? null;
      const kept: Piece = {
        energy: numberOf(engine, energyBits),
        keyBits: columns.slice(0, layout.energy),
        suppliers: columns.slice(layout.suppliers),
      };
      const excess = supplierExcess(engine, layout, columns, membership);
      return { claims: [excess], kept, spent: energyBits };
    },
  };
  const taken = await takeRows(engine, primitives, kind, received);
  return { book: bookOf(engine, taken), rejected: taken.rejected };
}

/**
 * Per order the number of suppliers named, less 1. Where the supplier to name is known, every other one counts twice:
 * the number is 0 for that one alone.
 */
function supplierExcess(
  engine: Engine,
  layout: OrderLayout,
  columns: readonly Secret[],
  membership: Uint8Array | null,
): Secret {
  const named = columns.slice(layout.suppliers, layout.bits);
  // Without any order there may be no suppliers either.
  if (named.length === 0) return engine.constant(new Int8Array(columns[0]!.length).fill(-1));
  const counted =
    membership === null
      ? named
      : named.map((column, k) => {
          const weights = engine.field.alloc(column.length);
          engine.field.setNumbers(
            weights,
            membership.map((supplier) => (supplier === k ? 1 : 2)),
          );
          const weighted = engine.mulPublic(column, weights);
          engine.field.free(weights);
          return weighted;
        });
  const excess = engine.signedSum(
    counted.map((value) => ({ value, positive: true })),
    -1,
  );
  if (membership !== null) engine.free(...counted);
  return excess;
}

function bookOf(engine: Engine, taken: TakenRows<"order", Piece>): SecretBook {
  const whole = new WholeColumns(engine, taken);
  const [first] = taken.pieces;
  const book = {
    keyBits: first!.keyBits.map((_, j) => whole.of((piece) => piece.keyBits[j]!)),
    energy: whole.of((piece) => piece.energy),
    suppliers: first!.suppliers.map((_, k) => whole.of((piece) => piece.suppliers[k]!)),
  };
  whole.free();
  return book;
}
