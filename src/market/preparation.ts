// The offline half of a clearing: the work that needs no other order, done as orders arrive.
import { ComparisonPool } from "../mpc/comparison.ts";
import { copy, type Engine, mul } from "../mpc/engine.ts";
import { quotientComparisons } from "../mpc/quotient.ts";
import { serveComparisons } from "../mpc/serve.ts";
import type { Secret } from "../mpc/shared.ts";
import { Shuffle } from "../mpc/shuffle.ts";
import { assert } from "../platform/assert.ts";
import type { Setting } from "../wire/setting.ts";
import { descentAlgorithm } from "./descent-lines.ts";
import { type LineAlgorithm, type LineRules, type PreparedLines, rationBits } from "./lines.ts";
import { sortAlgorithm } from "./sorted-lines.ts";

/** Random masks made beforehand at most, in elements: as much memory as it takes to hold them. */
const MOST_MASKS = 2 ** 24;

/** Orders, one element per order in each vector. */
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

/** What is made of some orders by themselves, one element per order in each vector. */
interface OrderMaterial {
  readonly energy: Secret;
  readonly buys: Secret;
  readonly offers: Secret;
  /** Per supplier that may be asked about: its customers, and those of them that buy. */
  readonly suppliers: readonly (readonly [Secret, Secret] | null)[];
  /** What the algorithm for the lines needs of each order. */
  readonly lines: readonly Secret[];
}

/**
 * Orders prepared piece by piece, as they arrive; a clearing is of any of them, in any order. What is prepared is used
 * for one clearing only.
 */
export class Preparation {
  private readonly engine: Engine;
  private readonly rules: SecretRules;
  private readonly algorithm: LineAlgorithm;
  private readonly pieces: OrderMaterial[] = [];

  private constructor(engine: Engine, rules: SecretRules, algorithm: LineAlgorithm) {
    this.engine = engine;
    this.rules = rules;
    this.algorithm = algorithm;
  }

  /**
   * What needs no order at all; `keyBits` is the length of keys. `rules.revealedSuppliers` are those that may be asked
   * about in the end. Costs: those of the algorithm.
   */
  static async start(engine: Engine, rules: SecretRules, keyBits: number): Promise<Preparation> {
    const begin = rules.algorithm === "sort" ? sortAlgorithm : descentAlgorithm;
    return new Preparation(engine, rules, await begin(engine, rules, keyBits));
  }

  /** Orders prepared so far. */
  get count(): number {
    return this.pieces.reduce((sum, { energy }) => sum + energy.length, 0);
  }

  /**
   * The products of some orders, each by itself; the book's vectors are used up. Rounds: 2 and those of the algorithm.
   * Elements: 1 per order, 1 per order and supplier, and those of the algorithm.
   */
  async add({ keyBits, energy, suppliers }: SecretBook): Promise<void> {
    const { engine, rules } = this;
    const buys = copy(engine, keyBits.at(-1)!); // The key bits are used up below.
    const buyEnergy = await mul(engine, energy, buys);
    const offers = engine.sub(energy, buyEnergy);
    engine.free(buyEnergy);
    const known = await Promise.all(
      suppliers.map(async (customers, index) => {
        if (rules.revealedSuppliers[index]) {
          return [customers, await mul(engine, customers, buys)] as const;
        }
        engine.free(customers);
        return null;
      }),
    );
    const lines = await this.algorithm.prepare(keyBits, energy);
    this.pieces.push({ energy, buys, offers, suppliers: known, lines });
    // What is pending is verified now rather than when everybody waits for it.
    await engine.checkpoint();
  }

  /**
   * Everything else, for the orders at `positions` among those that were added; null for all of them as they came. Only
   * `revealedSuppliers` will have sums. Rounds: those of the comparisons' material.
   */
  async finish(
    revealedSuppliers: readonly boolean[],
    positions: Uint32Array | null,
  ): Promise<PreparedClearing> {
    const { engine } = this;
    const rules = { ...this.rules, revealedSuppliers };
    const whole = (of: (piece: OrderMaterial) => Secret) => this.whole(positions, of);
    const [energy, buys, offers] = [
      whole((piece) => piece.energy),
      whole((piece) => piece.buys),
      whole((piece) => piece.offers),
    ];
    const members = this.pieces[0]!.suppliers.map((known, index) => {
      if (!revealedSuppliers[index]) return null;
      assert(known !== null, "only suppliers that may be asked about are revealed");
      const part = (which: 0 | 1) => whole(({ suppliers }) => suppliers[index]![which]);
      return { customers: part(0), buyers: part(1) };
    });
    const columns = this.pieces[0]!.lines.map((_, index) => whole(({ lines }) => lines[index]!));
    const count = energy.length;
    const lines = await this.algorithm.finish(columns, energy);
    // Side by side: only the pool has several rounds.
    const [pool, suppliers] = await Promise.all([
      preparePool(engine, rules, lines.gates, count),
      Promise.all(
        members.map(async (of): Promise<SupplierMaterial | null> => {
          if (of === null) return null;
          const offered = await engine.reshare(engine.partialDots([[offers, of.customers]]));
          return { ...of, offered };
        }),
      ),
    ]);
    const isHidden = rules.priorityOrder === "hidden";
    const priority = isHidden ? await Shuffle.draw(engine, count) : null;
    const offered = engine.sum(offers);
    const allocation = 1 + (isHidden ? 1 + 2 * engine.shufflePasses : 0);
    await engine.stockMasks(Math.min(MOST_MASKS, count * (lines.onlineElements + allocation)));
    return { count, rules, pool, lines, priority, energy, buys, offers, offered, suppliers };
  }

  /** One vector of all pieces, which are used up. */
  private whole(positions: Uint32Array | null, of: (piece: OrderMaterial) => Secret): Secret {
    const { engine, pieces } = this;
    const parts = pieces.map(of);
    const all = parts.length === 1 ? parts[0]! : engine.concat(parts);
    if (parts.length > 1) engine.free(...parts);
    if (positions === null) return all;
    const chosen = engine.gather(all, positions);
    engine.free(all);
    return chosen;
  }
}

/** Prepares a clearing of all orders of a book at once. The book's vectors are used up. */
export async function prepareClearing(
  engine: Engine,
  rules: SecretRules,
  book: SecretBook,
): Promise<PreparedClearing> {
  const preparation = await Preparation.start(engine, rules, book.keyBits.length);
  await preparation.add(book);
  return preparation.finish(rules.revealedSuppliers, null);
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
