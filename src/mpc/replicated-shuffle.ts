// One pass of a shuffle among three evaluators (Laur, Willemson, Zhang 2011): two of them know the permutation. They
// hold x between them as two additive shares, move these, and all share the result afresh.
import { receiveBytes } from "../channel/long-messages.ts";
import type { Vector } from "../field/memory.ts";
import type { Primitives } from "../platform/primitives.ts";
import type { PassPermutation } from "./engine.ts";
import type { LinearEngine } from "./linear-engine.ts";
import type { Network } from "./network.ts";
import { permutationFrom } from "./permutation.ts";
import { Partial, type Secret } from "./shared.ts";

/** The group of pass i is evaluators i and i + 1; i draws. */
export async function drawPermutation(
  network: Network,
  primitives: Primitives,
  pass: number,
  length: number,
): Promise<PassPermutation> {
  const tag = network.takeTag("shuffle");
  const position = (network.party - pass + 3) % 3;
  let seed: Uint8Array | null = null;
  if (position === 0) {
    seed = primitives.randomBytes(32);
    network.link(network.party + 1).send(tag, seed);
  } else if (position === 1) {
    seed = await receiveBytes(network.link(network.party - 1), tag, 32);
  }
  const indices = seed === null ? null : permutationFrom(primitives, seed, length);
  return { pass, indices, length };
}

/** This evaluator's additive share of a column, moved: to be shared afresh. Local. */
export function movedShare(
  engine: LinearEngine,
  party: number,
  column: Secret,
  by: PassPermutation,
  back: boolean,
): Partial {
  const position = (party - by.pass + 3) % 3;
  const { field } = engine;
  const share = field.alloc(column.length);
  const [x0, x1] = column.components as [Vector, Vector];
  if (position === 2) field.fill(share, 0);
  else if (position === 0) field.add(share, x0, x1);
  else field.copy(share, x1);
  const own = new Partial([share], true);
  if (by.indices === null) return own;
  const moved = back ? engine.scatter(own, by.indices) : engine.gather(own, by.indices);
  engine.free(own);
  return moved;
}
