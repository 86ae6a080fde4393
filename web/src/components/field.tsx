// A labelled field of a form, with a hint, and what is wrong with what was entered.
import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";

interface FieldProps {
  readonly label: string;
  readonly value: Signal<string>;
  readonly hint?: string;
  readonly problem?: string | null;
  readonly inputMode?: "decimal" | "numeric";
  readonly autocomplete?: string;
  readonly class?: string;
  readonly onEdit?: () => void;
}

export function Field(props: FieldProps) {
  const { label, value, hint, problem = null, inputMode, autocomplete = "off" } = props;
  const id = useId();
  const about = [hint === undefined ? [] : `${id}-hint`, problem === null ? [] : `${id}-problem`];
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        value={value.value}
        inputMode={inputMode}
        autocomplete={autocomplete}
        spellcheck={false}
        aria-invalid={problem !== null}
        aria-describedby={about.flat().join(" ") || undefined}
        onInput={({ currentTarget }) => {
          value.value = currentTarget.value;
          props.onEdit?.();
        }}
      />
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem !== null && (
        <p class="problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly { readonly value: T; readonly text: string }[];
  readonly onChoose: (value: T) => void;
}

/** A field with few choices. */
export function Choice<T extends string>({ label, value, choices, onChoose }: ChoiceProps<T>) {
  const id = useId();
  return (
    <fieldset class="field">
      <legend>{label}</legend>
      <div class="choices">
        {choices.map((choice) => (
          <label key={choice.value}>
            <input
              type="radio"
              name={id}
              value={choice.value}
              checked={choice.value === value}
              onChange={() => onChoose(choice.value)}
            />
            {choice.text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** A field with more choices. */
export function Select<T extends string>({ label, value, choices, onChoose }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={({ currentTarget }) => onChoose(currentTarget.value as T)}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.text}
          </option>
        ))}
      </select>
    </div>
  );
}
