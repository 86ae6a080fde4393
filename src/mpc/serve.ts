// Serving a budget in a public order: every item gets its amount until the budget is used up. The item at which
// that happens stays secret: it is found as a secret index in a tree, with comparisons on sums only, so that
// the cost per item is a local gather and, at the caller, one product.
import type { ComparisonPool } from "./comparison.ts";
import type { Engine } from "./engine.ts";
import type { Partial, Secret } from "./shared.ts";

/** The most children of a node, that is comparisons made side by side. */
const MAX_ARITY = 128;

/** The number of columns in which `serve` arranges `count` items: all trees of one depth are balanced. */
function arity(count: number): number {
  if (count <= MAX_ARITY) return count;
  const depth = Math.ceil(Math.log(count) / Math.log(MAX_ARITY));
  return Math.ceil(count ** (1 / depth));
}

/** Where items stand: position = column * rows + row, and they are served row by row. */
export interface ServingGrid {
  readonly rows: number;
  readonly columns: number;
}

export function servingGrid(count: number): ServingGrid {
  const rows = Math.max(1, Math.ceil(count / Math.max(1, arity(count))));
  return { rows, columns: Math.ceil(count / rows) };
}

/** positions[rank]: where the item that is served at this rank stands. */
export function servingPositions(count: number): Uint32Array {
  const { rows, columns } = servingGrid(count);
  const positions = new Uint32Array(count);
  let rank = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const position = column * rows + row;
      if (position < count) positions[rank++] = position;
    }
  }
  return positions;
}

/** The arrangement in which items are served in the order of `ranking` (first served first). */
export function arrangementOf(ranking: Uint32Array): Uint32Array {
  const arrangement = new Uint32Array(ranking.length);
  servingPositions(ranking.length).forEach((position, rank) => {
    arrangement[position] = ranking[rank]!;
  });
  return arrangement;
}

/** How many ungated comparisons `serve` takes from the pool. */
export function serveComparisons(count: number): number {
  if (count === 0) return 0;
  const { rows, columns } = servingGrid(count);
  return columns + (rows > 1 ? locateComparisons(rows) : 0);
}

function locateComparisons(count: number): number {
  if (count <= MAX_ARITY) return count;
  const block = arity(count);
  return block + locateComparisons(Math.ceil(count / block));
}

/** What each item gets: amount * served[row] + cut[row] * cutRow[column]. */
export interface Serving {
  /** 1 for rows that are served whole. */
  readonly served: Secret;
  /** 1 for the row in which the budget ends. */
  readonly cut: Secret;
  /** What the items of that row get. */
  readonly cutRow: Secret;
}

/**
 * Serves `budget` (length 1, 0 <= budget <= the amounts' total) to `amounts`, arranged by servingPositions.
 * Rounds: 7 with up to 128 items, 12 up to 16,384, 18 up to 2,097,152. Elements: O(count / 128). Leaks: nothing.
 */
export async function serve(
  engine: Engine,
  pool: ComparisonPool,
  amounts: Secret,
  budget: Partial,
): Promise<Serving> {
  const columns = columnsOf(engine, amounts);
  const located = await locateRow(engine, pool, columns, budget);
  const cutAmounts = engine.partialDots(
    columns.map((items) => [items, engine.slice(located.cut, 0, items.length)] as const),
  );
  const step = await serveFew(engine, pool, cutAmounts, located.rest);
  const rest = await engine.reshare(step.rest);
  const cutRow = await engine.mulSum([
    [step.amounts, step.served],
    [step.cut, rest],
  ]);
  return { served: located.served, cut: located.cut, cutRow };
}

/** What a serving gives to each item, in their arrangement. Local. */
export function servedAmounts(engine: Engine, serving: Serving, amounts: Secret): Partial {
  const parts = columnsOf(engine, amounts).map((items, c) =>
    engine.partialProducts([
      [items, engine.slice(serving.served, 0, items.length)],
      [engine.slice(serving.cut, 0, items.length), engine.slice(serving.cutRow, c, c + 1)],
    ]),
  );
  const all = engine.concat(parts);
  engine.free(...parts);
  return all;
}

