// The market's clearing on secret orders: a uniform-price double auction by the M-th price rule (Wurman, Walsh,
// Wellman 1998). oracle.ts states the same rules on clear orders; this is what evaluators run.
//
// Every order has the key k = 2 * tick + [buys]. With M the energy offered for sale and N(x) the energy of all
// orders with keys >= x, the market clears at every price between x2 = max{x : N(x) >= M + 1} and
// x1 = max{x : N(x) >= M}, halved. Energy above the line changes hands with its buyers or stays with its sellers.
import type { ComparisonPool } from "../mpc/comparison.ts";
import type { Engine } from "../mpc/engine.ts";
import { quotient } from "../mpc/quotient.ts";
import { serve, servedAmounts } from "../mpc/serve.ts";
import type { Partial, Secret } from "../mpc/shared.ts";
import type { Shuffle } from "../mpc/shuffle.ts";
import { assert } from "../platform/assert.ts";
import { type AllocatingLine, rationBits } from "./lines.ts";
import { UNIT_BITS } from "./order.ts";
import type { PreparedClearing } from "./preparation.ts";

export interface SecretOutcome {
  readonly traded: boolean;
  /** Null when nothing trades: then the price is not opened. */
  readonly priceTick: number | null;
  /**
   * Energy above the line per order, in units of 2^-10 Wh, from which its meter, knowing its own side, has what it
   * trades (`tradedFromAbove`). To be revealed to that meter only.
   */
  readonly aboveUnits: Secret;
  /** Bought and sold energy (length 2, units of 2^-10 Wh) per supplier. To be revealed to it only. */
  readonly suppliers: readonly (Secret | null)[];
}

/**
 * Clears the period. `arrangement[position]` is the order at each position of a serving (mpc/serve.ts): a public
 * random permutation that no party could choose, made after gate closure. Positions are served in a fixed order,
 * so this is a random priority. Null where the rules hide it: then a secret permutation takes its place.
 * Opens: whether there was trade, and the price if there was (everybody may learn both: docs/PROTOCOL.md).
 */
export async function clearPeriod(
  engine: Engine,
  prepared: PreparedClearing,
  arrangement: Uint32Array | null,
): Promise<SecretOutcome> {
  const { rules, pool } = prepared;
  if (prepared.count === 0) return emptyOutcome(engine, prepared);
  const lines = await prepared.lines.find(engine, pool, prepared.offered);
  const above = await allocate(engine, prepared, lines.allocating, arrangement);

  // The products from here on do not depend on each other: one round, but for the comparison.
  const bought = engine.partialDots([[above, prepared.buys]]);
  const [flag, price, suppliers] = await Promise.all([
    pool.negative(engine, engine.scale(bought, -1)),
    lines.price(),
    supplierSums(engine, prepared, above),
  ]);
  const aboveUnits = engine.scale(above, 2 ** (UNIT_BITS - rationBits(rules.rationing)));
  engine.free(above);
  // Whether there was trade is public, and nothing else of the volume is opened.
  const traded = await engine.openVerified(flag);
  if (engine.field.toNumbers(traded)[0] === 0) {
    return { traded: false, priceTick: null, aboveUnits, suppliers };
  }
  // The clearing price of a period with trade is public.
  const priceTick = engine.field.toNumbers(await engine.openVerified(price))[0]!;
  return { traded: true, priceTick, aboveUnits, suppliers };
}

/** Of a period without any order. */
function emptyOutcome(engine: Engine, prepared: PreparedClearing): SecretOutcome {
  const suppliers = prepared.suppliers.map((supplier) =>
    supplier === null ? null : engine.constant([0, 0]),
  );
  return { traded: false, priceTick: null, aboveUnits: engine.constant([]), suppliers };
}

/** Energy above the line per order, in ration units: all above x, a share of L on it, nothing below. */
async function allocate(
  engine: Engine,
  prepared: PreparedClearing,
  line: AllocatingLine,
  arrangement: Uint32Array | null,
): Promise<Secret> {
  const { onLine, aboveLine } = line;
  const bits = rationBits(prepared.rules.rationing);
  const toServe = engine.sub(engine.partial(prepared.offered), line.aboveTotal);
  // Every Wh on the line gets the same number of units, and the units left over go one per Wh by priority.
  const { quotient: perWh, remainder } = await quotient(
    engine,
    prepared.pool,
    engine.scale(toServe, 2 ** bits),
    line.onLineTotal,
    bits,
  );
  const extra =
    prepared.priority === null
      ? await serveArranged(engine, prepared.pool, onLine, remainder, arrangement)
      : await serveHidden(engine, prepared.pool, onLine, remainder, prepared.priority);
  const above = await engine.mulSum([...aboveLine, [onLine, perWh]], extra);
  const used = new Set(aboveLine.flat());
  used.delete(prepared.energy);
  engine.free(onLine, extra, ...used);
  return above;
}

/** Serves the remainder in a public order: what each order gets of it. */
async function serveArranged(
  engine: Engine,
  pool: ComparisonPool,
  amounts: Secret,
  remainder: Partial,
  arrangement: Uint32Array | null,
): Promise<Partial> {
  assert(arrangement !== null, "a public priority order needs an arrangement");
  const arranged = engine.gather(amounts, arrangement);
  const serving = await serve(engine, pool, arranged, remainder);
  const served = servedAmounts(engine, serving, arranged);
  const extra = engine.scatter(served, arrangement);
  engine.free(arranged, served);
  return extra;
}

/**
 * The same in an order that nobody knows. Rounds: those of a shuffle forward and back, and 1. Elements: 1 per order
 * and pass, forward and back, and 1.
 */
async function serveHidden(
  engine: Engine,
  pool: ComparisonPool,
  amounts: Secret,
  remainder: Partial,
  priority: Shuffle,
): Promise<Secret> {
  const [arranged] = (await priority.forward(engine, [amounts])) as [Secret];
  const serving = await serve(engine, pool, arranged, remainder);
  const served = servedAmounts(engine, serving, arranged);
  const shared = await engine.reshare(served);
  const [extra] = (await priority.back(engine, [shared])) as [Secret];
  engine.free(arranged, served, shared);
  return extra;
}

/** Bought and sold energy of each supplier's customers, in units of 2^-10 Wh. */
async function supplierSums(
  engine: Engine,
  prepared: PreparedClearing,
  above: Secret,
): Promise<(Secret | null)[]> {
  const bits = rationBits(prepared.rules.rationing);
  const sums = prepared.suppliers.flatMap((supplier): Partial[] => {
    if (supplier === null) return [];
    const bought = engine.partialDots([[above, supplier.buyers]]);
    const all = engine.partialDots([[above, supplier.customers]]);
    const kept = engine.sub(all, bought);
    const offered = engine.partial(engine.scale(supplier.offered, 2 ** bits));
    return [engine.concat([bought, engine.sub(offered, kept)])];
  });
  if (sums.length === 0) return prepared.suppliers.map(() => null);
  const units = engine.scale(engine.concat(sums), 2 ** (UNIT_BITS - bits));
  const shared = await engine.reshare(units);
  let at = 0;
  return prepared.suppliers.map((supplier) => {
    if (supplier === null) return null;
    at += 2;
    return engine.slice(shared, at - 2, at);
  });
}
