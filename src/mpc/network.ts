// How the parties of a computation exchange vectors: every operation has a tag of its own, the same at all of
// them, and long vectors travel in chunks.
import { ChannelError, type Link } from "../channel/channel.ts";
import { receiveBytes } from "../channel/long-messages.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";

/** Elements per frame. */
const CHUNK = 8192;

/**
 * What a message is, in the lowest bits of its tag: parties that fall out of step await a message that never comes
 * rather than take one for another.
 */
export const MESSAGE_KINDS = [
  "setup",
  "multiplication",
  /** Uniformly masked values, opened to all. */
  "opening",
  /** Values that everybody may learn, opened to all. */
  "reveal",
  "coin",
  "verification",
  "shuffle",
  /** Comparisons of what parties hold or saw. */
  "check",
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** The kind of a message from its tag. */
export const kindOf = (tag: number): MessageKind => MESSAGE_KINDS[tag % MESSAGE_KINDS.length]!;

export interface Peers {
  /** This party's number, 0 .. n - 1. */
  readonly party: number;
  /** The link to each party by number; null at this party's own. */
  readonly links: readonly (Link | null)[];
  /** The next unused message number, the same at all parties. */
  nextTag: number;
}

export class Network {
  private readonly field: Field;
  private readonly peers: Peers;
  /** Set while all messages are of one kind, whatever operations they come from. */
  private label: MessageKind | null = null;
  private sent = 0;

  constructor(field: Field, peers: Peers) {
    this.field = field;
    this.peers = peers;
  }

  get party(): number {
    return this.peers.party;
  }

  /** How many parties there are. */
  get parties(): number {
    return this.peers.links.length;
  }

  /** The link to a party by number, taken modulo the number of parties. */
  link(party: number): Link {
    const { links } = this.peers;
    return links[((party % links.length) + links.length) % links.length]!;
  }

  /** The numbers of all other parties. */
  get others(): number[] {
    return this.peers.links.flatMap((link, party) => (link === null ? [] : [party]));
  }

  /** Field elements sent so far, to whomever. */
  get elementsSent(): number {
    return this.sent;
  }

  /** A tag for one operation. All parties take tags in the same order. */
  takeTag(kind: MessageKind): number {
    const index = MESSAGE_KINDS.indexOf(this.label ?? kind);
    return this.peers.nextTag++ * MESSAGE_KINDS.length + index;
  }

  /** Gives all messages of `work` one kind. Nothing else may run meanwhile. */
  async labelled<T>(kind: MessageKind, work: () => Promise<T>): Promise<T> {
    const before = this.label;
    this.label = kind;
    try {
      return await work();
    } finally {
      this.label = before;
    }
  }

  /** Sends at most one frame's worth of elements. */
  sendVector(link: Link, tag: number, v: Vector): void {
    link.send(tag, this.field.memory.bytes(v));
    this.sent += v.length;
  }

  /** Sends a vector of any length to each link, waiting for slow ones. */
  async sendLong(links: readonly Link[], tag: number, v: Vector): Promise<void> {
    for (let from = 0; from < v.length; from += CHUNK) {
      const chunk = v.slice(from, Math.min(from + CHUNK, v.length));
      for (const link of links) this.sendVector(link, tag, chunk);
      if (from + CHUNK < v.length) for (const link of links) await link.drained();
    }
  }

  /** Sends a short message to all others; every party's, of the same length, by number. */
  async exchange(tag: number, mine: Uint8Array): Promise<Uint8Array[]> {
    for (const other of this.others) this.link(other).send(tag, mine);
    const all: Uint8Array[] = [];
    all[this.party] = mine;
    const received = this.others.map(async (other) => {
      all[other] = await receiveBytes(this.link(other), tag, mine.length);
    });
    await Promise.all(received);
    return all;
  }

  /** Fills `into` with the elements that come; ChannelError "protocol" if one is not in the field. */
  receiveVector(link: Link, tag: number, into: Vector): Promise<void> {
    const received = this.receiveInto(link, tag, into);
    received.catch(() => {}); // Awaited later by the operation; until then it must not count as unhandled.
    return received;
  }

  private async receiveInto(link: Link, tag: number, into: Vector): Promise<void> {
    if (into.length === 0) return;
    await link.receive(tag, 8 * into.length, (piece, offset) => {
      this.field.setBytesAt(into, piece, offset);
    });
    if (!this.field.isCanonical(into)) {
      throw new ChannelError("protocol", `${link.peer} sent a value outside the field`);
    }
  }
}
