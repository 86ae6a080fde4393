// Steps from month to month.
import { monthStartAfter, monthText } from "../i18n/format.ts";
import { textTable } from "../i18n/language.ts";

const texts = textTable({
  en: { month: "Month", before: "Month before", after: "Month after" },
  de: { month: "Monat", before: "Monat davor", after: "Monat danach" },
});

interface MonthPickerProps {
  /** The local midnight of its first day. */
  readonly month: number;
  readonly onChoose: (month: number) => void;
}

export function MonthPicker({ month, onChoose }: MonthPickerProps) {
  const t = texts();
  const step = (months: number, label: string, sign: string) => (
    <button
      type="button"
      class="button quiet small"
      aria-label={label}
      onClick={() => onChoose(monthStartAfter(month, months))}
    >
      {sign}
    </button>
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div class="actions" role="group" aria-label={t.month}>
      {step(-1, t.before, "←")}
      <span>{monthText(month)}</span>
      {step(1, t.after, "→")}
    </div>
  );
}
