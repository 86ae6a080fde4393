// What the evaluators have decided about a period.
import type { MarketDocument } from "../market/market-document.ts";
import {
  type Decision,
  decisionBytes,
  type PeriodRecord,
  type SignedDecision,
  textOfPeriod,
} from "../wire/records.ts";
import type { Check } from "./checks.ts";
import type { CallOptions, EvaluatorApi } from "./evaluator-api.ts";
import { commonStatement, type Heard, hearAll, type StatementKind } from "./statements.ts";
import type { Trust } from "./trust.ts";

export interface Decided {
  readonly decision: Decision;
  /** Who has signed it. */
  readonly signers: readonly number[];
  readonly signatures: SignedDecision["signatures"];
  readonly checks: readonly Check[];
}

type Market = Pick<MarketDocument, "id" | "setting" | "suppliers">;

/** Asks all evaluators about a period. Rejects only when the signal is aborted. */
export const hearPeriod = (
  apis: readonly EvaluatorApi[],
  periodStart: number,
  options: CallOptions,
): Promise<Heard<PeriodRecord>[]> =>
  hearAll(apis, (api) => api.period(periodStart, options), options);

const kindOf = (market: Market, periodStart: number): StatementKind<Decision> => ({
  name: "decision",
  subject: textOfPeriod(periodStart),
  bytes: decisionBytes,
  summary: ({ outcome, priceTick, agreed }) => {
    const price = priceTick === null ? "" : ` at tick ${priceTick}`;
    const orders = agreed === null ? "" : `, ${agreed.count} orders ${agreed.root.slice(0, 8)}`;
    return `${outcome}${price}${orders}`;
  },
  isRight: (decision) => isRight(market, periodStart, decision),
});

/** The decision that evaluators gave; null when those that answered have none yet. Errors as `commonStatement`. */
export async function commonDecision(
  market: Market,
  trust: Trust,
  periodStart: number,
  heard: readonly Heard<PeriodRecord>[],
): Promise<Decided | null> {
  const said = heard.map(({ record, ...rest }) => {
    const signed = record?.decision ?? null;
    if (signed === null) return { ...rest, record: null };
    return { ...rest, record: { statement: signed.decision, signatures: signed.signatures } };
  });
  const kind = kindOf(market, periodStart);
  const believed = await commonStatement(market.setting.parties, trust, kind, said);
  if (believed === null) return null;
  const { statement, ...rest } = believed;
  return { decision: statement, ...rest };
}

/** What every decision has, whatever was decided. */
function isRight({ id, setting, suppliers }: Market, periodStart: number, decision: Decision) {
  const { market, period, outcome, agreed, active, traded, priceTick } = decision;
  const cleared = outcome === "cleared";
  return (
    market === id &&
    period === textOfPeriod(periodStart) &&
    cleared === (agreed !== null) &&
    cleared === (decision.reason === null) &&
    traded === (priceTick !== null) &&
    (cleared || !traded) &&
    new Set(active).size === active.length &&
    active.every((evaluator) => evaluator < setting.parties) &&
    decision.revealedSuppliers.length === (cleared ? suppliers.length : 0)
  );
}
