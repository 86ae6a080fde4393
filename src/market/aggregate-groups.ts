// Which sums a supplier may learn, so that no two of them betray a household by their difference. The rules, as told to
// a supplier:
//   1. A period's metered sums cover your group, and are told if at least minimum_group of it sent a reading.
//   2. New customers wait outside the group until minimum_group of them wait, or the first has waited for a day.
//   3. A period's sums are told once. If at least minimum_group of its readings change until the month is closed, the
//      corrected ones are told too; fewer changes show in your customers' bills only.
//   4. Your position of a period is told if its clearing told you what your customers bought and sold.
//   5. Your position of a month is told unless it would betray 1 to 95 periods that rule 4 withheld: then it is told
//      together with a later month's.
//   6. Where evaluators disagree about your group it begins anew, and that period's sums are withheld.
// Why:
//   1. Estimates do not count. A sum of one reading and many estimates betrays the reading, since estimates are public
//      but for what was bought, and the clearing told the sum of that.
//   2. Otherwise the sums before and after somebody joined differ by little but that household. A day's delay leaves at
//      most one such change a day, and at a time that has nothing to do with the household's first one.
//   3. Two sums over the same period differ by exactly the readings that changed.
//   4. The position is the price times bought less sold: it tells nothing that the clearing did not. Over all suppliers
//      the positions add up to 0, so all but one supplier together know the last one's: as with the clearing's sums.
//   5. A month less the periods that were told is the sum over those that were not. Over a day or more it tells less of
//      anybody than the bills that a supplier gets. Where no period was told there is nothing to subtract.
// What the rules cannot do: customers who conspire with their supplier shrink the group by themselves.
import { assert } from "../platform/assert.ts";
import type { Primitives } from "../platform/primitives.ts";
import { toHex } from "../wire/hex.ts";

/** How long new customers wait at most, and the least number of quarter-hours whose sum is told: a day. */
const WAIT_S = 86_400;
const WITHHELD_AT_LEAST = 96;

