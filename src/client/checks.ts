// What a client has verified, in a form that can be shown to a person.

export interface Check {
  /** What was verified, e.g. "inclusion". */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in words. */
  readonly detail: string;
}

/** What is told by evaluators that did not answer: a result that could be put together is right without them. */
const LESSER_CHECKS: ReadonlySet<string> = new Set(["answers", "shares"]);

/** The failed checks of an outcome that make it doubtful. */
export const doubtfulChecks = ({
  checks,
  tradedUnits,
}: {
  readonly checks: readonly Check[];
  readonly tradedUnits: number | null;
}): Check[] =>
  checks.filter(({ name, ok }) => !ok && (tradedUnits === null || !LESSER_CHECKS.has(name)));

/** "evaluator 1", "evaluators 0 and 2". */
export function evaluatorNames(numbers: readonly number[]): string {
  if (numbers.length === 0) return "no evaluator";
  if (numbers.length === 1) return `evaluator ${numbers[0]}`;
  return `evaluators ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
}
