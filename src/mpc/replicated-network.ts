// How three evaluators with replicated shares exchange vectors: every operation has a tag of its own, the same at
// all of them, and long vectors travel in chunks.
import { ChannelError, type Link } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";

/** Elements per frame. */
const CHUNK = 8192;

export interface ReplicatedPeers {
  /** This evaluator's number, 0 to 2. */
  readonly party: number;
  /** The link to evaluator (party + 1) mod 3. */
  readonly next: Link;
  /** The link to evaluator (party + 2) mod 3. */
  readonly previous: Link;
  /** The next unused message tag, the same on both ends of each link. */
  nextTag: number;
}

export class ReplicatedNetwork {
  private readonly field: Field;
  private readonly peers: ReplicatedPeers;
  private sent = 0;

  constructor(field: Field, peers: ReplicatedPeers) {
    this.field = field;
    this.peers = peers;
  }

  get party(): number {
    return this.peers.party;
  }

  get next(): Link {
    return this.peers.next;
  }

  get previous(): Link {
    return this.peers.previous;
  }

  /** Field elements sent so far, to whomever. */
  get elementsSent(): number {
    return this.sent;
  }

  /** A tag for one operation. All parties take tags in the same order. */
  takeTag(): number {
    return this.peers.nextTag++;
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
