// Who does what among the 2t + 1 parties of a Shamir session, and the coefficients it takes. Parties are numbered from
// 0 and stand in a circle: each of two parties is among the t before or the t after the other, never both.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import { interpolation } from "../sharing/interpolation.ts";

export interface ShamirSetting {
  /** Per party the point at which it holds the polynomials' values: small, different, not 0. */
  readonly points: readonly number[];
  /** t: any t parties together learn nothing; 2t + 1 compute. */
  readonly threshold: number;
}

/** This party's number and how many there are. */
interface Among {
  readonly party: number;
  readonly parties: number;
}

export class ShamirPlan {
  readonly threshold: number;
  readonly parties: number;
  /** The t parties after this one, nearest first: what it deals to them comes from common streams. */
  readonly after: readonly number[];
  /** The t parties before this one, nearest first: it sends them what it deals. */
  readonly before: readonly number[];
  /** The points of this party, those after it and those before it. */
  readonly circle: readonly number[];
  /** Of a product, this party's value times this is an additive share. Length 1. */
  readonly productWeight: Vector;
  /** A secret from this party's value and those of the parties after it. */
  readonly openingWeights: Vector;
  /** Dealt shares (this party's own, then those for `before`) from the dealt value and the shares of `after`. */
  readonly dealingWeights: readonly Vector[];
  /** t + 1 unknown values from those dealt by all parties: this one, those after it, those before it. */
  readonly extraction: readonly Vector[];
  private readonly field: Field;
  private readonly party: number;
  private readonly points: readonly number[];
  private groupList: readonly (readonly number[])[] | null = null;

  constructor(field: Field, among: Among, { points, threshold }: ShamirSetting) {
    const { party } = among;
    const parties = 2 * threshold + 1;
    assert(threshold >= 1, "a threshold of 0 protects nothing");
    assert(among.parties === parties, "2t + 1 parties compute, the others stand by");
    assert(points.length === parties, "there is one point per party");
    const usable = points.every((point) => Number.isInteger(point) && point > 0 && point < 2 ** 16);
    assert(usable && new Set(points).size === parties, "every party has a point of its own");
    const steps = Array.from({ length: threshold }, (_, k) => k + 1);
    this.threshold = threshold;
    this.parties = parties;
    this.after = steps.map((step) => (party + step) % parties);
    this.before = steps.map((step) => (party - step + parties) % parties);

    this.field = field;
    this.party = party;
    this.points = points;

    this.circle = this.pointsOf([party, ...this.after, ...this.before]);
    this.productWeight = this.weightAmong(points.map((_, rank) => rank));
    this.openingWeights = interpolation(field, this.pointsOf([party, ...this.after]), 0);
    const nodes = [0, ...this.pointsOf(this.after)];
    this.dealingWeights = this.pointsOf([party, ...this.before]).map((point) =>
      interpolation(field, nodes, point),
    );
    this.extraction = powers(field, this.circle, threshold + 1);
  }

  /** All groups of t + 1 parties, which can put a secret together: to any t parties there is one without them. */
  get groups(): readonly (readonly number[])[] {
    this.groupList ??= subsets(
      this.points.map((_, rank) => rank),
      this.threshold + 1,
    );
    return this.groupList;
  }

  /**
   * This party's value times this is an additive share of a secret in a group; 0 outside of it. Length 1, the caller's
   * to free.
   */
  weightIn(group: number): Vector {
    return this.weightAmong(this.groups[group]!);
  }

  private weightAmong(members: readonly number[]): Vector {
    const weight = this.field.alloc(1);
    const coefficients = interpolation(this.field, this.pointsOf(members), 0);
    const at = members.indexOf(this.party);
    if (at < 0) this.field.fill(weight, 0);
    else this.field.copy(weight, coefficients.slice(at, at + 1));
    this.field.free(coefficients);
    return weight;
  }

  private pointsOf(ranks: readonly number[]): number[] {
    return ranks.map((rank) => this.points[rank]!);
  }
}

/** Powers 0 .. count - 1 of each point, a vector per exponent: any `count` columns are independent (Vandermonde). */
function powers(field: Field, points: readonly number[], count: number): Vector[] {
  const rows: Vector[] = [];
  for (let exponent = 0; exponent < count; exponent++) {
    const row = field.alloc(points.length);
    points.forEach((point, j) => {
      const element = row.slice(j, j + 1);
      if (exponent === 0) field.fill(element, 1);
      else field.scale(element, rows[exponent - 1]!.slice(j, j + 1), point);
    });
    rows.push(row);
  }
  return rows;
}

/** All subsets of `size` members, in lexicographic order. */
function subsets(members: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  return members.flatMap((first, index) =>
    subsets(members.slice(index + 1), size - 1).map((rest) => [first, ...rest]),
  );
}
