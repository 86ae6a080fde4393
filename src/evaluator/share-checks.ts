// Whether the shares of an order that evaluators received fit together, found out from one random combination of
// each share: what the two holders of a replicated component have is equal, and all Shamir shares of a row lie on one
// polynomial of the scheme's degree; what all evaluators receive alike is the same.
import type { Link } from "../channel/channel.ts";
import { receiveBytes, sendBytes } from "../channel/long-messages.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import type { Engine } from "../mpc/engine.ts";
import { Network, type Peers } from "../mpc/network.ts";
import { positionsOffDegree } from "../sharing/shamir.ts";

export interface ShareCheck {
  /** Per row 0, or a number for `holders`, from a fingerprint per component; the same at all parties. */
  misfits(fingerprints: readonly Vector[]): Promise<Uint8Array>;
  /** Who holds the shares that do not fit together. */
  holders(misfit: number): string;
}

/** Rounds: 2. Every evaluator learns fingerprints of components that it holds, and in which rows they differ. */
export function replicatedCheck(field: Field, peers: Peers): ShareCheck {
  return {
    async misfits(fingerprints) {
      const [first, second] = fingerprints;
      const network = new Network(field, peers);
      const [next, previous] = [network.link(peers.party + 1), network.link(peers.party - 1)];
      const tags = [network.takeTag("check"), network.takeTag("check")] as const;
      // An evaluator's second component is the next one's first.
      const theirs = field.alloc(first!.length);
      const received = network.receiveVector(previous, tags[0], theirs);
      await network.sendLong([next], tags[0], second!);
      await received;
      field.sub(theirs, theirs, first!);
      const own = field.nonZero(theirs).map((differs) => differs << peers.party);
      field.free(theirs);
      // Who finds a difference tells both others; all go by what anyone found.
      const found = await Promise.all([
        exchange(next, previous, tags[1], own),
        exchange(previous, next, tags[1], own),
      ]);
      return own.map((mark, i) => mark | found[0][i]! | found[1][i]!);
    },
    holders(misfit) {
      const components = [0, 1, 2].filter((component) => (misfit >> component) & 1);
      const holders = components.flatMap((component) => [component, (component + 2) % 3]);
      return named(holders);
    },
  };
}

/** The evaluators of a Shamir session by rank: evaluator i has the point i + 1. */
export interface ActivePoints {
  readonly points: readonly number[];
  readonly threshold: number;
}

/**
 * Rounds: 1, and those of `engine.random`. Everybody learns the fingerprints' shares, and so the fingerprints, plus
 * a random number that nobody knows: uniform whatever the orders are. The number is fresh in every session: one that
 * came with the order would give the order away when a clearing is repeated with another coin.
 */
export function shamirCheck(engine: Engine, peers: Peers, active: ActivePoints): ShareCheck {
  const { field } = engine;
  return {
    async misfits(fingerprints) {
      const masked = await engine.random(fingerprints[0]!.length);
      const [own] = masked.components;
      field.add(own!, own!, fingerprints[0]!);
      const all = await toAll(field, peers, own!);
      const misfits = new Uint8Array(own!.length);
      const { points, threshold } = active;
      for (const row of positionsOffDegree(field, points, threshold, all)) misfits[row] = 1;
      engine.free(masked);
      for (const [party, shares] of all.entries()) if (party !== peers.party) field.free(shares);
      return misfits;
    },
    holders: () => named(active.points.map((point) => point - 1)),
  };
}

/** That all evaluators received the same, which each of them may know. Rounds: 1. */
export function alikeCheck(field: Field, peers: Peers): ShareCheck {
  return {
    async misfits([own]) {
      const all = await toAll(field, peers, own!);
      const differ = new Uint8Array(own!.length);
      for (const [party, theirs] of all.entries()) {
        if (party === peers.party) continue;
        field.sub(theirs, theirs, own!);
        field.nonZero(theirs).forEach((found, i) => {
          differ[i]! |= found;
        });
        field.free(theirs);
      }
      return differ;
    },
    holders: () => named(peers.links.map((_, party) => party)),
  };
}

/** Sends a vector to everybody, and gives everybody's, own one included, by rank. */
async function toAll(field: Field, peers: Peers, own: Vector): Promise<Vector[]> {
  const network = new Network(field, peers);
  const tag = network.takeTag("check");
  const all = peers.links.map((link) => (link === null ? own : field.alloc(own.length)));
  const { others } = network;
  const received = others.map((party) =>
    network.receiveVector(network.link(party), tag, all[party]!),
  );
  await network.sendLong(
    others.map((party) => network.link(party)),
    tag,
    own,
  );
  await Promise.all(received);
  return all;
}

/** "evaluators 0, 1 and 2" */
function named(evaluators: readonly number[]): string {
  const sorted = [...new Set(evaluators)].sort((a, b) => a - b);
  return `evaluators ${sorted.slice(0, -1).join(", ")} and ${sorted.at(-1)}`;
}

/** Sends bytes to one link and receives as many from another. */
async function exchange(to: Link, from: Link, tag: number, bytes: Uint8Array): Promise<Uint8Array> {
  const [received] = await Promise.all([
    receiveBytes(from, tag, bytes.length),
    sendBytes(to, tag, bytes),
  ]);
  return received;
}
