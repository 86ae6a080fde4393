// What evaluators say about periods: the public record, proofs, and shares of results, each only to whom it belongs.
import { ELEMENT_BYTES } from "../../field/prime.ts";
import { deadlineOf, gateClosureOf } from "../../market/market-document.ts";
import { assert } from "../../platform/assert.ts";
import { startOf } from "../../service/period-text.ts";
import type { SignedBy } from "../../service/signed-requests.ts";
import type { PeriodRow } from "../../storage/evaluator-store.ts";
import { ProblemError } from "../../wire/problems.ts";
import {
  type AggregateShare,
  type Inclusion,
  meterId,
  type PeriodRecord,
  type ResultShare,
  textOfPeriod,
} from "../../wire/records.ts";
import type { HttpContext } from "./context.ts";
import { periodsQuery } from "./endpoints.ts";
import type { InclusionTrees } from "./inclusion-trees.ts";
import { clearedPeriod, knownStartOf } from "./period-paths.ts";

/** The public record of a period. Throws ProblemError. */
export async function periodRecord(context: HttpContext, text: string): Promise<PeriodRecord> {
  const start = knownStartOf(context, text);
  return recordOf(context, start, await context.store.period(start));
}

/** The records that a query asks for, newest first. Throws ProblemError. */
export async function periodRecords(context: HttpContext, query: unknown): Promise<PeriodRecord[]> {
  const result = periodsQuery.safeParse(query);
  if (!result.success) {
    const [issue] = result.error.issues;
    const where = issue?.path.length ? `${issue.path.join(".")}: ` : "";
    throw new ProblemError("malformed-request", `${where}${issue?.message}`);
  }
  const { from, to, limit } = result.data;
  const most = context.limits.recordsPerAnswer;
  const rows = await context.store.periods(
    from === undefined ? 0 : startOf(from),
    to === undefined ? Number.MAX_SAFE_INTEGER : startOf(to),
    limit === undefined ? most : Math.min(most, Number(limit)),
  );
  return rows.map((row) => recordOf(context, row.start, row));
}

function recordOf(
  { market, marketClock }: HttpContext,
  start: number,
  row: PeriodRow | null,
): PeriodRecord {
  const gateClosure = gateClosureOf(market, start);
  const state = row?.state ?? "open";
  return {
    period: textOfPeriod(start),
    // From then on no order is taken, whether the period has been closed in the store yet or not.
    state: state === "open" && marketClock.nowS() >= gateClosure ? "closed" : state,
    gateClosure: textOfPeriod(gateClosure),
    deadline: textOfPeriod(deadlineOf(market, start)),
    attempts: row?.ballot ?? 0,
    agreed: row?.decision == null ? (row?.agreed ?? null) : row.decision.decision.agreed,
    decision: row?.decision ?? null,
  };
}

/** This evaluator's share of the result of the meter that has signed. Throws ProblemError. */
export async function resultShare(
  context: HttpContext,
  text: string,
  { party }: SignedBy,
): Promise<ResultShare> {
  const { store, index } = context;
  const start = knownStartOf(context, text);
  const { row, decision } = await clearedPeriod(context, start);
  const { attempt } = decision;
  checkHasSet(row, index);
  const agreed = await store.agreedOrder(start, party.id);
  const rejected = agreed !== null && decision.rejected.includes(agreed.position);
  const share =
    agreed === null || rejected ? null : await store.orderShare(start, attempt, agreed.position);
  assert(share === null || share.length === elementBytes(context), "a share is one element");
  return {
    period: text,
    attempt,
    evaluator: index,
    position: agreed?.position ?? null,
    order: agreed?.orderId ?? null,
    rejected,
    share: base64(share),
  };
}

/** The number of the supplier that has signed. Throws ProblemError. */
export function supplierOf({ market }: HttpContext, { party }: Pick<SignedBy, "party">): number {
  const supplier = market.suppliers.findIndex((_, number) => String(number) === party.id);
  if (supplier >= 0) return supplier;
  const found = `the market has no supplier ${party.id}`;
  throw new ProblemError("wrong-role", `${found}; there are 0 to ${market.suppliers.length - 1}`);
}

/** This evaluator's shares of the sums of the supplier that has signed. Throws ProblemError. */
export async function aggregateShare(
  context: HttpContext,
  text: string,
  { party }: Pick<SignedBy, "party">,
): Promise<AggregateShare> {
  const { store, index } = context;
  const supplier = supplierOf(context, { party });
  const start = knownStartOf(context, text);
  const { decision } = await clearedPeriod(context, start);
  const { attempt, revealedSuppliers } = decision;
  const withheld = revealedSuppliers[supplier] !== true;
  const all = withheld ? null : await store.supplierShares(start, attempt);
  const bytes = 2 * elementBytes(context);
  const place = revealedSuppliers.slice(0, supplier).filter((may) => may).length;
  const share = all === null ? null : all.subarray(place * bytes, (place + 1) * bytes);
  assert(share === null || share.length === bytes, "a supplier's shares are two elements");
  return { period: text, attempt, evaluator: index, supplier, withheld, share: base64(share) };
}

export function checkMeterId(meter: string): void {
  if (meterId.safeParse(meter).success) return;
  const right = "a meter's id has 32 hexadecimal digits (0-9, a-f)";
  throw new ProblemError("malformed-request", right);
}

/** Proof that a meter's order counted. Throws ProblemError. */
export async function inclusionProof(
  context: HttpContext,
  trees: InclusionTrees,
  text: string,
  meter: string,
): Promise<Inclusion> {
  checkMeterId(meter);
  const start = knownStartOf(context, text);
  const { row, decision } = await clearedPeriod(context, start);
  checkHasSet(row, context.index);
  const { agreed } = decision;
  const order = await context.store.agreedOrder(start, meter);
  if (agreed === null || order === null) {
    throw new ProblemError("no-order", `no order of this meter counted in ${text}`);
  }
  const { position, orderId } = order;
  const path = (await trees.of(agreed, () => context.store.agreedEntries(start))).path(position);
  return { period: text, agreed, meter, order: orderId, position, path };
}

/** One that was not there when the set was agreed on knows its root only. */
function checkHasSet(row: PeriodRow, index: number): void {
  if (row.agreed !== null) return;
  const found = `evaluator ${index} took no part in the clearing of this period`;
  throw new ProblemError("no-results", `${found}; ask one of those that did`);
}

/** How long one shared element is: two components of replicated sharing, or one share. */
const elementBytes = ({ market }: HttpContext): number =>
  market.setting.engine === "replicated" ? 2 * ELEMENT_BYTES : ELEMENT_BYTES;

const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("base64");
