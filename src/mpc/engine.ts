// The engine's vocabulary: all that protocols and the market may do with secret values. Every protocol above
// is written once against this interface; plain-engine.ts is the reference, the others compute on shares.
//
// All parties call the same operations in the same order. A vector of length 1 stands for itself at every
// position wherever a docstring says "broadcast". Local operations cost no communication; of the others each
// is one round, and operations started without awaiting the one before share a round. Of protocols that run side by
// side at most one may have several rounds: the order in which two such ones go on would be a matter of chance, and
// differ between parties.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { MessageKind } from "./network.ts";
import type { Partial, Secret } from "./shared.ts";

export type Factors = readonly (readonly [Secret, Secret])[];

export interface SignedTerm {
  readonly value: Secret;
  readonly positive: boolean;
}

/** A permutation of one pass of a shuffle (shuffle.ts): known to the pass's group, null at everybody else. */
export interface PassPermutation {
  readonly pass: number;
  readonly indices: Uint32Array | null;
  readonly length: number;
}

export const SECURITIES = ["semi-honest", "malicious"] as const;
export type Security = (typeof SECURITIES)[number];

export interface EngineStats {
  /** Rounds in sequence so far: an operation's round is one after the last that finished before it began. */
  readonly rounds: number;
  /** Field elements this party has sent to other parties. */
  readonly elementsSent: number;
}

export interface Engine {
  readonly name: string;
  /** How many parties compute. */
  readonly parties: number;
  /** Whether lies of other parties are noticed before anything is revealed. */
  readonly security: Security;
  /** Arithmetic on public vectors, in the same memory. */
  readonly field: Field;
  readonly stats: EngineStats;

  // ---- local: linear operations and movement of elements
  /** Public numbers (safe integers, negative allowed) as a Secret. */
  constant(values: ArrayLike<number>): Secret;
  /** A public vector as a Secret; the vector is copied. */
  fromPublic(values: Vector): Secret;
  /** a + b; b is broadcast. */
  add<T extends Secret | Partial>(a: T, b: T): T;
  /** a - b; b is broadcast. */
  sub<T extends Secret | Partial>(a: T, b: T): T;
  /** The sum of vectors, each added or subtracted, plus a public safe integer. At least one; equal lengths. */
  signedSum(terms: readonly SignedTerm[], constant: number): Secret;
  /** k a for a public safe integer k. */
  scale<T extends Secret | Partial>(a: T, k: number): T;
  /** a + k for a public safe integer k. */
  addNumber<T extends Secret | Partial>(a: T, k: number): T;
  /** Elementwise a times a public vector. */
  mulPublic<T extends Secret | Partial>(a: T, values: Vector): T;
  /** The sum of all elements, length 1. */
  sum<T extends Secret | Partial>(a: T): T;
  /** Inclusive prefix sums. */
  prefixSums<T extends Secret | Partial>(a: T): T;
  /** Sums of consecutive blocks; the last block may be short. */
  blockSums<T extends Secret | Partial>(a: T, blockLength: number): T;
  /** Elements from (inclusive) to (exclusive): a view, valid as long as `a` is. */
  slice<T extends Secret | Partial>(a: T, from: number, to: number): T;
  concat<T extends Secret | Partial>(parts: readonly T[]): T;
  /** result_i = a_(indices_i) for public indices. */
  gather<T extends Secret | Partial>(a: T, indices: Uint32Array): T;
  /** result_(indices_i) = a_i for a public permutation: undoes `gather`. */
  scatter<T extends Secret | Partial>(a: T, indices: Uint32Array): T;
  /** a repeated `count` times, one copy after the other. */
  tile<T extends Secret | Partial>(a: T, count: number): T;
  /** Gives the memory of values back now rather than at the end of the session; views are ignored. */
  free(...values: (Secret | Partial)[]): void;

  // ---- local: multiplication without its round
  partial(a: Secret): Partial;
  /** Elementwise sum over t of x_t y_t; y_t is broadcast. */
  partialProducts(factors: Factors): Partial;
  /** One inner product per pair of vectors of equal length. */
  partialDots(factors: Factors): Partial;

