// The results of a completed attempt: fetched from the evaluators that have them, compared, and put together.
import { ChannelError } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import { type Order, type Outcome, type SupplierSums, tradedFromAbove } from "../market/order.ts";
import type { Clock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import type { ClearedAnswer } from "../wire/session-messages.ts";
import type { CompletedAttempt } from "./clearing-answers.ts";
import { type EvaluatorConnection, EvaluatorFailedError } from "./evaluator-connection.ts";
import type { Sharing } from "./sharing.ts";

/** What one evaluator has sent. */
interface OwnShares {
  readonly evaluator: number;
  readonly orders: Uint8Array;
  /** The sums of all suppliers that may learn theirs, one after the other. */
  readonly suppliers: Uint8Array;
}

/** Fetches and puts together the results of an attempt; null if too many evaluators fail meanwhile. */
export async function fetchOutcome(
  tools: { readonly field: Field; readonly clock: Clock },
  sharing: Sharing,
  completed: CompletedAttempt,
  orders: readonly Order[],
  revealedSuppliers: readonly boolean[],
): Promise<Outcome | null> {
  checkAlike(completed.answers);
  const revealed = revealedSuppliers.filter((may) => may).length;
  // A supplier's sums are two elements.
  const elements = [orders.length, 2 * revealed] as const;
  const fetched = await Promise.allSettled(
    completed.evaluators.map((evaluator) =>
      fetchFrom(tools.clock, evaluator, completed.attempt, sharing.resultBytes, elements),
    ),
  );
  const parts = fetched.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (parts.length < sharing.leastShares) return null;

  const numbers = parts.map(({ evaluator }) => evaluator);
  const combine = async (shares: readonly Uint8Array[]) => {
    const values = await sharing.combine(numbers, shares);
    const clear = tools.field.toNumbers(values);
    tools.field.free(values);
    return clear;
  };
  const [first] = completed.answers;
  const above = await combine(parts.map((own) => own.orders));
  const tradedUnits = above.map((units, i) => tradedFromAbove(orders[i]!, units));
  // A rejected order counts as energy 0 and trades nothing.
  for (const [index] of first!.rejected) tradedUnits[index] = 0;
  const suppliers: (SupplierSums | null)[] = [];
  let at = 0;
  for (const may of revealedSuppliers) {
    if (!may) {
      suppliers.push(null);
      continue;
    }
    const end = at + 2 * sharing.resultBytes;
    const [boughtUnits, soldUnits] = await combine(
      parts.map((own) => own.suppliers.subarray(at, end)),
    );
    suppliers.push({ boughtUnits: boughtUnits!, soldUnits: soldUnits! });
    at = end;
  }
  return { traded: first!.traded, priceTick: first!.priceTick, tradedUnits, suppliers };
}

/** One evaluator's shares. One that does not send them is given up. */
async function fetchFrom(
  clock: Clock,
  evaluator: EvaluatorConnection,
  attempt: number,
  resultBytes: number,
  [orderElements, supplierElements]: readonly [number, number],
): Promise<OwnShares> {
  const cancel = clock.timer(LIMITS.silenceMs, () => {
    const what = `${evaluator.name} sent no results for ${LIMITS.silenceMs / 1000} s`;
    evaluator.close(new ChannelError("peer-silent", what));
  });
  try {
    const [orders, suppliers] = await evaluator.fetch(
      attempt,
      resultBytes * orderElements,
      resultBytes * supplierElements,
    );
    return { evaluator: evaluator.number, orders, suppliers };
  } finally {
    cancel();
  }
}

/** What is public must be the same at all evaluators. */
function checkAlike(answers: readonly ClearedAnswer[]): void {
  const [first] = answers;
  for (const answer of answers) {
    if (answer.traded !== first!.traded || answer.priceTick !== first!.priceTick) {
      throw new EvaluatorFailedError("the evaluators published different prices");
    }
    if (answer.coin !== first!.coin) {
      throw new EvaluatorFailedError("the evaluators published different coins");
    }
    if (JSON.stringify(answer.rejected) !== JSON.stringify(first!.rejected)) {
      throw new EvaluatorFailedError("the evaluators rejected different orders");
    }
  }
  if (first!.rejectedCount > first!.rejected.length) {
    throw new EvaluatorFailedError(`the evaluators rejected ${first!.rejectedCount} orders`);
  }
}
