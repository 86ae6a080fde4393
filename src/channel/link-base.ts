// What every link does whatever carries its bytes: hands arriving frames to the receives that await
// them, keeps early ones, watches for silence, spreads errors, counts. Knows no Node built-in.

import { assert } from "../platform/assert.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { LIMITS } from "../platform/limits.ts";
import { FRAME_HEADER_BYTES, FrameError, type FrameHandler } from "../wire/frame.ts";
import { ChannelError, type Link, type Sink } from "./channel.ts";
import { EarlyFrames } from "./early-frames.ts";
import { SilenceWatch } from "./silence-watch.ts";

export interface LinkOptions {
  /** See LIMITS.silenceMs. */
  readonly silenceMs?: number;
  /** See LIMITS.earlyBytes. */
  readonly earlyBytes?: number;
  readonly clock?: Clock;
}

interface Receiver {
  readonly sink: Sink;
  /** Size of the message; undefined until the header of a message of one frame has come. */
  totalBytes: number | undefined;
  /** Largest allowed message. */
  readonly maxBytes: number;
  /** Called with `totalBytes` as soon as it is known, before any piece. */
  readonly begin: ((totalBytes: number) => void) | undefined;
  announcedBytes: number;
  arrivedBytes: number;
  readonly settled: PromiseWithResolvers<void>;
}

/** A receive whose rejection nobody looks at yet must not bring the process down. */
function rejectQuietly(settled: PromiseWithResolvers<void>, error: unknown): void {
  settled.promise.catch(() => {});
  settled.reject(error);
}

export abstract class LinkBase implements Link {
  readonly peer: string;
  readonly stats = { framesSent: 0, bytesSent: 0, framesReceived: 0, bytesReceived: 0 };
  /** Where the carrier reports frames as they arrive; may throw, then call `failReceiving`. */
  protected readonly incoming: FrameHandler;
  readonly #receivers = new Map<number, Receiver>();
  readonly #early: EarlyFrames;
  readonly #silence: SilenceWatch;
  /** The receive that the frame now arriving belongs to; undefined for an early frame. */
  #current: Receiver | undefined;
  #endError: ChannelError | undefined;
  readonly #ended = Promise.withResolvers<ChannelError>();

