// Which sums suppliers learn: each rule of aggregate-groups.ts, at the edge where it begins to hold.
import { describe, expect, it } from "vitest";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import {
  closePosition,
  decideGroups,
  type Groups,
  groupsDigest,
  NO_OPEN_POSITIONS,
  revealedCorrections,
  type SettledMeter,
} from "./aggregate-groups.ts";

const MINIMUM = 5;
const DAY = 86_400;
const meters = (count: number, changes: Partial<SettledMeter> = {}, from = 0): SettledMeter[] =>
  Array.from({ length: count }, (_, i) => ({
    meter: `meter-${String(from + i).padStart(3, "0")}`,
    supplier: 0,
    ordered: true,
    read: true,
    ...changes,
  }));
const decide = (groups: Groups | null, at: number, present: SettledMeter[], agreed = true) =>
  decideGroups(groups, agreed, at, present, 1, true, MINIMUM);
const sum = (covered: Uint8Array) => covered.reduce((count, one) => count + one, 0);

describe("groups of customers", () => {
  it("are told sums of enough readings, estimates left out", () => {
    const first = (read: number) =>
      decide(null, 0, [...meters(read), ...meters(9, { read: false }, read)]);
    expect(first(MINIMUM - 1).revealedSuppliers).toEqual([false]);
    expect(first(MINIMUM).revealedSuppliers).toEqual([true]);
    expect(sum(first(MINIMUM).covered)).toBe(MINIMUM + 9);
  });

  it("let new customers wait for others", () => {
    const { groups } = decide(null, 0, meters(8));
    const few = decide(groups, 900, meters(8 + MINIMUM - 1));
    expect([...few.covered]).toEqual([...Array(8).fill(1), ...Array(MINIMUM - 1).fill(0)]);
    expect(few.revealedSuppliers).toEqual([true]);
    const enough = decide(few.groups, 1800, meters(8 + MINIMUM));
    expect(sum(enough.covered)).toBe(8 + MINIMUM);
  });

  it("let new customers wait for a day, whoever came before them", () => {
    const { groups } = decide(null, 0, meters(8));
    const waits = decide(groups, 5 * DAY, meters(9));
    expect(sum(waits.covered)).toBe(8);
    expect(sum(decide(waits.groups, 6 * DAY - 900, meters(9)).covered)).toBe(8);
    expect(sum(decide(waits.groups, 6 * DAY, meters(9)).covered)).toBe(9);
    const gone = decide(waits.groups, 5 * DAY + 900, meters(8));
    expect(sum(decide(gone.groups, 6 * DAY, meters(9)).covered)).toBe(8);
  });

  it("keep members that are away, until the group is made anew", () => {
    const { groups } = decide(null, 0, meters(8));
    const away = decide(groups, 900, meters(7));
    expect(sum(decide(away.groups, 1800, meters(8)).covered)).toBe(8);
  });

  it("begin anew where evaluators disagree, and tell nothing then", () => {
    const { groups } = decide(null, 0, meters(8));
    const anew = decide(groups, 900, meters(9), false);
    expect(anew.revealedSuppliers).toEqual([false]);
    expect(sum(decide(anew.groups, 1800, meters(9)).covered)).toBe(9);
  });

  it("have a digest of who is in them, in whatever order meters came", () => {
    const digest = (present: SettledMeter[]) =>
      groupsDigest(nodePrimitives, decide(null, 0, present).groups);
    expect(digest(meters(8).reverse())).toBe(digest(meters(8)));
    expect(digest(meters(8))).not.toBe(digest(meters(9)));
    const kept: Groups = JSON.parse(JSON.stringify(decide(null, 0, meters(8)).groups));
    expect(groupsDigest(nodePrimitives, kept)).toBe(digest(meters(8)));
  });
});

describe("what else suppliers are told", () => {
  it("positions where clearing told its sums, or nothing was traded", () => {
    const position = (ordered: number, traded: boolean) =>
      decideGroups(
        null,
        true,
        0,
        [...meters(ordered), ...meters(9, { ordered: false }, ordered)],
        1,
        traded,
        MINIMUM,
      ).revealedPositions;
    expect(position(MINIMUM, true)).toEqual([true]);
    expect(position(MINIMUM - 1, true)).toEqual([false]);
    expect(position(0, false)).toEqual([true]);
  });

  it("corrections of enough readings", () => {
    const corrected = (changed: number, covered = true) => [
      ...meters(20).map((meter, i) => ({ ...meter, covered, changed: i < changed })),
    ];
    expect(revealedCorrections(corrected(MINIMUM - 1), [true], MINIMUM)).toEqual([false]);
    expect(revealedCorrections(corrected(MINIMUM), [true], MINIMUM)).toEqual([true]);
    expect(revealedCorrections(corrected(MINIMUM, false), [true], MINIMUM)).toEqual([false]);
    // Told for the first time.
    expect(revealedCorrections(corrected(1), [false], MINIMUM)).toEqual([true]);
  });

  it("positions of months that betray no few periods", () => {
    const close = (told: number, withheld: number, open = NO_OPEN_POSITIONS) =>
      closePosition(open, "2025-06", { told, withheld });
    expect(close(2000, 0).revealed).toBe(true);
    expect(close(2000, 96).revealed).toBe(true);
    expect(close(0, 20).revealed).toBe(true);
    const held = close(2000, 95);
    expect(held).toMatchObject({ revealed: false, months: ["2025-06"] });
    const still = closePosition(held.open, "2025-07", { told: 2000, withheld: 0 });
    expect(still.revealed).toBe(false);
    const last = closePosition(still.open, "2025-08", { told: 2000, withheld: 1 });
    expect(last).toMatchObject({ revealed: true, months: ["2025-06", "2025-07", "2025-08"] });
    expect(last.open).toEqual(NO_OPEN_POSITIONS);
  });
});
