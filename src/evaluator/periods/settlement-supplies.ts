// What a settlement needs of the clearing and of settlements before, at every member: most have it themselves, those
// that stood by or were away get it from the others.
import { type Groups, groupsDigest } from "../../market/aggregate-groups.ts";
import { AbortError } from "../../mpc/abort.ts";
import { assert } from "../../platform/assert.ts";
import { LIMITS } from "../../platform/limits.ts";
import type { Lease, OrderEntry } from "../../storage/evaluator-store.ts";
import { agreedOf } from "../../wire/merkle.ts";
import type { Decision } from "../../wire/records.ts";
import { settlementNotesOf } from "../settlement-notes.ts";
import { entriesIn, listBytes, MOST_LIST_BYTES } from "./agreement.ts";
import { recoverSettlements } from "./closing-supplies.ts";
import type { PeriodContext } from "./context.ts";
import type { Attempt } from "./deciding.ts";
import type { Exchanges } from "./exchange.ts";
import { handOver, leastHolders } from "./handover.ts";
import { type Supplies, suppliesSchema } from "./round-messages.ts";

export interface SettlementSupplies {
  readonly clearing: Decision;
  /** The orders that counted, and this evaluator's shares of what they traded. */
  readonly orders: readonly OrderEntry[];
  readonly trades: Uint8Array;
  readonly groups: { readonly last: Groups | null; readonly agreed: boolean };
}

/** Vectors of trades: net, and bought. */
const TRADE_VECTORS = 2;

/** Resolves with text when it has to wait, and for what. */
export async function settlementSupplies(
  context: PeriodContext,
  lease: Lease,
  attempt: Attempt,
  start: number,
  revision: number,
): Promise<SettlementSupplies | string> {
  const { market, store, tools } = context;
  const { mesh, exchanges } = attempt;
  if (revision === 1) {
    const first = await store.settlements(start, start + 1);
    const waits = await recoverSettlements(context, lease, attempt, first.slice(0, 1));
    if (waits !== null) return waits;
  }
  const row = await store.period(start);
  assert(row?.decision != null, "a period is settled after its decision");
  const clearing = row.decision.decision;
  const isCleared = clearing.outcome === "cleared" && clearing.agreed!.count > 0;
  const ownOrders = !isCleared ? [] : row.agreed === null ? null : await store.agreedEntries(start);
  const ownTrades = isCleared
    ? await store.tradeShares(start, clearing.attempt)
    : new Uint8Array(0);
  const groups = revision === 0 ? await groupsBefore(context, start) : null;
  const all = await exchanges.all(suppliesSchema, {
    orders: ownOrders !== null,
    trades: ownTrades !== null,
    groups: groupsDigest(tools.primitives, groups),
    hasGroups: groups !== null,
  });
  const orders = await ordersOf(context, exchanges, all, ownOrders, clearing);
  if (typeof orders === "string") return orders;
  const which = (of: (own: Supplies) => boolean) =>
    [...all].filter(([, own]) => of(own)).map(([member]) => member);
  const holders = which(({ trades }) => trades);
  const lacking = which(({ trades }) => !trades);
  if (lacking.length > 0 && holders.length < leastHolders(market.setting)) {
    return `for evaluators that hold what was traded; of those that are there: ${holders.length}`;
  }
  const trades =
    lacking.length === 0
      ? ownTrades!
      : await handOver(tools, market.setting, mesh, {
          holders,
          lacking,
          own: ownTrades,
          vectors: TRADE_VECTORS,
          length: orders.length,
        });
  return {
    clearing,
    orders,
    trades,
    groups: await commonGroups(context, exchanges, all, groups),
  };
}

/** The orders that counted in the clearing: named by its decision, known to those that took part in it. */
async function ordersOf(
  { tools }: PeriodContext,
  exchanges: Exchanges,
  all: ReadonlyMap<number, Supplies>,
  own: readonly OrderEntry[] | null,
  { agreed }: Decision,
): Promise<readonly OrderEntry[] | string> {
  if ([...all.values()].every(({ orders }) => orders)) return own!;
  if (![...all.values()].some(({ orders }) => orders)) return "for the names of the orders";
  const bytes = own === null ? new Uint8Array(0) : listBytes(own);
  const lists = await exchanges.allBytes(bytes, MOST_LIST_BYTES);
  if (own !== null) return own;
  for (const [member, list] of lists) {
    if (all.get(member)?.orders !== true) continue;
    const entries = entriesIn(list);
    if (agreedOf(tools.primitives, entries).root === agreed?.root) return entries;
  }
  throw new AbortError("nobody sent the orders that the decision names");
}

/**
 * The suppliers' groups after the settlement of the period before; null where they are not known, or there are none.
 */
async function groupsBefore(
  { market, store }: PeriodContext,
  start: number,
): Promise<Groups | null> {
  if (start === market.firstPeriod) return null;
  const name = {
    kind: "settlement",
    start: start - market.schedule.period_s,
    revision: 0,
  } as const;
  const notes = (await store.matter(name))?.notes;
  if (notes == null) return null;
  const { groups } = settlementNotesOf(notes);
  return groups.length === 0 ? null : groups;
}

/** The groups that all go on with: those that do not know them take the others', if these agree. */
async function commonGroups(
  { tools }: PeriodContext,
  exchanges: Exchanges,
  all: ReadonlyMap<number, Supplies>,
  own: Groups | null,
): Promise<SettlementSupplies["groups"]> {
  const known = [...all].filter(([, { hasGroups }]) => hasGroups);
  if (known.length === 0) return { last: null, agreed: true };
  const [[first, { groups: digest }]] = known as [[number, Supplies]];
  if (known.some(([, { groups }]) => groups !== digest)) return { last: null, agreed: false };
  if (known.length === all.size) return { last: own, agreed: true };
  const text = own === null ? "" : JSON.stringify(own);
  const sent = await exchanges.allBytes(new TextEncoder().encode(text), LIMITS.periodMessageBytes);
  if (own !== null) return { last: own, agreed: true };
  const groups = JSON.parse(new TextDecoder().decode(sent.get(first))) as Groups;
  if (groupsDigest(tools.primitives, groups) !== digest) {
    throw new AbortError(`evaluator-${first} sent other groups than it had announced`);
  }
  return { last: groups, agreed: true };
}
