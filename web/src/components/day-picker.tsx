// Steps from day to day.
import { dayStartAfter, dayText } from "../i18n/format.ts";
import { textTable } from "../i18n/language.ts";

const texts = textTable({
  en: { day: "Day", before: "Day before", after: "Day after", home: "Today" },
  de: { day: "Tag", before: "Tag davor", after: "Tag danach", home: "Heute" },
});

interface DayPickerProps {
  /** Midnights. */
  readonly day: number;
  readonly home: number;
  /** Null for whatever the day of now is. */
  readonly onChoose: (day: number | null) => void;
}

export function DayPicker({ day, home, onChoose }: DayPickerProps) {
  const t = texts();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div class="actions" role="group" aria-label={t.day}>
      <button
        type="button"
        class="button quiet small"
        aria-label={t.before}
        onClick={() => onChoose(dayStartAfter(day, -1))}
      >
        ←
      </button>
      <span>{dayText(day)}</span>
      <button
        type="button"
        class="button quiet small"
        aria-label={t.after}
        onClick={() => onChoose(dayStartAfter(day, 1))}
      >
        →
      </button>
      {day !== home && (
        <button type="button" class="button quiet small" onClick={() => onChoose(null)}>
          {t.home}
        </button>
      )}
    </div>
  );
}