/** A supplier's group; small and plain, so that evaluators can keep it as JSON and compare digests of it. */
export interface SupplierGroup {
  /** Ids of meters, in order. */
  readonly members: readonly string[];
  /** The first period in which those who wait now waited; null when nobody does. */
  readonly waitingSince: number | null;
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

/** Groups by number of supplier. */
export type Groups = readonly SupplierGroup[];

/** A meter of a period's settlement. */
export interface SettledMeter {
  readonly meter: string;
  readonly supplier: number;
  /** Its order is in the agreed set of the clearing. */
  readonly ordered: boolean;
  /** Its reading counts: it is not estimated. */
  readonly read: boolean;
}

export interface GroupDecision {
  /** The groups from now on. */
  readonly groups: Groups;
  /** Per meter, in the order given: 1 if its supplier's metered sums cover it. */
  readonly covered: Uint8Array;
  /** Per supplier, whether it may learn its metered sums (rule 1), and its position (rule 4). */
  readonly revealedSuppliers: readonly boolean[];
  readonly revealedPositions: readonly boolean[];
}

/** What all evaluators of a group compare before they decide about a period. */
export const groupsDigest = (hash: Pick<Primitives, "sha256">, groups: Groups | null): string => {
  const plain = groups?.map(({ members, waitingSince }) => ({ members, waitingSince })) ?? null;
  return toHex(hash.sha256(new TextEncoder().encode(JSON.stringify(plain))));
};

/**
 * Decides what the first settlement of a period tells. `groups` is null before the first period; `agreed` says whether
 * all evaluators have the same (rule 6). `traded` says whether the period's clearing had trade: without, every
 * position is 0, which everybody knows.
 */
export function decideGroups(
  groups: Groups | null,
  agreed: boolean,
  periodStart: number,
  meters: readonly SettledMeter[],
  suppliers: number,
  traded: boolean,
  minimumGroup: number,
): GroupDecision {
  assert(groups === null || groups.length === suppliers, "a group per supplier");
  const present: string[][] = Array.from({ length: suppliers }, () => []);
  for (const { meter, supplier } of meters) present[supplier]!.push(meter);
  const next = present.map((own, k) =>
    groupAfter(agreed ? (groups?.[k] ?? null) : null, own.sort(byText), periodStart, minimumGroup),
  );
  const members = next.map((group) => new Set(group.members));
  const covered = Uint8Array.from(meters, ({ meter, supplier }) =>
    members[supplier]!.has(meter) ? 1 : 0,
  );
  const enough = (counts: (meter: SettledMeter, index: number) => boolean) =>
    countsBySupplier(meters, suppliers, counts).map((count) => count >= minimumGroup);
  return {
    groups: next,
    covered,
    revealedSuppliers: enough(({ read }, i) => read && covered[i] === 1).map(
      (may) => may && agreed,
    ),
    revealedPositions: enough(({ ordered }) => ordered).map((may) => may || !traded),
  };
}

function groupAfter(
  group: SupplierGroup | null,
  present: readonly string[],
  periodStart: number,
  minimumGroup: number,
): SupplierGroup {
  if (group === null) return { members: present, waitingSince: null };
  const known = new Set(group.members);
  const waiting = present.filter((meter) => !known.has(meter));
  if (waiting.length === 0) return { ...group, waitingSince: null };
  const waitingSince = group.waitingSince ?? periodStart;
  if (waiting.length >= minimumGroup) {
    return { members: [...group.members, ...waiting].sort(byText), waitingSince: null };
  }
  // Those who are away now, perhaps for ever, are new customers should they come back.
  if (periodStart - waitingSince >= WAIT_S) return { members: present, waitingSince: null };
  return { ...group, waitingSince };
}

function countsBySupplier<Meter extends { readonly supplier: number }>(
  meters: readonly Meter[],
  suppliers: number,
  counts: (meter: Meter, index: number) => boolean,
): number[] {
  const result = new Array<number>(suppliers).fill(0);
  meters.forEach((meter, i) => {
    if (counts(meter, i)) result[meter.supplier]! += 1;
  });
  return result;
}

/** A meter in the second settlement of a period. */
export interface CorrectedMeter extends Pick<SettledMeter, "supplier" | "read"> {
  /** As the first settlement decided; false for a meter that it did not have. */
  readonly covered: boolean;
  /** Another reading counts than then, or one where none did, or none where one did. */
  readonly changed: boolean;
}

/** Per supplier, whether it may learn the sums of a period's second settlement (rule 3); `told` is of the first. */
export function revealedCorrections(
  meters: readonly CorrectedMeter[],
  told: readonly boolean[],
  minimumGroup: number,
): boolean[] {
  const enough = (counts: (meter: CorrectedMeter) => boolean) =>
    countsBySupplier(meters, told.length, (meter) => meter.covered && counts(meter)).map(
      (count) => count >= minimumGroup,
    );
  const read = enough((meter) => meter.read);
  const changed = enough((meter) => meter.changed);
  return told.map((before, k) => read[k]! && (!before || changed[k]!));
}

/** Months whose position a supplier has not learnt yet; each evaluator keeps it, by supplier. */
export interface OpenPositions {
  readonly months: readonly string[];
  /** Periods with trade in them whose position was told, or withheld. */
  readonly told: number;
  readonly withheld: number;
}

export const NO_OPEN_POSITIONS: OpenPositions = { months: [], told: 0, withheld: 0 };

/**
 * Rule 5, when a month is closed: whether the supplier may learn its position now, which is then the sum over all
 * `months`, and what stays open else. `own` counts the periods of this month.
 */
export function closePosition(
  open: OpenPositions,
  month: string,
  own: { readonly told: number; readonly withheld: number },
): {
  readonly revealed: boolean;
  readonly months: readonly string[];
  readonly open: OpenPositions;
} {
  const months = [...open.months, month];
  const told = open.told + own.told;
  const withheld = open.withheld + own.withheld;
  const revealed = withheld === 0 || withheld >= WITHHELD_AT_LEAST || told === 0;
  return { revealed, months, open: revealed ? NO_OPEN_POSITIONS : { months, told, withheld } };
}