  constructor(peer: string, options: LinkOptions = {}) {
    const silenceMs = options.silenceMs ?? LIMITS.silenceMs;
    this.peer = peer;
    this.incoming = {
      header: (tag, payloadBytes) => this.#onHeader(tag, payloadBytes),
      piece: (tag, bytes) => this.#onPiece(tag, bytes),
    };
    this.#early = new EarlyFrames(options.earlyBytes ?? LIMITS.earlyBytes);
    this.#silence = new SilenceWatch(options.clock ?? systemClock, silenceMs, () => {
      const awaited = this.#receivers.size;
      this.end(
        "peer-silent",
        `sent nothing for ${silenceMs} ms while ${awaited} message(s) were awaited`,
      );
    });
  }

  abstract send(tag: number, payload: Uint8Array): void;
  abstract drained(): Promise<void>;
  /** Ends the carrier: after the queued bytes have left if `graceful`, else at once. */
  protected abstract shutDown(graceful: boolean): void;

  receive(tag: number, byteLength: number, sink: Sink): Promise<void> {
    assert(Number.isSafeInteger(byteLength) && byteLength >= 0, "byteLength must be a byte count");
    return this.#await(tag, byteLength, byteLength, sink, undefined);
  }

  async receiveFrame(tag: number, maxBytes: number): Promise<Uint8Array> {
    let frame = new Uint8Array(0);
    await this.#await(
      tag,
      undefined,
      maxBytes,
      (piece, offset) => frame.set(piece, offset),
      (totalBytes) => {
        frame = new Uint8Array(totalBytes);
      },
    );
    return frame;
  }

  close(error?: ChannelError): void {
    if (this.#endError !== undefined) return;
    this.#finish(error ?? new ChannelError("closed", `the link to ${this.peer} was closed`));
    this.shutDown(error === undefined);
  }

  whenEnded(): Promise<ChannelError> {
    return this.#ended.promise;
  }

  /** Whether the link has ended, for whatever reason. */
  protected get ended(): boolean {
    return this.#endError !== undefined;
  }

  /** Counts a frame about to be sent. Throws ChannelError when the link has ended. */
  protected countSent(payload: Uint8Array): void {
    if (this.#endError !== undefined) throw this.#endError;
    assert(payload.length <= LIMITS.framePayloadBytes, "payload too long for one frame");
    this.stats.framesSent += 1;
    this.stats.bytesSent += FRAME_HEADER_BYTES + payload.length;
  }

  /** The carrier calls this whenever bytes have arrived. */
  protected heard(): void {
    this.#silence.heard();
  }

  /**
   * Ends the link because of its other side; `what` continues a sentence that begins with the peer.
   */
  protected end(code: ChannelError["code"], what: string): void {
    this.#endWith(new ChannelError(code, `${this.peer} ${what}`));
  }

  /** Ends the link after an exception from `incoming` or from the frame reader. */
  protected failReceiving(error: unknown): void {
    if (error instanceof ChannelError) this.#endWith(error);
    else if (error instanceof FrameError)
      this.end("protocol", `broke the protocol: ${error.message}`);
    else {
      const reason = `the link to ${this.peer} was closed because a receiver failed`;
      this.#endWith(new ChannelError("closed", reason));
    }
  }

  #endWith(error: ChannelError): void {
    if (this.#endError !== undefined) return;
    this.#finish(error);
    this.shutDown(error.code === "peer-closed");
  }

  #finish(error: ChannelError): void {
    this.#endError = error;
    this.#ended.resolve(error);
    this.#silence.stop();
    this.#current = undefined;
    // What a peer sent in full before it left can still be received.
    if (error.code !== "peer-closed") this.#early.clear();
    const pending = [...this.#receivers.values()];
    this.#receivers.clear();
    for (const receiver of pending) rejectQuietly(receiver.settled, error);
  }

  #await(
    tag: number,
    totalBytes: number | undefined,
    maxBytes: number,
    sink: Sink,
    begin: Receiver["begin"],
  ): Promise<void> {
    assert(!this.#receivers.has(tag), `message ${tag} is already awaited`);
    if (totalBytes === 0) {
      return this.#endError === undefined ? Promise.resolve() : Promise.reject(this.#endError);
    }
    const settled = Promise.withResolvers<void>();
    const receiver: Receiver = {
      sink,
      totalBytes,
      maxBytes,
      begin,
      announcedBytes: 0,
      arrivedBytes: 0,
      settled,
    };
    this.#receivers.set(tag, receiver);
    if (this.#early.has(tag)) this.#deliverEarly(tag, receiver);
    if (this.#receivers.get(tag) !== receiver) return settled.promise;
    if (this.#endError !== undefined) {
      this.#receivers.delete(tag);
      rejectQuietly(settled, this.#endError);
    } else if (this.#receivers.size === 1) this.#silence.start();
    return settled.promise;
  }

  #deliverEarly(tag: number, receiver: Receiver): void {
    const frames =
      receiver.totalBytes === undefined
        ? this.#early.take(tag, 0)
        : this.#early.take(tag, receiver.totalBytes);
    try {
      for (const frame of frames) {
        this.#announce(tag, receiver, frame.payloadBytes);
        for (const piece of frame.pieces) this.#deliver(tag, receiver, piece);
        if (frame.arrivedBytes < frame.payloadBytes) this.#current = receiver;
      }
    } catch (error) {
      this.failReceiving(error);
    }
  }

  #onHeader(tag: number, payloadBytes: number): void {
    if (this.#endError !== undefined) return;
    this.stats.framesReceived += 1;
    this.stats.bytesReceived += FRAME_HEADER_BYTES;
    const receiver = this.#receivers.get(tag);
    this.#current = receiver;
    if (receiver !== undefined) {
      this.#announce(tag, receiver, payloadBytes);
    } else if (!this.#early.open(tag, payloadBytes)) {
      const what = `${this.peer} sent more than may wait to be received (at message ${tag})`;
      throw new ChannelError("flooded", what);
    }
  }

  #onPiece(tag: number, bytes: Uint8Array): void {
    if (this.#endError !== undefined) return;
    this.stats.bytesReceived += bytes.length;
    const receiver = this.#current;
    if (receiver === undefined) this.#early.add(tag, bytes);
    else this.#deliver(tag, receiver, bytes);
  }

  #announce(tag: number, receiver: Receiver, payloadBytes: number): void {
    receiver.announcedBytes += payloadBytes;
    if (receiver.announcedBytes > receiver.maxBytes) {
      const limit = `${receiver.announcedBytes} bytes for message ${tag}`;
      const what = `${this.peer} sent ${limit}, expected at most ${receiver.maxBytes}`;
      throw new ChannelError("protocol", what);
    }
    if (receiver.totalBytes !== undefined) return;
    receiver.totalBytes = payloadBytes;
    receiver.begin?.(payloadBytes);
    if (payloadBytes === 0) this.#complete(tag, receiver);
  }

  #deliver(tag: number, receiver: Receiver, bytes: Uint8Array): void {
    const offset = receiver.arrivedBytes;
    receiver.arrivedBytes = offset + bytes.length;
    try {
      receiver.sink(bytes, offset);
    } catch (error) {
      this.#receivers.delete(tag);
      rejectQuietly(receiver.settled, error);
      throw error;
    }
    if (receiver.arrivedBytes === receiver.totalBytes) this.#complete(tag, receiver);
  }

  #complete(tag: number, receiver: Receiver): void {
    if (this.#receivers.get(tag) !== receiver) return;
    this.#receivers.delete(tag);
    if (this.#current === receiver) this.#current = undefined;
    if (this.#receivers.size === 0) this.#silence.pause();
    receiver.settled.resolve();
  }
}
