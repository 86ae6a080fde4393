// Where a sequence that never falls reaches secret thresholds, found as a secret index in a tree: comparisons are made
// on a few values only, so that the cost per position is a local inner product and one product.
import type { ComparisonPool } from "./comparison.ts";
import type { Engine } from "./engine.ts";
import type { Partial, Secret } from "./shared.ts";

/** The most children of a node, that is comparisons made side by side for one threshold. */
const MAX_ARITY = 128;

/** Children per node for `count` leaves: all trees of one depth are balanced. */
export function arity(count: number): number {
  if (count <= MAX_ARITY) return count;
  const depth = Math.ceil(Math.log(count) / Math.log(MAX_ARITY));
  return Math.ceil(count ** (1 / depth));
}

/** How many ungated comparisons `search` takes from the pool for each threshold. */
export function searchComparisons(count: number): number {
  if (count <= MAX_ARITY) return count;
  const block = arity(count);
  return block + searchComparisons(Math.ceil(count / block));
}

/**
 * For each threshold (length 1) a vector that is 1 where a value is below it, else 0. The values must not fall from
 * one to the next, so that this is 1 up to some position and 0 from it on. Values and thresholds are less than 2^59
 * apart.
 * Rounds: 5 with up to 128 values, 11 up to 16,384, 17 up to 2,097,152.
 * Elements per threshold: with more than 128 values one per value, and 31 per comparison. Leaks: nothing.
 */
export async function search(
  engine: Engine,
  pool: ComparisonPool,
  values: Secret,
  thresholds: readonly Partial[],
): Promise<Secret[]> {
  const count = values.length;
  if (count <= MAX_ARITY) {
    const all = thresholds.map(() => engine.partial(values));
    return compareFew(engine, pool, all, thresholds);
  }
  const block = arity(count);
  const last = Uint32Array.from({ length: Math.ceil(count / block) }, (_, b) =>
    Math.min(count, (b + 1) * block),
  ).map((end) => end - 1);
  const blockEnds = engine.gather(values, last);
  const blocks = await search(engine, pool, blockEnds, thresholds);
  const cuts = blocks.map((below) => firstNotBelow(engine, below));
  const members = membersAt(engine, values, block, cuts);
  const inside = await compareFew(engine, pool, members, thresholds);

  const byBlock = Uint32Array.from({ length: count }, (_, i) => Math.floor(i / block));
  const byMember = Uint32Array.from({ length: count }, (_, i) => i % block);
  const below = await Promise.all(
    blocks.map(async (whole, k) => {
      const spread = [
        engine.gather(cuts[k]!, byBlock),
        engine.gather(inside[k]!, byMember),
        engine.gather(whole, byBlock),
      ] as const;
      const result = await engine.mulSum([[spread[0], spread[1]]], spread[2]);
      engine.free(...spread);
      return result;
    }),
  );
  engine.free(blockEnds, ...blocks, ...cuts, ...inside, ...members);
  return below;
}

/**
 * 1 at the first position that is not below the threshold; nowhere if all are below. `below` is 1 up to some position
 * and 0 from it on. Local.
 */
export function firstNotBelow(engine: Engine, below: Secret): Secret {
  const one = engine.constant([1]);
  const before = engine.concat([one, engine.slice(below, 0, below.length - 1)]);
  const cut = engine.sub(before, below);
  engine.free(one, before);
  return cut;
}

/** Per threshold the values of the block that `cut` points at, 0 where a short last block has none. Local. */
function membersAt(
  engine: Engine,
  values: Secret,
  block: number,
  cuts: readonly Secret[],
): Partial[] {
  const count = values.length;
  const lengthOf = (c: number) => Math.ceil((count - c) / block);
  const order = new Uint32Array(count);
  for (let c = 0, to = 0; c < block; c++) {
    for (let i = c; i < count; i += block) order[to++] = i;
  }
  // Member c of every block, then member c + 1 of every block.
  const byMember = engine.gather(values, order);
  const members = cuts.map((cut) => {
    let at = 0;
    const factors = Array.from({ length: block }, (_, c) => {
      const from = at;
      at += lengthOf(c);
      return [engine.slice(byMember, from, at), engine.slice(cut, 0, at - from)] as const;
    });
    return engine.partialDots(factors);
  });
  engine.free(byMember);
  return members;
}

/** Compares every value with its threshold. Rounds: 5. */
async function compareFew(
  engine: Engine,
  pool: ComparisonPool,
  values: readonly Partial[],
  thresholds: readonly Partial[],
): Promise<Secret[]> {
  const differences = values.map((own, k) =>
    engine.sub(own, engine.tile(thresholds[k]!, own.length)),
  );
  const below = await engine.reshare(await pool.negative(engine, engine.concat(differences)));
  let at = 0;
  return values.map((own) => {
    at += own.length;
    return engine.slice(below, at - own.length, at);
  });
}
