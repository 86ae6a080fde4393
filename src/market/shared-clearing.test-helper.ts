// Clearings at evaluators in one process, from orders or from the shares that evaluators receive, and
// put together by those who may learn the results; for tests of the market's rules on shares.

import { shareOrders } from "../client/share-orders.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { activePoints, intakeOf, startEngine } from "../evaluator/engine-sessions.ts";
import { Fields } from "../field/fields.test-helper.ts";
import type { Engine, Security, VerifiableEngine } from "../mpc/engine.ts";
import { type EngineKind, Parties, shareOf } from "../mpc/engines.test-helper.ts";
import { closePeers, type FrameWatch, meshedPeers, revealed } from "../mpc/parties.test-helper.ts";
import { arrangementOf } from "../mpc/serve.ts";
import { VerifiedEngine } from "../mpc/verified-engine.ts";
import { combineShamir } from "../sharing/shamir.ts";
import { activeCount, completeSetting, type Setting, type SettingChoice } from "../wire/setting.ts";
import { clearPeriod } from "./clearing.ts";
import type { Intake } from "./intake.ts";
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

/** Which evaluators take in orders, and how. */
export interface IntakeSetting {
  readonly setting: Setting;
  /** The numbers of those that compute. */
  readonly active: readonly number[];
}

/** A setting with its first evaluators computing, or those given. */
export function intakeSetting(choice: SettingChoice, active?: readonly number[]): IntakeSetting {
  const setting = completeSetting(choice);
  const first = Array.from({ length: activeCount(setting) }, (_, i) => i);
  return { setting, active: active ?? first };
}

const REPLICATED = intakeSetting({ engine: "replicated" });

/** What the evaluators receive of all orders: received[evaluator] holds its streams. */
export type Received = readonly (readonly Uint8Array[])[];

/** Splits the orders and hands each evaluator copies of its own streams. */
export function distribute(
  layout: OrderLayout,
  orders: readonly Order[],
  { setting }: IntakeSetting = REPLICATED,
): Received {
  const { engine, parties, threshold } = setting;
  if (engine === "dealer") throw new Error("a dealer's meters mask their orders");
  const fields = new Fields();
  const tools = { field: fields.take(), primitives: nodePrimitives };
  const shares = shareOrders(tools, { engine, parties, threshold }, layout, orders);
  const received = shares.map((streams) => streams.map((bytes) => bytes.slice()));
  fields.giveBack();
  return received;
}

/** Intake at the evaluators that compute, from what they received, and `then` what follows it. */
async function withIntake<T>(
  { setting, active }: IntakeSetting,
  layout: OrderLayout,
  received: Received,
  count: number,
  then: (engine: Engine, intake: Intake) => Promise<T>,
  membership: Uint8Array | null = null,
): Promise<T[]> {
  const reachDealer = () => Promise.reject(new Error("there is no dealer"));
  const all = meshedPeers(active.length);
  const fields = new Fields();
  try {
    const results = await Promise.all(
      all.map(async (peers, rank) => {
        const tools = { field: fields.take(), primitives: nodePrimitives, reachDealer };
        const { engine } = await startEngine(tools, { setting, dealing: null }, { peers, active });
        const own = intakeOf(tools, setting, active[rank]!, count, layout, membership);
        own.streams.forEach((stream, index) => {
          stream.write(received[active[rank]!]![index]!, 0);
        });
        const points = activePoints(setting, { peers, active });
        return then(engine, await own.take(engine, peers, points, true));
      }),
    );
    fields.giveBack();
    return results;
  } finally {
    closePeers(all);
  }
}

/** A value from the output shares of the evaluators that compute. */
function combinedBy({ setting, active }: IntakeSetting, shares: readonly Uint8Array[]): number[] {
  if (setting.engine === "replicated") return revealed(shares);
  const fields = new Fields();
  const field = fields.take();
  const points = active.map((number) => number + 1);
  const numbers = [...field.toNumbers(combineShamir(field, points, setting.threshold, shares))];
  fields.giveBack();
  return numbers;
}

/** What all evaluators say alike. */
function agreedRejections(results: readonly Pick<Intake, "rejected">[]): Intake["rejected"] {
  const [first] = results;
  for (const { rejected } of results) {
    if (rejected.join() !== first!.rejected.join())
      throw new Error("different lists of rejections");
  }
  return first!.rejected;
}

export interface ClearBook {
  readonly rejected: Intake["rejected"];
  /** The key's bits, the energy, and the bits of the suppliers, all of them by order. */
  readonly columns: readonly number[][];
}

/** Intake alone, and the book it makes in clear. */
export async function takeReceived(
  layout: OrderLayout,
  received: Received,
  count: number,
  setting: IntakeSetting = REPLICATED,
  membership: Uint8Array | null = null,
): Promise<ClearBook> {
  const take = async (engine: Engine, intake: Intake) => {
    const { keyBits, energy, suppliers } = intake.book;
    const shares = await engine.reveal([...keyBits, energy, ...suppliers]);
    return { rejected: intake.rejected, shares };
  };
  const results = await withIntake(setting, layout, received, count, take, membership);
  const columns = results[0]!.shares.map((_, j) => {
    const shares = results.map((own) => own.shares[j]!);
    return combinedBy(setting, shares);
  });
  return { rejected: agreedRejections(results), columns };
}

export interface Session {
  readonly rejected: Intake["rejected"];
  readonly outcome: Outcome;
}

/** Intake and clearing, from what evaluators received. */
export async function clearReceived(
  layout: OrderLayout,
  rules: SecretRules,
  received: Received,
  orders: readonly Order[],
  priority: Uint32Array,
  setting: IntakeSetting = REPLICATED,
): Promise<Session> {
  const results = await withIntake(
    setting,
    layout,
    received,
    orders.length,
    async (engine, { book, rejected }) => ({
      rejected,
      own: await clearBook(engine, rules, book, priority),
    }),
  );
  const rejected = agreedRejections(results);
  const outcome = await outcomeOf(
    results.map(({ own }) => own),
    orders,
    (shares) => combinedBy(setting, shares),
  );
  // A meter whose order is rejected is told so, and trades nothing.
  const tradedUnits = outcome.tradedUnits.map((units, i) => (rejected[i] === null ? units : 0));
  return { rejected, outcome: { ...outcome, tradedUnits } };
}
