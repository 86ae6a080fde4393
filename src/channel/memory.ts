// Links between parties within one process, for tests and simulations: frames are handed over as
// they are, in order, never within the call that sent them. Knows no Node built-in.

import type { Link } from "./channel.ts";
import { LinkBase, type LinkOptions } from "./link-base.ts";

interface SentFrame {
  readonly tag: number;
  readonly payload: Uint8Array;
}

class MemoryLink extends LinkBase {
  #other: MemoryLink | undefined;
  #inbox: SentFrame[] = [];
  #otherClosed: boolean = false;
  #scheduled: boolean = false;

  connectTo(other: MemoryLink): void {
    this.#other = other;
  }

  send(tag: number, payload: Uint8Array): void {
    this.countSent(payload);
    this.#other?.enqueue({ tag, payload: payload.slice() });
  }

  // The frames sent so far are delivered in a microtask that runs before whatever awaits this.
  drained(): Promise<void> {
    return Promise.resolve();
  }

  protected shutDown(): void {
    this.#other?.otherHasClosed();
  }

  private enqueue(frame: SentFrame): void {
    this.#inbox.push(frame);
    this.#schedule();
  }

  private otherHasClosed(): void {
    this.#otherClosed = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#deliverAll());
  }

  #deliverAll(): void {
    this.#scheduled = false;
    const frames = this.#inbox;
    this.#inbox = [];
    try {
      if (!this.ended && frames.length > 0) this.heard();
      for (const { tag, payload } of frames) {
        this.incoming.header(tag, payload.length);
        if (payload.length > 0) this.incoming.piece(tag, payload);
      }
    } catch (error) {
      this.failReceiving(error);
    }
    if (this.#otherClosed && this.#inbox.length === 0) this.end("peer-closed", "closed the link");
  }
}

/**
 * Two connected links: the first is held by `nameA` and leads to `nameB`, the second the other way
 * round. They behave like those of tls.ts, without network, encryption or certificates.
 */
export function memoryLinks(nameA: string, nameB: string, options?: LinkOptions): [Link, Link] {
  const atA = new MemoryLink(nameB, options);
  const atB = new MemoryLink(nameA, options);
  atA.connectTo(atB);
  atB.connectTo(atA);
  return [atA, atB];
}
