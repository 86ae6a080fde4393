// A meter's bill of a month: its components, fetched from all evaluators that hold shares of them, and put together.
// What they should be is for the meter to say, from its own history.
import type { StatedBill } from "../market/bill.ts";
import type { Signer } from "../wire/http-signature.ts";
import type { BillShare } from "../wire/settlement-records.ts";
import { type Check, evaluatorNames } from "./checks.ts";
import type { ClientTools } from "./client-tools.ts";
import type { DealerApi } from "./dealer-api.ts";
import {
  fetchAnswers,
  heldShare,
  masksFrom,
  putTogetherSigned,
  WrongSharesError,
} from "./result-shares.ts";
import { commonClosing, type StatementContext } from "./settlements.ts";

/** "open": the month is not closed yet. "none": it is, and this meter has nothing in it. */
export type MeterBill =
  | { readonly state: "open" | "none"; readonly checks: readonly Check[] }
  | {
      readonly state: "closed";
      /** What evaluators state. */
      readonly bill: StatedBill;
      readonly checks: readonly Check[];
    };

export interface BillContext extends StatementContext {
  readonly tools: ClientTools;
  readonly signer: Signer;
  /** In a market with a dealer. */
  readonly dealer?: DealerApi | null;
  readonly signal?: AbortSignal | undefined;
}

const COMPONENTS = 4;

/** For the errors see MeterClient.bill. */
export async function meterBill(context: BillContext, month: string): Promise<MeterBill> {
  const { market, apis, tools, signer, dealer, signal } = context;
  const closed = await commonClosing(context, month, { signal });
  if (closed === null) return { state: "open", checks: [] };
  const { closing, signatures, checks } = closed;
  const { answers, problems } = await fetchAnswers({ tools, market, apis }, closing.active, {
    fetch: (api) => api.bill(signer, month, { signal }),
    problemOf: ({ attempt, share, periods }: BillShare) => {
      if (attempt !== closing.attempt) return "a share of another closing";
      return share === null && periods > 0 ? "no share" : null;
    },
    signal,
  });
  if (answers.every(({ answer }) => answer.share === null)) return { state: "none", checks };
  const without = answers.find(({ answer }) => answer.share === null);
  if (without !== undefined) {
    throw new WrongSharesError(`evaluator ${without.evaluator} denies that there is a bill`);
  }
  const held = answers.map(({ evaluator, answer }) => heldShare(evaluator, answer.share!));
  const signed = { closing, signatures };
  const seed = await dealer?.resultMask(signer, { of: "bill", signed }, { signal });
  const [mask] = masksFrom(tools, seed, [COMPONENTS]);
  const [traded, fees, shortage, surplus] = await putTogetherSigned(
    tools,
    market,
    held,
    COMPONENTS,
    mask,
  );
  const names = evaluatorNames(answers.map(({ evaluator }) => evaluator));
  const shares = [`${names} sent shares that fit together`, ...problems].join("; ");
  const { periods, estimated } = answers[0]!.answer;
  return {
    state: "closed",
    bill: {
      components: { traded: traded!, fees: fees!, shortage: shortage!, surplus: surplus! },
      periods,
      estimated,
    },
    checks: [
      ...checks,
      { name: "shares", ok: problems.length === 0, detail: shares },
      coverageCheck(answers.map(({ answer }) => answer)),
    ],
  };
}

/** How much of the month the bill covers is public among evaluators: all of them say the same. */
function coverageCheck(answers: readonly BillShare[]): Check {
  const said = answers.map(
    ({ periods, estimated }) => `${periods} periods, ${estimated} estimated`,
  );
  const ok = new Set(said).size === 1;
  const all = answers.map(({ evaluator }, i) => `evaluator ${evaluator}: ${said[i]}`);
  return { name: "coverage", ok, detail: ok ? said[0]! : all.join("; ") };
}
