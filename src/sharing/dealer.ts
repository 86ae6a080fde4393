// What a trusted dealer computes for evaluators that hold additive shares with authentication codes (SPDZ: Damgard,
// Pastro, Smart, Zakarias 2012): x = sum of x_i and Delta x = sum of m_i, evaluator i holds (x_i, m_i) and its part
// Delta_i of the key. Everybody expands its shares of all material from a seed of its own; what makes them fit
// together,
// the corrections, goes to evaluator 0, which adds them to its shares. The dealer takes no part in the computation.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import type { Prg, Primitives } from "../platform/primitives.ts";

/** Elements of a scaling that share one factor. */
export const SCALING_BLOCK = 256;

/** One authenticated vector of some material. */
interface Part {
  readonly name: string;
  /** Whether the values have to be something; else they are whatever the shares add up to. */
  readonly corrected: boolean;
  /** One element of this part goes with so many of the material. */
  readonly per: number;
}

const part = (name: string, corrected: boolean = false, per: number = 1): Part => {
  return { name, corrected, per };
};

/** The material that is dealt, each kind an endless stream of elements. */
export const MATERIALS = {
  /** a, b uniform and c = a b (Beaver 1991). */
  triples: [part("a"), part("b"), part("c", true)],
  /** The same with one b for every block of a. */
  scalings: [part("a"), part("b", false, SCALING_BLOCK), part("c", true)],
  random: [part("r")],
  bits: [part("bit", true)],
  /** Masks of what meters send, known to the meter. */
  inputs: [part("r")],
  /** Masks of what meters and suppliers are told, known to each of them. */
  outputs: [part("r")],
  /** The same where the dealer does not choose them anew: a market's, told before the session and after it. */
  rows: [part("r", true)],
  results: [part("r", true)],
} as const satisfies Readonly<Record<string, readonly Part[]>>;
export type MaterialKind = keyof typeof MATERIALS;

/** r, and r moved by a permutation. */
const SHUFFLE_PARTS = [part("before"), part("after", true)] as const;

/** One use of a permutation that one evaluator knows. */
export interface ShuffleRequest {
  /** The evaluator, and how many permutations it had drawn before this one. */
  readonly pass: number;
  readonly draw: number;
  readonly columns: number;
  readonly length: number;
  readonly back: boolean;
}

/** An authenticated vector as one evaluator holds it. */
export interface Dealt {
  readonly values: Vector;
  readonly codes: Vector;
}

/** All that one evaluator's seed stands for. Both ends must draw each stream in the same order. */
export class SeedStreams {
  /** Delta_i, length 1. */
  readonly delta: Vector;
  private readonly field: Field;
  private readonly primitives: Primitives;
  private readonly seed: Uint8Array;
  private readonly streams = new Map<string, Prg>();

  constructor(field: Field, primitives: Primitives, seed: Uint8Array) {
    this.field = field;
    this.primitives = primitives;
    this.seed = seed;
    this.delta = field.alloc(1);
    this.fill("delta", this.delta);
  }

  /** The next elements of a named stream. */
  fill(name: string, into: Vector): void {
    let stream = this.streams.get(name);
    if (stream === undefined) {
      stream = this.primitives.prg(this.keyOf(name).subarray(0, 16));
      this.streams.set(name, stream);
    }
    stream.fill(this.field.memory.bytes(into));
    this.field.maskPrg(into);
  }

  /** This evaluator's shares of the next `count` elements of some material, not corrected yet. */
  material(kind: MaterialKind, count: number): Dealt[] {
    return this.parts(kind, MATERIALS[kind], count);
  }

  /** The same for a shuffle of `count` elements in all. */
  shuffle(count: number): Dealt[] {
    return this.parts("shuffle", SHUFFLE_PARTS, count);
  }

  /** What this evaluator's permutation number `draw` is made from. */
  permutationCoin(draw: number): Uint8Array {
    return this.keyOf(`permutation ${draw}`);
  }

  private parts(kind: string, parts: readonly Part[], count: number): Dealt[] {
    return parts.map(({ name, per }) => {
      const dealt = { values: this.field.alloc(count / per), codes: this.field.alloc(count / per) };
      this.fill(`${kind} ${name}`, dealt.values);
      this.fill(`${kind} ${name} codes`, dealt.codes);
      return dealt;
    });
  }

  private keyOf(name: string): Uint8Array {
    return this.primitives.sha256(this.seed, new TextEncoder().encode(name));
  }
}

/** How many elements of corrections come with `count` elements of material. */
export function correctionsLength(kind: MaterialKind | "shuffle", count: number): number {
  const parts: readonly Part[] = kind === "shuffle" ? SHUFFLE_PARTS : MATERIALS[kind];
  return parts.reduce((sum, { per, corrected }) => sum + (count / per) * (corrected ? 2 : 1), 0);
}

/** Evaluator 0 adds corrections, as the dealer's methods return them, to its shares. */
export function correct(
  field: Field,
  kind: MaterialKind | "shuffle",
  dealt: readonly Dealt[],
  corrections: Vector,
): void {
  const parts: readonly Part[] = kind === "shuffle" ? SHUFFLE_PARTS : MATERIALS[kind];
  let at = 0;
  const addNext = (into: Vector) => {
    field.add(into, into, corrections.slice(at, at + into.length));
    at += into.length;
  };
  parts.forEach(({ corrected }, index) => {
    if (corrected) addNext(dealt[index]!.values);
    addNext(dealt[index]!.codes);
  });
}

/** Masks that are not the session's own: each call gives the next ones. */
export type KnownMasks = Readonly<Record<"rows" | "results", (into: Vector) => void>>;

