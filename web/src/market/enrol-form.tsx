// Enrolment with a one-time code, and what is said where a browser or a market cannot.
import { useSignal } from "@preact/signals";
import { messageOf } from "../../../src/platform/errors.ts";
import { TransportError } from "../../../src/wire/http-transport.ts";
import { Field } from "../components/field.tsx";
import { enrolmentTexts } from "./enrolment-texts.ts";
import { engine, market } from "./feed.ts";

interface EnrolFormProps {
  /** What is said to those who enrol here. */
  readonly texts: {
    readonly enrolTitle: string;
    readonly enrolLead: string;
    /** What this browser will keep. */
    readonly enrolKept: string;
    /** To a code that is for somebody else. */
    readonly wrongRole: string;
  };
  /** Rejects with EnrolmentError or TransportError. */
  readonly enrol: (code: string) => Promise<void>;
}

export function EnrolForm({ texts, enrol }: EnrolFormProps) {
  const t = enrolmentTexts();
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
    if (error.code === "wrong-role") return texts.wrongRole;
    return t.problems[error.code] ?? t.enrolFailed(error.message);
  };
  return (
    <>
      <h1>{texts.enrolTitle}</h1>
      <p class="lead">{texts.enrolLead}</p>
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
          <p class="quiet-text wide">{texts.enrolKept}</p>
        </form>
      )}
    </>
  );
}

/** What a browser, or a market, must have and has not. */
export type Missing = "context" | "storage" | "addresses";

export function Unsupported({ missing }: { readonly missing: Missing }) {
  const t = enrolmentTexts();
  const why = {
    context: t.unsupportedContext,
    storage: t.unsupportedStorage,
    addresses: t.unsupportedAddresses,
  }[missing];
  return <p class="notice bad">{why}</p>;
}
