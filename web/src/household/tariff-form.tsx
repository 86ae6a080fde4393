// What the supplier takes and gives, as the person has it from the contract.
import { useSignal } from "@preact/signals";
import { Field } from "../components/field.tsx";
import { editableNumber, typedNumber } from "../i18n/format.ts";
import { resultsTexts } from "./results-texts.ts";
import { ruleTexts } from "./rule-texts.ts";
import { keepSettings, settings } from "./session.ts";

const textOf = (ct: number | null): string => (ct === null ? "" : editableNumber(ct));

export function TariffForm() {
  const t = resultsTexts();
  const { number } = ruleTexts();
  const { retailCt, feedInCt } = settings.peek();
  const [retail, feedIn] = [useSignal(textOf(retailCt)), useSignal(textOf(feedInCt))];
  const problems = useSignal<{ readonly retail: boolean; readonly feedIn: boolean } | null>(null);
  const isKept = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const [takes, gives] = [readOptional(retail.value), readOptional(feedIn.value)];
    problems.value = { retail: takes === undefined, feedIn: gives === undefined };
    if (takes === undefined || gives === undefined) return;
    await keepSettings({ retailCt: takes, feedInCt: gives });
    isKept.value = true;
  };
  return (
    <section class="card" aria-labelledby="tariff">
      <h2 id="tariff">{t.tariffTitle}</h2>
      <p class="quiet-text">{t.tariffLead}</p>
      <form class="fields" onSubmit={submit} noValidate>
        <Field
          label={t.retail}
          value={retail}
          inputMode="decimal"
          problem={problems.value?.retail ? number : null}
        />
        <Field
          label={t.feedIn}
          value={feedIn}
          inputMode="decimal"
          problem={problems.value?.feedIn ? number : null}
        />
        <p class="actions wide">
          <button type="submit" class="button quiet">
            {t.keep}
          </button>
          <span role="status">{isKept.value ? t.kept : ""}</span>
        </p>
      </form>
    </section>
  );
}

/** Null when empty, undefined when it is no number. */
function readOptional(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  const typed = typedNumber(text);
  return typed === null ? undefined : Number(typed);
}
