// Which meters a settlement covers, and what suppliers may learn of it: from public names alone, the same at all
// evaluators. A settlement covers the meters whose order counted, and those with a reading that counts but no order.
import {
  type CorrectedMeter,
  decideGroups,
  type Groups,
  revealedCorrections,
} from "../../market/aggregate-groups.ts";
import type { MarketDocument } from "../../market/market-document.ts";
import type { OrderEntry } from "../../storage/evaluator-store.ts";
import type { Settlement } from "../../wire/settlement-records.ts";
import type { CoveredMeter } from "../settled-shares.ts";

export interface MeterOfPeriod {
  readonly meter: string;
  readonly supplier: number;
  /** The place of its order, and of its reading that counts; null without. */
  readonly order: number | null;
  readonly reading: number | null;
}

/**
 * The meters, in order of their ids. `orders` and `readings` are in that order, `rejected` are positions of readings.
 */
export function metersOf(
  orders: readonly OrderEntry[],
  readings: readonly OrderEntry[],
  rejected: readonly number[],
): MeterOfPeriod[] {
  const all = new Map<string, MeterOfPeriod>();
  orders.forEach(({ meter, supplier }, order) => {
    all.set(meter, { meter, supplier, order, reading: null });
  });
  const refused = new Set(rejected);
  readings.forEach(({ meter, supplier }, reading) => {
    if (refused.has(reading)) return;
    all.set(meter, { ...(all.get(meter) ?? { meter, supplier, order: null }), reading });
  });
  return [...all.values()].sort((a, b) => (a.meter < b.meter ? -1 : 1));
}

/** Meters without a reading that counts. */
export const estimatedOf = (meters: readonly MeterOfPeriod[]): number =>
  meters.filter(({ reading }) => reading === null).length;

/** What a settlement tells, and whom its metered sums cover. */
export interface Telling {
  readonly revealedSuppliers: readonly boolean[];
  readonly revealedPositions: readonly boolean[];
  /** Per meter. */
  readonly grouped: readonly boolean[];
  /** The suppliers' groups from now on; empty for a correction, which changes none. */
  readonly groups: Groups;
}

/** Of the first settlement of a period. */
export function tellFirst(
  { suppliers, parameters }: MarketDocument,
  groups: { readonly last: Groups | null; readonly agreed: boolean },
  start: number,
  meters: readonly MeterOfPeriod[],
  traded: boolean,
): Telling {
  const settled = meters.map(({ meter, supplier, order, reading }) => ({
    meter,
    supplier,
    ordered: order !== null,
    read: reading !== null,
  }));
  const { covered, ...decision } = decideGroups(
    groups.last,
    groups.agreed,
    start,
    settled,
    suppliers.length,
    traded,
    parameters.minimumGroup,
  );
  return { ...decision, grouped: [...covered].map((one) => one === 1) };
}

/** The first settlement of a period, as its correction sees it. */
export interface FirstSettlement {
  readonly settlement: Settlement;
  readonly readings: readonly OrderEntry[];
  readonly meters: readonly CoveredMeter[];
}

/** Of the correction when the month is closed. */
export function tellCorrection(
  { parameters }: MarketDocument,
  first: FirstSettlement,
  meters: readonly MeterOfPeriod[],
  readings: readonly OrderEntry[],
): Telling {
  const { settlement } = first;
  const grouped = new Set(first.meters.filter((one) => one.grouped).map(({ meter }) => meter));
  const counted = countedReadings(first.readings, settlement.rejected);
  const corrected = meters.map(({ meter, supplier, reading }): CorrectedMeter => {
    const now = reading === null ? undefined : readings[reading]!.orderId;
    return {
      supplier,
      read: reading !== null,
      covered: grouped.has(meter),
      changed: counted.get(meter) !== now,
    };
  });
  const told = settlement.revealedSuppliers;
  return {
    revealedSuppliers: revealedCorrections(corrected, told, parameters.minimumGroup),
    revealedPositions: settlement.revealedPositions,
    grouped: corrected.map(({ covered }) => covered),
    groups: [],
  };
}

function countedReadings(
  readings: readonly OrderEntry[],
  rejected: readonly number[],
): ReadonlyMap<string, string> {
  const refused = new Set(rejected);
  const counted = readings.filter((_, position) => !refused.has(position));
  return new Map(counted.map(({ meter, orderId }) => [meter, orderId]));
}
