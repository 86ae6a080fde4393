// The offline half of a clearing: the work that needs no other order, done as orders arrive.
import { ComparisonPool } from "../mpc/comparison.ts";
import { copy, type Engine, mul } from "../mpc/engine.ts";
import { quotientComparisons } from "../mpc/quotient.ts";
import { serveComparisons } from "../mpc/serve.ts";
import type { Secret } from "../mpc/shared.ts";
import { Shuffle } from "../mpc/shuffle.ts";
import type { Setting } from "../wire/setting.ts";
import { prepareDescentLines } from "./descent-lines.ts";
import { type LineRules, type PreparedLines, rationBits } from "./lines.ts";
import { prepareSortedLines } from "./sorted-lines.ts";

/** Random masks made beforehand at most, in elements: as much memory as it takes to hold them. */
const MOST_MASKS = 2 ** 24;

/** All orders of a period, one element per order in each vector. */
export interface SecretBook {
  /** The key's bits, most significant first: the price tick's, then the side bit (1 buys). */
  readonly keyBits: readonly Secret[];
  /** Energy in Wh; 0 for idle and rejected orders. */
  readonly energy: Secret;
  /** Per supplier: 1 for its customers. */
  readonly suppliers: readonly Secret[];
}

export interface SecretRules extends LineRules {
  /** How the lines are found. */
  readonly algorithm: Setting["algorithm"];
  /** Whether everybody may know in which order remainders are handed out. */
  readonly priorityOrder: Setting["priorityOrder"];
  /** Which suppliers may learn their sums: those with at least the minimum group of customers. */
  readonly revealedSuppliers: readonly boolean[];
}

/** What the offline phase leaves for the online one. */
export interface PreparedClearing {
  readonly count: number;
  readonly rules: SecretRules;
  readonly pool: ComparisonPool;
  readonly lines: PreparedLines;
  /** The hidden priority order; null where it is public. */
  readonly priority: Shuffle | null;
  readonly energy: Secret;
  readonly buys: Secret;
  /** Energy that each order offers for sale: for settlement. */
  readonly offers: Secret;
  /** Energy offered for sale in total. */
  readonly offered: Secret;
  readonly suppliers: readonly (SupplierMaterial | null)[];
}

interface SupplierMaterial {
  readonly customers: Secret;
  readonly buyers: Secret;
  /** Energy its customers offer for sale. */
  readonly offered: Secret;
}

/**
 * The work that needs no other order: products, what the algorithm for the lines prepares, material for every
 * comparison. The book's vectors are used up.
 */
export async function prepareClearing(
  engine: Engine,
  rules: SecretRules,
  book: SecretBook,
): Promise<PreparedClearing> {
  const { keyBits, energy } = book;
  const count = energy.length;
  const buys = copy(engine, keyBits.at(-1)!); // The key bits are used up below.
  const buyEnergy = await mul(engine, energy, buys);
  const sellEnergy = engine.sub(energy, buyEnergy);
  engine.free(buyEnergy);

  const suppliers = await Promise.all(
    book.suppliers.map((customers, index) =>
      rules.revealedSuppliers[index]
        ? prepareSupplier(engine, customers, buys, sellEnergy)
        : Promise.resolve(null),
    ),
  );
  engine.free(...book.suppliers.filter((_, index) => !rules.revealedSuppliers[index]));
  const prepareLines = rules.algorithm === "sort" ? prepareSortedLines : prepareDescentLines;
  const lines = await prepareLines(engine, rules, keyBits, energy);
  const pool = await preparePool(engine, rules, lines.gates, count);
  const isHidden = rules.priorityOrder === "hidden";
  const priority = isHidden ? await Shuffle.draw(engine, count) : null;
  const offered = engine.sum(sellEnergy);
  const allocation = 1 + (isHidden ? 1 + 2 * engine.shufflePasses : 0);
  await engine.stockMasks(Math.min(MOST_MASKS, count * (lines.onlineElements + allocation)));
  const offers = sellEnergy;
  return { count, rules, pool, lines, priority, energy, buys, offers, offered, suppliers };
}

async function prepareSupplier(
  engine: Engine,
  customers: Secret,
  buys: Secret,
  sellEnergy: Secret,
): Promise<SupplierMaterial> {
  const [buyers, offered] = await Promise.all([
    mul(engine, customers, buys),
    engine.reshare(engine.partialDots([[sellEnergy, customers]])),
  ]);
  return { customers, buyers, offered };
}

/** Material for all comparisons of a clearing, in the order in which they are made. */
function preparePool(
  engine: Engine,
  rules: SecretRules,
  gates: Secret,
  count: number,
): Promise<ComparisonPool> {
  const ungated = quotientComparisons(rationBits(rules.rationing)) + serveComparisons(count) + 1; // 1: was there trade?
  const ones = engine.constant(new Uint8Array(ungated).fill(1));
  return ComparisonPool.prepare(engine, engine.concat([gates, ones]));
}
