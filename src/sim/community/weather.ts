// Clouds over a community: one slow process for all roofs, and a small quicker one for each of
// them.

import type { Prng } from "./prng.ts";
import { correlatedSeries } from "./prng.ts";

/** A changeable day with more cloud than sun. */
const MEAN_COVER = 0.93;
const COVER_DEVIATION = 0.08;
/** Correlation from one quarter-hour to the next: half of it is gone after some 100 minutes. */
const COVER_PERSISTENCE = 0.9;
const LOCAL_DEVIATION = 0.03;
const LOCAL_PERSISTENCE = 0.6;

/**
 * The cloud cover over the whole community in each of `quarters` quarter-hours, 0 clear .. 1
 * overcast.
 */
export function communityCloudCover(quarters: number, prng: Prng): number[] {
  return correlatedSeries(quarters, COVER_PERSISTENCE, prng).map((level) =>
    asCover(MEAN_COVER + COVER_DEVIATION * level),
  );
}

/** The cover over one roof: the community's with a small deviation of its own. */
export function localCloudCover(community: readonly number[], prng: Prng): number[] {
  const deviation = correlatedSeries(community.length, LOCAL_PERSISTENCE, prng);
  return community.map((cover, t) => asCover(cover + LOCAL_DEVIATION * (deviation[t] ?? 0)));
}

function asCover(level: number): number {
  return Math.min(1, Math.max(0, level));
}
