// Clearings at three evaluators in one process, from orders or from the shares that evaluators
// receive, and put together by those who may learn the results; for tests of the market's rules on
// shares.

import { shareOrders } from "../client/share-orders.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { replicatedIntake } from "../evaluator/order-intake.ts";
import { Field } from "../field/field.ts";
import type { Engine, Security, VerifiableEngine } from "../mpc/engine.ts";
import { type EngineKind, Parties, shareOf } from "../mpc/engines.test-helper.ts";
import { atThreeParties, type FrameWatch, revealed } from "../mpc/parties.test-helper.ts";
import { arrangementOf } from "../mpc/serve.ts";
import { VerifiedEngine } from "../mpc/verified-engine.ts";
import { clearPeriod } from "./clearing.ts";
import type { RejectionReason } from "./intake.ts";
import { type Order, type Outcome, tradedFromAbove } from "./order.ts";
import { type OrderLayout, orderRows } from "./order-layout.ts";
import { prepareClearing, type SecretBook, type SecretRules } from "./preparation.ts";

/** What one evaluator ends with. */
interface OwnResult {
  readonly traded: boolean;
  readonly priceTick: number | null;
  readonly orders: Uint8Array;
  readonly suppliers: readonly (Uint8Array | null)[];
}

/** Clears a book at one evaluator. */
async function clearBook(
  engine: Engine,
  rules: SecretRules,
  book: SecretBook,
  priority: Uint32Array,
): Promise<OwnResult> {
  const outcome = await clearPeriod(
    engine,
    await prepareClearing(engine, rules, book),
    rules.priorityOrder === "hidden" ? null : arrangementOf(priority),
  );
  const sums = outcome.suppliers.filter((own) => own !== null);
  const [orders, ...suppliers] = await engine.reveal([outcome.aboveUnits, ...sums]);
  return {
    traded: outcome.traded,
    priceTick: outcome.priceTick,
    orders: orders!,
    suppliers: outcome.suppliers.map((own) => (own === null ? null : suppliers.shift()!)),
  };
}

/** The outcome in clear; throws when the evaluators' shares do not fit together. */
async function outcomeOf(
  results: readonly OwnResult[],
  orders: readonly Order[],
  combined: (shares: readonly Uint8Array[]) => number[] | Promise<number[]>,
): Promise<Outcome> {
  const [first] = results;
  for (const { traded, priceTick } of results) {
    if (traded !== first!.traded || priceTick !== first!.priceTick) {
      throw new Error("the evaluators published different results");
    }
  }
  const above = await combined(results.map((result) => result.orders));
  const suppliers: Outcome["suppliers"][number][] = [];
  for (const [k, own] of first!.suppliers.entries()) {
    if (own === null) {
      suppliers.push(null);
      continue;
    }
    const [boughtUnits, soldUnits] = await combined(results.map((of) => of.suppliers[k]!));
    suppliers.push({ boughtUnits: boughtUnits!, soldUnits: soldUnits! });
  }
  return {
    traded: first!.traded,
    priceTick: first!.priceTick,
    tradedUnits: Float64Array.from(above, (units, i) => tradedFromAbove(orders[i]!, units)),
    suppliers,
  };
}

/** The orders' bits as random sharings. */
async function sharedBook(
  engine: Engine,
  layout: OrderLayout,
  orders: readonly Order[],
): Promise<SecretBook> {
  const rows = orderRows(orders, layout);
  const column = (j: number) =>
    shareOf(
      engine,
      Array.from(orders, (_, i) => rows[i * layout.width + j]!),
    );
  const keyBits = [];
  for (let j = 0; j <= layout.priceBits; j++) keyBits.push(await column(j));
  const suppliers = [];
  for (let k = 0; k < layout.supplierCount; k++) suppliers.push(await column(layout.suppliers + k));
  const energy = await shareOf(
    engine,
    orders.map((order) => (order.side === "idle" ? 0 : order.energyWh)),
  );
  return { keyBits, energy, suppliers };
}

/** Which engines clear, and who watches what they send. */
export interface SharedSetting {
  readonly kind: EngineKind;
  readonly security: Security;
  readonly onFrame?: FrameWatch;
}

/** Clears at parties that hold the orders as random sharings already. */
export async function clearOnShares(
  layout: OrderLayout,
  rules: SecretRules,
  orders: readonly Order[],
  priority: Uint32Array,
  { kind, security, onFrame }: SharedSetting = { kind: "replicated", security: "semi-honest" },
): Promise<Outcome> {
  const parties = await Parties.start(kind, onFrame);
  try {
    const results = await parties.run(async (inner) => {
      const engine =
        security === "malicious"
          ? new VerifiedEngine(inner as VerifiableEngine, nodePrimitives)
          : inner;
      return clearBook(engine, rules, await sharedBook(engine, layout, orders), priority);
    });
    return await outcomeOf(results, orders, (shares) => parties.combined(shares));
  } finally {
    parties.close();
  }
}

/** What the evaluators receive of all orders: received[party] holds its streams. */
export type Received = readonly (readonly Uint8Array[])[];

/** Splits the orders and hands each evaluator copies of its own streams. */
export function distribute(layout: OrderLayout, orders: readonly Order[]): Received {
  const tools = { field: new Field(), primitives: nodePrimitives };
  const setting = { engine: "replicated", parties: 3, threshold: 1 } as const;
  const shares = shareOrders(tools, setting, layout, orders);
  return shares.map((streams) => streams.map((bytes) => bytes.slice()));
}

export interface Session {
  readonly rejected: readonly (RejectionReason | null)[];
  readonly outcome: Outcome;
}

/** Intake and clearing at three evaluators, from what they received. */
export async function clearReceived(
  layout: OrderLayout,
  rules: SecretRules,
  received: Received,
  orders: readonly Order[],
  priority: Uint32Array,
): Promise<Session> {
  const count = orders.length;
  const results = await atThreeParties(async (engine, party, peers) => {
    const intake = replicatedIntake(engine.field, nodePrimitives, party, count, layout);
    intake.streams.forEach((stream, index) => {
      stream.write(received[party]![index]!, 0);
    });
    const { book, rejected } = await intake.take(engine, peers, null, true);
    return { rejected, own: await clearBook(engine, rules, book, priority) };
  });
  const [first] = results;
  for (const { rejected } of results) {
    if (rejected.join() !== first!.rejected.join())
      throw new Error("different lists of rejections");
  }
  const outcome = await outcomeOf(
    results.map(({ own }) => own),
    orders,
    revealed,
  );
  // A meter whose order is rejected is told so, and trades nothing.
  const tradedUnits = outcome.tradedUnits.map((units, i) =>
    first!.rejected[i] === null ? units : 0,
  );
  return { rejected: first!.rejected, outcome: { ...outcome, tradedUnits } };
}
