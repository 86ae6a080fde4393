// One attempt at a period's clearing in a group of evaluators: they agree on the orders, those that compute clear
// them, and all of the group know the proposed decision. Nothing is published here.

import { assert } from "../../platform/assert.ts";
import type { Lease, ResultRow } from "../../storage/evaluator-store.ts";
import { agreedOf } from "../../wire/merkle.ts";
import { type Agreed, type Decision, decisionSchema, textOfPeriod } from "../../wire/records.ts";
import { runClearing, type SessionResult } from "../clearing-session.ts";
import { chooseActive } from "../engine-sessions.ts";
import { agreeOnOrders, confirmAgreed } from "./agreement.ts";
import type { PeriodContext } from "./context.ts";
import { type Attempt, commonProposal, type NameList, type Proposal } from "./deciding.ts";
import { periodCommand, periodDealing, periodIntake } from "./period-orders.ts";

export interface ClearingAttempt extends Attempt {
  readonly lease: Lease;
  readonly start: number;
}

/** Throws ChannelError when an evaluator fails, AbortError when one is found to lie. */
export async function attemptClearing(
  context: PeriodContext,
  attempt: ClearingAttempt,
  list: NameList,
): Promise<Proposal<Decision, ResultRow>> {
  const { market, store, tools, events } = context;
  const { lease, start, ballot, mesh, exchanges, positions } = attempt;
  const entries = await agreeOnOrders(exchanges, positions, list.entries, list.bytes);
  const agreed = agreedOf(tools.primitives, entries);
  await store.saveAgreed(lease, start, agreed, entries);
  await confirmAgreed(exchanges, "order", agreed);
  const active = chooseActive(market.setting, mesh.members);
  assert(active !== null, "an attempt is made by enough evaluators");
  await store.beginClearing(lease, start);
  events.clearing(textOfPeriod(start), ballot, entries.length, active);

  const command = periodCommand(market, entries);
  const peers = mesh.peersAmong(active);
  let result: SessionResult | null = null;
  if (peers !== null) {
    const taken = await periodIntake(tools, market, mesh.party, store, start, entries);
    const { intake, maskNames } = taken;
    const { revealedSuppliers } = command;
    const dealing = periodDealing(market, maskNames, start, ballot, revealedSuppliers);
    try {
      const session = {
        ...tools,
        clock: context.clock,
        onPhase: () => {},
        keepTrades: market.settlement !== null,
      };
      result = await runClearing(session, { peers, active }, { ...command, dealing }, intake, true);
    } finally {
      intake.free();
    }
    events.cleared(textOfPeriod(start), { offline: result.offlineMs, online: result.onlineMs });
  }
  const own =
    result === null
      ? null
      : decisionOf(context, attempt, agreed, active, command.revealedSuppliers, result);
  const decision = await commonProposal(exchanges, decisionSchema, active, own);
  return {
    decision,
    own:
      result === null
        ? null
        : {
            attempt: ballot,
            orderShares: perOrder(result.orderShares, entries.length),
            supplierShares: result.supplierShares,
            tradeShares: result.tradeShares,
          },
  };
}

function decisionOf(
  { market }: PeriodContext,
  { start, ballot, mesh }: ClearingAttempt,
  agreed: Agreed,
  active: readonly number[],
  revealedSuppliers: readonly boolean[],
  result: SessionResult,
): Decision {
  return {
    market: market.id,
    period: textOfPeriod(start),
    attempt: ballot,
    outcome: "cleared",
    reason: null,
    agreed,
    members: [...mesh.members],
    active: [...active],
    traded: result.traded,
    priceTick: result.priceTick,
    coin: result.coin === null ? null : Buffer.from(result.coin).toString("hex"),
    rejected: result.rejected.flatMap((reason, position) => (reason === null ? [] : [position])),
    revealedSuppliers: [...revealedSuppliers],
    ...(result.dealing === null ? {} : { dealing: result.dealing }),
  };
}

/** A vector's shares, component after component, as one share after the other. */
function perOrder(shares: Uint8Array, count: number): Uint8Array {
  const elements = new BigUint64Array(shares.buffer, shares.byteOffset, shares.length / 8);
  const components = count === 0 ? 0 : elements.length / count;
  assert(components % 1 === 0, "every order has a share of the same length");
  const ordered = new BigUint64Array(elements.length);
  for (let component = 0; component < components; component++) {
    for (let i = 0; i < count; i++)
      ordered[i * components + component] = elements[component * count + i]!;
  }
  return new Uint8Array(ordered.buffer);
}
