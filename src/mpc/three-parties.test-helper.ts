// Runs protocol code at three replicated engines in one process, over in-memory links, for tests.
import type { Link } from "../channel/channel.ts";
import { memoryLinks } from "../channel/memory.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { nextTurn } from "../platform/turn.ts";
import { combineReplicated } from "../sharing/replicated.ts";
import { ReplicatedEngine, type ReplicatedPeers } from "./replicated-engine.ts";
import type { Secret } from "./shared.ts";

/** Links among three parties: peers[i].next is the link to party i + 1. */
export function threePeers(): ReplicatedPeers[] {
  const pairs = [0, 1, 2].map((i) => memoryLinks(`evaluator-${i}`, `evaluator-${(i + 1) % 3}`));
  const next: Link[] = [];
  const previous: Link[] = [];
  pairs.forEach(([a, b], i) => {
    // memoryLinks(nameA, nameB): the link that belongs to A leads to B.
    next[i] = a;
    previous[(i + 1) % 3] = b;
  });
  return [0, 1, 2].map((party) => ({
    party,
    next: next[party]!,
    previous: previous[party]!,
    nextTag: 0,
  }));
}

/** Runs `program` at each of three parties and returns their results. */
export async function atThreeParties<T>(
  program: (engine: ReplicatedEngine, party: number, peers: ReplicatedPeers) => Promise<T>,
): Promise<T[]> {
  const peers = threePeers();
  try {
    return await Promise.all(
      peers.map(async (own, party) => {
        const engine = await ReplicatedEngine.start(new Field(), own, nodePrimitives, nextTurn);
        return program(engine, party, own);
      }),
    );
  } finally {
    for (const { next, previous } of peers) {
      next.close();
      previous.close();
    }
  }
}

/** What a secret is, from the output shares of all three parties. */
export function revealed(shares: readonly Uint8Array[]): number[] {
  const field = new Field();
  return [...field.toNumbers(combineReplicated(field, shares))];
}

/** The output shares of a secret at one party: an alias that reads well in tests. */
export const outputOf = (engine: ReplicatedEngine, secret: Secret): Uint8Array =>
  engine.outputShare(secret);
