// What the closing of a month needs at every member: shares of all its settlements, and of positions that are open of
// months before. Those that were away get them from the others.
import type { OpenPositions } from "../../market/aggregate-groups.ts";
import { AbortError } from "../../mpc/abort.ts";
import { assert } from "../../platform/assert.ts";
import type { Lease } from "../../storage/evaluator-store.ts";
import type { DecidedSettlement } from "../../storage/settlement-store.ts";
import { agreedOf } from "../../wire/merkle.ts";
import { decodeSettled, encodeSettled, meterBytes, SETTLED_VECTORS } from "../settled-shares.ts";
import { closingNotesOf, type SettlementNotes } from "../settlement-notes.ts";
import { componentsOf } from "../share-bytes.ts";
import { entriesIn, listBytes, MOST_LIST_BYTES } from "./agreement.ts";
import type { PeriodContext } from "./context.ts";
import type { Attempt } from "./deciding.ts";
import { handOver, leastHolders } from "./handover.ts";
import { lackingSchema, openPositionsSchema } from "./round-messages.ts";

/**
 * Sees to it that every member has its shares of these settlements. Resolves with null when all have them, else with
 * what has to be waited for.
 */
export async function recoverSettlements(
  context: PeriodContext,
  lease: Lease,
  attempt: Attempt,
  settlements: readonly DecidedSettlement[],
): Promise<string | null> {
  const lacks = settlements.flatMap(({ notes }, i) => (notes === null ? [i] : []));
  const all = await attempt.exchanges.all(lackingSchema, { lacking: lacks });
  const missing = new Set([...all.values()].flatMap(({ lacking }) => lacking));
  for (const index of [...missing].sort((a, b) => a - b)) {
    const settlement = settlements[index];
    if (settlement === undefined) throw new AbortError("a member lacks what nobody has decided");
    const isLacking = (member: number) => all.get(member)!.lacking.includes(index);
    const holders = [...all.keys()].filter((member) => !isLacking(member));
    if (holders.length < leastHolders(context.market.setting)) {
      const { period } = settlement.signed.decision;
      return `for evaluators that hold the settlement of ${period}; of those that are there: ${holders.length}`;
    }
    const lacking = [...all.keys()].filter(isLacking);
    await recoverSettlement(context, lease, attempt, settlement, { holders, lacking });
  }
  return null;
}

async function recoverSettlement(
  { market, store, tools }: PeriodContext,
  lease: Lease,
  { exchanges, mesh }: Attempt,
  { start, revision, signed, notes }: DecidedSettlement,
  {
    holders,
    lacking,
  }: { readonly holders: readonly number[]; readonly lacking: readonly number[] },
): Promise<void> {
  const { attempt, readings } = signed.decision;
  const kept = notes === null ? null : await store.settledShares(start, revision, attempt);
  const own = kept === null ? null : decodeSettled(kept);
  const names = own === null ? [] : await store.agreedReadings(start, revision);
  const empty = new Uint8Array(0);
  const exchanged = async (bytes: Uint8Array) => {
    const sent = await exchanges.allBytes(own === null ? empty : bytes, MOST_LIST_BYTES);
    const [first, ...others] = holders.map((member) => sent.get(member)!);
    if (others.some((other) => !Buffer.from(other).equals(first!))) {
      throw new AbortError(`evaluators keep different names with the settlement of ${start}`);
    }
    return first!;
  };
  const meters = await exchanged(own === null ? empty : meterBytes(own.meters));
  const entries = entriesIn(await exchanged(listBytes(names)));
  if (agreedOf(tools.primitives, entries).root !== readings.root) {
    throw new AbortError(`the readings of the settlement of ${start} are not those that were sent`);
  }
  const shares = await handOver(tools, market.setting, mesh, {
    holders,
    lacking,
    own: own?.shares ?? null,
    vectors: SETTLED_VECTORS,
    length: decodeSettled(meters).meters.length,
  });
  if (own !== null) return;
  const none = market.suppliers.map(() => null);
  const without: SettlementNotes = { metered: none, positions: none, groups: [] };
  await store.completeMatter(
    lease,
    { kind: "settlement", start, revision },
    {
      readings: entries,
      shares: encodeSettled(meters, shares),
      notes: JSON.stringify(without),
    },
  );
}

/** Positions that are open of earlier months, and this evaluator's shares of them, a number per supplier. */
export interface OpenShares {
  readonly open: readonly OpenPositions[] | null;
  readonly shares: Uint8Array | null;
}

/** `notes` of the closing before; null where this evaluator has none, or there is no such closing. */
export async function openPositionShares(
  { market, tools }: PeriodContext,
  { exchanges, mesh }: Attempt,
  notes: string | null,
  isFirst: boolean,
): Promise<OpenShares | string> {
  if (isFirst) return { open: null, shares: null };
  const { setting, suppliers } = market;
  const own = notes === null ? null : closingNotesOf(notes).open;
  const open = own?.map(({ months, told, withheld }) => ({ months, told, withheld })) ?? null;
  const all = await exchanges.all(openPositionsSchema, { open });
  const holders = [...all].filter(([, theirs]) => theirs.open !== null).map(([member]) => member);
  const lacking = [...all.keys()].filter((member) => !holders.includes(member));
  const texts = new Set(holders.map((member) => JSON.stringify(all.get(member)!.open)));
  if (texts.size > 1) throw new AbortError("evaluators keep different positions open");
  if (lacking.length > 0 && holders.length < leastHolders(setting)) {
    return `for evaluators that hold open positions; of those that are there: ${holders.length}`;
  }
  const shares = await handOver(tools, setting, mesh, {
    holders,
    lacking,
    own: own === null ? null : vectorOf(componentsOf(setting), own),
    vectors: 1,
    length: suppliers.length,
  });
  return { open: all.get(holders[0]!)!.open, shares };
}

/** Shares of one number each as shares of a vector; 0 where nothing is open. */
function vectorOf(components: number, open: readonly { readonly share: string | null }[]) {
  const bytes = new Uint8Array(8 * components * open.length);
  open.forEach(({ share }, k) => {
    if (share === null) return;
    const own = Buffer.from(share, "base64");
    assert(own.length === 8 * components, "a share has one element per component");
    for (let c = 0; c < components; c++) {
      bytes.set(own.subarray(8 * c, 8 * (c + 1)), 8 * (c * open.length + k));
    }
  });
  return bytes;
}
