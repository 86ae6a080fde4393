// What the meters and suppliers of a market do around a clearing, for a file of orders at once: split every order
// into shares, send each evaluator its part only, and put the results together from all evaluators' shares.
import { ChannelError } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import { type Order, type Outcome, type SupplierSums, tradedFromAbove } from "../market/order.ts";
import { type OrderLayout, orderLayout, orderRows } from "../market/order-layout.ts";
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import type { Primitives } from "../platform/primitives.ts";
import { combineReplicated, SEED_BYTES, splitRows } from "../sharing/replicated.ts";
import type { ClearCommand, ClearedAnswer } from "../wire/session-messages.ts";
import { type EvaluatorConnection, EvaluatorFailedError } from "./evaluator-connection.ts";

const ORDERS_AT_ONCE = 2048;

export type ClearRequest = Omit<ClearCommand, "type" | "count">;

export interface ClientTools {
  readonly field: Field;
  readonly primitives: Primitives;
  readonly clock: Clock;
}

export interface ClientProgress {
  readonly phase: "share" | "offline" | "online";
}

export interface ClearedPeriod {
  readonly outcome: Outcome;
  /** The public coin of the priority order, in hexadecimal. */
  readonly coin: string;
  readonly shareMs: number;
  /** The slowest evaluator's, and the most that one sent to the others. */
  readonly offlineMs: number;
  readonly onlineMs: number;
  readonly bytesSentPerEvaluator: number;
  readonly rounds: number;
  readonly onlineRounds: number;
  readonly peakRssBytes: number;
  readonly rejected: ClearedAnswer["rejected"];
  /** The first order's shares as evaluator 0, 1, 2 received them, to show what they look like. */
  readonly firstOrderShares: readonly Uint8Array[];
}

/** Has the evaluators clear `orders`. Throws when one of them fails or their answers do not fit together. */
export async function clearPrivately(
  tools: ClientTools,
  evaluators: readonly EvaluatorConnection[],
  request: ClearRequest,
  orders: readonly Order[],
  onProgress: (progress: ClientProgress) => void = () => {},
): Promise<ClearedPeriod> {
  const { clock } = tools;
  const supplierCount = request.revealedSuppliers.length;
  const layout = orderLayout(request.priceBits, request.energyBits, supplierCount);
  onProgress({ phase: "share" });
  const begin = clock.nowMs();
  const command: ClearCommand = { type: "clear", count: orders.length, ...request };
  for (const evaluator of evaluators) evaluator.command(command);
  const finished = allCleared(tools, evaluators, (phase) => onProgress({ phase }));
  // A failure shows in `finished` first; sending then fails too, with a less telling error.
  const sent = sendOrders(tools, evaluators, layout, orders);
  const { shareMs, firstOrderShares } = await Promise.race([
    sent.then((shares) => ({ shareMs: clock.nowMs() - begin, firstOrderShares: shares })),
    finished.then(() => {
      throw new EvaluatorFailedError("the evaluators answered before they had all orders");
    }),
  ]).catch(async (error: unknown) => {
    await finished;
    throw error;
  });

  const answers = await finished;
  const outcome = await collectOutcome(tools.field, evaluators, request, orders, answers);
  const most = (of: (answer: ClearedAnswer) => number) => Math.max(...answers.map(of));
  return {
    outcome,
    shareMs,
    offlineMs: most((answer) => answer.offlineMs),
    onlineMs: most((answer) => answer.onlineMs),
    bytesSentPerEvaluator: most((answer) => answer.bytesSent),
    rounds: most((answer) => answer.rounds),
    onlineRounds: most((answer) => answer.onlineRounds),
    peakRssBytes: most((answer) => answer.peakRssBytes),
    coin: answers[0]!.coin,
    rejected: answers[0]!.rejected,
    firstOrderShares,
  };
}

/**
 * All evaluators' answers. One that fails brings the others down; so the error has what each of them says,
 * and who has not answered.
 */
