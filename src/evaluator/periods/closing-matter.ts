// The closing of a month as a matter to be decided: which settlements it sums up. With the decision each evaluator
// keeps its own shares of all bills.
import {
  closePosition,
  NO_OPEN_POSITIONS,
  type OpenPositions,
} from "../../market/aggregate-groups.ts";
import { periodsOfMonth } from "../../market/tariffs.ts";
import { AbortError } from "../../mpc/abort.ts";
import { assert } from "../../platform/assert.ts";
import type { Lease } from "../../storage/evaluator-store.ts";
import type { DecidedSettlement, OwnParts } from "../../storage/settlement-store.ts";
import { toHex } from "../../wire/hex.ts";
import { agreedOf } from "../../wire/merkle.ts";
import { activeCount, type Setting } from "../../wire/setting.ts";
import {
  type Closing,
  closingBytes,
  closingSchema,
  settlementsText,
} from "../../wire/settlement-records.ts";
import type { ClosingNotes } from "../settlement-notes.ts";
import { componentsOf } from "../share-bytes.ts";
import { leastMembers } from "./ballots.ts";
import { openPositionShares, recoverSettlements } from "./closing-supplies.ts";
import type { PeriodContext } from "./context.ts";
import { moveMonth, type SummedSettlement } from "./dealt-closing.ts";
import { type Attempt, commonProposal, type Matter, neverVoid, type Proposal } from "./deciding.ts";
import { MonthTotals } from "./month-totals.ts";

type Own = OwnParts["closing"];

export interface ClosingOf {
  readonly lease: Lease;
  readonly month: string;
}

export function closingMatter(context: PeriodContext, of: ClosingOf): Matter<Closing, Own> {
  const { market, store, tools, events } = context;
  const { lease, month } = of;
  const { from } = periodsOfMonth(market, month);
  const name = { kind: "closing", start: from, revision: 0 } as const;
  return {
    name: `the closing of ${month}`,
    schema: closingSchema,
    needs: { toCompute: leastMembers(market.setting), deadline: false },
    bytes: closingBytes,
    isAbout: (decision) => decision.month === month,
    async stand() {
      const row = await store.matter(name);
      if (row === null) return { decision: null, ballot: 0, prepared: null, hasResults: false };
      const { decision, ballot, prepared, notes } = row;
      return { decision, ballot, prepared, hasResults: notes !== null };
    },
    overdue: () => false,
    async names() {
      const last = lastRevisions(await settlementsOf(context, month));
      const text = settlementsText(last.map(({ signed }) => signed.decision));
      return { orders: last.length, ordersDigest: toHex(tools.primitives.sha256(text)) };
    },
    promise: (ballot) => store.promiseMatter(lease, name, ballot),
    compute: (attempt) => computeClosing(context, of, attempt),
    voided: neverVoid,
    prepare: (ballot, decision, own) => store.prepareMatter(lease, name, ballot, decision, own),
    decide: (signed) => store.decideMatter(lease, name, signed),
    decided: (closing) => events.closed(closing),
  };
}

function settlementsOf(
  { market, store }: PeriodContext,
  month: string,
): Promise<readonly DecidedSettlement[]> {
  const { from, to } = periodsOfMonth(market, month);
  return store.settlements(from, to);
}

/** Of each period its last settlement: it replaces the one before. */
const lastRevisions = (all: readonly DecidedSettlement[]): DecidedSettlement[] =>
  all.filter(({ start }, i) => all[i + 1]?.start !== start);

/** From how many evaluators' shares those who may learn a total put it together. */
const leastShares = (setting: Setting): number =>
  setting.engine === "shamir" && setting.security === "semi-honest"
    ? setting.threshold + 1
    : activeCount(setting);

