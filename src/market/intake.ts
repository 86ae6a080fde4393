// From shared rows of bits to a book (docs/PROTOCOL.md, "Orders"). Every check concerns one order alone, so a bad
// one never harms another: both holders of a component must hold the same one, every bit must be a bit, and
// exactly one supplier must be named. An order that fails counts as all zeros: no energy, no supplier.
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Engine } from "../mpc/engine.ts";
import { Partial, Secret } from "../mpc/shared.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { OrderLayout } from "./order-layout.ts";
import type { SecretBook } from "./preparation.ts";

/** Rows worked on at once: both components of them stay in the cache. */
const ROWS_AT_ONCE = 1024;

/** One evaluator's rows: its two components, expanded piece by piece. */
export interface RowSource {
  readonly count: number;
  /** Writes rows from..to of both components. */
  read(from: number, to: number, first: Vector, second: Vector): void;
}

/** What intake needs of the parties' network beyond the engine. */
export interface Comparer {
  /**
   * Compares one fingerprint per row with the other holder of each component, and returns the rows in which
   * any two differ, the same list at all parties.
   */
  differing(first: Vector, second: Vector): Promise<Uint8Array>;
}

export interface Intake {
  readonly book: SecretBook;
  /** Per order: null, or why it was rejected. The same at every evaluator. */
  readonly rejected: readonly (RejectionReason | null)[];
}

export type RejectionReason = "inconsistent-shares" | "invalid-order";

/** Public coefficients of the random linear combinations, made after all rows are fixed. */
interface Coefficients {
  readonly fingerprint: Vector;
  /** Per bit a random number, 0 for padding. */
  readonly bits: Vector;
  /** The same random number for each supplier bit, 0 elsewhere. */
  readonly oneHot: Vector;
  /** Powers of two that fold the energy bits. */
  readonly energy: Vector;
}

/**
 * Checks and folds all rows. Opens: one number per order, 0 for every valid order.
 * Rounds: 2 (coin) + 2 (fingerprints) + 1. A malformed order passes with probability below 2^-55.
 */
export async function takeOrders(
  engine: Engine,
  comparer: Comparer,
  primitives: Primitives,
  layout: OrderLayout,
  rows: RowSource,
): Promise<Intake> {
  const { field } = engine;
  const coefficients = drawCoefficients(field, primitives, layout, await engine.coin());
  const folded = foldRows(engine, layout, rows, coefficients);

  const differing = await comparer.differing(folded.fingerprints[0], folded.fingerprints[1]);
  // Zero for every valid order; for an invalid one a random combination of its own malformed bits only.
  const opened = await engine.open(folded.check);
  const broken = nonZero(field, opened);
  const rejected = new Array<RejectionReason | null>(rows.count).fill(null);
  const passed = new Uint8Array(rows.count).fill(1);
  for (let i = 0; i < rows.count; i++) {
    if (differing[i] === 0 && broken[i] === 0) continue;
    rejected[i] = differing[i] === 1 ? "inconsistent-shares" : "invalid-order";
    passed[i] = 0;
  }
  const accepted = field.alloc(rows.count);
  field.setNumbers(accepted, passed);
  // Of a rejected order everything becomes 0, not only its energy: holders of different components would
  // multiply even a 0 to different results, which would spoil every sum it is part of.
  const anyRejected = passed.includes(0);
  const acceptedOnly = (column: Secret): Secret => {
    if (!anyRejected) return column;
    const kept = engine.mulPublic(column, accepted);
    engine.free(column);
    return kept;
  };
  const book = {
    keyBits: folded.keyBits.map(acceptedOnly),
    energy: acceptedOnly(folded.energy),
    suppliers: folded.suppliers.map(acceptedOnly),
  };
  engine.free(folded.check);
  for (const done of [accepted, opened, ...folded.fingerprints]) field.free(done);
  return { book, rejected };
}