/** The dealer's side of one session. */
export class Dealing {
  private readonly field: Field;
  private readonly evaluators: readonly SeedStreams[];
  /** The masks once more, for those who may know them, at their own pace. */
  private readonly known: readonly SeedStreams[];
  private readonly delta: Vector;
  private readonly ownBits: Prg;
  private readonly market: KnownMasks | null;

  /** From the evaluators' fresh seeds, which serve this session only; `market` in that of a market's attempt. */
  constructor(
    field: Field,
    primitives: Primitives,
    seeds: readonly Uint8Array[],
    market: KnownMasks | null = null,
  ) {
    this.field = field;
    this.market = market;
    this.evaluators = seeds.map((seed) => new SeedStreams(field, primitives, seed));
    this.known = seeds.map((seed) => new SeedStreams(field, primitives, seed));
    this.delta = field.alloc(1);
    field.fill(this.delta, 0);
    for (const { delta } of this.evaluators) field.add(this.delta, this.delta, delta);
    this.ownBits = primitives.prg(primitives.randomBytes(16));
  }

  /** The corrections of the next `count` elements: per part of its values, if it has some, and of its codes. */
  corrections(kind: MaterialKind, count: number): Vector {
    const shares = this.evaluators.map((streams) => streams.material(kind, count));
    return this.correctionsOf(kind, MATERIALS[kind], count, shares, (values) => {
      if (kind === "bits") return this.drawBits(count);
      if (kind === "rows" || kind === "results") return this.marketMasks(kind, count);
      const product = this.field.alloc(count);
      const [a, b] = values as readonly [Vector, Vector];
      for (let at = 0; at < count; at += SCALING_BLOCK) {
        const to = Math.min(at + SCALING_BLOCK, count);
        const factor =
          kind === "scalings" ? [at / SCALING_BLOCK, at / SCALING_BLOCK + 1] : [at, to];
        this.field.mul(product.slice(at, to), a.slice(at, to), b.slice(factor[0]!, factor[1]!));
      }
      return product;
    });
  }

  /** The same for a shuffle; `indices` is the permutation, every column is moved by gathering, or scattering back. */
  shuffleCorrections(request: ShuffleRequest, indices: Uint32Array): Vector {
    const { columns, length, back } = request;
    const { field } = this;
    const shares = this.evaluators.map((streams) => streams.shuffle(columns * length));
    return this.correctionsOf("shuffle", SHUFFLE_PARTS, columns * length, shares, ([before]) => {
      const moved = field.alloc(columns * length);
      const list = field.memory.allocIndices(length);
      field.memory.indices(list).set(indices);
      for (let column = 0; column < columns; column++) {
        const [from, to] = [column * length, (column + 1) * length];
        if (back) field.scatter(moved.slice(from, to), before!.slice(from, to), list);
        else field.gather(moved.slice(from, to), before!.slice(from, to), list);
      }
      field.memory.freeIndices(list);
      return moved;
    });
  }

  /** What the next `count` masks are, for whoever may know them. */
  masks(kind: "inputs" | "outputs", count: number): Vector {
    const { field } = this;
    const [sum, share] = [field.alloc(count), field.alloc(count)];
    field.fill(sum, 0);
    for (const streams of this.known) {
      streams.fill(`${kind} ${MATERIALS[kind][0].name}`, share);
      field.add(sum, sum, share);
    }
    field.free(share);
    return sum;
  }

  /** What a permutation is made from that evaluator `pass` drew; null if there is no such evaluator. */
  permutationCoin(pass: number, draw: number): Uint8Array | null {
    return this.evaluators[pass]?.permutationCoin(draw) ?? null;
  }

  /** Gives the session's memory back. */
  end(): void {
    for (const { delta } of [...this.evaluators, ...this.known]) this.field.free(delta);
    this.field.free(this.delta);
  }

  /** Frees the shares. `wanted` makes the values of a corrected part from those of the parts before it. */
  private correctionsOf(
    kind: MaterialKind | "shuffle",
    parts: readonly Part[],
    count: number,
    shares: readonly (readonly Dealt[])[],
    wanted: (values: readonly Vector[]) => Vector,
  ): Vector {
    const { field } = this;
    const result = field.alloc(correctionsLength(kind, count));
    const values: Vector[] = [];
    let at = 0;
    const next = (length: number) => {
      at += length;
      return result.slice(at - length, at);
    };
    parts.forEach(({ corrected }, index) => {
      let value = this.sumOf(shares.map((own) => own[index]!.values));
      if (corrected) {
        const right = wanted(values);
        field.sub(next(right.length), right, value);
        field.free(value);
        value = right;
      }
      const codes = this.sumOf(shares.map((own) => own[index]!.codes));
      const correction = next(value.length);
      field.mul(correction, value, this.delta);
      field.sub(correction, correction, codes);
      field.free(codes);
      values.push(value);
    });
    assert(at === result.length, "every part has its corrections");
    for (const value of values) field.free(value);
    return result;
  }

  /** Frees the terms. */
  private sumOf(terms: readonly Vector[]): Vector {
    const [sum, ...others] = terms;
    for (const term of others) {
      this.field.add(sum!, sum!, term);
      this.field.free(term);
    }
    return sum!;
  }

  private marketMasks(kind: keyof KnownMasks, count: number): Vector {
    assert(this.market !== null, "a market's masks are asked for in a market's session");
    const masks = this.field.alloc(count);
    this.market[kind](masks);
    return masks;
  }

  private drawBits(count: number): Vector {
    const bytes = new Uint8Array(Math.ceil(count / 8));
    this.ownBits.fill(bytes);
    const bits = this.field.alloc(count);
    const numbers = Uint8Array.from({ length: count }, (_, i) => (bytes[i >> 3]! >> (i & 7)) & 1);
    this.field.setNumbers(bits, numbers);
    return bits;
  }
}