  // ---- one round
  /** A Partial as a Secret again. */
  reshare(a: Partial): Promise<Secret>;
  /** Elementwise sum over t of x_t y_t, plus `plus`; y_t and plus are broadcast. One element per output. */
  mulSum(factors: Factors, plus?: Secret | Partial): Promise<Secret>;
  /**
   * Opens to all parties a value that is uniformly masked whatever another party did before: say why. It is used
   * before it is verified; the next verification covers it.
   */
  open(a: Secret | Partial): Promise<Vector>;
  /**
   * Opens to all parties a value that everybody may learn if everybody followed the protocol: say why. With
   * malicious security everything so far is verified before, in many rounds; AbortError if that fails.
   */
  openVerified(a: Secret | Partial): Promise<Vector>;
  /** `count` independent uniformly random bits that nobody knows. Two rounds or more, before they are needed. */
  randomBits(count: number): Promise<Secret>;
  /** `count` independent uniformly random field elements that nobody knows. */
  random(count: number): Promise<Secret>;
  /** 32 public random bytes that no party could choose or foresee. One round. */
  coin(): Promise<Uint8Array>;

  /**
   * Local: makes the randomness for sending `count` elements beforehand. An engine that has none to make ignores
   * it; sending more elements than that is no error.
   */
  stockMasks(count: number): Promise<void>;

  // ---- verification; nothing happens where lies are not noticed
  /** Claims that `a` is zero; the next verification aborts if it is not. */
  assertZero(a: Secret | Partial): void;
  /** A moment at which nothing else runs, good for verifying what is pending and freeing its memory. */
  checkpoint(): Promise<void>;

  // ---- moving secrets by permutations that no coalition knows: see shuffle.ts
  /** Passes of a shuffle: each coalition that the engine withstands misses at least one pass's permutation. */
  readonly shufflePasses: number;
  /** A fresh random permutation, known to the group of that pass. One round. */
  drawPermutation(pass: number, length: number): Promise<PassPermutation>;
  /**
   * Every column moved: result_i = a_(indices_i), or with `back` the reverse. One round or two; one element per
   * column and position. What lying parties do here is for the caller to check.
   */
  permute(columns: readonly Secret[], by: PassPermutation, back: boolean): Promise<Secret[]>;

  // ---- output
  /**
   * What this party sends to whoever may learn each value: sharing/ says how it is put together. Verifies
   * everything so far, like openVerified.
   */
  reveal(values: readonly Secret[]): Promise<Uint8Array[]>;
  /** Frees everything; every Secret and Partial of the session is invalid afterwards. */
  end(): void;
}

/** The operations that need no other party: whoever holds shares may compute with them by itself. */
export type LocalEngine = Pick<
  Engine,
  | "field"
  | "constant"
  | "add"
  | "sub"
  | "signedSum"
  | "scale"
  | "addNumber"
  | "mulPublic"
  | "sum"
  | "slice"
  | "concat"
  | "gather"
  | "free"
>;

/** What verified.ts needs of an engine to add malicious security to it. */
export interface VerifiableEngine extends Engine {
  /** Opens to all parties, each comparing what it hears from several: AbortError if that does not fit together. */
  openChecked(a: Secret, kind: MessageKind): Promise<Vector>;
  /** As Engine.coin, and AbortError unless all parties have the same transcript. */
  coinOver(transcript: Uint8Array): Promise<Uint8Array>;
  /** As Engine.randomBits, with all products made by `over`. */
  randomBitsOver(over: Engine, count: number): Promise<Secret>;
  /** As Engine.reveal, without verification. */
  outputShare(a: Secret): Uint8Array;
  /** Gives all messages of `work` one kind. Nothing else may run meanwhile. */
  labelled<T>(kind: MessageKind, work: () => Promise<T>): Promise<T>;
}

/** A copy with memory of its own. */
export const copy = (engine: LocalEngine, value: Secret): Secret =>
  engine.signedSum([{ value, positive: true }], 0);

/** Elementwise product, one element per output. */
export const mul = (engine: Engine, x: Secret, y: Secret): Promise<Secret> =>
  engine.mulSum([[x, y]]);
