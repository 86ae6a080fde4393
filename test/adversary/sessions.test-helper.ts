// Whole clearing sessions in one process, of which one evaluator lies in one message of one's choice; for tests of
// what the others make of it.
import { shareOrders } from "../../src/client/share-orders.ts";
import { nodePrimitives } from "../../src/crypto/node-primitives.ts";
import { activePoints, intakeOf, startEngine } from "../../src/evaluator/engine-sessions.ts";
import { Field } from "../../src/field/field.ts";
import { P } from "../../src/field/reference.ts";
import { clearPeriod } from "../../src/market/clearing.ts";
import { type Order, type Outcome, tradedFromAbove } from "../../src/market/order.ts";
import { orderLayout } from "../../src/market/order-layout.ts";
import { prepareClearing, type SecretRules } from "../../src/market/preparation.ts";
import type { Engine } from "../../src/mpc/engine.ts";
import type { LinearEngine } from "../../src/mpc/linear-engine.ts";
import { kindOf, type MessageKind, type Peers } from "../../src/mpc/network.ts";
import { closePeers, meshedPeers, type SentFrame } from "../../src/mpc/parties.test-helper.ts";
import { ReplicatedEngine } from "../../src/mpc/replicated-engine.ts";
import { arrangementOf } from "../../src/mpc/serve.ts";
import { ShamirEngine } from "../../src/mpc/shamir-engine.ts";
import { Partial, type Secret } from "../../src/mpc/shared.ts";
import { combineReplicated } from "../../src/sharing/replicated.ts";
import { combineShamir } from "../../src/sharing/shamir.ts";
import type { Setting } from "../../src/wire/setting.ts";
import { below, type Draw } from "./draws.test-helper.ts";

const SEED_BYTES = 32;

/**
 * What a message may be, as the network names it; a share of a result on its way to a meter; or a product: then the
 * liar
 * adds a small number to what it should have computed, and from there on follows the protocol.
 */
export type LieKind = MessageKind | "output" | "product";

export interface Lie {
  readonly party: number;
  readonly kind: LieKind;
  /** Which of the messages of that kind that the party sends. */
  readonly index: number;
  readonly draw: Draw;
}

export interface SessionResult {
  /** What meters and suppliers put together; null if an evaluator ended, or the shares do not fit together. */
  readonly outcome: Outcome | null;
  /** Why evaluators ended. */
  readonly reasons: readonly unknown[];
  readonly lied: boolean;
  /** Openings of verified values that an honest evaluator took part in after it could know of the lie. */
  readonly revealedAfter: number;
  /** How many messages of each kind each evaluator sent. */
  readonly sent: readonly Map<LieKind, number>[];
}

export interface SmallMarket {
  readonly priceBits: number;
  readonly energyBits: number;
  readonly suppliers: number;
  readonly rules: SecretRules;
  readonly orders: readonly Order[];
}

type MulSum = Engine["mulSum"];

/** Has `before` see all products of all engines while `work` runs, and give what is added to them. */
async function watchingProducts<T>(
  before: (engine: LinearEngine, ...product: Parameters<MulSum>) => Parameters<MulSum>[1],
  work: () => Promise<T>,
): Promise<T> {
  const restore = [ReplicatedEngine.prototype, ShamirEngine.prototype].map((engine) => {
    const { mulSum } = engine;
    engine.mulSum = function (this: typeof engine, factors, plus) {
      return mulSum.call(this as never, factors, before(this, factors, plus));
    };
    return () => {
      engine.mulSum = mulSum;
    };
  });
  try {
    return await work();
  } finally {
    for (const undo of restore) undo();
  }
}

/** Runs a session with everybody honest, or with one lie. */
export async function runSession(
  setting: Setting,
  market: SmallMarket,
  lie: Lie | null,
): Promise<SessionResult> {
  const fields: Field[] = [];
  const products: number[] = [];
  let lied = false;
  const result = await watchingProducts(
    (engine, factors, plus) => {
      const party = fields.indexOf(engine.field);
      const index = products[party] ?? 0;
      products[party] = index + 1;
      if (lie?.kind !== "product" || lie.party !== party || lie.index !== index) return plus;
      lied = true;
      return withError(engine, factors[0]![0].length, plus, lie.draw);
    },
    () => sessionWith(setting, market, lie, fields),
  );
  result.sent.forEach((kinds, party) => {
    kinds.set("product", products[party] ?? 0);
  });
  return { ...result, lied: lied || result.lied };
}

/** What is added to a product, with a small number added at one place to this party's part of it. */
function withError(
  engine: LinearEngine,
  length: number,
  plus: Secret | Partial | undefined,
  draw: Draw,
): Partial {
  const error = engine.field.alloc(length);
  engine.field.fill(error, 0);
  const at = below(draw, length);
  engine.field.fill(error.slice(at, at + 1), 1 + below(draw, 3));
  const lie = new Partial([error], true);
  if (plus === undefined) return lie;
  const added = plus instanceof Partial ? plus : (engine as unknown as Engine).partial(plus);
  return engine.add(lie, added);
}

