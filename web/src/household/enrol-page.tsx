// Enrolment with a one-time code.
import { useSignal } from "@preact/signals";
import { messageOf } from "../../../src/platform/errors.ts";
import { TransportError } from "../../../src/wire/http-transport.ts";
import { Field } from "../components/field.tsx";
import { engine, market } from "../market/feed.ts";
import { enrol } from "./session.ts";
import { householdTexts } from "./texts.ts";

export function EnrolPage() {
  const t = householdTexts();
  const code = useSignal("");
  const isBusy = useSignal(false);
  const problem = useSignal<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = null;
    try {
      await enrol(code.value.trim());
    } catch (error) {
      problem.value = explained(error);
    }
    isBusy.value = false;
  };
  const explained = (error: unknown): string => {
    if (error instanceof TransportError) return t.unreachable;
    const { EnrolmentError } = engine.value!;
    if (!(error instanceof EnrolmentError)) return messageOf(error);
    return t.problems[error.code] ?? t.enrolFailed(error.message);
  };
  return (
    <>
      <h1>{t.enrolTitle}</h1>
      <p class="lead">{t.enrolLead}</p>
      {market.value?.registrar?.web === undefined ? (
        <p class="notice warn">{t.noRegistrar}</p>
      ) : (
        <form class="card fields" onSubmit={submit} noValidate>
          <Field
            class="wide"
            label={t.code}
            hint={t.codeHint}
            value={code}
            problem={problem.value}
            autocomplete="one-time-code"
          />
          <p class="actions wide">
            <button
              class="button"
              type="submit"
              disabled={isBusy.value || code.value.trim() === ""}
            >
              {isBusy.value ? t.enrolling : t.enrol}
            </button>
          </p>
          <p class="quiet-text wide">{t.keptHere}</p>
        </form>
      )}
    </>
  );
}
