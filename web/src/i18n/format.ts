// Numbers and times as the person reads them: in the own locale and time zone, days with 23 and 25 hours among them.
import { computed } from "@preact/signals";
import { UNITS_PER_WH } from "../../../src/market/order.ts";
import { locale } from "./language.ts";

const numberFormat = (options: Intl.NumberFormatOptions) =>
  computed(() => new Intl.NumberFormat(locale.value, options));
const dateFormat = (options: Intl.DateTimeFormatOptions) =>
  computed(() => new Intl.DateTimeFormat(locale.value, options));

const kwh = numberFormat({ minimumFractionDigits: 3, maximumFractionDigits: 3 });
const price = numberFormat({ minimumFractionDigits: 2, maximumFractionDigits: 4 });
const editable = numberFormat({ useGrouping: false, maximumFractionDigits: 6 });
const euro = numberFormat({ style: "currency", currency: "EUR" });
const exactEuro = numberFormat({ style: "currency", currency: "EUR", minimumFractionDigits: 4 });
const whole = numberFormat({ maximumFractionDigits: 0 });
const time = dateFormat({ hour: "2-digit", minute: "2-digit" });
const timeWithZone = dateFormat({ hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const timeWithSeconds = dateFormat({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = dateFormat({ weekday: "short", day: "numeric", month: "short" });
const dayAndYear = dateFormat({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const month = dateFormat({ month: "long", year: "numeric" });

const dateOf = (seconds: number): Date => new Date(seconds * 1000);

/** Units of 2^-10 Wh. */
export const kwhOfUnits = (units: number): string => kwhOfWh(units / UNITS_PER_WH);
export const kwhOfWh = (wh: number): string => `${kwh.value.format(wh / 1000)} kWh`;
export const ctPerKwh = (ct: number): string => `${price.value.format(ct)} ct/kWh`;
export const priceNumber = (ct: number): string => price.value.format(ct);
export const money = (ct: number): string => euro.value.format(ct / 100);
/** Of small amounts, which quarter-hours have. */
export const exactMoney = (ct: number): string => exactEuro.value.format(ct / 100);
export const wholeNumber = (value: number): string => whole.value.format(value);

export const timeText = (seconds: number): string => time.value.format(dateOf(seconds));
export const clockText = (seconds: number): string => timeWithSeconds.value.format(dateOf(seconds));
export const dayText = (seconds: number): string => day.value.format(dateOf(seconds));
export const longDayText = (seconds: number): string => dayAndYear.value.format(dateOf(seconds));
export const monthText = (seconds: number): string => month.value.format(dateOf(seconds));

const offsetOf = (seconds: number): number => dateOf(seconds).getTimezoneOffset();

/** Begin and end of a period; with the name of the zone in the hour that a day has twice. */
export function spanText(start: number, lengthS: number): string {
  const hour = 3600;
  const twice =
    offsetOf(start) !== offsetOf(start - hour) || offsetOf(start) !== offsetOf(start + hour);
  const format = (twice ? timeWithZone : time).value;
  return `${format.format(dateOf(start))}–${format.format(dateOf(start + lengthS))}`;
}

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

function isAmbiguous(text: string): boolean {
  const separator = editable.value.formatToParts(0.5).find(({ type }) => type === "decimal");
  const other = separator?.value === "," ? "." : ",";
  return new RegExp(`^-?[1-9]\\d{0,2}\\${other}\\d{3}$`).test(text);
}

/** "1:02:03" or "02:03": what is left until something happens. */
export function countdownText(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  const short = `${two(minutes)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${short}` : short;
}

/** A number as it can be typed again. */
export const editableNumber = (value: number): string => editable.value.format(value);

/**
 * A number that a person has typed, with a point or a comma; null when it is none, or can be read in two ways: "1.500"
 * is another number in Germany than in Ireland. Plain text, for exact decimals.
 */
export function typedNumber(text: string): string | null {
  if (isAmbiguous(text.trim())) return null;
  const plain = text.trim().replace(/\s/g, "").replace(",", ".");
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
  return plain.replace(/^(-?)\./, "$10.").replace(/\.$/, "");
}
