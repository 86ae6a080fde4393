// A link over an established TLS connection. The frames of one turn of the event loop are
// gathered into one write; payloads arrive as views of what the socket read. Internal: made by
// tls.ts.

import type { TLSSocket } from "node:tls";
import { type Clock, systemClock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import { FRAME_HEADER_BYTES, FrameReader, writeFrameHeader } from "../wire/frame.ts";
import { LinkBase, type LinkOptions } from "./link-base.ts";

export class TlsLink extends LinkBase {
  readonly #socket: TLSSocket;
  readonly #clock: Clock;
  readonly #reader: FrameReader;
  /** Buffers that no write uses, to be filled again: sending allocates nothing in the long run. */
  readonly #spare: Buffer[] = [];
  /** Frames of this turn of the event loop, one after the other. */
  #filling: Buffer = Buffer.allocUnsafeSlow(LIMITS.sendBufferBytes);
  #filledBytes = 0;
  #flushScheduled: boolean = false;
  /** Bytes handed to the socket that have not left yet. */
  #writingBytes = 0;
  #waitingForRoom: (() => void)[] = [];
  readonly #flush = (): void => this.#flushNow();

  constructor(socket: TLSSocket, peer: string, options: LinkOptions = {}) {
    super(peer, options);
    this.#socket = socket;
    this.#clock = options.clock ?? systemClock;
    this.#reader = new FrameReader(this.incoming);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd(""));
    socket.on("close", () => this.#onEnd(""));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#onError(error));
  }

  send(tag: number, payload: Uint8Array): void {
    this.countSent(payload);
    if (this.#filledBytes + FRAME_HEADER_BYTES > this.#filling.length) this.#flushNow();
    writeFrameHeader(this.#filling, this.#filledBytes, tag, payload.length);
    this.#filledBytes += FRAME_HEADER_BYTES;
    for (let at = 0; at < payload.length; ) {
      const room = this.#filling.length - this.#filledBytes;
      const part = payload.subarray(at, at + room);
      this.#filling.set(part, this.#filledBytes);
      this.#filledBytes += part.length;
      at += part.length;
      if (this.#filledBytes === this.#filling.length) this.#flushNow();
    }
    if (this.#filledBytes > 0 && !this.#flushScheduled) {
      this.#flushScheduled = true;
      process.nextTick(this.#flush);
    }
  }

  drained(): Promise<void> {
    if (this.ended || this.#writingBytes + this.#filledBytes < LIMITS.sendHighWaterBytes) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  protected shutDown(graceful: boolean): void {
    if (graceful) {
      this.#flushNow();
      const cancel = this.#clock.timer(LIMITS.closeGraceMs, () => this.#socket.destroy());
      this.#socket.once("close", cancel);
      this.#socket.end();
    } else {
      this.#socket.destroy();
    }
    this.#letSendersGo();
  }

  #flushNow(): void {
    this.#flushScheduled = false;
    const bytes = this.#filledBytes;
    if (bytes === 0 || this.#socket.destroyed) return;
    const buffer = this.#filling;
    this.#filling = this.#spare.pop() ?? Buffer.allocUnsafeSlow(LIMITS.sendBufferBytes);
    this.#filledBytes = 0;
    this.#writingBytes += bytes;
    this.#socket.write(buffer.subarray(0, bytes), () => this.#onWritten(buffer, bytes));
  }

  #onWritten(buffer: Buffer, bytes: number): void {
    if (this.#spare.length < LIMITS.spareSendBuffers) this.#spare.push(buffer);
    this.#writingBytes -= bytes;
    if (this.#writingBytes <= LIMITS.sendLowWaterBytes) this.#letSendersGo();
  }

  #letSendersGo(): void {
    if (this.#waitingForRoom.length === 0) return;
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const resume of waiting) resume();
  }

  #onData(chunk: Buffer): void {
    // After its end the link keeps reading, so that the last bytes it sent are not lost to a reset.
    if (this.ended) return;
    this.heard();
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      this.failReceiving(error);
    }
  }

  #onEnd(detail: string): void {
    const where = this.#reader.atBoundary ? "" : " in the middle of a frame";
    this.end("peer-closed", `ended the connection${where}${detail}`);
  }

  #onError(error: NodeJS.ErrnoException): void {
    const code = error.code ?? error.message;
    if (code.startsWith("ERR_SSL")) this.end("protocol", `sent bytes that are not TLS (${code})`);
    else this.#onEnd(` (${code})`);
  }

  /** Takes in bytes that were read before the link existed. */
  takeOver(chunk: Buffer): void {
    if (chunk.length > 0) this.#onData(chunk);
  }
}
