// Moving authenticated sharings by a permutation that one evaluator and the dealer know: the dealer deals r and r
// moved;
// x - r is opened to that evaluator, which moves it and tells all. A lie about it is for the caller to notice, but that
// all evaluators are told the same is checked here.
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import type { MaterialStore } from "./dealer-material.ts";
import type { Openings } from "./dealer-openings.ts";
import type { PassPermutation } from "./engine.ts";
import type { LinearEngine } from "./linear-engine.ts";
import type { Network } from "./network.ts";
import type { Schedule } from "./schedule.ts";
import { Secret } from "./shared.ts";

/** The `draw`-th permutation of its pass, known to evaluator `pass`. */
export class DealtPermutation implements PassPermutation {
  readonly pass: number;
  readonly draw: number;
  readonly indices: Uint32Array | null;
  readonly length: number;

  constructor(pass: number, draw: number, indices: Uint32Array | null, length: number) {
    this.pass = pass;
    this.draw = draw;
    this.indices = indices;
    this.length = length;
  }
}

interface Tools {
  readonly engine: LinearEngine;
  readonly network: Network;
  readonly schedule: Schedule;
  readonly store: MaterialStore;
  readonly openings: Openings;
  readonly delta: Vector;
}

/**
 * Rounds: 2. Elements per column and position: 1 from every evaluator to the one that knows the permutation, then 1
 * from
 * it to every other.
 */
export async function permuteDealt(
  tools: Tools,
  columns: readonly Secret[],
  by: DealtPermutation,
  back: boolean,
): Promise<Secret[]> {
  const { engine, network } = tools;
  const { field } = engine;
  for (const { length } of columns) assert(length === by.length, "all columns are moved whole");
  if (by.length === 0 || columns.length === 0) return columns.map(() => engine.constant([]));
  const tags = [network.takeTag("shuffle"), network.takeTag("shuffle")] as const;
  const { pass, draw, length } = by;
  const dealt = tools.store.shuffle({ pass, draw, columns: columns.length, length, back });
  const [before, after] = dealt.parts;

  const joined = engine.concat(columns);
  const share = joined.components[0]!;
  field.sub(share, share, before!.values);
  const work = async () => {
    const opened = await moved(tools, tags, by, share, (own) => movedBy(engine, by, own, back));
    await dealt.ready;
    // The public part of the result goes to evaluator 0's values, and to everybody's codes.
    const [values, codes] = [after!.values, after!.codes];
    if (network.party === 0) field.add(values, values, opened);
    field.multiplyAdd(codes, opened, tools.delta);
    engine.free(joined);
    field.free(before!.values);
    field.free(before!.codes);
    return { opened, result: new Secret([values, codes], true) };
  };
  const working = work();
  tools.openings.note(
    working.then(({ opened }) => opened),
    joined.length,
  );
  const { result } = await working;
  return columns.map((_, i) => engine.slice(result, i * length, (i + 1) * length));
}

/** x - r moved, from all evaluators' shares of it. */
async function moved(
  { engine, network, schedule }: Tools,
  tags: readonly [number, number],
  { pass }: DealtPermutation,
  share: Vector,
  move: (masked: Vector) => Vector,
): Promise<Vector> {
  const { field } = engine;
  if (network.party !== pass) {
    const result = field.alloc(share.length);
    const received = network.receiveVector(network.link(pass), tags[1], result);
    await schedule.asRound(network.sendLong([network.link(pass)], tags[0], share));
    await schedule.asRound(received);
    return result;
  }
  const { others } = network;
  const theirs = others.map(() => field.alloc(share.length));
  const received = others.map((party, index) =>
    network.receiveVector(network.link(party), tags[0], theirs[index]!),
  );
  await schedule.asRound(Promise.all(received));
  for (const part of theirs) {
    field.add(share, share, part);
    field.free(part);
  }
  // Uniformly masked: only the dealer knows r.
  const result = move(share);
  const links = others.map((party) => network.link(party));
  await schedule.asRound(network.sendLong(links, tags[1], result));
  return result;
}

/** Every column of a public vector moved. */
function movedBy(
  engine: LinearEngine,
  { indices, length }: DealtPermutation,
  masked: Vector,
  back: boolean,
): Vector {
  const columns = new Secret([masked], false);
  const parts = Array.from({ length: masked.length / length }, (_, i) => {
    const column = engine.slice(columns, i * length, (i + 1) * length);
    return back ? engine.scatter(column, indices!) : engine.gather(column, indices!);
  });
  const result = engine.concat(parts).components[0]!;
  engine.free(...parts);
  return result;
}
