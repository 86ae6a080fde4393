// Enrolment of a supplier's browser with a one-time code.
import { useSignal } from "@preact/signals";
import { messageOf } from "../../../src/platform/errors.ts";
import { TransportError } from "../../../src/wire/http-transport.ts";
import { Field } from "../components/field.tsx";
import { householdTexts } from "../household/texts.ts";
import { engine, market } from "../market/feed.ts";
import { enrol } from "./session.ts";
import { supplierTexts } from "./texts.ts";

function explained(error: unknown): string {
  const common = householdTexts();
  if (error instanceof TransportError) return common.unreachable;
  const { EnrolmentError } = engine.value!;
  if (!(error instanceof EnrolmentError)) return messageOf(error);
  if (error.code === "wrong-role") return supplierTexts().wrongRole;
  return common.problems[error.code] ?? common.enrolFailed(error.message);
}

export function EnrolPage() {
  const t = supplierTexts();
  const common = householdTexts();
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
  return (
    <>
      <h1>{t.enrolTitle}</h1>
      <p class="lead">{t.enrolLead}</p>
      {market.value?.registrar?.web === undefined ? (
        <p class="notice warn">{common.noRegistrar}</p>
      ) : (
        <form class="card fields" onSubmit={submit} noValidate>
          <Field
            class="wide"
            label={common.code}
            hint={common.codeHint}
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
              {isBusy.value ? common.enrolling : common.enrol}
            </button>
          </p>
          <p class="quiet-text wide">{t.enrolKept}</p>
        </form>
      )}
    </>
  );
}
