// Days and months of the person's time zone, in seconds since 1970 UTC: days have 23, 24 or 25 hours.

const HOUR_S = 3600;

const dateOf = (seconds: number): Date => new Date(seconds * 1000);
const offsetOf = (seconds: number): number => dateOf(seconds).getTimezoneOffset();

/** Whether the clock shows this time twice, or is set within the hour: then the zone has to be said. */
export const hasTwin = (seconds: number): boolean =>
  offsetOf(seconds) !== offsetOf(seconds - HOUR_S) ||
  offsetOf(seconds) !== offsetOf(seconds + HOUR_S);

/** The local midnight at which the day of a moment begins. */
export function dayStartOf(seconds: number): number {
  const date = dateOf(seconds);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / 1000;
}

/** The midnight so many days later or, if negative, earlier: days have 23, 24 or 25 hours. */
export function dayStartAfter(dayStart: number, days: number): number {
  const date = dateOf(dayStart);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime() / 1000;
}

export function monthStartOf(seconds: number): number {
  const date = dateOf(seconds);
  return new Date(date.getFullYear(), date.getMonth(), 1).getTime() / 1000;
}

export function monthStartAfter(monthStart: number, months: number): number {
  const date = dateOf(monthStart);
  return new Date(date.getFullYear(), date.getMonth() + months, 1).getTime() / 1000;
}
