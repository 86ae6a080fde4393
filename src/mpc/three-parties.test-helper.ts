// Three replicated engines in one process, over in-memory links, for tests of protocol code. The
// links can be wrapped, to watch what passes over them.
import type { Link, LinkStats, Sink } from "../channel/channel.ts";
import { memoryLinks } from "../channel/memory.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import type { Primitives } from "../platform/primitives.ts";
import { nextTurn } from "../platform/turn.ts";
import { combineReplicated } from "../sharing/replicated.ts";
import { ReplicatedEngine } from "./replicated-engine.ts";
import type { ReplicatedPeers } from "./replicated-network.ts";
import type { Secret } from "./shared.ts";

/** One frame as its sender handed it to the link. */
export interface SentFrame {
  readonly from: number;
  readonly to: number;
  readonly tag: number;
  readonly payload: Uint8Array;
}

/** Sees a copy of every frame that is sent; what it returns, if anything, goes out instead. */
export type FrameWatch = (frame: SentFrame) => Uint8Array | undefined;

/** A link that shows every frame sent over it to a watch before it passes it on. */
class WatchedLink implements Link {
  private readonly inner: Link;
  private readonly watch: (tag: number, payload: Uint8Array) => Uint8Array | undefined;

  constructor(inner: Link, watch: (tag: number, payload: Uint8Array) => Uint8Array | undefined) {
    this.inner = inner;
    this.watch = watch;
  }

  get peer(): string {
    return this.inner.peer;
  }

  get stats(): LinkStats {
    return this.inner.stats;
  }

  send(tag: number, payload: Uint8Array): void {
    this.inner.send(tag, this.watch(tag, payload.slice()) ?? payload);
  }

  drained(): Promise<void> {
    return this.inner.drained();
  }

  receive(tag: number, byteLength: number, sink: Sink): Promise<void> {
    return this.inner.receive(tag, byteLength, sink);
  }

  receiveFrame(tag: number, maxBytes: number): Promise<Uint8Array> {
    return this.inner.receiveFrame(tag, maxBytes);
  }

  close(): void {
    this.inner.close();
  }
}

/**
 * Links among three parties: peers[i].next is the link to party i + 1. `onFrame` sees what is sent.
 */
export function threePeers(onFrame?: FrameWatch): ReplicatedPeers[] {
  const watched = (link: Link, from: number, to: number): Link => {
    if (onFrame === undefined) return link;
    return new WatchedLink(link, (tag, payload) => onFrame({ from, to, tag, payload }));
  };
  const next: Link[] = [];
  const previous: Link[] = [];
  for (const i of [0, 1, 2]) {
    const j = (i + 1) % 3;
    const [atI, atJ] = memoryLinks(`evaluator-${i}`, `evaluator-${j}`);
    next[i] = watched(atI, i, j);
    previous[j] = watched(atJ, j, i);
  }
  return [0, 1, 2].map((party) => ({
    party,
    next: next[party]!,
    previous: previous[party]!,
    nextTag: 0,
  }));
}

export function closePeers(peers: readonly ReplicatedPeers[]): void {
  for (const { next, previous } of peers) {
    next.close();
    previous.close();
  }
}

export interface ThreePartiesOptions {
  readonly onFrame?: FrameWatch;
  readonly primitives?: Primitives;
}

/** Runs `program` at each of three parties and returns their results. */
export async function atThreeParties<T>(
  program: (engine: ReplicatedEngine, party: number, peers: ReplicatedPeers) => Promise<T>,
  options: ThreePartiesOptions = {},
): Promise<T[]> {
  const peers = threePeers(options.onFrame);
  const primitives = options.primitives ?? nodePrimitives;
  try {
    return await Promise.all(
      peers.map(async (own, party) => {
        const engine = await ReplicatedEngine.start(new Field(), own, primitives, nextTurn);
        return program(engine, party, own);
      }),
    );
  } finally {
    closePeers(peers);
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
