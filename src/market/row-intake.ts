// From rows of bits as meters share them to secrets that may be computed with. Every check concerns one row alone, so a
// bad one never harms another: its shares must fit together, every bit must be a bit, and what else is claimed of it
// must hold. What fails counts as all zeros.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { AbortError } from "../mpc/abort.ts";
import { copy, type Engine, type LocalEngine } from "../mpc/engine.ts";
import { Partial, type Secret } from "../mpc/shared.ts";
import type { Primitives } from "../platform/primitives.ts";

/** Rows folded at once: their bits stay in the cache. */
const FOLDED_AT_ONCE = 4096;
/** Rows verified at once: until then all that the check numbers came from stays in memory. */
const VERIFIED_AT_ONCE = 65_536;

/** The shares of a row do not fit together, where that ends the session. */
export class RowMisfitError extends AbortError {
  /** Which one; the same at all parties. */
  readonly row: number;

  constructor(row: number, message: string) {
    super(message);
    this.row = row;
  }
}

/** All parties' shares of rows, as one party holds them. */
export interface ReceivedShares {
  readonly count: number;
  /**
   * The bits of rows from..to, one Secret per bit of the layout, for the caller to free. `weights`, one per element
   * of a row, were drawn after all rows were fixed: for fingerprints of rows.
   */
  columns(from: number, to: number, weights: Vector): Promise<readonly Secret[]>;
  /**
   * Per row from..to, whose columns have been made: 0, or a number that says which shares of it do not fit together.
   * The same at all parties that follow the protocol.
   */
  misfits(from: number, to: number): Promise<Uint8Array>;
  /** Who holds the shares that do not fit together, e.g. "evaluators 0 and 1". */
  holders(misfit: number): string;
  /** Gives back the field memory that the calls above needed. */
  free(): void;
}

/** What becomes of the columns of some rows. */
export interface FoldedRows<Kept> {
  /** Vectors that are 0 for every proper row. */
  readonly claims: readonly (Secret | Partial)[];
  /** What is computed with later; columns may be part of it. */
  readonly kept: Kept;
  /** The columns that are not part of it. */
  readonly spent: readonly Secret[];
}

export interface RowKind<Name extends string, Kept> {
  readonly name: Name;
  /** Elements of a row, and how many of them are bits. */
  readonly width: number;
  fold(columns: readonly Secret[], from: number, to: number): FoldedRows<Kept>;
}

export type Rejection<Name extends string> = "inconsistent-shares" | `invalid-${Name}`;

export interface TakenRows<Name extends string, Kept> {
  /** Consecutive pieces of the rows. */
  readonly pieces: readonly Kept[];
  /** Per row: null, or why it was rejected. The same at every evaluator. */
  readonly rejected: readonly (Rejection<Name> | null)[];
}

/**
 * Checks and folds all rows. Opens: one number per row, 0 for every valid one. Rounds: 1 (coin), those of
 * `misfits`, and 1; with malicious security the latter two and a verification for every 65,536 rows. A malformed
 * row passes with probability below 2^-53. With malicious security shares that do not fit together are an
 * AbortError: whether the meter lied or an evaluator, nobody can tell.
 */
export async function takeRows<Name extends string, Kept>(
  engine: Engine,
  primitives: Primitives,
  kind: RowKind<Name, Kept>,
  received: ReceivedShares,
): Promise<TakenRows<Name, Kept>> {
  const { field } = engine;
  const { count } = received;
  const weights = drawWeights(field, primitives, kind.width, await engine.coin());
  const rejected = new Array<Rejection<Name> | null>(count).fill(null);
  const pieces: Kept[] = [];
  let unchecked: Partial[] = [];
  let checked = 0;
  for (let from = 0; from < count || from === 0; from += FOLDED_AT_ONCE) {
    const to = Math.min(from + FOLDED_AT_ONCE, count);
    const columns = await received.columns(from, to, weights.fingerprint);
    const { claims, kept, spent } = kind.fold(columns, from, to);
    unchecked.push(checkNumbers(engine, claims, columns, weights.check));
    engine.free(...claims, ...spent);
    pieces.push(kept);
    const full = engine.security === "malicious" && to - checked >= VERIFIED_AT_ONCE;
    if (to < count && !full) continue;
    await check(engine, kind.name, received, checked, unchecked, rejected);
    unchecked = [];
    checked = to;
  }
  for (const done of Object.values(weights)) field.free(done);
  received.free();
  return { pieces, rejected };
}

/** Public random coefficients, made after all rows are fixed. */
interface Weights {
  /** One per element of a row. */
  readonly fingerprint: Vector;
  /** Length 1: its powers are the coefficients of a row's check number. */
  readonly check: Vector;
}

