// What an evaluator receives of all orders, and how it becomes an engine's Secrets: for each engine that takes the
// meters' shares as its own.
import type { Field } from "../field/field.ts";
import { type Intake, takeOrders } from "../market/intake.ts";
import type { OrderLayout } from "../market/order-layout.ts";
import type { Engine } from "../mpc/engine.ts";
import type { Peers } from "../mpc/network.ts";
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { fullRows, type ReceivedRows, seededRows } from "./received-rows.ts";
import {
  type ActivePoints,
  replicatedCheck,
  type ShareCheck,
  shamirCheck,
} from "./share-checks.ts";
import { sharedRows } from "./shared-rows.ts";

export interface OrderIntake {
  /** What the client sends this evaluator, in this order, each a byte stream of known length. */
  readonly streams: readonly {
    readonly byteLength: number;
    write(piece: Uint8Array, offset: number): void;
  }[];
  /**
   * Checks and folds all orders (market/intake.ts) at the parties of one engine; `active` is null unless they are
   * those of
   * a Shamir session. It can be called again with another engine unless `last`, which frees the received bytes.
   */
  take(engine: Engine, peers: Peers, active: ActivePoints | null, last: boolean): Promise<Intake>;
  /** Frees the received bytes. */
  free(): void;
}

/** What an evaluator receives of `count` replicated rows: components i and i + 1, of which 0 and 1 arrive as seeds. */
export const replicatedRows = (
  field: Field,
  primitives: Primitives,
  party: number,
  count: number,
  width: number,
): ReceivedRows[] =>
  [party, (party + 1) % 3].map((index) =>
    index === 2 ? fullRows(field, count, width) : seededRows(field, primitives, count, width),
  );

/** Its share of `count` rows in Shamir's sharing: as seeds below the threshold's number, else in full. */
export const shamirRows = (
  field: Field,
  primitives: Primitives,
  threshold: number,
  party: number,
  count: number,
  width: number,
): ReceivedRows =>
  party < threshold ? seededRows(field, primitives, count, width) : fullRows(field, count, width);

/** Evaluator i receives components i and i + 1 of replicated sharings: 0 and 1 as seeds, 2 in full. */
export function replicatedIntake(
  field: Field,
  primitives: Primitives,
  party: number,
  count: number,
  layout: OrderLayout,
  membership: Uint8Array | null = null,
): OrderIntake {
  const components = replicatedRows(field, primitives, party, count, layout.width);
  return intakeOf(primitives, components, count, layout, membership, (_, peers) =>
    replicatedCheck(field, peers),
  );
}

/** Evaluator i receives its Shamir share of every element: below the threshold's number as seeds, else in full. */
export function shamirIntake(
  field: Field,
  primitives: Primitives,
  setting: { readonly parties: number; readonly threshold: number },
  party: number,
  count: number,
  layout: OrderLayout,
  membership: Uint8Array | null = null,
): OrderIntake {
  assert(party >= 0 && party < setting.parties, "an evaluator's number is below their number");
  const rows = shamirRows(field, primitives, setting.threshold, party, count, layout.width);
  return intakeOf(primitives, [rows], count, layout, membership, (engine, peers, active) => {
    assert(active !== null, "a Shamir session has points");
    return shamirCheck(engine, peers, active);
  });
}

function intakeOf(
  primitives: Primitives,
  components: readonly ReceivedRows[],
  count: number,
  layout: OrderLayout,
  membership: Uint8Array | null,
  checkAmong: (engine: Engine, peers: Peers, active: ActivePoints | null) => ShareCheck,
): OrderIntake {
  const free = () => {
    for (const rows of components) rows.free();
  };
  return {
    streams: components,
    async take(engine, peers, active, last) {
      const check = checkAmong(engine, peers, active);
      const orders = sharedRows(engine.field, components, count, layout, check);
      const intake = await takeOrders(engine, primitives, layout, { ...orders, membership });
      if (last) free();
      return intake;
    },
    free,
  };
}
