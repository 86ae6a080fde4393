// How replicated shares are opened to all three evaluators (replicated-engine.ts).
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { CorrelatedRandomness } from "../sharing/correlated.ts";
import { AbortError } from "./abort.ts";
import type { MessageKind, Network } from "./network.ts";
import type { Partial, Secret } from "./shared.ts";

const CHUNK = CorrelatedRandomness.maxLength;

export interface OpeningTools {
  readonly field: Field;
  readonly network: Network;
  readonly correlated: CorrelatedRandomness;
  /** Runs local work after what was begun earlier. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Each evaluator gets the component it lacks from the previous one. Elements: 1. */
export async function openSecret(
  { field, network, inTurn }: OpeningTools,
  a: Secret,
  kind: MessageKind,
): Promise<Vector> {
  const [x0, x1] = a.components;
  const tag = network.takeTag(kind);
  const result = field.alloc(a.length);
  const received = network.receiveVector(network.link(network.party - 1), tag, result);
  await inTurn(() => network.sendLong([network.link(network.party + 1)], tag, x0!));
  await received;
  field.add(result, result, x0!);
  field.add(result, result, x1!);
  return result;
}

/** Both others hold the component that an evaluator lacks: each sends it, and they must be equal. Elements: 2. */
export async function openFromBoth(
  { field, network, inTurn }: OpeningTools,
  a: Secret,
  kind: MessageKind,
): Promise<Vector> {
  const [x0, x1] = a.components;
  const [next, previous] = [network.link(network.party + 1), network.link(network.party - 1)];
  const tag = network.takeTag(kind);
  const [result, twin] = [field.alloc(a.length), field.alloc(a.length)];
  const received = Promise.all([
    network.receiveVector(previous, tag, result),
    network.receiveVector(next, tag, twin),
  ]);
  received.catch(() => {});
  await inTurn(async () => {
    await network.sendLong([next], tag, x0!);
    await network.sendLong([previous], tag, x1!);
  });
  await received;
  if (!field.equal(result, twin)) {
    throw new AbortError(`${previous.peer} and ${next.peer} opened a value differently`);
  }
  field.add(result, result, x0!);
  field.add(result, result, x1!);
  field.free(twin);
  return result;
}

/** Each sends its additive share, masked by a share of zero, to both others. Elements: 2. */
export async function openPartial(
  { field, network, correlated, inTurn }: OpeningTools,
  a: Partial,
  kind: MessageKind,
): Promise<Vector> {
  const [next, previous] = [network.link(network.party + 1), network.link(network.party - 1)];
  const tag = network.takeTag(kind);
  const [result, fromNext, fromPrevious] = [0, 1, 2].map(() => field.alloc(a.length));
  const received = Promise.all([
    network.receiveVector(next, tag, fromNext!),
    network.receiveVector(previous, tag, fromPrevious!),
  ]);
  received.catch(() => {});
  await inTurn(async () => {
    field.copy(result!, a.components[0]!);
    for (let from = 0; from < a.length; from += CHUNK) {
      correlated.addZeroShare(result!.slice(from, Math.min(from + CHUNK, a.length)));
    }
    await network.sendLong([next, previous], tag, result!);
  });
  await received;
  field.add(result!, result!, fromNext!);
  field.add(result!, result!, fromPrevious!);
  field.free(fromNext!);
  field.free(fromPrevious!);
  return result!;
}
