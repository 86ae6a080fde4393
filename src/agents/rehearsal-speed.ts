// How fast a rehearsal may go on this machine: what its processors do, other work beside it, is measured, not assumed.
import { availableParallelism } from "node:os";
import type { Clock } from "../platform/clock.ts";

/** On two processors of slowness 1, so many meters keep up with a market that is so many times as fast as real time. */
const METERS = 60;
const SPEED = 1000;
const FASTEST = 2500;
const PROCESSORS = 2;
/** Other work comes and goes: a day is not stretched more than so many times for its sake. */
const MOST_SLOWNESS = 3;

const PIECES = 400;
const PIECE_WORDS = 1 << 14;
const PIECE_ROUNDS = 40;
/** What a piece of work takes at slowness 1. */
const PIECE_MS = 1.3;

/**
 * By what factor work takes longer here and now than on the processors for which speeds were chosen: because they are
 * slower, or because something else is running. 1 or more; takes about half a second.
 */
export function slowness({ nowMs }: Pick<Clock, "nowMs">): number {
  const words = new Uint32Array(PIECE_WORDS);
  let sumMs = 0;
  for (let piece = 0; piece < PIECES; piece++) {
    const begin = nowMs();
    mix(words);
    sumMs += nowMs() - begin;
  }
  return Math.max(1, sumMs / (PIECES * PIECE_MS));
}

/** A piece of work: arithmetic that any processor does in much the same way, on words that fit into its cache. */
function mix(words: Uint32Array): void {
  let state = 1;
  for (let round = 0; round < PIECE_ROUNDS; round++) {
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = Math.imul(words[i]! + state, 0x9e3779b1) ^ (state >>> 3);
    }
  }
}

/** A speed at which so many meters, and the evaluators beside them, keep up, with the slowness that was measured. */
export function rehearsalSpeed(
  meters: number,
  measured: number,
  processors = availableParallelism(),
): number {
  const share =
    Math.min(1, processors / PROCESSORS) / Math.min(MOST_SLOWNESS, Math.max(1, measured));
  const possible = Math.min(FASTEST, (SPEED * METERS) / Math.max(1, meters));
  return Math.max(1, Math.floor(possible * share));
}
