// Invariants: a broken one is a programmer's error and stops the period. Never for input from outside.

export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws InvariantError unless `condition` holds. `message` must not contain secret values. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
