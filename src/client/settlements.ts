// What the evaluators have settled of a period, and that they have closed a month: asked of all of them, believed
// when a majority has signed it.
import type { MarketDocument } from "../market/market-document.ts";
import { textOfPeriod } from "../wire/records.ts";
import {
  type Closing,
  closingBytes,
  type MonthRecord,
  type Settlement,
  type SettlementRecord,
  type SignedClosing,
  type SignedSettlement,
  settlementBytes,
} from "../wire/settlement-records.ts";
import type { Check } from "./checks.ts";
import type { CallOptions, EvaluatorApi } from "./evaluator-api.ts";
import { commonStatement, hearAll, type StatementKind } from "./statements.ts";
import type { Trust } from "./trust.ts";

export interface StatementContext {
  readonly market: MarketDocument;
  /** One per evaluator, by number. */
  readonly apis: readonly EvaluatorApi[];
  readonly trust: Trust;
}

export interface CommonSettlement extends SignedSettlement {
  readonly checks: readonly Check[];
}

export interface CommonClosing extends SignedClosing {
  readonly checks: readonly Check[];
}

/**
 * The last settlement of a period that `isMeant`, or the last one if none is: revision 1 where a majority has signed
 * it, else revision 0; null when there is none yet. Errors as `commonStatement`.
 */
export async function commonSettlement(
  { market, apis, trust }: StatementContext,
  periodStart: number,
  options: CallOptions,
  isMeant: (settlement: Settlement) => boolean = () => true,
): Promise<CommonSettlement | null> {
  const heard = await hearAll(apis, (api) => api.settlement(periodStart, options), options);
  let last: CommonSettlement | null = null;
  for (const revision of [1, 0]) {
    const said = heard.map(({ record, ...rest }) => ({
      ...rest,
      record: record === null ? null : settlementOf(record, revision),
    }));
    const kind = settlementKind(market, periodStart, revision);
    const believed = await commonStatement(market.setting.parties, trust, kind, said);
    if (believed === null) continue;
    const { statement: settlement, signatures, checks } = believed;
    const found = { settlement, signatures, checks };
    if (isMeant(settlement)) return found;
    last ??= found;
  }
  return last;
}

function settlementOf({ settlements }: SettlementRecord, revision: number) {
  const signed = settlements.find(({ settlement }) => settlement.revision === revision);
  if (signed === undefined) return null;
  return { statement: signed.settlement, signatures: signed.signatures };
}

const settlementKind = (
  market: MarketDocument,
  periodStart: number,
  revision: number,
): StatementKind<Settlement> => ({
  name: "settlement",
  subject: textOfPeriod(periodStart),
  bytes: settlementBytes,
  summary: ({ readings, estimated }) =>
    `${readings.count} readings ${readings.root.slice(0, 8)}, ${estimated} estimated`,
  isRight: (settlement) =>
    settlement.market === market.id &&
    settlement.period === textOfPeriod(periodStart) &&
    settlement.revision === revision &&
    areHolders(market, settlement.active) &&
    settlement.revealedSuppliers.length === market.suppliers.length &&
    settlement.revealedPositions.length === market.suppliers.length,
});

/** The closing of a month; null while it is open. Errors as `commonStatement`. */
export async function commonClosing(
  { market, apis, trust }: StatementContext,
  month: string,
  options: CallOptions,
): Promise<CommonClosing | null> {
  const heard = await hearAll(apis, (api) => api.month(month, options), options);
  const said = heard.map(({ record, ...rest }) => ({ ...rest, record: closingOf(record) }));
  const kind = closingKind(market, month);
  const believed = await commonStatement(market.setting.parties, trust, kind, said);
  if (believed === null) return null;
  const { statement, signatures, checks } = believed;
  return { closing: statement, signatures, checks };
}

function closingOf(record: MonthRecord | null) {
  if (record === null || record.closing === null) return null;
  const { closing, signatures } = record.closing;
  return { statement: closing, signatures };
}

const closingKind = (market: MarketDocument, month: string): StatementKind<Closing> => ({
  name: "closing",
  subject: month,
  bytes: closingBytes,
  summary: ({ periods, meters, settlements }) =>
    `${periods} periods, ${meters.count} bills, settlements ${settlements.slice(0, 8)}`,
  isRight: (closing) =>
    closing.market === market.id &&
    closing.month === month &&
    areHolders(market, closing.active) &&
    closing.revealedPositions.length === market.suppliers.length,
});

/** Evaluators of the market, each once. */
const areHolders = ({ setting }: MarketDocument, active: readonly number[]): boolean =>
  new Set(active).size === active.length &&
  active.every((evaluator) => evaluator < setting.parties);
