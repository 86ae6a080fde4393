// What evaluators say about settlements, months and bills: public records, and shares, each only to whom it belongs.
import { ELEMENT_BYTES } from "../../field/prime.ts";
import { monthClosureOf, monthOf, settlementDueOf } from "../../market/tariffs.ts";
import { assert } from "../../platform/assert.ts";
import { settledMarket } from "../../service/period-text.ts";
import type { SignedBy } from "../../service/signed-requests.ts";
import type { DecidedSettlement } from "../../storage/settlement-store.ts";
import { ProblemError } from "../../wire/problems.ts";
import { textOfPeriod } from "../../wire/records.ts";
import type {
  BillShare,
  Closing,
  MeteredShare,
  MonthRecord,
  PayableShares,
  ReadingInclusion,
  SettlementRecord,
} from "../../wire/settlement-records.ts";
import { closingNotesOf, settlementNotesOf } from "../settlement-notes.ts";
import type { HttpContext } from "./context.ts";
import type { InclusionTrees } from "./inclusion-trees.ts";
import { knownMonth, knownStartOf } from "./period-paths.ts";
import { checkMeterId, supplierOf } from "./period-routes.ts";

/** The settlements of a period. Throws ProblemError. */
export async function settlementRecord(
  context: HttpContext,
  text: string,
): Promise<SettlementRecord> {
  const market = settledMarket(context);
  const start = knownStartOf(context, text);
  const settlements = await context.store.settlements(start, start + 1);
  return {
    period: text,
    due: textOfPeriod(settlementDueOf(market, start)),
    closure: textOfPeriod(monthClosureOf(market, monthOf(market, start))),
    settlements: settlements.map(({ signed: { decision, signatures } }) => ({
      settlement: decision,
      signatures: [...signatures],
    })),
  };
}

/** The settlements of a period that is settled. Throws ProblemError. */
async function settledPeriod(
  context: HttpContext,
  text: string,
): Promise<readonly [DecidedSettlement, ...DecidedSettlement[]]> {
  settledMarket(context);
  const start = knownStartOf(context, text);
  const [first, ...others] = await context.store.settlements(start, start + 1);
  if (first !== undefined) return [first, ...others];
  throw new ProblemError("not-settled", `the period ${text} is not settled here yet`);
}

/** Proof that a meter's reading is among those of the last settlement. Throws ProblemError. */
export async function readingInclusion(
  context: HttpContext,
  trees: InclusionTrees,
  text: string,
  meter: string,
): Promise<ReadingInclusion> {
  checkMeterId(meter);
  const { start, revision, signed, notes } = (await settledPeriod(context, text)).at(-1)!;
  const { readings } = signed.decision;
  if (notes === null) throw noPart(context, "the settlement of this period");
  const { store } = context;
  const reading = await store.agreedReading(start, revision, meter);
  if (reading === null) {
    throw new ProblemError("no-reading", `no reading of this meter counted in ${text}`);
  }
  const { position, orderId } = reading;
  const tree = await trees.of(readings, () => store.agreedReadings(start, revision));
  const path = tree.path(position);
  return { period: text, revision, readings, meter, reading: orderId, position, path };
}

function noPart({ index }: HttpContext, what: string): ProblemError {
  const found = `evaluator ${index} took no part in ${what}`;
  return new ProblemError("no-results", `${found}; ask one of those that did`);
}

/** This evaluator's shares of a supplier's metered sums and position. Throws ProblemError. */
export async function meteredShare(
  context: HttpContext,
  text: string,
  signer: SignedBy,
): Promise<MeteredShare> {
  const supplier = supplierOf(context, signer);
  const settlements = await settledPeriod(context, text);
  // A correction is told only if it does not betray who was corrected: until then the first sums stand.
  const told = settlements.findLast(
    ({ signed }) => signed.decision.revealedSuppliers[supplier] === true,
  );
  const { revision, signed, notes } = told ?? settlements.at(-1)!;
  const { attempt, revealedPositions } = signed.decision;
  const sums = notes === null ? null : settlementNotesOf(notes);
  return {
    period: text,
    revision,
    attempt,
    evaluator: context.index,
    supplier,
    withheld: told === undefined,
    share: told === undefined ? null : checked(context, sums?.metered[supplier] ?? null, 2),
    positionWithheld: revealedPositions[supplier] !== true,
    position:
      revealedPositions[supplier] === true
        ? checked(context, sums?.positions[supplier] ?? null, 1)
        : null,
  };
}

/** The public record of a month. Throws ProblemError. */
export async function monthRecord(context: HttpContext, month: string): Promise<MonthRecord> {
  const { from, to } = knownMonth(context, month);
  const row = await context.store.matter({ kind: "closing", start: from, revision: 0 });
  const signed = row?.decision ?? null;
  return {
    month,
    from: textOfPeriod(from),
    to: textOfPeriod(to),
    closure: textOfPeriod(monthClosureOf(context.market, month)),
    closing:
      signed === null ? null : { closing: signed.decision, signatures: [...signed.signatures] },
  };
}

/** A closed month, of which this evaluator has shares. Throws ProblemError. */
async function closedMonth(
  context: HttpContext,
  month: string,
): Promise<{ readonly from: number; readonly closing: Closing; readonly notes: string }> {
  const { from } = knownMonth(context, month);
  const row = await context.store.matter({ kind: "closing", start: from, revision: 0 });
  if (row === null || row.decision === null) {
    const closure = textOfPeriod(monthClosureOf(context.market, month));
    throw new ProblemError("month-open", `${month} is not closed yet; it is from ${closure} on`);
  }
  if (row.notes === null) throw noPart(context, `the closing of ${month}`);
  return { from, closing: row.decision.decision, notes: row.notes };
}

/** This evaluator's shares of the bill of the meter that has signed. Throws ProblemError. */
export async function billShare(
  context: HttpContext,
  month: string,
  { party }: SignedBy,
): Promise<BillShare> {
  const { from, closing } = await closedMonth(context, month);
  const own = await context.store.bill(from, party.id);
  if (own === null) throw new ProblemError("no-results", `this meter has no bill of ${month}`);
  return {
    month,
    attempt: closing.attempt,
    evaluator: context.index,
    periods: own.periods,
    estimated: own.estimated,
    share: checked(context, base64(own.components), 4),
  };
}

/** This evaluator's shares of what a supplier's customers owe, and of its position. Throws ProblemError. */
export async function payableShares(
  context: HttpContext,
  month: string,
  signer: SignedBy,
): Promise<PayableShares> {
  const supplier = supplierOf(context, signer);
  const { from, closing, notes } = await closedMonth(context, month);
  const bills = await context.store.bills(from, supplier);
  const may = closing.revealedPositions[supplier] === true;
  return {
    month,
    attempt: closing.attempt,
    evaluator: context.index,
    supplier,
    customers: bills.map(({ meter, periods, estimated, payable }) => ({
      meter,
      periods,
      estimated,
      share: checked(context, base64(payable), 1),
    })),
    positionWithheld: !may,
    position: may ? checked(context, closingNotesOf(notes).positions[supplier] ?? null, 1) : null,
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A share of `length` elements, on its way out. */
function checked({ market }: HttpContext, share: string | null, length: number): string | null {
  const components = market.setting.engine === "replicated" ? 2 : 1;
  const bytes = components * length * ELEMENT_BYTES;
  assert(
    share === null || Buffer.byteLength(share, "base64") === bytes,
    "a share has as many elements as it must",
  );
  return share;
}
