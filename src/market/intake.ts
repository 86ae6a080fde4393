// From shared rows of bits to a book (docs/PROTOCOL.md, "Orders"). Every check concerns one order alone, so a bad
// one never harms another: its shares must fit together, every bit must be a bit, and exactly one supplier must
// be named, the meter's own where that is known. An order that fails counts as all zeros: no energy, no supplier.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { AbortError } from "../mpc/abort.ts";
import { copy, type Engine } from "../mpc/engine.ts";
import type { Partial, Secret } from "../mpc/shared.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { OrderLayout } from "./order-layout.ts";
import type { SecretBook } from "./preparation.ts";

/** Orders folded at once: their bits stay in the cache. */
const FOLDED_AT_ONCE = 4096;
/** Orders verified at once: until then all that the check numbers came from stays in memory. */
const VERIFIED_AT_ONCE = 65_536;

/** All parties' shares of the orders, as one party holds them. */
export interface ReceivedOrders {
  readonly count: number;
  /**
   * The bits of orders from..to, one Secret per bit of the layout, for the caller to free. `weights`, one per element
   * of a row, were drawn after all rows were fixed: for fingerprints of rows.
   */
  columns(from: number, to: number, weights: Vector): Promise<readonly Secret[]>;
  /**
   * Per order from..to, whose columns have been made: 0, or a number that says which shares of it do not fit together.
   * The same at all parties that follow the protocol.
   */
  misfits(from: number, to: number): Promise<Uint8Array>;
  /** Who holds the shares that do not fit together, e.g. "evaluators 0 and 1". */
  holders(misfit: number): string;
  /** Per order the supplier that it must name, where everybody knows: null where orders may name any. */
  readonly membership: Uint8Array | null;
  /** Gives back the field memory that the calls above needed. */
  free(): void;
}

export interface Intake {
  readonly book: SecretBook;
  /** Per order: null, or why it was rejected. The same at every evaluator. */
  readonly rejected: readonly (RejectionReason | null)[];
}

export type RejectionReason = "inconsistent-shares" | "invalid-order";

/** Public random coefficients, made after all rows are fixed. */
interface Weights {
  /** One per element of a row. */
  readonly fingerprint: Vector;
  /** Length 1: its powers are the coefficients of an order's check number. */
  readonly check: Vector;
}

/** What is left of a piece of the orders. */
interface Piece {
  /** See `checkNumbers`. */
  readonly check: Partial;
  readonly energy: Secret;
  readonly keyBits: readonly Secret[];
  readonly suppliers: readonly Secret[];
}

/**
 * Checks and folds all orders. Opens: one number per order, 0 for every valid order. Rounds: 1 (coin), those of
 * `misfits`, and 1; with malicious security the latter two and a verification for every 65,536 orders. A malformed
 * order passes with probability below 2^-55. With malicious security shares that do not fit together are an
 * AbortError: whether the meter lied or an evaluator, nobody can tell.
 */
export async function takeOrders(
  engine: Engine,
  primitives: Primitives,
  layout: OrderLayout,
  received: ReceivedOrders,
): Promise<Intake> {
  const { field } = engine;
  const { count } = received;
  const weights = drawWeights(field, primitives, layout, await engine.coin());
  const rejected = new Array<RejectionReason | null>(count).fill(null);
  const pieces: Piece[] = [];
  let unchecked: Partial[] = [];
  let checked = 0;
  for (let from = 0; from < count || from === 0; from += FOLDED_AT_ONCE) {
    const to = Math.min(from + FOLDED_AT_ONCE, count);
    const columns = await received.columns(from, to, weights.fingerprint);
    const membership = received.membership?.subarray(from, to) ?? null;
    const piece = foldPiece(engine, layout, columns, weights, membership);
    pieces.push(piece);
    unchecked.push(piece.check);
    const full = engine.security === "malicious" && to - checked >= VERIFIED_AT_ONCE;
    if (to < count && !full) continue;
    await check(engine, received, checked, unchecked, rejected);
    unchecked = [];
    checked = to;
  }
  for (const done of Object.values(weights)) field.free(done);
  received.free();
  return { book: bookOf(engine, pieces, rejected), rejected };
}

function drawWeights(
  field: Field,
  primitives: Primitives,
  layout: OrderLayout,
  coin: Uint8Array,
): Weights {
  const prg = primitives.prg(primitives.sha256(coin).subarray(0, 16));
  const drawn = (length: number): Vector => {
    const words = new Uint8Array(8 * length);
    prg.fill(words);
    const random = field.alloc(length);
    field.setBytes(random, words);
    field.maskPrg(random);
    return random;
  };
  return { fingerprint: drawn(layout.width), check: drawn(1) };
}

/** All that is local; the columns are used up. */
function foldPiece(
  engine: Engine,
  layout: OrderLayout,
  columns: readonly Secret[],
  weights: Weights,
  membership: Uint8Array | null,
): Piece {
  const energyBits = columns.slice(layout.energy, layout.suppliers);
  const piece = {
    check: checkNumbers(engine, layout, columns, weights.check, membership),
    energy: numberOf(engine, energyBits),
    keyBits: columns.slice(0, layout.energy),
    suppliers: columns.slice(layout.suppliers),
  };
  engine.free(...energyBits);
  return piece;
}