/** The columns of the arrangement, as views; the last may be short. */
function columnsOf(engine: Engine, amounts: Secret): Secret[] {
  const { rows, columns } = servingGrid(amounts.length);
  return Array.from({ length: columns }, (_, c) =>
    engine.slice(amounts, c * rows, Math.min(amounts.length, (c + 1) * rows)),
  );
}

interface Located {
  readonly served: Secret;
  readonly cut: Secret;
  /** What is left of the budget for the item at the cut. */
  readonly rest: Partial;
}

async function locateRow(
  engine: Engine,
  pool: ComparisonPool,
  columns: readonly Secret[],
  budget: Partial,
): Promise<Located> {
  const rows = columns[0]!.length;
  if (rows === 1) {
    return { served: engine.constant([0]), cut: engine.constant([1]), rest: budget };
  }
  let sums = columns[0]!;
  for (const items of columns.slice(1)) {
    const rest = engine.slice(sums, items.length, rows);
    const added = engine.add(engine.slice(sums, 0, items.length), items);
    const next = rest.length > 0 ? engine.concat([added, rest]) : added;
    engine.free(sums);
    if (next !== added) engine.free(added);
    sums = next;
  }
  return locate(engine, pool, sums, budget);
}

/** Which items are served whole, and at which one the budget ends. Items stand in serving order. */
async function locate(
  engine: Engine,
  pool: ComparisonPool,
  amounts: Secret,
  budget: Partial,
): Promise<Located> {
  const count = amounts.length;
  if (count <= MAX_ARITY) return serveFew(engine, pool, engine.partial(amounts), budget);
  const block = arity(count);
  const blocks = await locate(engine, pool, engine.blockSums(amounts, block), budget);
  const members = engine.partialDots(
    Array.from({ length: block }, (_, c) => {
      const at = strided(c, block, count);
      return [engine.gather(amounts, at), engine.slice(blocks.cut, 0, at.length)] as const;
    }),
  );
  const step = await serveFew(engine, pool, members, blocks.rest);
  const byBlock = Uint32Array.from({ length: count }, (_, i) => Math.floor(i / block));
  const byMember = Uint32Array.from({ length: count }, (_, i) => i % block);
  const served = await engine.mulSum(
    [[engine.gather(blocks.cut, byBlock), engine.gather(step.served, byMember)]],
    engine.gather(blocks.served, byBlock),
  );
  return { served, cut: cutOf(engine, served), rest: step.rest };
}

/** The same for few items, by comparing every prefix sum. Rounds: 5. */
async function serveFew(
  engine: Engine,
  pool: ComparisonPool,
  amounts: Partial,
  budget: Partial,
): Promise<Located & { amounts: Secret }> {
  const count = amounts.length;
  const after = engine.sub(engine.tile(budget, count), engine.prefixSums(amounts));
  const shared = engine.reshare(amounts);
  const [negative, sharedAmounts] = await Promise.all([
    pool.negative(engine, after).then((exceeds) => engine.reshare(exceeds)),
    shared,
  ]);
  const served = engine.addNumber(engine.scale(negative, -1), 1);
  const spent = engine.partialDots([[sharedAmounts, served]]);
  return {
    amounts: sharedAmounts,
    served,
    cut: cutOf(engine, served),
    rest: engine.sub(budget, spent),
  };
}

/** 1 at the first item that is not served whole: served is 1 up to it, 0 from it on. */
function cutOf(engine: Engine, served: Secret): Secret {
  const before = engine.concat([engine.constant([1]), engine.slice(served, 0, served.length - 1)]);
  return engine.sub(before, served);
}

const strided = (start: number, step: number, count: number) =>
  Uint32Array.from({ length: Math.ceil((count - start) / step) }, (_, i) => start + i * step);
