// A forecast from a file, which the standing rule goes by.
import { wholeNumber } from "../i18n/format.ts";
import { CsvFileField } from "./csv-file-field.tsx";
import { ruleTexts } from "./rule-texts.ts";
import { keepSettings, settings } from "./session.ts";

export function ForecastFileField() {
  const t = ruleTexts();
  const { file } = settings.value;
  return (
    <CsvFileField
      label={t.fileChoose}
      hint={t.fileHint}
      status={file === null ? "" : t.fileKnown(file.name, wholeNumber(file.rows.size))}
      take={(name, rows) => keepSettings({ file: { name, rows } })}
    />
  );
}
