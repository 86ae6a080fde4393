// Products of authenticated sharings from dealt triples (Beaver 1991): with a, b uniform and c = a b, the masked
// factors
// d = x - a and e = y - b are opened, and x y = c + d b + e a + d e. What depends on the factors is computed at
// once, so
// that they may be freed; the rest when d and e are there.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Dealt } from "../sharing/dealer.ts";
import type { MaterialStore, Piece } from "./dealer-material.ts";
import type { Openings } from "./dealer-openings.ts";
import type { Factors } from "./engine.ts";
import { Secret } from "./shared.ts";

/** A factor for all elements of vectors from this length on is masked once per block; of shorter ones, per element. */
const LEAST_SCALING = 128;

/** A piece of one product, and where it stands. */
interface Term {
  readonly piece: Piece;
  /** Which pair of factors it belongs to, and its first position there. */
  readonly pair: number;
  readonly at: number;
  /** Where its masked factors stand among all that are opened. */
  readonly d: number;
  readonly e: number;
}

export class Multiplier {
  private readonly field: Field;
  private readonly store: MaterialStore;
  private readonly openings: Openings;
  private readonly delta: Vector;
  /** Whether this evaluator adds what is public to the values. */
  private readonly addsPublic: boolean;

  constructor(
    field: Field,
    store: MaterialStore,
    openings: Openings,
    delta: Vector,
    addsPublic: boolean,
  ) {
    this.field = field;
    this.store = store;
    this.openings = openings;
    this.delta = delta;
    this.addsPublic = addsPublic;
  }

  /** Elementwise sum over the pairs; the second of a pair may have length 1. Rounds: 1. */
  products(factors: Factors): Promise<Secret> {
    const { length } = factors[0]![0];
    return this.multiply(factors, length, (components, term, opened) => {
      const [values, codes] = components.map((v) => v.slice(term.at, term.at + term.piece.length));
      this.addProduct(values!, codes!, term, opened);
    });
  }

  /** One inner product per pair. Rounds: 1. */
  dots(factors: Factors): Promise<Secret> {
    return this.multiply(factors, factors.length, (components, term, opened) => {
      const [value, code] = components.map((v) => v.slice(term.pair, term.pair + 1));
      this.addDot(value!, code!, term, opened);
    });
  }

  /** What `add` makes of all terms when the masked factors are opened. */
  private multiply(
    factors: Factors,
    length: number,
    add: (components: readonly Vector[], term: Term, opened: Vector) => void,
  ): Promise<Secret> {
    const { terms, values, codes } = this.maskAll(factors);
    const ready = async () => {
      for (const term of terms) {
        await term.piece.ready;
        this.maskCodes(term, codes);
      }
    };
    // Uniformly masked: nobody but the dealer knows a and b, and they are used once.
    return this.openings.begin(
      "multiplication",
      values.length,
      { values, codes },
      ready,
      (opened) => {
        const components = [this.field.alloc(length), this.field.alloc(length)];
        for (const component of components) this.field.fill(component, 0);
        for (const term of terms) {
          add(components, term, opened);
          term.piece.release();
        }
        return new Secret(components, true);
      },
    );
  }

  /** Elements to be opened: 2 per product, or 1 and a little for a scaled vector. */
  private maskAll(factors: Factors): { terms: readonly Term[]; values: Vector; codes: Vector } {
    const terms: Term[] = [];
    let length = 0;
    factors.forEach(([x, y], pair) => {
      const scaled = y.length === 1 && x.length >= LEAST_SCALING;
      let at = 0;
      for (const piece of this.store.take(scaled ? "scalings" : "triples", x.length)) {
        const e = length + piece.length;
        terms.push({ piece, pair, at, d: length, e });
        at += piece.length;
        length = e + piece.parts[1]!.values.length;
      }
    });
    const [values, codes] = [this.field.alloc(length), this.field.alloc(length)];
    for (const term of terms) this.mask(term, factors[term.pair]!, values, codes);
    return { terms, values, codes };
  }

  /** This evaluator's shares of the masked factors; and of their codes, but for the masks'. */
  private mask(
    { piece, at, d, e }: Term,
    [x, y]: readonly [Secret, Secret],
    values: Vector,
    codes: Vector,
  ): void {
    const { field } = this;
    const [a, b] = piece.parts as readonly [Dealt, Dealt, Dealt];
    const [xValues, xCodes] = x.components.map((v) => v.slice(at, at + piece.length));
    field.sub(values.slice(d, e), xValues!, a.values);
    field.copy(codes.slice(d, e), xCodes!);
    const [yValues, yCodes] = y.components.map((v) =>
      y.length === 1 ? v : v.slice(at, at + piece.length),
    );
    const masked = values.slice(e, e + b.values.length);
    field.neg(masked, b.values);
    field.add(masked, masked, yValues!);
    const maskedCodes = codes.slice(e, e + b.values.length);
    field.fill(maskedCodes, 0);
    field.add(maskedCodes, maskedCodes, yCodes!);
  }

  /** Once the masks' codes are right. */
  private maskCodes({ piece, d, e }: Term, codes: Vector): void {
    const [a, b] = piece.parts as readonly [Dealt, Dealt, Dealt];
    const [ofD, ofE] = [codes.slice(d, e), codes.slice(e, e + b.codes.length)];
    this.field.sub(ofD, ofD, a.codes);
    this.field.sub(ofE, ofE, b.codes);
  }

  /** c + d b + e a + d e. */
  private addProduct(values: Vector, codes: Vector, term: Term, opened: Vector): void {
    const { field } = this;
    const [a, b, c] = term.piece.parts as readonly [Dealt, Dealt, Dealt];
    const d = opened.slice(term.d, term.e);
    const e = opened.slice(term.e, term.e + b.values.length);
    field.add(values, values, c.values);
    field.multiplyAdd(values, d, b.values);
    field.multiplyAdd(values, a.values, e);
    field.add(codes, codes, c.codes);
    field.multiplyAdd(codes, d, b.codes);
    field.multiplyAdd(codes, a.codes, e);
    const both = field.alloc(d.length);
    field.mul(both, d, e);
    if (this.addsPublic) field.add(values, values, both);
    field.multiplyAdd(codes, both, this.delta);
    field.free(both);
  }

  /** The sums of c, d b, e a, d e. */
  private addDot(value: Vector, code: Vector, term: Term, opened: Vector): void {
    const { field } = this;
    const [a, b, c] = term.piece.parts as readonly [Dealt, Dealt, Dealt];
    const d = opened.slice(term.d, term.e);
    const e = opened.slice(term.e, term.e + d.length);
    const part = field.alloc(1);
    const addTo = (sum: Vector, u: Vector, v: Vector) => {
      field.dot(part, u, v);
      field.add(sum, sum, part);
    };
    field.sum(part, c.values);
    field.add(value, value, part);
    addTo(value, d, b.values);
    addTo(value, a.values, e);
    field.sum(part, c.codes);
    field.add(code, code, part);
    addTo(code, d, b.codes);
    addTo(code, a.codes, e);
    field.dot(part, d, e);
    if (this.addsPublic) field.add(value, value, part);
    field.multiplyAdd(code, part, this.delta);
    field.free(part);
  }
}
