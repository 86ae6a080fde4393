// How fast a rehearsal may go on this machine: what is left of its processors is measured, not assumed.
import { availableParallelism } from "node:os";
import type { Clock } from "../platform/clock.ts";
import type { Primitives } from "../platform/primitives.ts";

/** Where two processors are free, so many meters keep up with a market that is so many times as fast as real time. */
const METERS = 60;
const SPEED = 1000;
const FASTEST = 2500;
const PROCESSORS = 2;
/** Other work comes and goes: a day is not stretched more than so many times for its sake. */
const MOST_SLOWNESS = 3;

const PIECES = 600;
const PIECE_BYTES = 1 << 20;

/**
 * By what factor work takes longer now than it would without whatever else is running: pieces of equal work, all of
 * them against the fastest. 1 or more; takes a fraction of a second.
 */
export function contention(
  clock: Pick<Clock, "nowMs">,
  { sha256 }: Pick<Primitives, "sha256">,
): number {
  const piece = new Uint8Array(PIECE_BYTES);
  const times = Array.from({ length: PIECES }, () => {
    const begin = clock.nowMs();
    sha256(piece);
    return clock.nowMs() - begin;
  });
  const sum = times.reduce((total, time) => total + time, 0);
  return sum / (PIECES * Math.max(Math.min(...times), 1e-3));
}

/** A speed at which so many meters, and the evaluators beside them, keep up; `slowness` as `contention` says. */
export function rehearsalSpeed(
  meters: number,
  slowness: number,
  processors = availableParallelism(),
): number {
  const share =
    Math.min(1, processors / PROCESSORS) / Math.min(MOST_SLOWNESS, Math.max(1, slowness));
  const possible = Math.min(FASTEST, (SPEED * METERS) / Math.max(1, meters));
  return Math.max(1, Math.floor(possible * share));
}
