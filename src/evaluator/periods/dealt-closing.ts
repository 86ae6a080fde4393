// The closing of a month in a market with a dealer: sums of masked amounts are moved onto masks that those can be told
// who may learn the sums (dealer/month-moves.ts). Evaluators see masked values only, before and after.
import { AbortError } from "../../mpc/abort.ts";
import { joinClosing } from "../../mpc/dealer-access.ts";
import { assert } from "../../platform/assert.ts";
import type { BillRow, DecidedSettlement } from "../../storage/settlement-store.ts";
import { type ClosingRequest, MOVES_PER_METER } from "../../wire/dealer-messages.ts";
import { toHex } from "../../wire/hex.ts";
import { encodeMonthNames } from "../../wire/month-names.ts";
import type { PeriodContext } from "./context.ts";
import type { Attempt } from "./deciding.ts";
import { namedSchema } from "./round-messages.ts";

/** A settlement that a month sums up, and whom it covers. */
export interface SummedSettlement extends Pick<DecidedSettlement, "start" | "signed"> {
  readonly meters: readonly string[];
}

export interface MonthToMove {
  readonly settlements: readonly SummedSettlement[];
  /** In order of meters, under the masks of sums; and per supplier its position with what was open. */
  readonly bills: readonly BillRow[];
  readonly positions: Uint8Array;
  readonly revealedPositions: readonly boolean[];
  readonly before: NonNullable<ClosingRequest["before"]> | null;
}

export interface MovedMonth {
  readonly session: string;
  readonly bills: readonly BillRow[];
  readonly positions: Uint8Array;
}

/** Throws ChannelError when the dealer or an evaluator fails, AbortError when members name different months. */
export async function moveMonth(
  { market, tools }: PeriodContext,
  { ballot, mesh, exchanges }: Attempt,
  periodStart: number,
  { settlements, bills, positions, revealedPositions, before }: MonthToMove,
): Promise<MovedMonth> {
  const { dealer, suppliers } = market;
  assert(dealer !== null, "a market with a dealer has its address");
  const places = new Map(bills.map(({ meter }, place) => [meter, place]));
  const named = settlements.map(({ start, signed, meters }) => {
    const { attempt, dealing } = signed.decision;
    assert(dealing !== undefined, "a market with a dealer settles in its sessions");
    const covered = Uint32Array.from(meters, (meter) => places.get(meter)!).sort();
    return { start, attempt, session: dealing, covered };
  });
  const meters = bills.map(({ meter, supplier }) => ({ meter, supplier }));
  const names = encodeMonthNames({ meters, settlements: named });
  // The dealer does not wait long for evaluators that still add up.
  const digest = toHex(tools.primitives.sha256(names));
  for (const [member, theirs] of await exchanges.all(namedSchema, { named: digest })) {
    if (theirs.named === digest) continue;
    throw new AbortError(`evaluator-${member} has other meters or settlements of the month`);
  }
  const link = await tools.reachDealer(dealer.links);
  // Another evaluator that has gone will not join: nobody waits for it at the dealer.
  for (const other of mesh.links.values()) void other.whenEnded().then(() => link.close());
  try {
    const closing = {
      periodStart,
      attempt: ballot,
      suppliers: revealedPositions.flatMap((may, supplier) => (may ? [supplier] : [])),
      ...(before === null ? {} : { before }),
      meters: meters.length,
      settlements: named.length,
      names,
    };
    const isFirst = mesh.party === 0;
    const { session, moves } = await joinClosing(
      link,
      tools.primitives,
      closing,
      suppliers.length,
      isFirst,
    );
    return { session, ...moved(tools, bills, positions, moves) };
  } finally {
    link.close();
  }
}

/** Adds the moves. */
function moved(
  { field }: PeriodContext["tools"],
  bills: readonly BillRow[],
  positions: Uint8Array,
  moves: Uint8Array,
): Pick<MovedMonth, "bills" | "positions"> {
  const own = bills.flatMap(({ components, payable }) => [components, payable]);
  const bytes = Buffer.concat([...own, positions]);
  assert(bytes.length === moves.length, "there is a move for every sum");
  const [sums, added] = [field.alloc(bytes.length / 8), field.alloc(moves.length / 8)];
  field.setBytes(sums, bytes);
  field.setBytes(added, moves);
  field.maskPrg(added); // Whatever was sent, these are elements now.
  field.add(sums, sums, added);
  const all = field.toBytes(sums);
  field.free(sums);
  field.free(added);
  const billBytes = 8 * MOVES_PER_METER;
  return {
    bills: bills.map((bill, i) => {
      const at = i * billBytes;
      const payableAt = at + billBytes - 8;
      const components = all.slice(at, payableAt);
      return { ...bill, components, payable: all.slice(payableAt, payableAt + 8) };
    }),
    positions: all.slice(bills.length * billBytes),
  };
}