async function sessionWith(
  setting: Setting,
  market: SmallMarket,
  lie: Lie | null,
  fields: Field[],
): Promise<SessionResult> {
  const count = 2 * setting.threshold + 1;
  const active = Array.from({ length: count }, (_, i) => i);
  const sent = active.map(() => new Map<LieKind, number>([["output", 1]]));
  let liedAt: number | null = null;
  let lied = false;
  let revealedAfter = 0;
  const onFrame = ({ from, tag, payload }: SentFrame): Uint8Array | undefined => {
    const kind = kindOf(tag);
    const index = sent[from]!.get(kind) ?? 0;
    sent[from]!.set(kind, index + 1);
    if (lie !== null && from === lie.party && kind === lie.kind && index === lie.index) {
      // A permutation drawn beforehand matters when it is used, and no message says which one that is.
      if (kind !== "shuffle" || payload.length !== SEED_BYTES) liedAt = tag;
      lied = true;
      return changed(payload, lie.draw);
    }
    // An evaluator that was told the truth about the last coin before an opening takes part in that one, and no more.
    const operationsAfter = liedAt === null ? 0 : (tag >> 3) - (liedAt >> 3);
    if (from !== lie?.party && kind === "reveal" && operationsAfter > 1) revealedAfter += 1;
    return undefined;
  };
  const peers = meshedPeers(count, onFrame);
  const received = distribute(setting, market);
  const results = await Promise.allSettled(
    peers.map(async (own, party) => {
      try {
        fields[party] = new Field();
        return await atEvaluator(setting, market, fields[party], own, active, received[party]!);
      } catch (error) {
        closePeers([own]);
        throw error;
      }
    }),
  );
  closePeers(peers);
  const reasons = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason] : [],
  );
  const outputs = results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
  if (lie?.kind === "output" && outputs.length === count) {
    lied = true;
    const own = outputs[lie.party]!;
    own.shares[0] = changed(own.shares[0]!, lie.draw);
  }
  const outcome = outputs.length === count ? putTogether(setting, market, outputs, reasons) : null;
  return { outcome, reasons, lied, revealedAfter, sent };
}

function distribute(setting: Setting, market: SmallMarket): Uint8Array[][] {
  const { engine, parties, threshold } = setting;
  if (engine === "dealer") throw new Error("the dealer has sessions of its own");
  const tools = { field: new Field(), primitives: nodePrimitives };
  return shareOrders(tools, { engine, parties, threshold }, layoutOf(market), market.orders);
}

const layoutOf = ({ priceBits, energyBits, suppliers }: SmallMarket) =>
  orderLayout(priceBits, energyBits, suppliers);

interface OwnOutput {
  readonly traded: boolean;
  readonly priceTick: number | null;
  readonly rejected: string;
  readonly shares: Uint8Array[];
}

/** What one evaluator's process does: intake, preparation, clearing, output. */
async function atEvaluator(
  setting: Setting,
  market: SmallMarket,
  field: Field,
  peers: Peers,
  active: readonly number[],
  streams: readonly Uint8Array[],
): Promise<OwnOutput> {
  const reachDealer = () => Promise.reject(new Error("there is no dealer"));
  const tools = { field, primitives: nodePrimitives, reachDealer };
  const { orders, rules } = market;
  const parties = { peers, active };
  const intake = intakeOf(tools, setting, peers.party, orders.length, layoutOf(market));
  intake.streams.forEach((stream, index) => {
    stream.write(streams[index]!, 0);
  });
  const { engine } = await startEngine(tools, { setting, dealing: null }, parties);
  const { book, rejected } = await intake.take(engine, peers, activePoints(setting, parties), true);
  const prepared = await prepareClearing(engine, rules, book);
  await engine.coin();
  // Everybody's place is as good as any here: a known one makes the outcome exact.
  const arrangement =
    rules.priorityOrder === "hidden" ? null : arrangementOf(Uint32Array.from(orders.keys()));
  const { traded, priceTick, aboveUnits, suppliers } = await clearPeriod(
    engine,
    prepared,
    arrangement,
  );
  const shares = await engine.reveal([aboveUnits, ...suppliers.filter((sums) => sums !== null)]);
  return { traded, priceTick, rejected: rejected.join(), shares };
}

/** What clients do with the evaluators' answers; null if they do not agree. */
function putTogether(
  setting: Setting,
  { orders }: SmallMarket,
  outputs: readonly OwnOutput[],
  reasons: unknown[],
): Outcome | null {
  const [first] = outputs;
  const field = new Field();
  const agreed = outputs.every(
    (own) =>
      own.traded === first!.traded &&
      own.priceTick === first!.priceTick &&
      own.rejected === first!.rejected,
  );
  if (!agreed) return null;
  try {
    const [above, ...sums] = first!.shares.map((_, index) => {
      const shares = outputs.map((own) => own.shares[index]!);
      const points = outputs.map((_, i) => i + 1);
      const value =
        setting.engine === "shamir"
          ? combineShamir(field, points, setting.threshold, shares)
          : combineReplicated(field, shares);
      return field.toNumbers(value);
    });
    return {
      traded: first!.traded,
      priceTick: first!.priceTick,
      tradedUnits: above!.map((units, i) => tradedFromAbove(orders[i]!, units)),
      suppliers: sums.map(([boughtUnits, soldUnits]) => ({
        boughtUnits: boughtUnits!,
        soldUnits: soldUnits!,
      })),
    };
  } catch (error) {
    reasons.push(error);
    return null;
  }
}

/** The message with one element, or one byte of what is no elements, changed at random. */
export function changed(payload: Uint8Array, draw: Draw): Uint8Array {
  const bytes = payload.slice();
  const elements = bytes.length % 8 === 0 ? new BigUint64Array(bytes.buffer) : null;
  if (elements === null || elements.length === 0 || elements.some((x) => x >= P)) {
    const at = below(draw, bytes.length);
    bytes[at] = bytes[at]! ^ (1 + below(draw, 255));
    return bytes;
  }
  const at = below(draw, elements.length);
  const any = BigInt(below(draw, 2 ** 30)) * 2n ** 30n + BigInt(below(draw, 2 ** 30));
  // By a little, or by anything.
  elements[at] = (elements[at]! + (draw() < 0.5 ? 1n + (any % 3n) : 1n + any)) % P;
  return bytes;
}
