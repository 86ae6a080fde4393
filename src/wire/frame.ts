// Frames on the wire: a header (tag u32, payload length u32, little-endian) and the payload.
// Encoding of headers, and a reader that cuts an arriving byte stream into frames without copying
// payloads.

import { LIMITS } from "../platform/limits.ts";

export const FRAME_HEADER_BYTES = 8;

/**
 * Bytes that are no frame: a payload length over the limit. The stream cannot be read any further.
 */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/**
 * Writes the header of a frame at `offset` of `target`.
 * `tag` and `payloadBytes` are unsigned 32-bit numbers.
 */
export function writeFrameHeader(
  target: Uint8Array,
  offset: number,
  tag: number,
  payloadBytes: number,
): void {
  target[offset] = tag;
  target[offset + 1] = tag >>> 8;
  target[offset + 2] = tag >>> 16;
  target[offset + 3] = tag >>> 24;
  target[offset + 4] = payloadBytes;
  target[offset + 5] = payloadBytes >>> 8;
  target[offset + 6] = payloadBytes >>> 16;
  target[offset + 7] = payloadBytes >>> 24;
}

function readU32(bytes: Uint8Array, at: number): number {
  const value =
    bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return value >>> 0;
}

/** What a FrameReader reports. An exception thrown here ends the feed() that called it. */
export interface FrameHandler {
  /** A frame begins; `payloadBytes` more bytes follow, in zero or more pieces. */
  header(tag: number, payloadBytes: number): void;
  /** The next bytes of the payload, a view of the chunk that was fed; never empty. */
  piece(tag: number, bytes: Uint8Array): void;
}

/** Cuts a byte stream, fed in chunks of any size, into frames. */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #maxPayloadBytes: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  #tag = 0;
  #remaining = 0;

  constructor(handler: FrameHandler, maxPayloadBytes: number = LIMITS.framePayloadBytes) {
    this.#handler = handler;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Whether all bytes so far make whole frames. */
  get atBoundary(): boolean {
    return this.#remaining === 0 && this.#headerFilled === 0;
  }

  /**
   * Reports the frames and parts of frames in `chunk`. Throws FrameError when a header announces
   * more than the allowed payload; feed nothing after that.
   */
  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const end = Math.min(chunk.length, at + this.#remaining);
        this.#remaining -= end - at;
        const whole = at === 0 && end === chunk.length;
        this.#handler.piece(this.#tag, whole ? chunk : chunk.subarray(at, end));
        at = end;
      } else if (this.#headerFilled === 0 && at + FRAME_HEADER_BYTES <= chunk.length) {
        this.#begin(chunk, at);
        at += FRAME_HEADER_BYTES;
      } else {
        this.#header[this.#headerFilled] = chunk[at]!;
        this.#headerFilled += 1;
        at += 1;
        if (this.#headerFilled === FRAME_HEADER_BYTES) {
          this.#headerFilled = 0;
          this.#begin(this.#header, 0);
        }
      }
    }
  }

  #begin(bytes: Uint8Array, at: number): void {
    this.#tag = readU32(bytes, at);
    const length = readU32(bytes, at + 4);
    if (length > this.#maxPayloadBytes) {
      throw new FrameError(
        `frame header announces ${length} bytes of payload, limit ${this.#maxPayloadBytes}`,
      );
    }
    this.#remaining = length;
    this.#handler.header(this.#tag, length);
  }
}
