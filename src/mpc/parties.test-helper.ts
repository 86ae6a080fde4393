// Replicated engines in one process, over in-memory links, for tests of protocol code. The
// links can be wrapped, to watch what passes over them.
import type { ChannelError, Link, LinkStats, Sink } from "../channel/channel.ts";
import { memoryLinks } from "../channel/memory.ts";
import { nodePrimitives } from "../crypto/node-primitives.ts";
import { Field } from "../field/field.ts";
import { Fields } from "../field/fields.test-helper.ts";
import type { Primitives } from "../platform/primitives.ts";
import { nextTurn } from "../platform/turn.ts";
import { combineReplicated } from "../sharing/replicated.ts";
import type { Peers } from "./network.ts";
import { ReplicatedEngine } from "./replicated-engine.ts";

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

  whenEnded(): Promise<ChannelError> {
    return this.inner.whenEnded();
  }
}

/** Links among `count` parties. `onFrame` sees what is sent. */
export function meshedPeers(count: number, onFrame?: FrameWatch): Peers[] {
  const watched = (link: Link, from: number, to: number): Link => {
    if (onFrame === undefined) return link;
    return new WatchedLink(link, (tag, payload) => onFrame({ from, to, tag, payload }));
  };
  const links = Array.from({ length: count }, () => new Array<Link | null>(count).fill(null));
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const [atI, atJ] = memoryLinks(`evaluator-${i}`, `evaluator-${j}`);
      links[i]![j] = watched(atI, i, j);
      links[j]![i] = watched(atJ, j, i);
    }
  }
  return links.map((own, party) => ({ party, links: own, nextTag: 0 }));
}

export function closePeers(peers: readonly Peers[]): void {
  for (const { links } of peers) for (const link of links) link?.close();
}

export interface ThreePartiesOptions {
  readonly onFrame?: FrameWatch;
  readonly primitives?: Primitives;
}

/** Runs `program` at each of three parties and returns their results. */
export async function atThreeParties<T>(
  program: (engine: ReplicatedEngine, party: number, peers: Peers) => Promise<T>,
  options: ThreePartiesOptions = {},
): Promise<T[]> {
  const peers = meshedPeers(3, options.onFrame);
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
  const fields = new Fields();
  const field = fields.take();
  const numbers = [...field.toNumbers(combineReplicated(field, shares))];
  fields.giveBack();
  return numbers;
}
