// Links over TLS whose peer vanishes, falls silent or sends nonsense: real sockets and, once, a
// real process.

import { spawn } from "node:child_process";
import { connect as connectTcp } from "node:net";
import { describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { writeFrameHeader } from "../wire/frame.ts";
import {
  accept,
  atEnd,
  client,
  closed,
  first,
  host,
  rawClient,
  rejection,
  server,
} from "./tls-parties.test-helper.ts";

const { sleep } = systemClock;

function frameBytes(tag: number, announced: number, actual: number): Buffer {
  const bytes = Buffer.alloc(8 + actual, 0x5a);
  writeFrameHeader(bytes, 0, tag, announced);
  return bytes;
}

describe("a broken peer", () => {
  it("that is killed in the middle of a message ends the receive", async () => {
    const { port, nextPeer } = await accept();
    const arrived = nextPeer();
    const script = `
      const { connect } = await import(${JSON.stringify(new URL("./tls.ts", import.meta.url))});
      const link = await connect(${JSON.stringify(client)}, {
        host: "${host}", port: ${port}, expect: ${JSON.stringify(first)},
      });
      link.send(1, new Uint8Array(100_000));
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: "inherit",
    });
    atEnd(() => child.kill("SIGKILL"));
    const link = await arrived;
    let seenBytes = 0;
    const received = link.receive(1, 200_000, (piece) => {
      seenBytes += piece.length;
      if (seenBytes === 100_000) child.kill("SIGKILL");
    });
    const error = await rejection(received);
    expect(error.code).toBe("peer-closed");
    expect(error.message).toContain("evaluator-1 ended the connection");
    expect(seenBytes).toBe(100_000);
  });

  it("that vanishes in the middle of a frame ends the receive", async () => {
    for (const leave of ["end", "destroy", "reset"] as const) {
      const { port, nextPeer } = await accept();
      const arrived = nextPeer();
      const carrier = connectTcp({ host, port });
      const socket = await rawClient(port, carrier);
      const link = await arrived;
      const received = rejection(link.receive(1, 1000, () => {}));
      socket.write(frameBytes(1, 1000, 10));
      await sleep(30);
      if (leave === "reset") carrier.resetAndDestroy();
      else socket[leave]();
      const error = await received;
      expect(error.code).toBe("peer-closed");
      expect(error.message).toContain("in the middle of a frame");
    }
  });

  it("that falls silent in the middle of a frame ends the receive", async () => {
    const { port, nextPeer } = await accept(server, { silenceMs: 150 });
    const arrived = nextPeer();
    const socket = await rawClient(port);
    const link = await arrived;
    const cutOff = closed(socket);
    socket.write(frameBytes(1, 1000, 10));
    const error = await rejection(link.receive(1, 1000, () => {}));
    expect(error.code).toBe("peer-silent");
    expect(error.message).toContain("150 ms");
    await cutOff;
  });

  it("that announces an oversized frame ends the link", async () => {
    const { port, nextPeer } = await accept();
    const arrived = nextPeer();
    const socket = await rawClient(port);
    const link = await arrived;
    const received = rejection(link.receive(1, 400_000, () => {}));
    socket.write(frameBytes(1, 262_145, 10));
    const error = await received;
    expect(error.code).toBe("protocol");
    expect(error.message).toContain("evaluator-1 broke the protocol");
    expect(error.message).toContain("262145 bytes");
  });

  it("that sends garbage instead of frames ends the link", async () => {
    const { port, nextPeer } = await accept();
    const arrived = nextPeer();
    const socket = await rawClient(port);
    const link = await arrived;
    const received = rejection(link.receiveFrame(1, 1000));
    socket.write("GET / HTTP/1.1\r\nHost: example\r\n\r\n");
    expect((await received).code).toBe("protocol");
  });

  it("that interleaves messages has each byte handed to the right one", async () => {
    const { port, nextPeer } = await accept();
    const arrived = nextPeer();
    const socket = await rawClient(port);
    const link = await arrived;
    let firstBytes = 0;
    const received = link.receive(1, 100, (piece) => {
      firstBytes += piece.length;
    });
    // Message 2 came early and is asked for while a frame of message 1 is still arriving.
    socket.write(Buffer.concat([frameBytes(2, 7, 7), frameBytes(1, 100, 30)]));
    while (firstBytes < 30) await sleep(5);
    expect(await link.receiveFrame(2, 7)).toHaveLength(7);
    const third = link.receiveFrame(3, 9);
    socket.write(Buffer.concat([Buffer.alloc(70), frameBytes(3, 9, 9)]));
    await received;
    expect(firstBytes).toBe(100);
    expect(await third).toHaveLength(9);
  });

  it("that does not read makes the sender wait, and is cut off when the link closes", async () => {
    const { port, nextPeer } = await accept();
    const arrived = nextPeer();
    const socket = await rawClient(port);
    socket.pause();
    const link = await arrived;
    let waiting = false;
    for (let frame = 0; frame < 400 && !waiting; frame += 1) {
      link.send(1, new Uint8Array(262_144));
      waiting = await Promise.race([link.drained().then(() => false), sleep(100).then(() => true)]);
    }
    expect(waiting).toBe(true);
    const stuck = link.drained();
    link.close();
    await stuck;
  });
});
