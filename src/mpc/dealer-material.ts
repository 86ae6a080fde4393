// What a dealer engine has in stock of each kind of material: batches expanded from this evaluator's seed, and at
// evaluator 0 corrected by the dealer. Elements are taken by their number, the same ones at all evaluators.
import { ChannelError } from "../channel/channel.ts";
import type { Field } from "../field/field.ts";
import type { Vector } from "../field/memory.ts";
import { assert } from "../platform/assert.ts";
import {
  correct,
  type Dealt,
  type MaterialKind,
  SCALING_BLOCK,
  type SeedStreams,
  type ShuffleRequest,
} from "../sharing/dealer.ts";
import { MATERIAL_AT_ONCE } from "../wire/dealer-messages.ts";
import type { DealerAccess } from "./dealer-access.ts";
import { Secret } from "./shared.ts";

/** Some elements of a batch. */
export interface Piece {
  /** How many elements; parts of which a block shares an element have one. */
  readonly length: number;
  /** Per part the values, of which those that the dealer corrects are right when `ready`; and the codes, the same. */
  readonly parts: readonly Dealt[];
  readonly ready: Promise<void>;
  /** Gives the memory back when all of the batch has been. */
  release(): void;
}

/** MATERIAL_AT_ONCE elements, expanded when first used. */
class Batch {
  parts: readonly Dealt[] | null = null;
  ready: Promise<void> = Promise.resolve();
  /** Elements that are taken, and that are released. */
  taken = 0;
  released = 0;
}

const isScaling = (kind: MaterialKind) => kind === "scalings";

export class MaterialStore {
  private readonly field: Field;
  private readonly streams: SeedStreams;
  /** Null at evaluators that need no corrections. */
  private readonly dealer: DealerAccess | null;
  private readonly batches = new Map<MaterialKind, Batch[]>();
  private ended: boolean = false;

  constructor(field: Field, streams: SeedStreams, dealer: DealerAccess | null) {
    this.field = field;
    this.streams = streams;
    this.dealer = dealer;
  }

  /**
   * The next `count` elements, in pieces that lie in one batch; scalings in pieces of one block, of which what is left
   * of the last is never used. Local; what the dealer corrects is right when each piece is ready.
   */
  take(kind: MaterialKind, count: number): Piece[] {
    const pieces: Piece[] = [];
    const most = isScaling(kind) ? SCALING_BLOCK : MATERIAL_AT_ONCE;
    for (let left = count; left > 0; ) {
      const batch = this.current(kind);
      const from = batch.taken;
      const length = Math.min(left, most, MATERIAL_AT_ONCE - from);
      const consumed = isScaling(kind) ? SCALING_BLOCK : length;
      batch.taken += consumed;
      left -= length;
      pieces.push(this.piece(batch, from, length, consumed));
    }
    // As much again is on its way from the dealer while this is used.
    const ahead = 1 + Math.ceil(count / MATERIAL_AT_ONCE);
    while (this.queue(kind).length < ahead) this.order(kind);
    return pieces;
  }

  /** `count` elements of a kind with one part, as a Secret. */
  async secret(kind: MaterialKind, count: number): Promise<Secret> {
    const pieces = this.take(kind, count);
    const secret = new Secret([this.field.alloc(count), this.field.alloc(count)], true);
    let at = 0;
    for (const { length, parts, ready, release } of pieces) {
      await ready;
      this.assertRunning();
      const [values, codes] = secret.components;
      this.field.copy(values!.slice(at, at + length), parts[0]!.values);
      this.field.copy(codes!.slice(at, at + length), parts[0]!.codes);
      at += length;
      release();
    }
    return secret;
  }

  /** r and r moved, of one use of a permutation, for the caller to free; the second is right when `ready`. */
  shuffle(request: ShuffleRequest): { readonly parts: readonly Dealt[]; ready: Promise<void> } {
    const parts = this.streams.shuffle(request.columns * request.length);
    const ready = this.dealer?.shuffleCorrections(request).then((corrections) => {
      this.assertRunning();
      this.correct("shuffle", parts, corrections);
    });
    return { parts, ready: quiet(ready ?? Promise.resolve()) };
  }

  /** Fetches and expands so much that the next `count` elements are there. */
  async stock(kind: MaterialKind, count: number, yieldTurn: () => Promise<void>): Promise<void> {
    const queue = this.queue(kind);
    const first = queue[0];
    let there = first === undefined ? 0 : queue.length * MATERIAL_AT_ONCE - first.taken;
    for (; there < count; there += MATERIAL_AT_ONCE) this.order(kind);
    for (const batch of [...queue]) {
      this.expandUpTo(kind, batch);
      await batch.ready;
      await yieldTurn();
    }
  }

  /** From here on the memory is somebody else's: what still arrives is dropped. */
  end(): void {
    this.ended = true;
  }

  private assertRunning(): void {
    assert(!this.ended, "the session has ended");
  }

  /** The batch that the next element is in. */
  private current(kind: MaterialKind): Batch {
    const queue = this.queue(kind);
    if (queue[0]?.taken === MATERIAL_AT_ONCE) queue.shift();
    if (queue.length === 0) this.order(kind);
    const batch = queue[0]!;
    this.expandUpTo(kind, batch);
    return batch;
  }

  private queue(kind: MaterialKind): Batch[] {
    let queue = this.batches.get(kind);
    if (queue === undefined) {
      queue = [];
      this.batches.set(kind, queue);
    }
    return queue;
  }

  private order(kind: MaterialKind): void {
    const batch = new Batch();
    this.queue(kind).push(batch);
    if (this.dealer === null) return;
    const corrected = this.dealer.corrections(kind).then((corrections) => {
      this.assertRunning();
      this.expandUpTo(kind, batch);
      this.correct(kind, batch.parts!, corrections);
    });
    batch.ready = quiet(corrected);
  }

  /** Batches are expanded in their order, as the dealer does. */
  private expandUpTo(kind: MaterialKind, last: Batch): void {
    if (last.parts !== null) return;
    for (const batch of this.queue(kind)) {
      batch.parts ??= this.streams.material(kind, MATERIAL_AT_ONCE);
      if (batch === last) return;
    }
  }

  private correct(
    kind: MaterialKind | "shuffle",
    parts: readonly Dealt[],
    bytes: Uint8Array,
  ): void {
    const corrections = this.field.alloc(bytes.length / 8);
    this.field.setBytes(corrections, bytes);
    if (!this.field.isCanonical(corrections)) {
      throw new ChannelError("protocol", "the dealer sent a value outside the field");
    }
    correct(this.field, kind, parts, corrections);
    this.field.free(corrections);
  }

  private piece(batch: Batch, from: number, length: number, consumed: number): Piece {
    const part = (v: Vector) => {
      if (v.length === MATERIAL_AT_ONCE) return v.slice(from, from + length);
      const block = from / SCALING_BLOCK;
      return v.slice(block, block + 1);
    };
    const parts = batch.parts!.map(({ values, codes }) => {
      return { values: part(values), codes: part(codes) };
    });
    const release = () => {
      batch.released += consumed;
      if (batch.released < MATERIAL_AT_ONCE) return;
      for (const { values, codes } of batch.parts!) {
        this.field.free(values);
        this.field.free(codes);
      }
    };
    return { length, parts, ready: batch.ready, release };
  }
}

/** A failure is for whoever awaits it; until then it must not count as unhandled. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
