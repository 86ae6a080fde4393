// How every link ends, and what its receives are told: closed, silent, flooded, failed.

import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { ChannelError } from "./channel.ts";
import type { LinkOptions } from "./link-base.ts";
import { codeOf, collect, kinds, LinkPairs, pattern, sendCut } from "./link-pairs.test-helper.ts";

const { sleep } = systemClock;

describe.each(kinds)("the end of a link over $kind", ({ make }) => {
  const pairs = new LinkPairs(make);
  const links = (options?: LinkOptions) => pairs.open(options);
  afterEach(() => pairs.closeAll());

  it("ends receives when the other side closes, but hands out what came in full", async () => {
    const [a, b] = await links();
    const pending = [codeOf(b.receive(1, 10, () => {})), codeOf(b.receiveFrame(2, 10))];
    a.send(3, pattern(10));
    a.send(4, pattern(9));
    a.close();
    expect(await Promise.all(pending)).toEqual(["peer-closed", "peer-closed"]);
    expect(await collect(b, 3, 10)).toEqual(pattern(10));
    expect(await codeOf(b.receive(4, 10, () => {}))).toBe("peer-closed");
    expect(await codeOf(b.receiveFrame(5, 10))).toBe("peer-closed");
    expect(() => b.send(1, pattern(1))).toThrow("evaluator-0");
    await b.drained();
  });

  it("ends its own receives when it is closed, with the error given", async () => {
    const [a] = await links();
    const pending = codeOf(a.receive(1, 10, () => {}));
    a.close();
    expect(await pending).toBe("closed");
    expect(await codeOf(a.receive(2, 10, () => {}))).toBe("closed");
    expect(() => a.send(1, pattern(1))).toThrow(ChannelError);
    const [, b] = await links();
    const failed = codeOf(b.receive(1, 10, () => {}));
    b.close(new ChannelError("flooded", "enough"));
    expect(await failed).toBe("flooded");
  });

  it("delivers what was sent just before it was closed", async () => {
    const [a, b] = await links();
    const message = pattern(200_000);
    const awaited = collect(b, 1, message.length);
    sendCut(a, 1, message, 100_000);
    a.close();
    expect(Buffer.compare(await awaited, message)).toBe(0);
  });

  it("ends a receive from a silent peer", async () => {
    const [a, b] = await links({ silenceMs: 100 });
    await sleep(300);
    a.send(1, pattern(1));
    expect(await collect(b, 1, 1)).toEqual(pattern(1));
    const startMs = systemClock.nowMs();
    expect(await codeOf(b.receive(2, 10, () => {}))).toBe("peer-silent");
    const waitedMs = systemClock.nowMs() - startMs;
    expect(waitedMs).toBeGreaterThan(95);
    expect(waitedMs).toBeLessThan(1500);
  });

  it("takes bytes of any message for a sign of life", async () => {
    const [a, b] = await links({ silenceMs: 250 });
    const awaited = collect(b, 1, 3);
    for (let round = 0; round < 8; round += 1) {
      await sleep(50);
      a.send(2, pattern(5));
    }
    a.send(1, pattern(3));
    expect(await awaited).toEqual(pattern(3));
  });

  it("does not take its own long computation for a silent peer", async () => {
    const [a, b] = await links({ silenceMs: 60 });
    const awaited = codeOf(b.receive(1, 3, () => {}));
    a.send(1, pattern(3));
    const untilMs = systemClock.nowMs() + 150;
    while (systemClock.nowMs() < untilMs);
    expect(await awaited).toBe("resolved");
  });

  it("ends when too much comes that nobody awaits", async () => {
    const [a, b] = await links({ earlyBytes: 10_000 });
    const pending = codeOf(b.receive(1, 10, () => {}));
    for (let frame = 0; frame < 12; frame += 1) a.send(2, pattern(1000));
    expect(await pending).toBe("flooded");
    const [c, d] = await links({ earlyBytes: 10_000 });
    const bound = codeOf(d.receive(1, 10, () => {}));
    for (let frame = 0; frame < 100; frame += 1) c.send(2, new Uint8Array(0));
    expect(await bound).toBe("flooded");
  });

  it("does not end when early messages are received in time", async () => {
    const [a, b] = await links({ earlyBytes: 10_000 });
    for (let round = 0; round < 12; round += 1) {
      a.send(1, pattern(1000, round));
      a.send(2, pattern(1, round));
      await collect(b, 2, 1);
      expect(await collect(b, 1, 1000)).toEqual(pattern(1000, round));
    }
  });

  it("passes an exception of a sink to its receive and ends", async () => {
    for (const early of [false, true]) {
      const [a, b] = await links();
      const other = codeOf(b.receive(2, 1, () => {}));
      const fail = () =>
        b.receive(1, 1, () => {
          throw new RangeError("not a share");
        });
      if (early) {
        a.send(1, pattern(1));
        await sleep(10);
      }
      const failing = codeOf(fail());
      if (!early) a.send(1, pattern(1));
      expect(await failing).toBe("RangeError: not a share");
      expect(await other).toBe("closed");
    }
  });

  it("refuses misuse", async () => {
    const [a] = await links();
    const pending = codeOf(a.receive(1, 1, () => {}));
    expect(() => a.receive(1, 1, () => {})).toThrow("already awaited");
    expect(() => a.receive(2, -1, () => {})).toThrow("byte count");
    expect(() => a.send(1, new Uint8Array(262_145))).toThrow("too long");
    await a.receive(3, 0, () => {});
    a.close();
    expect(await pending).toBe("closed");
  });
});
