// One attempt at a period's clearing in a group of evaluators: they agree on the orders, those that compute clear
// them, and all of the group know the proposed decision. Nothing is published here.

import { assert } from "../../platform/assert.ts";
import type { Lease, OrderEntry, ResultRow } from "../../storage/evaluator-store.ts";
import { agreedOf } from "../../wire/merkle.ts";
import { type Agreed, type Decision, decisionSchema, textOfPeriod } from "../../wire/records.ts";
import type { SessionResult } from "../clearing-session.ts";
import { agreeOnOrders, confirmAgreed } from "./agreement.ts";
import type { PeriodContext } from "./context.ts";
import { type Attempt, commonProposal, type NameList, type Proposal } from "./deciding.ts";
import type { OpenOrders } from "./open-orders.ts";
import { revealedSuppliers } from "./period-orders.ts";

export interface ClearingAttempt extends Attempt {
  readonly lease: Lease;
  readonly start: number;
}

/** Throws ChannelError when an evaluator fails, AbortError when one is found to lie. */
export async function attemptClearing(
  context: PeriodContext,
  open: OpenOrders,
  attempt: ClearingAttempt,
  list: NameList,
): Promise<Proposal<Decision, ResultRow>> {
  const { store, tools, events, clock } = context;
  const { lease, start, ballot, mesh, exchanges, positions } = attempt;
  const entries = await agreeOnOrders(exchanges, positions, list.entries, list.bytes);
  const agreed = agreedOf(tools.primitives, entries);
  await store.saveAgreed(lease, start, agreed, entries);
  await confirmAgreed(exchanges, "order", agreed);
  await store.beginClearing(lease, start);
  const sinceMs = clock.nowMs();
  // Much of the work may have been done while orders arrived.
  const session = await open.sessionFor(mesh, start, { ballot, entries });
  const { active } = session;
  events.clearing(textOfPeriod(start), ballot, entries.length, active);
  await session.take(entries);
  const result = await session.clear(entries, sinceMs);
  if (result !== null) {
    events.cleared(textOfPeriod(start), { offline: result.offlineMs, online: result.onlineMs });
  }
  const own =
    result === null ? null : decisionOf(context, attempt, agreed, active, entries, result);
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
  entries: readonly OrderEntry[],
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
    revealedSuppliers: revealedSuppliers(market, entries),
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
