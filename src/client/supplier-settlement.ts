// What a supplier learns after delivery: its customers' metered sums and its own position against the other
// suppliers, per period and month, and the total that each customer owes for a month.
import type { Signer } from "../wire/http-signature.ts";
import type { MeteredShare, PayableShares, Settlement } from "../wire/settlement-records.ts";
import { type Check, evaluatorNames } from "./checks.ts";
import type { ClientTools } from "./client-tools.ts";
import type { DealerApi } from "./dealer-api.ts";
import {
  fetchAnswers,
  type HeldShare,
  heldShare,
  masksFrom,
  putTogether,
  putTogetherSigned,
  WrongSharesError,
} from "./result-shares.ts";
import { commonClosing, commonSettlement, type StatementContext } from "./settlements.ts";

export interface SupplierContext extends StatementContext {
  readonly tools: ClientTools;
  readonly signer: Signer;
  /** Index in the market's list of suppliers. */
  readonly supplier: number;
  /** In a market with a dealer. */
  readonly dealer?: DealerApi | null;
  readonly signal?: AbortSignal | undefined;
}

/** Energies in units of 2^-10 Wh; null where they are withheld. */
export type SupplierMetered =
  | { readonly state: "pending"; readonly checks: readonly Check[] }
  | {
      readonly state: "settled";
      /** 1 when readings came or were corrected after the first settlement. */
      readonly revision: number;
      readonly imported: number | null;
      readonly exported: number | null;
      /** What its customers bought less what they sold: above 0 others' customers delivered to them. */
      readonly position: number | null;
      readonly checks: readonly Check[];
    };

/** Money in units of market/money.ts; null where it is withheld. */
export type SupplierMonth =
  | { readonly state: "open"; readonly checks: readonly Check[] }
  | {
      readonly state: "closed";
      readonly customers: readonly Payable[];
      /** What the supplier owes the others for what its customers bought less what they sold. */
      readonly position: bigint | null;
      readonly checks: readonly Check[];
    };

export interface Payable {
  readonly meter: string;
  readonly periods: number;
  readonly estimated: number;
  readonly total: bigint;
}

/** For the errors see MeterClient.outcome. */
export async function supplierMetered(
  context: SupplierContext,
  periodStart: number,
): Promise<SupplierMetered> {
  const { market, apis, tools, signer, supplier, dealer, signal } = context;
  // A correction is told only if it does not betray who was corrected: until then the first sums stand.
  const tells = (one: Settlement) => one.revealedSuppliers[supplier] === true;
  const settled = await commonSettlement(context, periodStart, { signal }, tells);
  if (settled === null) return { state: "pending", checks: [] };
  const { settlement, signatures, checks } = settled;
  const { revision, attempt, active } = settlement;
  const maySums = settlement.revealedSuppliers[supplier] === true;
  const mayPosition = settlement.revealedPositions[supplier] === true;
  const withheld = { imported: null, exported: null, position: null };
  if (!maySums && !mayPosition) return { state: "settled", revision, ...withheld, checks };
  const fetched = await fetchAnswers({ tools, market, apis }, active, {
    fetch: (api) => api.metered(signer, periodStart, { signal }),
    problemOf: (answer: MeteredShare) => {
      if (answer.revision !== revision || answer.attempt !== attempt) {
        return "shares of another settlement";
      }
      if (answer.supplier !== supplier) return "shares of another supplier's sums";
      const missing =
        (maySums && answer.share === null) || (mayPosition && answer.position === null);
      return missing ? "no shares" : null;
    },
    signal,
  });
  const { answers, problems } = fetched;
  const sharesOf = (of: "share" | "position") =>
    answers.map(({ evaluator, answer }) => heldShare(evaluator, answer[of]!));
  const signed = { settlement, signatures };
  const seed = await dealer?.resultMask(signer, { of: "metered", signed }, { signal });
  const [ofSums, ofPosition] = masksFrom(tools, seed, [2, 1]);
  const sums = maySums
    ? await putTogether(tools, market, sharesOf("share"), 2, ofSums)
    : [null, null];
  const position = mayPosition
    ? await putTogetherSigned(tools, market, sharesOf("position"), 1, ofPosition)
    : [];
  return {
    state: "settled",
    revision,
    imported: sums[0]!,
    exported: sums[1]!,
    position: position.length === 0 ? null : Number(position[0]),
    checks: [...checks, sharesCheck(answers, problems)],
  };
}

const sharesCheck = (
  answers: readonly { readonly evaluator: number }[],
  problems: readonly string[],
): Check => {
  const names = evaluatorNames(answers.map(({ evaluator }) => evaluator));
  const detail = [`${names} sent shares that fit together`, ...problems].join("; ");
  return { name: "shares", ok: problems.length === 0, detail };
};

/** For the errors see MeterClient.outcome. */
export async function supplierMonth(
  context: SupplierContext,
  month: string,
): Promise<SupplierMonth> {
  const { market, apis, tools, signer, supplier, dealer, signal } = context;
  const closed = await commonClosing(context, month, { signal });
  if (closed === null) return { state: "open", checks: [] };
  const { closing, signatures, checks } = closed;
  const mayPosition = closing.revealedPositions[supplier] === true;
  const { answers, problems } = await fetchAnswers({ tools, market, apis }, closing.active, {
    fetch: (api) => api.payables(signer, month, { signal }),
    problemOf: (answer: PayableShares) => {
      if (answer.attempt !== closing.attempt) return "shares of another closing";
      if (answer.supplier !== supplier) return "shares of another supplier's customers";
      const missing =
        answer.customers.some(({ share }) => share === null) ||
        (mayPosition && answer.position === null);
      return missing ? "no shares" : null;
    },
    signal,
  });
  const lists = answers.map(({ answer }) => customersText(answer));
  if (new Set(lists).size > 1) {
    throw new WrongSharesError(`evaluators name different customers of the month ${month}`);
  }
  const signed = { closing, signatures };
  const seed = await dealer?.resultMask(signer, { of: "payables", signed }, { signal });
  const customers = answers[0]!.answer.customers.map(() => 1);
  const [ofPosition, ...ofCustomers] = masksFrom(tools, seed, [1, ...customers]);
  const totals = await customerTotals(context, answers, ofCustomers);
  const position = mayPosition
    ? await putTogetherSigned(
        tools,
        market,
        answers.map(({ evaluator, answer }) => heldShare(evaluator, answer.position!)),
        1,
        ofPosition,
      )
    : [];
  return {
    state: "closed",
    customers: totals,
    position: position[0] ?? null,
    checks: [...checks, sharesCheck(answers, problems)],
  };
}

const customersText = ({ customers }: PayableShares): string =>
  JSON.stringify(customers.map(({ meter, periods, estimated }) => [meter, periods, estimated]));

async function customerTotals(
  { tools, market }: SupplierContext,
  answers: readonly { readonly evaluator: number; readonly answer: PayableShares }[],
  masks: readonly (Uint8Array | null)[],
): Promise<Payable[]> {
  const totals: Payable[] = [];
  for (const [i, { meter, periods, estimated }] of answers[0]!.answer.customers.entries()) {
    const held = answers.map(
      ({ evaluator, answer }): HeldShare => heldShare(evaluator, answer.customers[i]!.share!),
    );
    const [total] = await putTogetherSigned(tools, market, held, 1, masks[i]);
    totals.push({ meter, periods, estimated, total: total! });
  }
  return totals;
}
