// Finds the lines by sorting: all orders are sorted by falling keys in secret, energies are summed up from the top, and
// where a sum reaches the energy offered there is a line. The way of the first private double auctions (Abidin, Aly,
// Cleemput, Mustafa 2016), as a cross-check and a yardstick for descent-lines.ts.
import type { ComparisonPool } from "../mpc/comparison.ts";
import type { Engine } from "../mpc/engine.ts";
import {
  permutationOf,
  prepareSort,
  type SortMaterial,
  sortElements,
  sortFalling,
} from "../mpc/radix-sort.ts";
import { firstNotBelow, search, searchComparisons } from "../mpc/search.ts";
import type { Partial, Secret } from "../mpc/shared.ts";
import { Shuffle } from "../mpc/shuffle.ts";
import {
  type AllocatingLine,
  half,
  type LineAlgorithm,
  type LineRules,
  type Lines,
  lineTargets,
  type PreparedLines,
  rationBits,
} from "./lines.ts";

/** Columns that travel through the sort beside the key (energy, number), and those that travel back. */
const SORTED_COLUMNS = 2;
const RETURNED_COLUMNS = 3;

interface SortedBook {
  readonly sort: SortMaterial;
  /** For the way back to the orders' own sequence. */
  readonly homeward: Shuffle;
  readonly energy: Secret;
}

/** Nothing is done for orders by themselves: permutations are of all of them. */
export async function sortAlgorithm(engine: Engine, rules: LineRules): Promise<LineAlgorithm> {
  return {
    prepare: async (keyBits) => keyBits,
    finish: (keyBits, energy) => prepareSortedLines(engine, rules, keyBits, energy),
  };
}

/** Indicators of the key's lowest digit, and permutations. The key bits are used up. Costs: see `prepareSort`. */
async function prepareSortedLines(
  engine: Engine,
  rules: LineRules,
  keyBits: readonly Secret[],
  energy: Secret,
): Promise<PreparedLines> {
  const count = energy.length;
  const targets = lineTargets(rules.priceRule).length;
  const onlineElements =
    sortElements(keyBits.length, SORTED_COLUMNS, engine.shufflePasses) +
    (targets + 3) + // the searches' steps, the energy on the line
    engine.shufflePasses * RETURNED_COLUMNS;
  const sort = await prepareSort(engine, keyBits);
  const homeward = await Shuffle.draw(engine, count);
  // The lines are searched, then the two ends of one; the parities of the keys, and of the sum of two ticks.
  const comparisons = (targets + 2) * searchComparisons(count) + targets + (targets - 1);
  return {
    gates: engine.constant(new Uint8Array(comparisons).fill(1)),
    onlineElements,
    find: (at, pool, offered) => findLines(at, pool, rules, { sort, homeward, energy }, offered),
  };
}

/**
 * Sorts and searches. Rounds with three evaluators and keys of 13 bits: 20 for the sort, 6 for the keys of the lines
 * and the way back; two searches of 5 each up to 128 orders, 11 up to 16,384, 17 above; 5 for the price, or 10 with
 * two lines. Elements: `onlineElements` per order, one per order and opened permutation, and 31 per comparison.
 * Leaks: nothing.
 */
async function findLines(
  engine: Engine,
  pool: ComparisonPool,
  rules: LineRules,
  book: SortedBook,
  offered: Secret,
): Promise<Lines> {
  const ids = engine.constant(Uint32Array.from({ length: book.energy.length }, (_, i) => i));
  const sorted = await sortFalling(engine, book.sort, [book.energy, ids]);
  engine.free(ids);
  const [energy, id] = sorted.columns as [Secret, Secret];
  const targets = lineTargets(rules.priceRule).map(({ extra }) => engine.addNumber(offered, extra));
  const lines = await reachedKeys(engine, pool, sorted.keys, energy, targets);
  const last = engine.slice(lines, lines.length - 1, lines.length);
  const group = await groupOf(engine, pool, sorted.keys, last);
  engine.free(sorted.keys);
  const allocating = await allocatingLine(engine, book, rules, { energy, id, ...group });
  const price = await clearingPrice(engine, pool, lines);
  return { allocating, price: () => Promise.resolve(price) };
}

