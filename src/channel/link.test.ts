// What every link promises while it lasts, run over links in memory and over TLS on the loopback
// interface.

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import type { Link } from "./channel.ts";
import type { LinkOptions } from "./link-base.ts";
import { codeOf, collect, kinds, LinkPairs, pattern, sendCut } from "./link-pairs.test-helper.ts";

const { sleep } = systemClock;

describe.each(kinds)("a link over $kind", ({ make }) => {
  const pairs = new LinkPairs(make);
  const links = (options?: LinkOptions) => pairs.open(options);
  afterEach(() => pairs.closeAll());

  it("names the other side", async () => {
    const [a, b] = await links();
    expect([a.peer, b.peer]).toEqual(["evaluator-1", "evaluator-0"]);
  });

  it("carries messages both ways, awaited before or after they come", async () => {
    const [a, b] = await links();
    const early = pattern(100_000, 2);
    const late = pattern(300, 3);
    const awaited = collect(b, 7, late.length);
    sendCut(a, 9, early, 40_000);
    a.send(7, late);
    b.send(7, late);
    expect(await awaited).toEqual(late);
    await sleep(20);
    expect(await collect(b, 9, early.length)).toEqual(early);
    expect(await collect(a, 7, late.length)).toEqual(late);
  });

  it("carries a message whatever its frames, even when awaited in its middle", async () => {
    const [a, b] = await links();
    const message = pattern(1_000_000);
    for (const frameBytes of [1_000, 16_384, 16_385, 262_144]) {
      sendCut(a, frameBytes, message.subarray(0, 500_000), frameBytes);
      await sleep(5);
      const awaited = collect(b, frameBytes, message.length);
      sendCut(a, frameBytes, message.subarray(500_000), frameBytes);
      expect(Buffer.compare(await awaited, message)).toBe(0);
    }
  });

  it("keeps the messages of one tag apart when it is used again", async () => {
    const [a, b] = await links();
    a.send(1, pattern(10, 1));
    a.send(1, pattern(20, 2));
    a.send(1, pattern(5, 3));
    expect(await collect(b, 1, 10)).toEqual(pattern(10, 1));
    expect(await b.receiveFrame(1, 100)).toEqual(pattern(20, 2));
    expect(await collect(b, 1, 5)).toEqual(pattern(5, 3));
  });

  it("carries any interleaving of messages, awaited in any order", async () => {
    const [a, b] = await links();
    let firstTag = 0;
    const anyMessages = fc.array(
      fc.record({
        bytes: fc.integer({ min: 0, max: 3000 }),
        frameBytes: fc.integer({ min: 1, max: 1000 }),
        awaitedFirst: fc.boolean(),
      }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(anyMessages, async (plan) => {
        const messages = plan.map((item, at) => ({ ...item, tag: firstTag + at }));
        firstTag += plan.length;
        const receive = async (tag: number, bytes: number): Promise<void> => {
          expect(await collect(b, tag, bytes)).toEqual(pattern(bytes, tag));
        };
        const before = messages.filter((item) => item.awaitedFirst);
        const pending = before.map(({ tag, bytes }) => receive(tag, bytes));
        for (const { tag, bytes, frameBytes } of messages) {
          sendCut(a, tag, pattern(bytes, tag), frameBytes);
        }
        const after = messages.filter((item) => !item.awaitedFirst).reverse();
        for (const { tag, bytes } of after) await receive(tag, bytes);
        await Promise.all(pending);
      }),
      { numRuns: 40 },
    );
  });

  it("gives messages of one frame with the length the sender chose", async () => {
    const [a, b] = await links();
    const before = b.receiveFrame(1, 1000);
    a.send(1, pattern(1000));
    a.send(2, new Uint8Array(0));
    a.send(3, pattern(17));
    expect(await before).toEqual(pattern(1000));
    expect(await b.receiveFrame(2, 1000)).toEqual(new Uint8Array(0));
    expect(await b.receiveFrame(3, 1000)).toEqual(pattern(17));
    const empty = b.receiveFrame(4, 0);
    a.send(4, new Uint8Array(0));
    expect(await empty).toEqual(new Uint8Array(0));
  });

  it("treats more bytes than a message has as a broken protocol", async () => {
    for (const awaitFirst of [true, false]) {
      const [a, b] = await links();
      const ask = () => codeOf(b.receiveFrame(1, 99));
      const first = awaitFirst ? ask() : undefined;
      a.send(1, pattern(100));
      await sleep(10);
      expect(await (first ?? ask())).toBe("protocol");
      const [c, d] = await links();
      const other = codeOf(d.receive(2, 50, () => {}));
      const crossing = codeOf(d.receive(1, 150, () => {}));
      c.send(1, pattern(100));
      c.send(1, pattern(51));
      expect(await crossing).toBe("protocol");
      expect(await other).toBe("protocol");
    }
  });

  it("never delivers within the call that sends", async () => {
    const [a, b] = await links();
    let delivered = false;
    const awaited = b.receive(1, 3, () => {
      delivered = true;
    });
    a.send(1, pattern(3));
    expect(delivered).toBe(false);
    await awaited;
  });

  it("lets a sink answer at once", async () => {
    const [a, b] = await links();
    const echo = b.receive(1, 4, (piece) => b.send(2, piece.slice()));
    a.send(1, pattern(4));
    expect(await collect(a, 2, 4)).toEqual(pattern(4));
    await echo;
  });

  it("moves large messages within its send queue, both ways at once", async () => {
    const [a, b] = await links();
    const payload = pattern(262_144);
    const count = 80;
    const sendAll = async (link: Link): Promise<void> => {
      for (let frame = 0; frame < count; frame += 1) {
        link.send(5, payload);
        await link.drained();
      }
    };
    const check = async (link: Link): Promise<number> => {
      let wrongBytes = 0;
      await link.receive(5, count * payload.length, (piece, offset) => {
        const at = offset % payload.length;
        const whole = Buffer.compare(piece, payload.subarray(at, at + piece.length)) === 0;
        if (!whole) wrongBytes += piece.length;
      });
      return wrongBytes;
    };
    const results = await Promise.all([check(a), check(b), sendAll(a), sendAll(b)]);
    expect(results.slice(0, 2)).toEqual([0, 0]);
  });

  it("counts frames and bytes", async () => {
    const [a, b] = await links();
    a.send(1, pattern(100));
    a.send(2, pattern(20_000));
    await collect(b, 1, 100);
    await collect(b, 2, 20_000);
    expect(a.stats).toMatchObject({ framesSent: 2, bytesSent: 20_116, framesReceived: 0 });
    expect(b.stats).toMatchObject({ framesReceived: 2, bytesReceived: 20_116, framesSent: 0 });
  });
});