/**
 * Per order sum_j c^j (b_j^2 - b_j) over all bits, and `supplierExcess` times the next power of c.
 * A polynomial in c that is 0 for every proper order, and for others at no more points than the row has bits.
 */
function checkNumbers(
  engine: Engine,
  layout: OrderLayout,
  columns: readonly Secret[],
  c: Vector,
  membership: Uint8Array | null,
): Partial {
  const excess = supplierExcess(engine, layout, columns, membership);
  let numbers = engine.partial(excess);
  engine.free(excess);
  // One power after the other: nothing but the columns themselves has to stay until it is verified.
  for (const bit of columns) {
    const square = engine.partialProducts([[bit, bit]]);
    const plain = engine.partial(bit);
    const difference = engine.sub(square, plain);
    const shifted = engine.mulPublic(numbers, c);
    const next = engine.add(shifted, difference);
    engine.free(square, plain, difference, shifted, numbers);
    numbers = next;
  }
  return numbers;
}

/**
 * Per order the number of suppliers named, less 1. Where the supplier to name is known, every other one counts twice:
 * the number is 0 for that one alone.
 */
function supplierExcess(
  engine: Engine,
  layout: OrderLayout,
  columns: readonly Secret[],
  membership: Uint8Array | null,
): Secret {
  const named = columns.slice(layout.suppliers, layout.bits);
  // Without any order there may be no suppliers either.
  if (named.length === 0) return engine.constant(new Int8Array(columns[0]!.length).fill(-1));
  const counted =
    membership === null
      ? named
      : named.map((column, k) => {
          const weights = engine.field.alloc(column.length);
          engine.field.setNumbers(
            weights,
            membership.map((supplier) => (supplier === k ? 1 : 2)),
          );
          const weighted = engine.mulPublic(column, weights);
          engine.field.free(weights);
          return weighted;
        });
  const excess = engine.signedSum(
    counted.map((value) => ({ value, positive: true })),
    -1,
  );
  if (membership !== null) engine.free(...counted);
  return excess;
}

/** The number whose bits these are, most significant first. */
function numberOf(engine: Engine, bits: readonly Secret[]): Secret {
  let number = copy(engine, bits[0]!);
  for (const bit of bits.slice(1)) {
    const twice = engine.add(number, number);
    const next = engine.add(twice, bit);
    engine.free(number, twice);
    number = next;
  }
  return number;
}

/** Compares and opens what concerns the orders from `from` on, and marks those that are rejected. */
async function check(
  engine: Engine,
  received: ReceivedOrders,
  from: number,
  unchecked: readonly Partial[],
  rejected: (RejectionReason | null)[],
): Promise<void> {
  const numbers = engine.concat(unchecked);
  engine.free(...unchecked);
  const misfits = await received.misfits(from, from + numbers.length);
  if (engine.security === "malicious") {
    const first = misfits.findIndex((misfit) => misfit !== 0);
    if (first >= 0) {
      const holders = received.holders(misfits[first]!);
      throw new AbortError(
        `the shares of order ${from + first} at ${holders} do not fit together: its meter lied or one of them`,
      );
    }
  }
  // 0 for every proper order, whatever it says; else it concerns the malformed order alone. That holds if nobody lied:
  // where masked factors are opened, a lie makes the number show a bit of a proper order; so verify first.
  const opened = await engine.openVerified(numbers);
  engine.free(numbers);
  const broken = engine.field.nonZero(opened);
  engine.field.free(opened);
  for (let i = 0; i < broken.length; i++) {
    if (misfits[i] !== 0) rejected[from + i] = "inconsistent-shares";
    else if (broken[i] !== 0) rejected[from + i] = "invalid-order";
  }
}

function bookOf(
  engine: Engine,
  pieces: readonly Piece[],
  rejected: readonly (RejectionReason | null)[],
): SecretBook {
  const accepted = acceptedOf(engine.field, rejected);
  const whole = (of: (piece: Piece) => Secret): Secret => {
    const parts = pieces.map(of);
    const column = parts.length === 1 ? parts[0]! : engine.concat(parts);
    if (parts.length > 1) engine.free(...parts);
    if (accepted === null) return column;
    // Of a rejected order everything becomes 0, not only its energy: shares that do not fit together would
    // multiply even a 0 to different results, which would spoil every sum it is part of.
    const kept = engine.mulPublic(column, accepted);
    engine.free(column);
    return kept;
  };
  const [first] = pieces;
  const book = {
    keyBits: first!.keyBits.map((_, j) => whole((piece) => piece.keyBits[j]!)),
    energy: whole((piece) => piece.energy),
    suppliers: first!.suppliers.map((_, k) => whole((piece) => piece.suppliers[k]!)),
  };
  if (accepted !== null) engine.field.free(accepted);
  return book;
}

/** 1 per accepted order, 0 per rejected one; null if all are accepted. */
function acceptedOf(field: Field, rejected: readonly (RejectionReason | null)[]): Vector | null {
  const marks = new Uint8Array(rejected.length).fill(1);
  for (let i = 0; i < marks.length; i++) if (rejected[i] !== null) marks[i] = 0;
  if (!marks.includes(0)) return null;
  const accepted = field.alloc(marks.length);
  field.setNumbers(accepted, marks);
  return accepted;
}
