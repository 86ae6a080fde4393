// Days, months and times of day of a time zone, by what Intl knows of it: the same in Node and in browsers, nothing to
// load. Instants are whole seconds since 1970 UTC.

const DAY_S = 86_400;

/** The text names a time zone that this program knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The month after one such as 2025-12: 2026-01. */
function monthAfter(month: string): string {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year!, number!, 1)).toISOString().slice(0, 7);
}

export class LocalCalendar {
  readonly #format: Intl.DateTimeFormat;
  readonly #starts = new Map<string, number>();

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  }

  /** Minutes since midnight that clocks show at an instant, 0 .. 1439. */
  minuteOfDay(instant: number): number {
    return Math.floor((this.#shown(instant) % DAY_S) / 60);
  }

  /** The month of an instant: the last one that has begun. */
  monthOf(instant: number): string {
    const shown = new Date(this.#shown(instant) * 1000).toISOString().slice(0, 7);
    // Clocks put back at midnight show the old month a second time.
    const next = monthAfter(shown);
    return instant >= this.startOfMonth(next) ? next : shown;
  }

  /** The first instant at which clocks show a month, e.g. "2025-06", or a later one. */
  startOfMonth(month: string): number {
    const known = this.#starts.get(month);
    if (known !== undefined) return known;
    const midnight = Date.parse(`${month}-01T00:00:00Z`) / 1000;
    let before = midnight - 2 * DAY_S;
    let at = midnight + 2 * DAY_S;
    while (at - before > 1) {
      const middle = Math.floor((before + at) / 2);
      if (this.#shown(middle) >= midnight) at = middle;
      else before = middle;
    }
    this.#starts.set(month, at);
    return at;
  }

  /** The first instant after a month. */
  endOfMonth(month: string): number {
    return this.startOfMonth(monthAfter(month));
  }

  /** What clocks show, as the seconds since 1970 at which UTC shows the same. */
  #shown(instant: number): number {
    const parts = this.#format.formatToParts(instant * 1000);
    const of = (type: Intl.DateTimeFormatPartTypes) =>
      Number(parts.find((part) => part.type === type)!.value);
    const day = Date.UTC(of("year"), of("month") - 1, of("day"));
    return day / 1000 + 3600 * of("hour") + 60 * of("minute") + of("second");
  }
}
