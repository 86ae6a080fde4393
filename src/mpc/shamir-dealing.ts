// What a party of a Shamir session deals to the others. A sharing dealt by a party has pseudorandom shares at the t
// parties after it, from streams that each of them has in common with the dealer; only the t parties before it are
// sent theirs. (Gennaro, Rabin, Rabin 1998; sent shares compressed as usual, e.g. Damgard, Nielsen 2007.)
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import { combine } from "../sharing/interpolation.ts";
import { WordStream } from "../sharing/word-stream.ts";
import type { ShamirPlan } from "./shamir-plan.ts";

/** What the streams of a key are for. */
const DEALING = 1;
const ZERO = 2;

/** Common keys, nearest party first: this party chose those it has in common with the parties after it. */
export interface PairwiseKeys {
  readonly after: readonly Uint8Array[];
  readonly before: readonly Uint8Array[];
}

/** The parties must draw in the same order and the same amounts; keys serve one session only. */
export class ShamirDealing {
  /** The longest vector that one call handles: what it works on stays in the cache. */
  static readonly maxLength = 4096;

  private readonly field: Field;
  private readonly plan: ShamirPlan;
  private readonly dealtAfter: readonly WordStream[];
  private readonly dealtBefore: readonly WordStream[];
  private readonly zeroAfter: readonly WordStream[];
  private readonly zeroBefore: readonly WordStream[];
  private readonly own: WordStream;
  private readonly scratch: readonly Vector[];
  /** Masks made beforehand, in pieces so that they fit anywhere; the first is in use. */
  private stock: (readonly Vector[])[] = [];
  private stockUsed = 0;

  constructor(field: Field, primitives: Primitives, plan: ShamirPlan, keys: PairwiseKeys) {
    const streams = (of: readonly Uint8Array[], purpose: number) =>
      of.map((key) => {
        const derived = primitives.sha256(Uint8Array.of(purpose), key).subarray(0, 16);
        return new WordStream(field, primitives.prg(derived));
      });
    this.field = field;
    this.plan = plan;
    this.dealtAfter = streams(keys.after, DEALING);
    this.dealtBefore = streams(keys.before, DEALING);
    this.zeroAfter = streams(keys.after, ZERO);
    this.zeroBefore = streams(keys.before, ZERO);
    this.own = new WordStream(field, primitives.prg(primitives.randomBytes(16)));
    this.scratch = this.newPiece();
  }

  /**
   * Makes the masks for about the next `count` elements now, so that resharing costs only the secret's part. All
   * parties must do so at the same point. What is left of an earlier stock is thrown away.
   */
  stockMasks(count: number): void {
    for (const piece of this.stock) this.freePiece(piece);
    const pieces = Array.from({ length: Math.ceil(count / ShamirDealing.maxLength) }, () => {
      const piece = this.newPiece();
      this.makeMasks(piece);
      return piece;
    });
    this.stock = pieces;
    this.stockUsed = 0;
  }

  /**
   * What `length` dealt zeros come to: the parts of the shares that do not depend on the dealt values. First this
   * party's own, which includes what it is dealt by the parties before it; then those to be sent. Uniform to any t
   * other parties. Valid until the next call; the caller may write on them.
   */
  masks(length: number): Vector[] {
    while (this.stock.length > 0 && this.stockUsed + length > ShamirDealing.maxLength) {
      this.freePiece(this.stock.shift()!);
      this.stockUsed = 0;
    }
    const [stocked] = this.stock;
    const from = stocked === undefined ? 0 : this.stockUsed;
    const masks = (stocked ?? this.scratch).map((mask) => mask.slice(from, from + length));
    if (stocked === undefined) this.makeMasks(masks);
    else this.stockUsed += length;
    return masks;
  }

  /**
   * Deals random values that nobody else knows. Fills `own`, this party's share of them, and `heard`, its shares of
   * what the parties before it deal; returns what is to be sent to each of those, valid until the next call.
   */
  dealRandom(own: Vector, heard: readonly Vector[]): Vector[] {
    const { length } = own;
    const values = [this.own.elements(length), ...this.drawn(this.dealtAfter, length)];
    const sent = this.scratch.slice(1).map((v) => v.slice(0, length));
    [own, ...sent].forEach((share, k) => {
      combine(this.field, share, this.plan.dealingWeights[k]!, values);
    });
    this.drawn(this.dealtBefore, length).forEach((share, k) => {
      this.field.copy(heard[k]!, share);
    });
    return sent;
  }

  /** z += this party's share of zero: over all parties these masks add up to 0, any t of them know nothing else. */
  addZeroShare(z: Vector): void {
    this.zeroAfter.forEach((stream, k) => {
      this.field.addZeroShare(z, stream.take(z.length), this.zeroBefore[k]!.take(z.length));
    });
  }

  private makeMasks(masks: readonly Vector[]): void {
    const { length } = masks[0]!;
    const values = this.drawn(this.dealtAfter, length);
    masks.forEach((mask, k) => {
      const weights = this.plan.dealingWeights[k]!;
      combine(this.field, mask, weights.slice(1, weights.length), values);
    });
    for (const share of this.drawn(this.dealtBefore, length)) {
      this.field.add(masks[0]!, masks[0]!, share);
    }
  }

  private drawn(streams: readonly WordStream[], length: number): Vector[] {
    return streams.map((stream) => stream.elements(length));
  }

  private newPiece(): Vector[] {
    return Array.from({ length: this.plan.threshold + 1 }, () =>
      this.field.alloc(ShamirDealing.maxLength),
    );
  }

  private freePiece(piece: readonly Vector[]): void {
    for (const vector of piece) this.field.free(vector);
  }
}
