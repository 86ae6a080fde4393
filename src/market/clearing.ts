// The market's clearing on secret orders: a uniform-price double auction by the M-th price rule (Wurman, Walsh,
// Wellman 1998). oracle.ts states the same rules on clear orders; this is what evaluators run.
//
// Every order has the key k = 2 * tick + [buys]. With M the energy offered for sale and N(x) the energy of all
// orders with keys >= x, the market clears at every price between x2 = max{x : N(x) >= M + 1} and
// x1 = max{x : N(x) >= M}, halved. Energy above the line changes hands with its buyers or stays with its sellers.
import { type DescentResult, descend } from "../mpc/descent.ts";
import type { Engine } from "../mpc/engine.ts";
import { quotient } from "../mpc/quotient.ts";
import { serve, servedAmounts } from "../mpc/serve.ts";
import type { Partial, Secret } from "../mpc/shared.ts";
import { UNIT_BITS } from "./order.ts";
import { descentTargets, type PreparedClearing, rationBits } from "./preparation.ts";

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
 * so this is a random priority.
 * Opens: whether there was trade, and the price if there was (everybody may learn both: docs/PROTOCOL.md).
 */
export async function clearPeriod(
  engine: Engine,
  prepared: PreparedClearing,
  arrangement: Uint32Array,
): Promise<SecretOutcome> {
  const { rules, pool, offered } = prepared;
  if (prepared.count === 0) return emptyOutcome(engine, prepared);
  const targets = descentTargets(rules.priceRule);
  const lines = await descend(
    engine,
    pool,
    prepared.energy,
    targets.map(({ extra, allocates }, index) => ({
      material: prepared.descents[index]!,
      target: engine.addNumber(offered, extra),
      keysInUnits: allocates ? 2 ** rationBits(rules.rationing) : null,
    })),
  );
  const above = await allocate(engine, prepared, lines.at(-1)!, arrangement);

  // The products from here on do not depend on each other: one round, but for the comparison.
  const bought = engine.partialDots([[above, prepared.buys]]);
  const [flag, price, suppliers] = await Promise.all([
    pool.negative(engine, engine.scale(bought, -1)),
    clearingPrice(engine, lines),
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
  line: DescentResult,
  arrangement: Uint32Array,
): Promise<Secret> {
  const bits = rationBits(prepared.rules.rationing);
  const { on: onLine, above: aboveLine } = line.keys!;
  const toServe = engine.sub(engine.partial(prepared.offered), line.above);
  // Every Wh on the line gets the same number of units, and the units left over go one per Wh by priority.
  const { quotient: perWh, remainder } = await quotient(
    engine,
    prepared.pool,
    engine.scale(toServe, 2 ** bits),
    line.on,
    bits,
  );
  const arranged = engine.gather(onLine, arrangement);
  const serving = await serve(engine, prepared.pool, arranged, remainder);
  const served = servedAmounts(engine, serving, arranged);
  const extra = engine.scatter(served, arrangement);
  const above = await engine.mulSum([...aboveLine, [onLine, perWh]], extra);
  const used = new Set(aboveLine.flat());
  used.delete(prepared.energy);
  engine.free(onLine, arranged, served, extra, ...used);
  return above;
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

/** The price tick of one line, or the floor of the mean of two; the side bit is dropped. */
async function clearingPrice(engine: Engine, lines: readonly DescentResult[]): Promise<Secret> {
  const ticks = lines.map(({ bits }) => {
    const priceBits = bits.slice(0, -1);
    let tick = priceBits[0]!;
    for (const bit of priceBits.slice(1)) tick = engine.add(engine.scale(tick, 2), bit);
    return { tick, low: priceBits.at(-1)! };
  });
  const [upper, lower] = ticks;
  if (lower === undefined) return upper!.tick;
  const odd = await engine.mulSum(
    [[upper!.low, engine.scale(lower.low, -2)]],
    engine.add(upper!.low, lower.low),
  );
  const even = engine.sub(engine.add(upper!.tick, lower.tick), odd);
  // Division by 2 in the field: 2 * 2^60 = 2^61 = 1.
  return engine.scale(engine.scale(even, 2 ** 30), 2 ** 30);
}
