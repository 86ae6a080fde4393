// Serving a budget in a public order: every item gets its amount until the budget is used up. The item at which
// that happens stays secret: it is found as a secret index in a tree, with comparisons on sums only, so that
// the cost per item is a local gather and, at the caller, one product.
import type { ComparisonPool } from "./comparison.ts";
import type { Engine } from "./engine.ts";
import { arity, firstNotBelow, search, searchComparisons } from "./search.ts";
import type { Partial, Secret } from "./shared.ts";

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
  return columns + (rows > 1 ? searchComparisons(rows) : 0);
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

/** Which rows are served whole, and in which one the budget ends. */
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
  // The budget ends at the first row with which the sum exceeds it.
  const limit = engine.addNumber(budget, 1);
  const [served] = await search(engine, pool, engine.prefixSums(sums), [limit]);
  const spent = engine.partialDots([[sums, served!]]);
  return {
    served: served!,
    cut: firstNotBelow(engine, served!),
    rest: engine.sub(budget, spent),
  };
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
    cut: firstNotBelow(engine, served),
    rest: engine.sub(budget, spent),
  };
}
