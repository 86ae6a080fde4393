// From shared rows of bits to a book (docs/PROTOCOL.md, "Orders"). Every check concerns one order alone, so a bad
// one never harms another: its shares must fit together, every bit must be a bit, and exactly one supplier must
// be named. An order that fails counts as all zeros: no energy, no supplier.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { AbortError } from "../mpc/abort.ts";
import type { Engine } from "../mpc/engine.ts";
import type { Partial, Secret } from "../mpc/shared.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { OrderLayout } from "./order-layout.ts";
import type { SecretBook } from "./preparation.ts";

/** Orders taken in before what they need of memory beyond the book is given back. */
const ORDERS_AT_ONCE = 65_536;
/** Orders checked at once: a row's columns stay in the cache. */
const CHECKED_AT_ONCE = 4096;

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
}

export interface Intake {
  readonly book: SecretBook;
  /** Per order: null, or why it was rejected. The same at every evaluator. */
  readonly rejected: readonly (RejectionReason | null)[];
}

export type RejectionReason = "inconsistent-shares" | "invalid-order";

/** Public coefficients of the random linear combinations, made after all rows are fixed. */
interface Weights {
  /** One per element of a row. */
  readonly fingerprint: Vector;
  /** One per bit. */
  readonly bits: Vector;
  /** For the number of suppliers, length 1. */
  readonly oneHot: Vector;
}

/** What is left of a piece of the orders. */
interface Piece {
  /** sum over bits of c_j (b_j^2 - b_j), plus c (sum of supplier bits - 1). */
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
  for (let from = 0; from < count || from === 0; from += ORDERS_AT_ONCE) {
    const to = Math.min(from + ORDERS_AT_ONCE, count);
    const columns = await received.columns(from, to, weights.fingerprint);
    const piece = foldPiece(engine, layout, columns, weights);
    pieces.push(piece);
    unchecked.push(piece.check);
    // What has to be verified stays in memory until it is; otherwise all orders share the rounds.
    if (engine.security !== "malicious" && to < count) continue;
    await check(engine, received, checked, unchecked, rejected);
    unchecked = [];
    checked = to;
  }
  for (const done of Object.values(weights)) field.free(done);
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
  return { fingerprint: drawn(layout.width), bits: drawn(layout.bits), oneHot: drawn(1) };
}

/** All that is local; the columns are used up. */
function foldPiece(
  engine: Engine,
  layout: OrderLayout,
  columns: readonly Secret[],
  weights: Weights,
): Piece {
  const { length } = columns[0]!;
  const checks: Partial[] = [];
  const energies: Secret[] = [];
  for (let from = 0; from < length || from === 0; from += CHECKED_AT_ONCE) {
    const to = Math.min(from + CHECKED_AT_ONCE, length);
    const part = columns.map((column) => engine.slice(column, from, to));
    checks.push(checkNumbers(engine, layout, part, weights));
    energies.push(numberOf(engine, part.slice(layout.energy, layout.suppliers)));
  }
  const piece = {
    check: engine.concat(checks),
    energy: engine.concat(energies),
    keyBits: columns.slice(0, layout.energy),
    suppliers: columns.slice(layout.suppliers),
  };
  engine.free(...checks, ...energies, ...columns.slice(layout.energy, layout.suppliers));
  return piece;
}

/** sum over bits of c_j (b_j^2 - b_j), plus c (sum of supplier bits - 1), per order. */
function checkNumbers(
  engine: Engine,
  layout: OrderLayout,
  columns: readonly Secret[],
  weights: Weights,
): Partial {
  const weighted = columns.map((column, j) =>
    engine.mulPublic(column, weights.bits.slice(j, j + 1)),
  );
  const squares = engine.partialProducts(weighted.map((value, j) => [value, columns[j]!]));
  const suppliers = columns.slice(layout.suppliers).map((value) => ({ value, positive: true }));
  const named = engine.signedSum(suppliers, -1);
  const oneHot = engine.mulPublic(named, weights.oneHot);
  const bits = weighted.map((value) => ({ value, positive: false }));
  const linear = engine.signedSum([{ value: oneHot, positive: true }, ...bits], 0);
  const added = engine.partial(linear);
  const numbers = engine.add(squares, added);
  engine.free(...weighted, named, oneHot, linear, squares, added);
  return numbers;
}

/** The number whose bits these are, most significant first. */
function numberOf(engine: Engine, bits: readonly Secret[]): Secret {
  const values = bits.map((bit, j) => engine.scale(bit, 2 ** (bits.length - 1 - j)));
  const sum = engine.signedSum(
    values.map((value) => ({ value, positive: true })),
    0,
  );
  engine.free(...values);
  return sum;
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
  const { field } = engine;
  const accepted = field.alloc(rejected.length);
  field.setNumbers(
    accepted,
    Uint8Array.from(rejected, (reason) => (reason === null ? 1 : 0)),
  );
  const anyRejected = rejected.some((reason) => reason !== null);
  const whole = (of: (piece: Piece) => Secret): Secret => {
    const parts = pieces.map(of);
    const column = parts.length === 1 ? parts[0]! : engine.concat(parts);
    if (parts.length > 1) engine.free(...parts);
    if (!anyRejected) return column;
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
  field.free(accepted);
  return book;
}
