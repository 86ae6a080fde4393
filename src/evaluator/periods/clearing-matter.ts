// The clearing of a period as a matter to be decided.
import { deadlineOf } from "../../market/market-document.ts";
import type { Lease, ResultRow } from "../../storage/evaluator-store.ts";
import { type Decision, decisionBytes, decisionSchema, textOfPeriod } from "../../wire/records.ts";
import { leastMembers } from "./ballots.ts";
import { attemptClearing } from "./clearing-attempt.ts";
import type { PeriodContext } from "./context.ts";
import { type Attempt, listed, type Matter, type NameList, nameList } from "./deciding.ts";
import type { OpenOrders } from "./open-orders.ts";

/** A period whose gate is closed. */
export function clearingMatter(
  context: PeriodContext,
  open: OpenOrders,
  lease: Lease,
  period: number,
): Matter<Decision, ResultRow> {
  const { market, store, events } = context;
  let list: NameList = nameList([]);
  return {
    name: `the period ${textOfPeriod(period)}`,
    schema: decisionSchema,
    needs: { toCompute: leastMembers(market.setting), deadline: true },
    bytes: decisionBytes,
    isAbout: (decision) => decision.period === textOfPeriod(period),
    async stand() {
      const row = await store.period(period);
      const { decision, ballot, prepared, hasResults } = row ?? UNKNOWN;
      return { decision, ballot, prepared, hasResults };
    },
    overdue: () => context.marketClock.nowS() >= deadlineOf(market, period),
    async names() {
      await store.closePeriod(lease, period);
      list = nameList(await store.orderEntries(period));
      return listed(context, list);
    },
    promise: (ballot) => store.promise(lease, period, ballot),
    compute: (attempt) =>
      attemptClearing(context, open, { ...attempt, lease, start: period }, list),
    voided: (attempt, reason) => voidDecision(context, period, attempt, reason),
    prepare: (ballot, decision, own) => store.prepare(lease, period, ballot, decision, own),
    decide: ({ decision, signatures }) =>
      store.decide(lease, period, { decision, signatures: [...signatures] }),
    decided: (decision) => events.decided(decision),
  };
}

const UNKNOWN = { decision: null, ballot: 0, prepared: null, hasResults: false } as const;

function voidDecision(
  { market }: PeriodContext,
  period: number,
  { ballot, mesh }: Attempt,
  reason: "no-quorum" | "abort" | "failed",
): Decision {
  return {
    market: market.id,
    period: textOfPeriod(period),
    attempt: ballot,
    outcome: "void",
    reason,
    agreed: null,
    members: [...mesh.members],
    active: [],
    traded: false,
    priceTick: null,
    coin: null,
    rejected: [],
    revealedSuppliers: [],
  };
}