async function computeClosing(
  context: PeriodContext,
  { lease, month }: ClosingOf,
  attempt: Attempt,
): Promise<Proposal<Closing, Own> | string> {
  const { market, store, tools } = context;
  const { exchanges, mesh, positions, ballot } = attempt;
  const own = positions.get(mesh.party)!;
  for (const [member, theirs] of positions) {
    if (theirs.ordersDigest === own.ordersDigest && theirs.orders === own.orders) continue;
    throw new AbortError(`evaluator-${member} has other settlements of ${month}`);
  }
  const last = lastRevisions(await settlementsOf(context, month));
  const recovered = await recoverSettlements(context, lease, attempt, last);
  if (recovered !== null) return recovered;
  const before = await notesBefore(context, month);
  const open = await openPositionShares(context, attempt, before.notes, before.isFirst);
  if (typeof open === "string") return open;

  const { setting, suppliers } = market;
  const sums = new MonthTotals(tools.field, setting, mesh.party);
  try {
    const settlements: SummedSettlement[] = [];
    for (const { start, revision, signed } of last) {
      const kept = await store.settledShares(start, revision, signed.decision.attempt);
      assert(kept !== null, "what belongs to a settlement is kept with it");
      const meters = await sums.add(kept);
      if (market.dealer !== null) settlements.push({ start, signed, meters });
    }
    const told = await positionsOf(context, month, last, open.open);
    const summed = {
      bills: sums.bills(),
      positions: sums.positions(suppliers.length, open.shares),
    };
    const revealedPositions = told.map(({ revealed }) => revealed);
    const toMove = { ...summed, settlements, revealedPositions, before: before.closing };
    const dealt =
      market.dealer === null ? null : await moveMonth(context, attempt, before.from, toMove);
    const { bills, positions: shares } = dealt ?? summed;
    const closing: Closing = {
      market: market.id,
      month,
      attempt: ballot,
      members: [...mesh.members],
      active: [...mesh.members],
      periods: last.length,
      settlements: own.ordersDigest,
      meters: agreedOf(
        tools.primitives,
        bills.map(({ meter }) => ({ meter, orderId: "0".repeat(64) })),
      ),
      revealedPositions,
      ...(dealt === null ? {} : { dealing: dealt.session }),
    };
    assert(mesh.members.length >= leastShares(setting), "there are shares enough of every total");
    const decision = await commonProposal(exchanges, closingSchema, mesh.members, closing);
    return { decision, own: { bills, notes: JSON.stringify(notesOf(setting, told, shares)) } };
  } finally {
    sums.free();
  }
}

interface Position {
  readonly revealed: boolean;
  readonly open: OpenPositions;
}

/** By supplier, whether its position is told with this month, and what stays open. */
async function positionsOf(
  { market, store }: PeriodContext,
  month: string,
  settlements: readonly DecidedSettlement[],
  openBefore: readonly OpenPositions[] | null,
): Promise<readonly Position[]> {
  const traded: boolean[] = [];
  for (const { start } of settlements) {
    const decision = (await store.period(start))?.decision?.decision;
    assert(decision !== undefined, "a settled period is decided");
    traded.push(decision.traded);
  }
  return market.suppliers.map((_, k) => {
    const own = { told: 0, withheld: 0 };
    settlements.forEach(({ signed }, i) => {
      if (!traded[i]) return;
      if (signed.decision.revealedPositions[k]) own.told += 1;
      else own.withheld += 1;
    });
    return closePosition(openBefore?.[k] ?? NO_OPEN_POSITIONS, month, own);
  });
}

function notesOf(setting: Setting, told: readonly Position[], shares: Uint8Array): ClosingNotes {
  const shareOf = (k: number) => supplierShare(setting, shares, told.length, k);
  return {
    positions: told.map(({ revealed }, k) => (revealed ? shareOf(k) : null)),
    open: told.map(({ open, revealed }, k) => ({
      months: [...open.months],
      told: open.told,
      withheld: open.withheld,
      share: revealed ? null : shareOf(k),
    })),
  };
}

/** The share of one of a vector's elements, in base64. */
function supplierShare(setting: Setting, shares: Uint8Array, length: number, k: number): string {
  const parts = Array.from({ length: componentsOf(setting) }, (_, c) => {
    const at = 8 * (c * length + k);
    return shares.subarray(at, at + 8);
  });
  return Buffer.concat(parts).toString("base64");
}

/** The month's first period; and of the closing of the month before what this evaluator keeps, if there is one. */
async function notesBefore({ market, store }: PeriodContext, month: string) {
  const { from } = periodsOfMonth(market, month);
  if (from === market.firstPeriod) return { from, notes: null, isFirst: true, closing: null };
  const last = await store.lastDecidedMatter("closing");
  assert(last !== null && last < from, "months are closed one after the other");
  const row = await store.matter({ kind: "closing", start: last, revision: 0 });
  const closing = row?.decision?.decision;
  const session = closing?.dealing;
  return {
    from,
    notes: row?.notes ?? null,
    isFirst: false,
    /** With a dealer: by which it knows the masks of positions that were left open. */
    closing:
      closing === undefined || session === undefined
        ? null
        : {
            periodStart: last,
            attempt: closing.attempt,
            session,
            open: closing.revealedPositions.flatMap((told, k) => (told ? [] : [k])),
          },
  };
}
