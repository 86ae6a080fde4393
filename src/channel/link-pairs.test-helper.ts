// Pairs of links of every kind for the contract tests, and what those tests share.

import { expect } from "vitest";
import { createAuthority, issueIdentity } from "../crypto/certificates.ts";
import { ChannelError, type Link } from "./channel.ts";
import type { LinkOptions } from "./link-base.ts";
import { memoryLinks } from "./memory.ts";
import { connect, listen } from "./tls.ts";

const authority = await createAuthority("contract");
const alice = await issueIdentity(authority, { role: "evaluator", id: "0" });
const bob = await issueIdentity(authority, { role: "evaluator", id: "1" });

async function tlsLinks(options: LinkOptions): Promise<[Link, Link]> {
  const host = "127.0.0.1";
  const atBob = Promise.withResolvers<Link>();
  const listener = await listen(bob, { ...options, host, port: 0, onPeer: atBob.resolve });
  const { port } = listener;
  const atAlice = await connect(alice, { ...options, host, port, expect: bob.party });
  const links: [Link, Link] = [atAlice, await atBob.promise];
  listener.close();
  return links;
}

export const kinds = [
  {
    kind: "memory",
    make: async (options: LinkOptions) => memoryLinks("evaluator-0", "evaluator-1", options),
  },
  { kind: "TLS", make: tlsLinks },
];

export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof ChannelError ? error.code : String(error)),
  );
}

export function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + seed * 7 + (at >> 8)) & 0xff);
}

export async function collect(link: Link, tag: number, byteLength: number): Promise<Uint8Array> {
  const message = new Uint8Array(byteLength);
  let expectedOffset = 0;
  await link.receive(tag, byteLength, (piece, offset) => {
    expect(offset).toBe(expectedOffset);
    expectedOffset += piece.length;
    message.set(piece, offset);
  });
  expect(expectedOffset).toBe(byteLength);
  return message;
}

export function sendCut(link: Link, tag: number, message: Uint8Array, frameBytes: number): void {
  for (let at = 0; at < message.length; at += frameBytes) {
    link.send(tag, message.subarray(at, at + frameBytes));
  }
}

/** Makes pairs of one kind; all are closed by closeAll. */
export class LinkPairs {
  readonly #make: (options: LinkOptions) => Promise<[Link, Link]>;
  readonly #open: Link[] = [];

  constructor(make: (options: LinkOptions) => Promise<[Link, Link]>) {
    this.#make = make;
  }

  async open(options: LinkOptions = {}): Promise<[Link, Link]> {
    const pair = await this.#make(options);
    this.#open.push(...pair);
    return pair;
  }

  closeAll(): void {
    for (const link of this.#open.splice(0)) link.close();
  }
}
