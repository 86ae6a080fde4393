// A forecast from a file that a person chooses: it stays in this browser.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { messageOf } from "../../../src/platform/errors.ts";
import { wholeNumber } from "../i18n/format.ts";
import { market } from "../market/feed.ts";
import { ruleTexts } from "./rule-texts.ts";
import { keepSettings, settings } from "./session.ts";

export function ForecastFileField() {
  const t = ruleTexts();
  const id = useId();
  const problem = useSignal<string | null>(null);
  const { file } = settings.value;
  const take = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    try {
      const { readForecast } = await import("./forecast-file.ts");
      const rows = readForecast(await chosen.text(), market.value!);
      problem.value = null;
      await keepSettings({ file: { name: chosen.name, rows } });
    } catch (error) {
      problem.value = messageOf(error);
    }
  };
  return (
    <div class="field wide">
      <label for={id}>{t.fileChoose}</label>
      <input
        id={id}
        type="file"
        accept=".csv,text/csv"
        aria-invalid={problem.value !== null}
        aria-describedby={`${id}-hint`}
        onChange={({ currentTarget }) => void take(currentTarget.files?.[0])}
      />
      <p class="hint" id={`${id}-hint`}>
        {t.fileHint} {file !== null && t.fileKnown(file.name, wholeNumber(file.rows.size))}
      </p>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </div>
  );
}