async function allCleared(
  { clock }: ClientTools,
  evaluators: readonly EvaluatorConnection[],
  onPhase: (phase: "offline" | "online") => void,
): Promise<ClearedAnswer[]> {
  const answers = evaluators.map((evaluator, party) =>
    evaluator.cleared((phase) => {
      if (party === 0) onPhase(phase);
    }),
  );
  try {
    return await Promise.all(answers);
  } catch (error) {
    if (!(error instanceof ChannelError || error instanceof EvaluatorFailedError)) throw error;
    const later = clock.sleep(REASONS_WITHIN_MS);
    const reasons = await Promise.all(
      answers.map((answer, party) => {
        const silent = later.then(() => `${evaluators[party]!.name} has not answered`);
        return Promise.race([answer.then(() => null, messageOf), silent]);
      }),
    );
    throw new EvaluatorFailedError(reasons.filter((reason) => reason !== null).join("; "));
  }
}

/** How long the others have to say why they failed too. */
const REASONS_WITHIN_MS = 500;

/** Splits the orders and sends evaluator i components i and i + 1, those that are seeds as seeds. */
async function sendOrders(
  tools: ClientTools,
  evaluators: readonly EvaluatorConnection[],
  layout: OrderLayout,
  orders: readonly Order[],
): Promise<Uint8Array[]> {
  let firstOrderShares: Uint8Array[] = [];
  for (let from = 0; from < orders.length; from += ORDERS_AT_ONCE) {
    const rows = orderRows(orders.slice(from, from + ORDERS_AT_ONCE), layout);
    const shares = splitRows(tools.field, tools.primitives, rows, layout.width);
    const components = [shares.seeds0, shares.seeds1, shares.component2];
    if (from === 0) firstOrderShares = firstOf(components, layout);
    for (const [party, evaluator] of evaluators.entries()) {
      await evaluator.sendComponent(0, components[party]!);
      await evaluator.sendComponent(1, components[(party + 1) % 3]!);
    }
  }
  return firstOrderShares;
}

/** What each evaluator receives of the first order. */
function firstOf(components: readonly Uint8Array[], layout: OrderLayout): Uint8Array[] {
  const first = components.map((component, index) =>
    component.slice(0, index === 2 ? 8 * layout.width : SEED_BYTES),
  );
  return [0, 1, 2].map((party) => Uint8Array.from([...first[party]!, ...first[(party + 1) % 3]!]));
}

async function collectOutcome(
  field: Field,
  evaluators: readonly EvaluatorConnection[],
  request: ClearRequest,
  orders: readonly Order[],
  answers: readonly ClearedAnswer[],
): Promise<Outcome> {
  const [first] = answers;
  for (const answer of answers) {
    if (answer.traded !== first!.traded || answer.priceTick !== first!.priceTick) {
      throw new EvaluatorFailedError("the evaluators published different prices");
    }
    if (answer.coin !== first!.coin) {
      throw new EvaluatorFailedError("the evaluators published different coins");
    }
  }
  if (first!.rejectedCount > first!.rejected.length) {
    throw new EvaluatorFailedError(`the evaluators rejected ${first!.rejectedCount} orders`);
  }
  const revealed = request.revealedSuppliers.filter((may) => may).length;
  // An output share is two components of 8 bytes per element; a supplier's sums are two elements.
  const [orderShares, supplierShares] = await Promise.all([
    Promise.all(evaluators.map((evaluator) => evaluator.results("orders", 16 * orders.length))),
    Promise.all(evaluators.map((evaluator) => evaluator.results("suppliers", 32 * revealed))),
  ]);
  const above = combineReplicated(field, orderShares);
  const tradedUnits = field
    .toNumbers(above)
    .map((aboveUnits, i) => tradedFromAbove(orders[i]!, aboveUnits));
  field.free(above);
  // A rejected order counts as energy 0 and trades nothing.
  for (const [index] of first!.rejected) tradedUnits[index] = 0;
  let at = 0;
  const suppliers = request.revealedSuppliers.map((may): SupplierSums | null => {
    if (!may) return null;
    const own = supplierShares.map((bytes) => bytes.subarray(at, at + 32));
    at += 32;
    const sums = combineReplicated(field, own);
    const [boughtUnits, soldUnits] = field.toNumbers(sums);
    field.free(sums);
    return { boughtUnits: boughtUnits!, soldUnits: soldUnits! };
  });
  return { traded: first!.traded, priceTick: first!.priceTick, tradedUnits, suppliers };
}
