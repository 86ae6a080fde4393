// The oblivious shuffle (Laur, Willemson, Zhang 2011): rows are moved by one permutation after the other, each known to
// a group of parties only, so that no coalition that the engine withstands knows where a row went.
//
// A lying party could change rows while they move. With malicious security every row therefore carries a random tag
// that nobody knows, and after the last pass the rows before and after each pass are compared as multisets: with public
// coefficients from a coin, each row becomes one number f_i, and the products of all chi - f_i must be equal (Neff
// 2001). Every pass is compared by itself, since a row changed in one pass and changed back in a later one would tell
// where it went; and because of the tags a change that happens to exchange two equal rows is not overlooked, so whether
// the comparison fails tells nothing of the rows. Error: (rows) / 2^61 per pass.
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import type { Engine, PassPermutation } from "./engine.ts";
import type { Secret } from "./shared.ts";

/** Elements from one coin of 32 bytes. */
const ELEMENTS_PER_COIN = 4;

/** One secret permutation, for rows that move `forward` once and perhaps `back` once. */
export class Shuffle {
  readonly length: number;
  private readonly passes: readonly PassPermutation[];
  /** The rows' tags before and after they moved; null before, and where lies are not noticed. */
  private tags: { readonly before: Secret; readonly after: Secret } | null = null;

  private constructor(passes: readonly PassPermutation[], length: number) {
    this.passes = passes;
    this.length = length;
  }

  /** A fresh random permutation. Rounds: 1. Elements: none. Leaks: nothing. */
  static async draw(engine: Engine, length: number): Promise<Shuffle> {
    const passes = Array.from({ length: engine.shufflePasses }, (_, pass) =>
      engine.drawPermutation(pass, length),
    );
    return new Shuffle(await Promise.all(passes), length);
  }

  /**
   * The columns with their rows in a secret order.
   * Rounds: those of `permute` per pass. Elements: one per pass, column and row. With malicious security one column
   * more, two or more rounds for coins, log2(rows) for products, and (passes + 1) products per row. Leaks: nothing.
   */
  async forward(engine: Engine, columns: readonly Secret[]): Promise<Secret[]> {
    if (engine.security === "semi-honest") {
      return this.moved(engine, columns, this.passes, false);
    }
    const before = await engine.random(this.length);
    const stages = await this.stages(engine, [...columns, before], this.passes, false);
    await compareStages(engine, stages);
    const result = [...stages.at(-1)!];
    this.tags = { before, after: result.pop()! };
    free(engine, stages.slice(1, -1));
    return result;
  }

  /**
   * Columns in the shuffled order with their rows where they were before `forward`. Costs as `forward`; that exactly
   * its permutation is undone is seen from the tags.
   */
  async back(engine: Engine, columns: readonly Secret[]): Promise<Secret[]> {
    const passes = this.passes.toReversed();
    if (engine.security === "semi-honest") return this.moved(engine, columns, passes, true);
    assert(this.tags !== null, "rows move back after they have moved forward");
    const { before, after } = this.tags;
    const stages = await this.stages(engine, [...columns, after], passes, true);
    await compareStages(engine, stages);
    const result = [...stages.at(-1)!];
    const tags = result.pop()!;
    engine.assertZero(engine.sub(tags, before));
    free(engine, [...stages.slice(1, -1), [tags, before, after]]);
    return result;
  }

  /** The columns after all passes; what is between is freed. */
  private async moved(
    engine: Engine,
    columns: readonly Secret[],
    passes: readonly PassPermutation[],
    back: boolean,
  ): Promise<Secret[]> {
    let result = columns.map((column) => engine.slice(column, 0, column.length));
    for (const pass of passes) {
      const next = await engine.permute(result, pass, back);
      engine.free(...result);
      result = next;
    }
    return result;
  }

  /** The columns before the first pass and after each. */
  private async stages(
    engine: Engine,
    columns: readonly Secret[],
    passes: readonly PassPermutation[],
    back: boolean,
  ): Promise<(readonly Secret[])[]> {
    const stages = [columns];
    for (const pass of passes) stages.push(await engine.permute(stages.at(-1)!, pass, back));
    return stages;
  }
}

/** Claims that all stages have the same rows, in whatever order. */
async function compareStages(
  engine: Engine,
  stages: readonly (readonly Secret[])[],
): Promise<void> {
  const [first] = stages;
  if (first![0]!.length === 0) return;
  // A coin is tossed when everybody has received all rows of all stages: nobody knew the coefficients before.
  const coefficients = await publicElements(engine, first!.length + 1);
  let factors = stages.map((columns) => rowFactors(engine, columns, coefficients));
  while (factors[0]!.length > 1) {
    const halved = await Promise.all(factors.map((own) => halve(engine, own)));
    engine.free(...factors);
    factors = halved;
  }
  engine.field.free(coefficients);
  const products = engine.concat(factors);
  const differences = engine.sub(products, factors[0]!);
  engine.assertZero(differences);
}

/** Products of the elements of the two halves; an odd one out stays as it is. Rounds: 1. */
async function halve(engine: Engine, factors: Secret): Promise<Secret> {
  const half = factors.length >> 1;
  const [left, right] = [engine.slice(factors, 0, half), engine.slice(factors, half, 2 * half)];
  const products = await engine.mulSum([[left, right]]);
  if (factors.length === 2 * half) return products;
  const all = engine.concat([products, engine.slice(factors, 2 * half, factors.length)]);
  engine.free(products);
  return all;
}

/** f_i - chi per row: the columns with a coefficient each, and the last coefficient. Local. */
function rowFactors(engine: Engine, columns: readonly Secret[], coefficients: Vector): Secret {
  const coefficient = (j: number) => coefficients.slice(j, j + 1);
  const chi = engine.fromPublic(coefficient(columns.length));
  let sum = engine.mulPublic(columns[0]!, coefficient(0));
  for (const [j, column] of columns.entries()) {
    if (j === 0) continue;
    const term = engine.mulPublic(column, coefficient(j));
    const next = engine.add(sum, term);
    engine.free(sum, term);
    sum = next;
  }
  const result = engine.sub(sum, chi);
  engine.free(sum);
  return result;
}

/** Public uniformly random elements that nobody could foresee. Rounds: one per four. */
async function publicElements(engine: Engine, count: number): Promise<Vector> {
  const elements = engine.field.alloc(count);
  for (let from = 0; from < count; from += ELEMENTS_PER_COIN) {
    const coin = await engine.coin();
    const own = Math.min(ELEMENTS_PER_COIN, count - from);
    engine.field.setBytes(elements, coin.subarray(0, 8 * own), from);
  }
  engine.field.maskPrg(elements);
  return elements;
}

function free(engine: Engine, stages: readonly (readonly Secret[])[]): void {
  for (const columns of stages) engine.free(...columns);
}
