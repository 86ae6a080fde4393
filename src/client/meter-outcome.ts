// What came of a meter's order in one period: fetched from all evaluators, verified step by step, put together.
import type { Field } from "../field/field.ts";
import type { MarketDocument } from "../market/market-document.ts";
import { tradedFromAbove, UNITS_PER_WH } from "../market/order.ts";
import { messageOf } from "../platform/errors.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { Signer } from "../wire/http-signature.ts";
import { orderLeaf, verifyInclusion } from "../wire/merkle.ts";
import type { Decision, Inclusion, ResultShare } from "../wire/records.ts";
import { type Check, evaluatorNames } from "./checks.ts";
import type { DealerApi } from "./dealer-api.ts";
import { commonDecision, type Decided, hearPeriod } from "./decisions.ts";
import { ApiError, type EvaluatorApi } from "./evaluator-api.ts";
import type { ClearOrder, PreparedOrder } from "./prepared-order.ts";
import { type Fetching, fetchShares, masksFrom, putTogether } from "./result-shares.ts";
import { UnavailableError } from "./statements.ts";
import type { Trust } from "./trust.ts";

export interface MeterOutcome {
  /**
   * "pending": not decided yet. "missing": it was cleared without this order. "rejected": the order failed the
   * evaluators' check and counted as nothing.
   */
  readonly state: "pending" | "cleared" | "void" | "missing" | "rejected";
  /** The clearing price; null when nothing was traded in the market. */
  readonly priceTick: number | null;
  /** What this meter trades, in units of 2^-10 Wh; null when it is not known. */
  readonly tradedUnits: number | null;
  /** The meter's order that counted; null when none did. It may be an earlier one than was asked for. */
  readonly countedOrder: string | null;
  /** Everything that was verified; a failed one does not always make the outcome wrong. */
  readonly checks: readonly Check[];
}

export interface OutcomeContext {
  readonly market: MarketDocument;
  readonly apis: readonly EvaluatorApi[];
  readonly signer: Signer;
  readonly meter: string;
  readonly tools: { readonly field: Field; readonly primitives: Primitives };
  readonly trust: Trust;
  readonly dealer?: DealerApi | null;
  readonly signal?: AbortSignal | undefined;
}

/** For the errors see MeterClient.outcome. */
export async function meterOutcome(
  context: OutcomeContext,
  periodStart: number,
  prepared: PreparedOrder,
): Promise<MeterOutcome> {
  const { market, apis, trust, signal } = context;
  const heard = await hearPeriod(apis, periodStart, { signal });
  const decided = await commonDecision(market, trust, periodStart, heard);
  const nothing = { priceTick: null, tradedUnits: null, countedOrder: null, checks: [] };
  if (decided === null) return { ...nothing, state: "pending" };
  const { decision, checks } = decided;
  if (decision.outcome === "void") {
    return { ...nothing, state: "void", tradedUnits: 0, checks: [...checks, voidCheck(decision)] };
  }
  const { priceTick } = decision;
  const inclusion = await provenInclusion(context, periodStart, decision);
  const counted = countedCheck(prepared, inclusion);
  const so = { ...nothing, priceTick, countedOrder: inclusion?.order ?? null };
  if (inclusion === null || !counted.ok) {
    const tradedUnits = inclusion === null ? 0 : null;
    return { ...so, state: "missing", tradedUnits, checks: [...checks, counted] };
  }
  const rejected = rejectedCheck(decision, inclusion);
  if (!rejected.ok) {
    return { ...so, state: "rejected", tradedUnits: 0, checks: [...checks, counted, rejected] };
  }
  const { aboveUnits, shares } = await ownResult(context, periodStart, decided, inclusion);
  const order = { ...prepared.order, meter: context.meter, supplier: 0 };
  const traded = tradedFromAbove(order, aboveUnits);
  const energy = energyCheck(prepared.order, decision, aboveUnits, traded);
  const price = priceCheck(prepared.order, decision, traded);
  return {
    ...so,
    state: "cleared",
    tradedUnits: energy.ok ? traded : null,
    checks: [...checks, counted, rejected, shares, energy, price],
  };
}

const voidCheck = ({ reason }: Decision): Check => {
  const reasons = {
    "no-quorum": "too few evaluators were there until the deadline",
    abort: "an evaluator did not follow the protocol",
    failed: "the computation failed",
  };
  const detail = `the period is void: ${reason === null ? "no reason given" : reasons[reason]}`;
  return { name: "outcome", ok: true, detail };
};

