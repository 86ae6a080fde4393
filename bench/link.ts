// Measures a link between two processes over TLS on the loopback interface: throughput one way and
// both ways at once, and the time of a round trip. Run: node bench/link.ts [megabytes] [roundTrips]

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Link } from "../src/channel/channel.ts";
import { connect, listen } from "../src/channel/tls.ts";
import { createAuthority, type Identity, issueIdentity } from "../src/crypto/certificates.ts";
import type { Party } from "../src/crypto/party.ts";
import { systemClock } from "../src/platform/clock.ts";

const MEGABYTE = 1_000_000;
const FRAME_SIZES_BYTES = [16 * 1024, 64 * 1024, 256 * 1024];
const REPETITIONS = 5;
const SMALL_FRAME_BYTES = 16;
const HERE: Party = { role: "evaluator", id: "0" };
const THERE: Party = { role: "evaluator", id: "1" };

interface Setup {
  readonly identity: Identity;
  readonly port: number;
  readonly messageBytes: number;
  readonly roundTrips: number;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function sendMessage(link: Link, tag: number, bytes: number, frameBytes: number) {
  const payload = new Uint8Array(frameBytes);
  for (let sent = 0; sent < bytes; sent += frameBytes) {
    link.send(tag, bytes - sent < frameBytes ? payload.subarray(0, bytes - sent) : payload);
    await link.drained();
  }
}

function receiveMessage(link: Link, tag: number, bytes: number): Promise<void> {
  return link.receive(tag, bytes, () => {});
}

/** One side of all measurements; both sides run the same steps. Gives the lines to print. */
async function measure(link: Link, first: boolean, setup: Setup): Promise<string[]> {
  const { messageBytes, roundTrips } = setup;
  const lines: string[] = [];
  let tag = 1;
  for (const frameBytes of FRAME_SIZES_BYTES) {
    const oneWay: number[] = [];
    const bothWays: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
      await exchange(link, 0, 1, 1);
      const startMs = systemClock.nowMs();
      if (first) await sendMessage(link, tag, messageBytes, frameBytes);
      else await receiveMessage(link, tag, messageBytes);
      await exchange(link, 0, 1, 1);
      const middleMs = systemClock.nowMs();
      await exchange(link, tag, messageBytes, frameBytes);
      oneWay.push(messageBytes / MEGABYTE / ((middleMs - startMs) / 1000));
      bothWays.push(messageBytes / MEGABYTE / ((systemClock.nowMs() - middleMs) / 1000));
      tag += 1;
    }
    const size = `${frameBytes / 1024} KiB frames`;
    lines.push(`${size}: ${median(oneWay).toFixed(0)} MB/s one way`);
    lines.push(`${size}: ${median(bothWays).toFixed(0)} MB/s each way, both ways at once`);
  }
  const times: number[] = [];
  for (let trip = 0; trip < roundTrips; trip += 1) {
    const startMs = systemClock.nowMs();
    await exchange(link, 0, SMALL_FRAME_BYTES, SMALL_FRAME_BYTES);
    times.push(systemClock.nowMs() - startMs);
  }
  lines.push(
    `exchange of ${SMALL_FRAME_BYTES}-byte frames: ${(median(times) * 1000).toFixed(0)} µs`,
  );
  return lines;
}

async function exchange(link: Link, tag: number, bytes: number, frameBytes: number) {
  await Promise.all([receiveMessage(link, tag, bytes), sendMessage(link, tag, bytes, frameBytes)]);
}

async function runChild(): Promise<void> {
  const setup = await new Promise<Setup>((resolve) => process.once("message", resolve));
  const { identity, port } = setup;
  const link = await connect(identity, { host: "127.0.0.1", port, expect: HERE });
  await measure(link, false, setup);
  link.close();
  process.disconnect();
}

async function runParent(): Promise<void> {
  const megabytes = Number(process.argv[2] ?? 200);
  const roundTrips = Number(process.argv[3] ?? 5000);
  const authority = await createAuthority("bench");
  const mine = await issueIdentity(authority, HERE);
  const peer = Promise.withResolvers<Link>();
  const listener = await listen(mine, { host: "127.0.0.1", port: 0, onPeer: peer.resolve });
  const identity = await issueIdentity(authority, THERE);
  const setup = { identity, port: listener.port, messageBytes: megabytes * MEGABYTE, roundTrips };
  fork(fileURLToPath(import.meta.url), ["child"]).send(setup);
  const link = await peer.promise;
  listener.close();
  const lines = await measure(link, true, setup);
  link.close();
  process.stdout.write(`${lines.join("\n")}\n`);
}

if (process.argv[2] === "child") await runChild();
else await runParent();
