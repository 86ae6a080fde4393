// The offline half of a clearing: the work that needs no other order, done as orders arrive.
import { ComparisonPool } from "../mpc/comparison.ts";
import {
  type DescentMasks,
  type DescentMaterial,
  digitGates,
  drawMasks,
  prepareDescents,
} from "../mpc/descent-material.ts";
import { copy, type Engine, mul } from "../mpc/engine.ts";
import { quotientComparisons } from "../mpc/quotient.ts";
import { serveComparisons } from "../mpc/serve.ts";
import type { Secret } from "../mpc/shared.ts";
import { UNIT_BITS } from "./order.ts";
import type { PriceRule, Rationing } from "./parameters.ts";

/** All orders of a period, one element per order in each vector. */
export interface SecretBook {
  /** The key's bits, most significant first: the price tick's, then the side bit (1 buys). */
  readonly keyBits: readonly Secret[];
  /** Energy in Wh; 0 for idle and rejected orders. */
  readonly energy: Secret;
  /** Per supplier: 1 for its customers. */
  readonly suppliers: readonly Secret[];
}

export interface SecretRules {
  readonly priceRule: PriceRule;
  readonly rationing: Rationing;
  /** Which suppliers may learn their sums: those with at least the minimum group of customers. */
  readonly revealedSuppliers: readonly boolean[];
}

/** What the offline phase leaves for the online one. */
export interface PreparedClearing {
  readonly count: number;
  readonly rules: SecretRules;
  readonly pool: ComparisonPool;
  readonly descents: readonly DescentMaterial[];
  readonly energy: Secret;
  readonly buys: Secret;
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

/** Binary digits of a unit of rationed energy: pro rata shares in 2^-10 Wh, priority serves whole Wh. */
export const rationBits = (rationing: Rationing) => (rationing === "pro-rata" ? UNIT_BITS : 0);

/**
 * The work that needs no other order: masked key bits, products, material for every comparison. The book's
 * vectors are used up.
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
  const masks = await drawMasks(engine, descentTargets(rules.priceRule).length, keyBits.length);
  const pool = await preparePool(engine, rules, masks, count);
  const descents = await prepareDescents(engine, masks, keyBits, energy);
  const offered = engine.sum(sellEnergy);
  await engine.stockMasks(count * onlineElements(masks));
  engine.free(sellEnergy);
  return { count, rules, pool, descents, energy, buys, offered, suppliers };
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
async function preparePool(
  engine: Engine,
  rules: SecretRules,
  masks: readonly DescentMasks[],
  count: number,
): Promise<ComparisonPool> {
  const byDigit = masks[0]!.digits.map((_, digit) => digitGates(engine, digit, masks));
  const ungated = quotientComparisons(rationBits(rules.rationing)) + serveComparisons(count) + 1; // 1: was there trade?
  const ones = engine.constant(new Uint8Array(ungated).fill(1));
  return ComparisonPool.prepare(engine, engine.concat([...byDigit, ones]));
}

/**
 * Which of the line's keys a price rule needs: x1 (extra 0) or x2 (extra 1). Both give the same allocation: they
 * differ only when the energy above x2 is M exactly, and then nobody is rationed. So the last one also allocates.
 */
export function descentTargets(rule: PriceRule): readonly { extra: number; allocates: boolean }[] {
  if (rule === "upper") return [{ extra: 0, allocates: true }];
  if (rule === "lower") return [{ extra: 1, allocates: true }];
  return [
    { extra: 0, allocates: false },
    { extra: 1, allocates: true },
  ];
}

/** How many elements the online phase sends per order: see `descend`, and one for the allocation. */
function onlineElements(masks: readonly DescentMasks[]): number {
  const digits = masks[0]!.digits.length;
  const allocating = 2 * (digits - 1);
  const others = (masks.length - 1) * (digits - 2);
  return allocating + others + 1;
}
