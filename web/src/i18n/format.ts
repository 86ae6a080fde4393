// Numbers and times as the person reads them: in the own locale and time zone, days with 23 and 25 hours among
// them.
import { computed } from "@preact/signals";
import { UNITS_PER_WH } from "../../../src/market/order.ts";
import { hasTwin } from "./days.ts";
import { locale } from "./language.ts";
import { readTypedNumber } from "./typed-number.ts";

export { dayStartAfter, dayStartOf, monthStartAfter, monthStartOf } from "./days.ts";

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
const shortDay = dateFormat({ day: "numeric", month: "short" });
const dayAndYear = dateFormat({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const month = dateFormat({ month: "long", year: "numeric" });

/** What stands before the decimals here. */
const decimalSign = computed(
  () => editable.value.formatToParts(0.5).find(({ type }) => type === "decimal")?.value ?? ".",
);

/** What a person has typed, as typed-number.ts reads it. */
export const typedNumber = (text: string): string | null =>
  readTypedNumber(text, decimalSign.value === "," ? "," : ".");

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
export const shortDayText = (seconds: number): string => shortDay.value.format(dateOf(seconds));
export const longDayText = (seconds: number): string => dayAndYear.value.format(dateOf(seconds));
export const monthText = (seconds: number): string => month.value.format(dateOf(seconds));

/** Begin and end of a period; with the name of the zone in the hour that a day has twice. */
export function spanText(start: number, lengthS: number): string {
  const format = (hasTwin(start) ? timeWithZone : time).value;
  return `${format.format(dateOf(start))}–${format.format(dateOf(start + lengthS))}`;
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
