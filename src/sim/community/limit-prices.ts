// What households ask and bid. Nobody pays more than the own retail tariff or sells below the own
// feed-in tariff; where between them depends on temperament and on the time of day.

/** A supplier's public tariffs in ct/kWh. */
export interface Tariffs {
  readonly retailCtPerKwh: number;
  readonly feedInCtPerKwh: number;
}

export interface Temperament {
  /** 0 haggles .. 1 pays nearly the retail tariff to have local electricity. */
  readonly eagerness: number;
  /** 0 gives it away for little more than the feed-in tariff .. 1 holds out. */
  readonly greed: number;
}

/** Ticks of the default price grid in one ct/kWh; the grid begins at 0. */
const TICKS_PER_CT = 100;

const SOLAR_NOON_LOCAL_HOURS = 13.7;
const SUPPER_LOCAL_HOURS = 20;

/**
 * The limit price of a buyer as a tick. Bids fall while the sun stands high, when everybody knows
 * that there is plenty, and rise towards the evening. `whim` is a small draw around 0.
 */
export function bidTick(
  temperament: Temperament,
  tariffs: Tariffs,
  localHours: number,
  whim: number,
): number {
  const { noon, evening } = dayTime(localHours);
  const share = 0.52 + 0.38 * temperament.eagerness - 0.3 * noon + 0.08 * evening + whim;
  const ct = between(tariffs, Math.min(0.99, Math.max(0.03, share)));
  return Math.min(Math.round(ct * TICKS_PER_CT), Math.floor(tariffs.retailCtPerKwh * TICKS_PER_CT));
}

/** The limit price of a seller as a tick, always above the feed-in tariff: lowest around noon. */
export function askTick(
  temperament: Temperament,
  tariffs: Tariffs,
  localHours: number,
  whim: number,
): number {
  const { noon, evening } = dayTime(localHours);
  const share = 0.12 + 0.4 * temperament.greed * (1 - 0.7 * noon) + 0.15 * evening + whim;
  const ct = between(tariffs, Math.min(0.9, Math.max(0.01, share)));
  const lowest = Math.floor(tariffs.feedInCtPerKwh * TICKS_PER_CT) + 1;
  return Math.max(Math.round(ct * TICKS_PER_CT), lowest);
}

function between(tariffs: Tariffs, share: number): number {
  return tariffs.feedInCtPerKwh + share * (tariffs.retailCtPerKwh - tariffs.feedInCtPerKwh);
}

/** How much it is noon and how much it is evening, each 0 .. 1. */
function dayTime(localHours: number): { noon: number; evening: number } {
  const bump = (centre: number, width: number): number =>
    Math.exp(-(((localHours - centre) / width) ** 2) / 2);
  return { noon: bump(SOLAR_NOON_LOCAL_HOURS, 2.6), evening: bump(SUPPER_LOCAL_HOURS, 2.2) };
}