function drawWeights(
  field: Field,
  primitives: Primitives,
  width: number,
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
  return { fingerprint: drawn(width), check: drawn(1) };
}

/**
 * Per row sum_j c^j (b_j^2 - b_j) over all bits, and the claims times the next powers of c.
 * A polynomial in c that is 0 for every proper row, and for others at no more points than it has terms.
 */
function checkNumbers(
  engine: Engine,
  claims: readonly (Secret | Partial)[],
  columns: readonly Secret[],
  c: Vector,
): Partial {
  const partialOf = (claim: Secret | Partial) =>
    claim instanceof Partial ? engine.scale(claim, 1) : engine.partial(claim);
  const [first, ...others] = claims.map(partialOf);
  let numbers = first!;
  const append = (term: Partial) => {
    const shifted = engine.mulPublic(numbers, c);
    const next = engine.add(shifted, term);
    engine.free(shifted, numbers, term);
    numbers = next;
  };
  for (const claim of others) append(claim);
  // One power after the other: nothing but the columns themselves has to stay until it is verified.
  for (const bit of columns) {
    const square = engine.partialProducts([[bit, bit]]);
    const plain = engine.partial(bit);
    const difference = engine.sub(square, plain);
    engine.free(square, plain);
    append(difference);
  }
  return numbers;
}

/** Compares and opens what concerns the rows from `from` on, and marks those that are rejected. */
async function check<Name extends string>(
  engine: Engine,
  name: Name,
  received: ReceivedShares,
  from: number,
  unchecked: readonly Partial[],
  rejected: (Rejection<Name> | null)[],
): Promise<void> {
  const numbers = engine.concat(unchecked);
  engine.free(...unchecked);
  const misfits = await received.misfits(from, from + numbers.length);
  if (engine.security === "malicious") {
    const first = misfits.findIndex((misfit) => misfit !== 0);
    if (first >= 0) {
      const holders = received.holders(misfits[first]!);
      throw new RowMisfitError(
        from + first,
        `the shares of ${name} ${from + first} at ${holders} do not fit together: its meter lied or one of them`,
      );
    }
  }
  // 0 for every proper row, whatever it says; else it concerns the malformed row alone. That holds if nobody lied:
  // where masked factors are opened, a lie makes the number show a bit of a proper row; so verify first.
  const opened = await engine.openVerified(numbers);
  engine.free(numbers);
  const broken = engine.field.nonZero(opened);
  engine.field.free(opened);
  for (let i = 0; i < broken.length; i++) {
    if (misfits[i] !== 0) rejected[from + i] = "inconsistent-shares";
    else if (broken[i] !== 0) rejected[from + i] = `invalid-${name}`;
  }
}

/**
 * Puts columns of all rows together from those of the pieces, with 0 for every rejected row. Everything of such a row
 * becomes 0, not only its energy: shares that do not fit together would multiply even a 0 to different
 * results, which would spoil every sum it is part of.
 */
export class WholeColumns<Kept> {
  private readonly engine: Engine;
  private readonly pieces: readonly Kept[];
  /** 1 per accepted row, 0 per rejected one; null if all are accepted. */
  private readonly accepted: Vector | null;

  constructor(engine: Engine, { pieces, rejected }: TakenRows<string, Kept>) {
    this.engine = engine;
    this.pieces = pieces;
    this.accepted = null;
    if (rejected.every((reason) => reason === null)) return;
    this.accepted = engine.field.alloc(rejected.length);
    engine.field.setNumbers(
      this.accepted,
      Uint8Array.from(rejected, (reason) => (reason === null ? 1 : 0)),
    );
  }

  /** One column; the pieces' are used up. */
  of(column: (piece: Kept) => Secret): Secret {
    const { engine, accepted } = this;
    const parts = this.pieces.map(column);
    const whole = parts.length === 1 ? parts[0]! : engine.concat(parts);
    if (parts.length > 1) engine.free(...parts);
    if (accepted === null) return whole;
    const kept = engine.mulPublic(whole, accepted);
    engine.free(whole);
    return kept;
  }

  /** To be called after the last column. */
  free(): void {
    if (this.accepted !== null) this.engine.field.free(this.accepted);
  }
}

/** The number whose bits these are, most significant first. */
export function numberOf(engine: LocalEngine, bits: readonly Secret[]): Secret {
  let number = copy(engine, bits[0]!);
  for (const bit of bits.slice(1)) {
    const twice = engine.add(number, number);
    const next = engine.add(twice, bit);
    engine.free(number, twice);
    number = next;
  }
  return number;
}
