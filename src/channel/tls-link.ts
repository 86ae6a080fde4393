// A link over an established TLS connection. Small frames of one turn of the event loop are
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
  /** Copied frames; the bytes from `#stagedFrom` to `#stagedTo` are not gathered yet. */
  #staging = Buffer.allocUnsafeSlow(LIMITS.sendStagingBytes);
  #stagedFrom = 0;
  #stagedTo = 0;
  #gathered: Uint8Array[] = [];
  /** Bytes in `#gathered` and staged. */
  #gatheredBytes = 0;
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
    const frameBytes = FRAME_HEADER_BYTES + payload.length;
    const copied = payload.length <= LIMITS.sendCopyBytes;
    this.#makeRoom(copied ? frameBytes : FRAME_HEADER_BYTES);
    writeFrameHeader(this.#staging, this.#stagedTo, tag, payload.length);
    this.#stagedTo += FRAME_HEADER_BYTES;
    if (copied) {
      this.#staging.set(payload, this.#stagedTo);
      this.#stagedTo += payload.length;
    } else {
      this.#gatherStaged();
      this.#gathered.push(payload);
    }
    this.#gatheredBytes += frameBytes;
    if (this.#gatheredBytes >= LIMITS.sendGatherBytes) this.#flushNow();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      process.nextTick(this.#flush);
    }
  }

  drained(): Promise<void> {
    if (this.ended || this.#writingBytes + this.#gatheredBytes < LIMITS.sendHighWaterBytes) {
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
    this.#gathered = [];
    this.#letSendersGo();
  }

  /** Makes sure that `bytes` more fit into the staging buffer. */
  #makeRoom(bytes: number): void {
    if (this.#stagedTo + bytes <= this.#staging.length) return;
    this.#gatherStaged();
    // The socket may still be reading the old one.
    this.#staging = Buffer.allocUnsafeSlow(LIMITS.sendStagingBytes);
    this.#stagedFrom = 0;
    this.#stagedTo = 0;
  }

  #gatherStaged(): void {
    if (this.#stagedTo === this.#stagedFrom) return;
    this.#gathered.push(this.#staging.subarray(this.#stagedFrom, this.#stagedTo));
    this.#stagedFrom = this.#stagedTo;
  }

  #flushNow(): void {
    this.#flushScheduled = false;
    this.#gatherStaged();
    const parts = this.#gathered;
    const bytes = this.#gatheredBytes;
    if (parts.length === 0 || this.#socket.destroyed) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#writingBytes += bytes;
    const socket = this.#socket;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let at = 0; at < last; at += 1) socket.write(parts[at]!);
    socket.write(parts[last]!, () => this.#onWritten(bytes));
    if (last > 0) socket.uncork();
  }

  #onWritten(bytes: number): void {
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