function drawCoefficients(
  field: Field,
  primitives: Primitives,
  layout: OrderLayout,
  coin: Uint8Array,
): Coefficients {
  const prg = primitives.prg(primitives.sha256(coin).subarray(0, 16));
  const words = new Uint8Array(8 * (2 * layout.width + 1));
  prg.fill(words);
  const random = field.alloc(2 * layout.width + 1);
  field.setBytes(random, words);
  field.maskPrg(random);

  const bits = random.slice(layout.width, 2 * layout.width);
  if (layout.bits < layout.width) field.fill(bits.slice(layout.bits, layout.width), 0);
  const oneHot = field.alloc(layout.width);
  field.fill(oneHot, 0);
  const common = random.slice(2 * layout.width, 2 * layout.width + 1);
  for (let k = layout.suppliers; k < layout.bits; k++) field.copy(oneHot.slice(k, k + 1), common);

  const powers = new Float64Array(layout.width);
  for (let j = 0; j < layout.energyBits; j++) {
    powers[layout.energy + j] = 2 ** (layout.energyBits - 1 - j);
  }
  const energy = field.alloc(layout.width);
  field.setNumbers(energy, powers);
  return { fingerprint: random.slice(0, layout.width), bits, oneHot, energy };
}

interface Folded {
  readonly fingerprints: readonly [Vector, Vector];
  /** sum over bits of c_j (b_j^2 - b_j), plus c (sum of supplier bits - 1). */
  readonly check: Partial;
  readonly energy: Secret;
  readonly keyBits: Secret[];
  readonly suppliers: Secret[];
}

/** One pass over the rows: everything that is local. */
function foldRows(
  engine: Engine,
  layout: OrderLayout,
  rows: RowSource,
  coefficients: Coefficients,
): Folded {
  const { field } = engine;
  const { count } = rows;
  const pair = () => [field.alloc(count), field.alloc(count)] as const;
  const fingerprints = pair();
  const energy = pair();
  const check = field.alloc(count);
  const keyColumns = Array.from({ length: layout.priceBits + 1 }, (_, j) => j);
  const supplierColumns = Array.from(
    { length: layout.supplierCount },
    (_, k) => layout.suppliers + k,
  );
  const columns = [...keyColumns, ...supplierColumns].map((column) => ({ column, into: pair() }));

  const step = Math.min(count, ROWS_AT_ONCE);
  const buffers = [field.alloc(step * layout.width), field.alloc(step * layout.width)] as const;
  const scratch = field.alloc(step);
  for (let from = 0; from < count; from += ROWS_AT_ONCE) {
    const to = Math.min(from + ROWS_AT_ONCE, count);
    const pieces = buffers.map((buffer) => buffer.slice(0, (to - from) * layout.width));
    const [first, second] = pieces as [Vector, Vector];
    rows.read(from, to, first, second);
    pieces.forEach((piece, index) => {
      const at = (of: readonly Vector[]) => of[index]!.slice(from, to);
      field.combineRows(at(fingerprints), piece, coefficients.fingerprint);
      field.combineRows(at(energy), piece, coefficients.energy);
      for (const { column, into } of columns) field.column(at(into), piece, layout.width, column);
    });
    const into = check.slice(from, to);
    const part = scratch.slice(0, to - from);
    field.combineRowSquares(into, first, second, coefficients.bits);
    field.combineRows(part, first, coefficients.bits);
    field.sub(into, into, part);
    field.combineRows(part, first, coefficients.oneHot);
    field.add(into, into, part);
  }
  for (const buffer of [...buffers, scratch]) field.free(buffer);

  const secrets = columns.map(({ into }) => new Secret(into, true));
  const oneSupplier = coefficients.oneHot.slice(layout.suppliers, layout.suppliers + 1);
  const minusOne = engine.scale(engine.partial(engine.fromPublic(oneSupplier)), -1);
  const raw = new Partial([check], true);
  const checked = engine.add(raw, minusOne);
  engine.free(raw);
  return {
    fingerprints,
    check: checked,
    energy: new Secret(energy, true),
    keyBits: secrets.slice(0, keyColumns.length),
    suppliers: secrets.slice(keyColumns.length),
  };
}

/** 1 where a public element is not 0. */
function nonZero(field: Field, v: Vector): Uint8Array {
  const halves = new Uint32Array(field.toBytes(v).buffer);
  const found = new Uint8Array(v.length);
  for (let i = 0; i < found.length; i++) found[i] = halves[2 * i]! | halves[2 * i + 1]! ? 1 : 0;
  return found;
}
