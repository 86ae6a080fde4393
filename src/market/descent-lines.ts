// Finds the lines by masked descents over the digits of the key, without a sort (mpc/descent.ts).
import { type DescentResult, descend } from "../mpc/descent.ts";
import {
  type DescentMasks,
  type DescentMaterial,
  digitGates,
  drawMasks,
  materialColumns,
  materialsFrom,
  prepareDescents,
} from "../mpc/descent-material.ts";
import type { Engine } from "../mpc/engine.ts";
import type { Secret } from "../mpc/shared.ts";
import {
  half,
  type LineAlgorithm,
  type LineRules,
  lineTargets,
  type PreparedLines,
  rationBits,
} from "./lines.ts";

/** Draws the masks of the whole clearing. Costs: see `drawMasks`, and `prepareDescents` for the orders. */
export async function descentAlgorithm(
  engine: Engine,
  rules: LineRules,
  keyBits: number,
): Promise<LineAlgorithm> {
  const targets = lineTargets(rules.priceRule);
  const masks = await drawMasks(engine, targets.length, keyBits);
  return {
    async prepare(bits, energy) {
      const materials = await prepareDescents(engine, masks, bits, energy);
      return materials.flatMap(materialColumns);
    },
    async finish(columns, energy) {
      const materials = materialsFrom(masks, columns, energy);
      return preparedLines(engine, rules, materials, energy);
    },
  };
}

function preparedLines(
  engine: Engine,
  rules: LineRules,
  materials: readonly DescentMaterial[],
  energy: Secret,
): PreparedLines {
  const targets = lineTargets(rules.priceRule);
  const byDigit = materials[0]!.digits.map((_, digit) => digitGates(engine, digit, materials));
  return {
    gates: engine.concat(byDigit),
    onlineElements: onlineElements(materials),
    async find(at, pool, offered) {
      const descents = targets.map(({ extra, allocates }, index) => ({
        material: materials[index]!,
        target: at.addNumber(offered, extra),
        keysInUnits: allocates ? 2 ** rationBits(rules.rationing) : null,
      }));
      const lines = await descend(at, pool, energy, descents);
      const { keys, on, above } = lines.at(-1)!;
      return {
        allocating: {
          onLine: keys!.on,
          onLineTotal: on,
          aboveLine: keys!.above,
          aboveTotal: above,
        },
        price: () => clearingPrice(at, lines),
      };
    },
  };
}

/** How many elements the descents send per order: see `descend`. */
function onlineElements(masks: readonly DescentMasks[]): number {
  const digits = masks[0]!.digits.length;
  const allocating = 2 * (digits - 1);
  const others = (masks.length - 1) * (digits - 2);
  return allocating + others;
}

/** The price tick of one line, or the floor of the mean of two; the side bit is dropped. Rounds: 1 for two. */
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
  return half(engine, engine.sub(engine.add(upper!.tick, lower.tick), odd));
}
