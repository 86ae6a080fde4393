// Verifies a result again, with everything that was signed as evidence.
import type { Check } from "../../../src/client/checks.ts";
import { decodePrepared } from "../../../src/client/prepared-order.ts";
import { Trust, TrustError } from "../../../src/client/trust.ts";
import type { MarketDocument } from "../../../src/market/market-document.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import { receiptBytes } from "../../../src/wire/records.ts";
import type { Entry } from "./gateway.ts";
import type { HouseholdAccess } from "./session.ts";

export interface ProvenCheck extends Check {
  /** What was signed or sent, to be looked at; null where the check has none of its own. */
  readonly evidence: unknown;
}

/** Asks the evaluators again. Rejects as MeterClient.outcome. */
export async function verifyAgain(
  market: MarketDocument,
  access: HouseholdAccess,
  { order }: Entry,
): Promise<ProvenCheck[]> {
  const { client, apis, meter } = access;
  const { periodStart, prepared } = order;
  const [receipts, found] = await Promise.all([
    verifyReceipts(market, access, order),
    client.outcome(periodStart, decodePrepared(prepared!)),
  ]);
  const [record, inclusion] = await Promise.all([
    firstOf(apis.map((api) => () => api.period(periodStart))),
    firstOf(apis.map((api) => () => api.inclusion(periodStart, meter))),
  ]);
  const evidence: Readonly<Record<string, unknown>> = {
    answers: record === null ? null : { state: record.state, attempts: record.attempts },
    decision: record?.decision?.decision ?? null,
    signatures: record?.decision?.signatures ?? null,
    inclusion,
  };
  const checks = found.checks.map((check) => ({
    ...check,
    evidence: evidence[check.name] ?? null,
  }));
  return [receipts, ...checks];
}

/** That every evaluator has signed for exactly this order. */
async function verifyReceipts(
  { authorityPem, evaluators }: MarketDocument,
  { apis }: HouseholdAccess,
  { receipts }: Entry["order"],
): Promise<ProvenCheck> {
  const trust = new Trust(authorityPem);
  const problems: string[] = [];
  for (const { receipt, signature } of receipts) {
    try {
      const certificate = await apis[receipt.evaluator]!.identity();
      await trust.verify(receipt.evaluator, certificate, receiptBytes(receipt), signature);
    } catch (error) {
      if (error instanceof TrustError) problems.push(error.message);
      else problems.push(`evaluator ${receipt.evaluator}: ${messageOf(error)}`);
    }
  }
  const right = receipts.length - problems.length;
  return {
    name: "receipts",
    ok: problems.length === 0 && right === evaluators.length,
    detail: [
      `${right} of ${evaluators.length} receipts are signed as they must be`,
      ...problems,
    ].join("; "),
    evidence: receipts,
  };
}

/** The answer of the first evaluator that has one; null when none has. */
async function firstOf<T>(asks: readonly (() => Promise<T>)[]): Promise<T | null> {
  for (const ask of asks) {
    const found = await ask().catch(() => null);
    if (found !== null) return found;
  }
  return null;
}
