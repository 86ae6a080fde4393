// Frames that arrived before anybody awaited their message: kept per tag, in order, within a bound.
// Internal to the channel layer.

import { LIMITS } from "../platform/limits.ts";

/** One kept frame; `pieces` hold `arrivedBytes` of its `payloadBytes` so far. */
export interface EarlyFrame {
  readonly payloadBytes: number;
  arrivedBytes: number;
  readonly pieces: Uint8Array[];
}

export class EarlyFrames {
  readonly #limitBytes: number;
  readonly #byTag = new Map<number, EarlyFrame[]>();
  #keptBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Opens a frame of `tag`; false when its announced payload does not fit within the limit. */
  open(tag: number, payloadBytes: number): boolean {
    const charge = payloadBytes + LIMITS.earlyFrameOverheadBytes;
    if (this.#keptBytes + charge > this.#limitBytes) return false;
    this.#keptBytes += charge;
    const frame = { payloadBytes, arrivedBytes: 0, pieces: [] };
    const frames = this.#byTag.get(tag);
    if (frames === undefined) this.#byTag.set(tag, [frame]);
    else frames.push(frame);
    return true;
  }

  /** Adds a piece to the frame of `tag` opened last. Small pieces are copied out of their chunk. */
  add(tag: number, piece: Uint8Array): void {
    const frame = this.#byTag.get(tag)?.at(-1);
    if (frame === undefined) return;
    frame.pieces.push(piece.length < LIMITS.earlyCopyBytes ? piece.slice() : piece);
    frame.arrivedBytes += piece.length;
  }

  /** Whether a frame of `tag` is kept. */
  has(tag: number): boolean {
    return this.#byTag.has(tag);
  }

  /**
   * Takes out the oldest frames of `tag`: at least one, and more while their announced payloads
   * together hold less than `wantedBytes`.
   */
  take(tag: number, wantedBytes: number): EarlyFrame[] {
    const frames = this.#byTag.get(tag);
    if (frames === undefined) return [];
    let bytes = 0;
    let count = 0;
    do {
      bytes += frames[count]!.payloadBytes;
      count += 1;
    } while (count < frames.length && bytes < wantedBytes);
    const taken = frames.splice(0, count);
    if (frames.length === 0) this.#byTag.delete(tag);
    this.#keptBytes -= bytes + count * LIMITS.earlyFrameOverheadBytes;
    return taken;
  }

  clear(): void {
    this.#byTag.clear();
    this.#keptBytes = 0;
  }
}