/**
 * Per target the key of the first row at which the energy summed up so far reaches it; 0 if none does. The energy of
 * keys >= x reaches the target for this x and for none above.
 */
async function reachedKeys(
  engine: Engine,
  pool: ComparisonPool,
  keys: Secret,
  energy: Secret,
  targets: readonly Secret[],
): Promise<Secret> {
  const upTo = engine.prefixSums(energy);
  const thresholds = targets.map((target) => engine.partial(target));
  const below = await search(engine, pool, upTo, thresholds);
  const cuts = below.map((own) => firstNotBelow(engine, own));
  const reached = await engine.reshare(engine.partialDots(cuts.map((cut) => [cut, keys] as const)));
  engine.free(upTo, ...below, ...cuts);
  return reached;
}

/** 1 for the rows whose key is `line`, and 1 for those before them: rows with equal keys stand together. */
async function groupOf(
  engine: Engine,
  pool: ComparisonPool,
  keys: Secret,
  line: Secret,
): Promise<{ on: Secret; above: Secret }> {
  // Falling keys are rising negative ones: -key < -line above the group, -key < -line + 1 in it too.
  const rising = engine.scale(keys, -1);
  const first = engine.partial(engine.scale(line, -1));
  const steps = await search(engine, pool, rising, [first, engine.addNumber(first, 1)]);
  const [above, through] = steps as [Secret, Secret];
  const on = engine.sub(through, above);
  engine.free(rising, through);
  return { on, above };
}

/** Brings the line back to the orders' own sequence. The rows are used up. */
async function allocatingLine(
  engine: Engine,
  book: SortedBook,
  rules: LineRules,
  rows: { energy: Secret; id: Secret; on: Secret; above: Secret },
): Promise<AllocatingLine> {
  const [onEnergy, aboveTotal] = await Promise.all([
    engine.mulSum([[rows.energy, rows.on]]),
    engine.reshare(engine.partialDots([[rows.energy, rows.above]])),
  ]);
  const shuffled = await book.homeward.forward(engine, [rows.id, onEnergy, rows.above]);
  engine.free(...Object.values(rows), onEnergy);
  const [id, onLineMoved, aboveMoved] = shuffled as [Secret, Secret, Secret];
  // The numbers 0 .. n - 1 in a uniformly random order, whatever the orders are; verified first, since a lie could have
  // put something else among them.
  const opened = await engine.openVerified(id);
  const home = permutationOf(engine.field.toNumbers(opened));
  engine.field.free(opened);
  const onLine = engine.scatter(onLineMoved, home);
  const isAbove = engine.scatter(aboveMoved, home);
  engine.free(...shuffled);
  const units = engine.scale(book.energy, 2 ** rationBits(rules.rationing));
  return {
    onLine,
    onLineTotal: engine.sum(onLine),
    aboveLine: [[units, isAbove]],
    aboveTotal: engine.partial(aboveTotal),
  };
}

/** The price tick of one line, or the floor of the mean of two; the side bit is dropped. Rounds: 5, 10 for two. */
async function clearingPrice(engine: Engine, pool: ComparisonPool, keys: Secret): Promise<Secret> {
  const ticks = await floorHalf(engine, pool, keys);
  return keys.length === 1 ? ticks : floorHalf(engine, pool, engine.sum(ticks));
}

/** Half of each number, rounded down. Rounds: 5. */
async function floorHalf(engine: Engine, pool: ComparisonPool, a: Secret): Promise<Secret> {
  // A comparison takes the low bit of twice its argument, as elements of the field: here the low bit of a itself.
  const odd: Partial = await pool.negative(engine, engine.partial(half(engine, a)));
  return half(engine, engine.sub(a, await engine.reshare(odd)));
}
