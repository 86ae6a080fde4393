// A file of what is, or was, used and left over by period, that a person chooses: it stays in this browser.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { ExpectedEnergy } from "../../../src/client/standing-rule.ts";
import { messageOf } from "../../../src/platform/errors.ts";
import { market } from "../market/feed.ts";

interface CsvFileFieldProps {
  readonly label: string;
  readonly hint: string;
  /** What is there already, or what has come of it; said aloud when it changes. */
  readonly status: string;
  readonly take: (name: string, rows: ReadonlyMap<number, ExpectedEnergy>) => Promise<void>;
}

export function CsvFileField({ label, hint, status, take }: CsvFileFieldProps) {
  const id = useId();
  const problem = useSignal<string | null>(null);
  const read = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    try {
      const { readForecast } = await import("./forecast-file.ts");
      const rows = readForecast(await chosen.text(), market.value!);
      problem.value = null;
      await take(chosen.name, rows);
    } catch (error) {
      problem.value = messageOf(error);
    }
  };
  return (
    <div class="field wide">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="file"
        accept=".csv,text/csv"
        aria-invalid={problem.value !== null}
        aria-describedby={`${id}-hint`}
        onChange={({ currentTarget }) => void read(currentTarget.files?.[0])}
      />
      <p class="hint" id={`${id}-hint`}>
        {hint} <span role="status">{status}</span>
      </p>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </div>
  );
}
