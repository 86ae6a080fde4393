// What a supplier's periods come to: its position against the other suppliers, and the imbalance that it avoids.
import type { StoredPeriod } from "./database.ts";

/** Energies in units of 2^-10 Wh; null while or where they are not told. */
export interface PeriodRow {
  readonly start: number;
  /** "pending": not decided yet, or not fetched. */
  readonly state: "ok" | "withheld" | "void" | "pending";
  readonly boughtUnits: number | null;
  readonly soldUnits: number | null;
  /** What its customers bought less what they sold: above 0 others' customers deliver to them. */
  readonly positionUnits: number | null;
  readonly importedUnits: number | null;
  readonly exportedUnits: number | null;
  /** Null while it is not settled; "withheld": settled, but its metered sums are not told. */
  readonly metered: "settled" | "final" | "withheld" | null;
}

export function rowsOf(
  starts: readonly number[],
  known: ReadonlyMap<number, StoredPeriod>,
): PeriodRow[] {
  return starts.map((start) => rowOf(start, known.get(start)));
}

function rowOf(start: number, period: StoredPeriod | undefined): PeriodRow {
  const { clearing = null, metered = null } = period ?? {};
  const { boughtUnits = null, soldUnits = null } = clearing ?? {};
  const net = boughtUnits === null || soldUnits === null ? null : boughtUnits - soldUnits;
  const isTold = metered !== null && metered.importedUnits !== null;
  return {
    start,
    state: clearing?.state ?? "pending",
    boughtUnits,
    soldUnits,
    positionUnits: net ?? metered?.positionUnits ?? null,
    importedUnits: metered?.importedUnits ?? null,
    exportedUnits: metered?.exportedUnits ?? null,
    metered: metered === null ? null : !isTold ? "withheld" : metered.isFinal ? "final" : "settled",
  };
}

export interface SupplierSums {
  readonly boughtUnits: number;
  readonly soldUnits: number;
  readonly positionUnits: number;
  /**
   * What a supplier that is not told would have been out of balance by, period by period: it would have bought, or
   * placed elsewhere, what other suppliers' customers deliver to its own, or take from them. Trade among its own
   * customers cancels out.
   */
  readonly avoidedUnits: number;
  readonly importedUnits: number;
  readonly exportedUnits: number;
  /**
   * How many periods there are, how many are decided, withheld, void; how many have their sums told, their position,
   * and their metered sums.
   */
  readonly periods: number;
  readonly decided: number;
  readonly withheld: number;
  readonly void: number;
  readonly cleared: number;
  readonly told: number;
  readonly metered: number;
}

export function sumsOf(rows: readonly PeriodRow[]): SupplierSums {
  const sum = (of: (row: PeriodRow) => number | null) =>
    rows.reduce((all, row) => all + (of(row) ?? 0), 0);
  const count = (is: (row: PeriodRow) => boolean) => rows.filter(is).length;
  return {
    boughtUnits: sum((row) => row.boughtUnits),
    soldUnits: sum((row) => row.soldUnits),
    positionUnits: sum((row) => row.positionUnits),
    avoidedUnits: sum((row) => Math.abs(row.positionUnits ?? 0)),
    importedUnits: sum((row) => row.importedUnits),
    exportedUnits: sum((row) => row.exportedUnits),
    periods: rows.length,
    decided: count(({ state }) => state !== "pending"),
    withheld: count(({ state }) => state === "withheld"),
    void: count(({ state }) => state === "void"),
    cleared: count(({ boughtUnits }) => boughtUnits !== null),
    told: count(({ positionUnits }) => positionUnits !== null),
    metered: count(({ importedUnits }) => importedUnits !== null),
  };
}
