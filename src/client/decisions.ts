// What the evaluators have decided about a period: asked of all of them, believed when a majority has signed it. Any
// two majorities have an evaluator in common, so two decisions of one period are proof that somebody broke the rules.
import type { MarketDocument } from "../market/market-document.ts";
import { messageOf } from "../platform/errors.ts";
import {
  type Decision,
  decisionBytes,
  type PeriodRecord,
  type SignedDecision,
  textOfPeriod,
} from "../wire/records.ts";
import { type Check, evaluatorNames } from "./checks.ts";
import { ApiError, type CallOptions, type EvaluatorApi } from "./evaluator-api.ts";
import { type Trust, TrustError } from "./trust.ts";

/** What one evaluator said when it was asked about a period. */
export interface Heard {
  readonly evaluator: number;
  /** Null when it did not answer, or does not know the period. */
  readonly record: PeriodRecord | null;
  /** Why it did not answer. */
  readonly problem: string | null;
}

export interface Decided {
  readonly decision: Decision;
  /** Who has signed it. */
  readonly signers: readonly number[];
  readonly checks: readonly Check[];
}

/** Evaluators have signed different decisions about one period: who said what, with signatures, as evidence. */
export class EvaluatorsDisagreeError extends Error {
  override readonly name = "EvaluatorsDisagreeError";
  readonly statements: readonly { readonly evaluator: number; readonly said: SignedDecision }[];

  constructor(statements: EvaluatorsDisagreeError["statements"]) {
    const [first] = statements;
    const all = statements.map(({ evaluator, said }) => {
      const { outcome, priceTick, agreed } = said.decision;
      const price = priceTick === null ? "" : ` at tick ${priceTick}`;
      const orders = agreed === null ? "" : `, ${agreed.count} orders ${agreed.root.slice(0, 8)}`;
      return `evaluator ${evaluator}: ${outcome}${price}${orders}`;
    });
    super(`evaluators disagree about ${first?.said.decision.period}: ${all.join("; ")}`);
    this.statements = statements;
  }
}

/** Nobody answered, or nobody has what is needed; says what each one said. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** Asks all evaluators about a period. Rejects only when the signal is aborted. */
export const hearPeriod = (
  apis: readonly EvaluatorApi[],
  periodStart: number,
  { signal }: CallOptions,
): Promise<Heard[]> =>
  Promise.all(
    apis.map(async (api) => {
      const { evaluator } = api;
      try {
        return { evaluator, record: await api.period(periodStart, { signal }), problem: null };
      } catch (error) {
        signal?.throwIfAborted();
        const unknown = error instanceof ApiError && error.status === 404;
        return { evaluator, record: null, problem: unknown ? null : messageOf(error) };
      }
    }),
  );

/** One decision that some evaluators gave, with whoever has signed it. */
interface Version {
  readonly said: SignedDecision;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly givenBy: number[];
  readonly signers: Set<number>;
  readonly problems: string[];
}

/**
 * The decision that evaluators gave; null when those that answered have none yet. Throws UnavailableError when nobody
 * answered, TrustError when too few have signed it, EvaluatorsDisagreeError when there are several.
 */
export async function commonDecision(
  market: Pick<MarketDocument, "id" | "setting" | "suppliers">,
  trust: Trust,
  periodStart: number,
  heard: readonly Heard[],
): Promise<Decided | null> {
  const silent = heard.filter(({ problem }) => problem !== null);
  if (silent.length === heard.length) {
    throw new UnavailableError(silent.map(({ problem }) => problem).join("; "));
  }
  const versions = await versionsOf(trust, heard);
  if (versions.length === 0) return null;
  const majority = (market.setting.parties >> 1) + 1;
  const valid = versions.filter(({ signers }) => signers.size >= majority);
  const signed = versions.filter(
    (version) =>
      valid.includes(version) || version.givenBy.some((giver) => version.signers.has(giver)),
  );
  if (signed.length > 1) throw disagreement(signed);
  const [version] = valid;
  if (version === undefined) {
    const found = versions.flatMap(({ signers, problems }) => [
      `${signers.size} of at least ${majority} signatures`,
      ...problems,
    ]);
    const what = `the decision about ${textOfPeriod(periodStart)} cannot be believed`;
    throw new TrustError(`${what}: ${found.join("; ")}`);
  }
  checkForm(market, periodStart, version.said.decision);
  const signers = [...version.signers].toSorted((a, b) => a - b);
  return {
    decision: version.said.decision,
    signers,
    checks: checksOf(heard, versions, version, signers),
  };
}

