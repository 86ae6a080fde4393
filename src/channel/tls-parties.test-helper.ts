// Two parties of a market, a listener and a misbehaving client for the tests over TLS.

import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, expect } from "vitest";
import { createAuthority, type Identity, issueIdentity } from "../crypto/certificates.ts";
import type { Party } from "../crypto/party.ts";
import { ChannelError, type Link } from "./channel.ts";
import type { LinkOptions } from "./link-base.ts";
import { type Listener, listen } from "./tls.ts";

export const host = "127.0.0.1";
export const first: Party = { role: "evaluator", id: "0" };
export const second: Party = { role: "evaluator", id: "1" };

export const authority = await createAuthority("market");
export const server = await issueIdentity(authority, first);
export const client = await issueIdentity(authority, second);

const cleanups: (() => void)[] = [];

/** Has `cleanup` run when the current test is over. */
export function atEnd(cleanup: () => void): void {
  cleanups.push(cleanup);
}

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

export interface Accepted {
  readonly listener: Listener;
  readonly port: number;
  readonly peers: { link: Link; party: Party }[];
  readonly refusals: string[];
  nextPeer(): Promise<Link>;
}

export async function accept(
  identity: Identity = server,
  options: LinkOptions = {},
): Promise<Accepted> {
  const peers: Accepted["peers"] = [];
  const refusals: string[] = [];
  const arrivals: ((link: Link) => void)[] = [];
  const listener = await listen(identity, {
    ...options,
    host,
    port: 0,
    onPeer: (link, party) => {
      peers.push({ link, party });
      atEnd(() => link.close());
      for (const arrived of arrivals.splice(0)) arrived(link);
    },
    onRefused: (reason) => refusals.push(reason),
  });
  atEnd(() => listener.close());
  const nextPeer = () => new Promise<Link>((resolve) => arrivals.push(resolve));
  return { listener, port: listener.port, peers, refusals, nextPeer };
}

export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** A TLS client that proves to be a party but then sends whatever a test likes. */
export async function rawClient(
  port: number,
  carrier = connectTcp({ host, port }),
): Promise<TLSSocket> {
  carrier.on("error", () => {});
  const socket = connectTls({
    socket: carrier,
    key: client.privateKeyPem,
    cert: client.certificatePem,
    ca: client.authorityPem,
    ALPNProtocols: ["hushwatt/1"],
    checkServerIdentity: () => undefined,
  });
  socket.on("error", () => {});
  socket.resume();
  atEnd(() => socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

export async function rejection(promise: Promise<unknown>): Promise<ChannelError> {
  const error: unknown = await promise.then(
    () => "resolved",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ChannelError);
  return error as ChannelError;
}
