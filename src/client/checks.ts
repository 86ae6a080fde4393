// What a client has verified, in a form that can be shown to a person.

export interface Check {
  /** What was verified, e.g. "inclusion". */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in words. */
  readonly detail: string;
}

/** "evaluator 1", "evaluators 0 and 2". */
export function evaluatorNames(numbers: readonly number[]): string {
  if (numbers.length === 0) return "no evaluator";
  if (numbers.length === 1) return `evaluator ${numbers[0]}`;
  return `evaluators ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
}