/** A verified proof that an order of the meter is in the agreed set; null when there is no such order. */
async function provenInclusion(
  { apis, meter, tools, signal }: OutcomeContext,
  periodStart: number,
  { agreed }: Decision,
): Promise<Inclusion | null> {
  const problems: string[] = [];
  let denied = 0;
  for (const api of apis) {
    try {
      const inclusion = await api.inclusion(periodStart, meter, { signal });
      const { order, position, path } = inclusion;
      const leaf = orderLeaf(meter, order);
      const { count, root } = agreed!;
      if (verifyInclusion(tools.primitives, leaf, position, count, path, root)) return inclusion;
      problems.push(`evaluator ${api.evaluator} sent a proof that does not hold`);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ApiError && error.code === "no-order") denied += 1;
      else problems.push(messageOf(error));
    }
  }
  if (denied > 0) return null;
  throw new UnavailableError(`no proof that the order counted: ${problems.join("; ")}`);
}

function countedCheck({ orderId }: PreparedOrder, inclusion: Inclusion | null): Check {
  const name = "inclusion";
  if (inclusion === null) {
    return { name, ok: false, detail: "no order of this meter is in the set that counted" };
  }
  if (inclusion.order !== orderId) {
    const detail = `another order of this meter counted: ${inclusion.order}`;
    return { name, ok: false, detail };
  }
  const place = `order ${inclusion.position + 1} of ${inclusion.agreed.count}`;
  return { name, ok: true, detail: `proven to be ${place} in the set that counted` };
}

function rejectedCheck({ rejected }: Decision, { position }: Inclusion): Check {
  const ok = !rejected.includes(position);
  const bad = "the evaluators found the order malformed and counted it as nothing";
  return { name: "accepted", ok, detail: ok ? "the order passed the evaluators' check" : bad };
}

/** The meter's energy above the line, from the shares of those that computed. */
async function ownResult(
  context: OutcomeContext,
  periodStart: number,
  { decision, signatures }: Decided,
  inclusion: Inclusion,
): Promise<{ readonly aboveUnits: number; readonly shares: Check }> {
  const { market, apis, signer, tools, dealer, signal } = context;
  const fetching: Fetching<ResultShare> = {
    fetch: (api) => api.result(signer, periodStart, { signal }),
    problemOf: ({ attempt, position, order, rejected }) => {
      if (attempt !== decision.attempt) return "a share of another attempt";
      if (position !== inclusion.position || order !== inclusion.order || rejected) {
        return "a share of another order";
      }
      return null;
    },
    signal,
  };
  const fetched = await fetchShares({ tools, market, apis }, decision.active, fetching);
  const signed = { decision, signatures };
  const seed = await dealer?.resultMask(signer, { of: "result", signed }, { signal });
  const [mask] = masksFrom(tools, seed, [1]);
  const [aboveUnits] = await putTogether(tools, market, fetched.held, 1, mask);
  const names = evaluatorNames(fetched.held.map(({ evaluator }) => evaluator));
  const detail = [`${names} sent shares that fit together`, ...fetched.problems].join("; ");
  return {
    aboveUnits: aboveUnits!,
    shares: { name: "shares", ok: fetched.problems.length === 0, detail },
  };
}

/** A meter trades no more than it ordered, and nothing when nothing is traded. */
function energyCheck(
  { energyWh }: ClearOrder,
  decision: Decision,
  aboveUnits: number,
  tradedUnits: number,
): Check {
  const mostUnits = energyWh * UNITS_PER_WH;
  const inRange = aboveUnits <= mostUnits && tradedUnits >= 0 && tradedUnits <= mostUnits;
  const ok = inRange && (decision.traded || tradedUnits === 0);
  const [traded, most] = [tradedUnits / UNITS_PER_WH, `of ${energyWh} Wh`];
  if (ok) return { name: "energy", ok, detail: `${traded} ${most} are traded` };
  const instead = decision.traded ? most : "although nothing is traded";
  return { name: "energy", ok, detail: `${traded} Wh cannot be the result ${instead}` };
}

/** Nobody trades at a price that is worse than the own limit. */
function priceCheck({ side, limitTick }: ClearOrder, decision: Decision, traded: number): Check {
  const name = "price";
  const { priceTick } = decision;
  if (priceTick === null) return { name, ok: true, detail: "nothing was traded, at no price" };
  if (traded === 0 || limitTick === null) {
    return { name, ok: true, detail: `tick ${priceTick}, at which this order trades nothing` };
  }
  const ok = side === "buy" ? priceTick <= limitTick : priceTick >= limitTick;
  const limit = `the limit of tick ${limitTick}`;
  const detail = `tick ${priceTick} ${ok ? "respects" : "is worse than"} ${limit}`;
  return { name, ok, detail };
}