async function versionsOf(trust: Trust, heard: readonly Heard[]): Promise<Version[]> {
  const versions = new Map<string, Version>();
  for (const { evaluator, record } of heard) {
    const said = record?.decision;
    if (said == null) continue;
    const bytes = decisionBytes(said.decision);
    const text = new TextDecoder().decode(bytes);
    const fresh = { said, bytes, givenBy: [], signers: new Set<number>(), problems: [] };
    const version = versions.get(text) ?? fresh;
    versions.set(text, version);
    version.givenBy.push(evaluator);
    for (const { evaluator: signer, certificate, signature } of said.signatures) {
      if (version.signers.has(signer)) continue;
      try {
        await trust.verify(signer, certificate, bytes, signature);
        version.signers.add(signer);
      } catch (error) {
        if (!(error instanceof TrustError)) throw error;
        version.problems.push(error.message);
      }
    }
  }
  return [...versions.values()];
}

const disagreement = (versions: readonly Version[]): EvaluatorsDisagreeError =>
  new EvaluatorsDisagreeError(
    versions.flatMap(({ said, givenBy }) => givenBy.map((evaluator) => ({ evaluator, said }))),
  );

/** What every decision has, whatever was decided. */
function checkForm(
  { id, setting, suppliers }: Pick<MarketDocument, "id" | "setting" | "suppliers">,
  periodStart: number,
  decision: Decision,
): void {
  const { market, period, outcome, agreed, active, traded, priceTick } = decision;
  const cleared = outcome === "cleared";
  const right =
    market === id &&
    period === textOfPeriod(periodStart) &&
    cleared === (agreed !== null) &&
    cleared === (decision.reason === null) &&
    traded === (priceTick !== null) &&
    (cleared || !traded) &&
    new Set(active).size === active.length &&
    active.every((evaluator) => evaluator < setting.parties) &&
    decision.revealedSuppliers.length === (cleared ? suppliers.length : 0);
  if (!right)
    throw new TrustError(`the decision about ${period} of market ${market} is no decision`);
}

function checksOf(
  heard: readonly Heard[],
  versions: readonly Version[],
  version: Version,
  signers: readonly number[],
): Check[] {
  const silent = heard.flatMap(({ problem }) => problem ?? []);
  const behind = heard.filter(
    ({ record, problem }) => problem === null && record?.decision == null,
  );
  const found = [
    ...silent,
    ...behind.map(({ evaluator }) => `evaluator ${evaluator} has none yet`),
  ];
  const others = versions.filter((one) => one !== version);
  const unsigned = others.flatMap(({ givenBy }) => givenBy);
  return [
    {
      name: "answers",
      ok: found.length === 0,
      detail: found.length === 0 ? "all evaluators gave the decision" : found.join("; "),
    },
    {
      name: "decision",
      ok: unsigned.length === 0,
      detail:
        unsigned.length === 0
          ? `the same from ${evaluatorNames(version.givenBy)}`
          : `${evaluatorNames(unsigned)} gave another one that too few have signed`,
    },
    {
      name: "signatures",
      ok: version.problems.length === 0,
      detail: [`signed by ${evaluatorNames(signers)}`, ...version.problems].join("; "),
    },
  ];
}
