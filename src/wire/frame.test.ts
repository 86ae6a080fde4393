// Frames: the exact bytes of a header, and reading that does not depend on how the stream is cut.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FRAME_HEADER_BYTES, FrameError, FrameReader, writeFrameHeader } from "./frame.ts";

interface Frame {
  readonly tag: number;
  readonly payload: Uint8Array;
}

function encode(frames: readonly Frame[]): Uint8Array {
  const parts = frames.map(({ tag, payload }) => {
    const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
    writeFrameHeader(bytes, 0, tag, payload.length);
    bytes.set(payload, FRAME_HEADER_BYTES);
    return bytes;
  });
  return new Uint8Array(Buffer.concat(parts));
}

function decode(chunks: readonly Uint8Array[], maxPayloadBytes?: number): Frame[] {
  const frames: { tag: number; announced: number; pieces: Uint8Array[] }[] = [];
  const reader = new FrameReader(
    {
      header: (tag, announced) => frames.push({ tag, announced, pieces: [] }),
      piece: (tag, bytes) => {
        expect(bytes.length).toBeGreaterThan(0);
        expect(frames.at(-1)!.tag).toBe(tag);
        frames.at(-1)!.pieces.push(bytes.slice());
      },
    },
    maxPayloadBytes,
  );
  for (const chunk of chunks) reader.feed(chunk);
  expect(reader.atBoundary).toBe(true);
  return frames.map(({ tag, announced, pieces }) => {
    const payload = new Uint8Array(Buffer.concat(pieces));
    expect(payload.length).toBe(announced);
    return { tag, payload };
  });
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const borders = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const border of [...borders, bytes.length]) {
    chunks.push(bytes.subarray(from, border));
    from = border;
  }
  return chunks;
}

const anyFrame = fc.record({
  tag: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  payload: fc.uint8Array({ maxLength: 60 }),
});

describe("frame header", () => {
  it("has the bytes of the format", () => {
    const bytes = new Uint8Array(10).fill(0xee);
    writeFrameHeader(bytes, 1, 0x89abcdef, 0x00034567);
    expect(Buffer.from(bytes).toString("hex")).toBe("eeefcdab8967450300ee");
  });
});

describe("FrameReader", () => {
  it("gives back any frames however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat()), (frames, cuts) => {
        expect(decode(split(encode(frames), cuts))).toEqual(frames);
      }),
    );
  });

  it("gives back frames that arrive byte by byte", () => {
    const frames = [
      { tag: 7, payload: new Uint8Array(0) },
      { tag: 2 ** 32 - 1, payload: Uint8Array.of(1, 2, 3) },
    ];
    expect(decode([...encode(frames)].map((byte) => Uint8Array.of(byte)))).toEqual(frames);
  });

  it("hands out views of the chunk, not copies", () => {
    const bytes = encode([{ tag: 1, payload: Uint8Array.of(5, 6) }]);
    const seen: Uint8Array[] = [];
    new FrameReader({ header: () => {}, piece: (_tag, piece) => seen.push(piece) }).feed(bytes);
    expect(seen[0]!.buffer).toBe(bytes.buffer);
  });

  it("knows whether it is between two frames", () => {
    const reader = new FrameReader({ header: () => {}, piece: () => {} });
    const bytes = encode([{ tag: 1, payload: Uint8Array.of(5, 6) }]);
    const boundaries = [...bytes].map((byte) => {
      reader.feed(Uint8Array.of(byte));
      return reader.atBoundary;
    });
    expect(boundaries).toEqual([...Array(9).fill(false), true]);
  });

  it("refuses a payload over the limit as soon as its header is there", () => {
    const allowed = encode([{ tag: 1, payload: new Uint8Array(100) }]);
    expect(decode([allowed], 100)).toHaveLength(1);
    expect(() => decode([allowed.subarray(0, FRAME_HEADER_BYTES)], 99)).toThrow(FrameError);
    const byDefault = new Uint8Array(FRAME_HEADER_BYTES);
    writeFrameHeader(byDefault, 0, 1, 256 * 1024 + 1);
    expect(() => decode([byDefault])).toThrow("262145 bytes of payload, limit 262144");
  });
});
