// Failures of operations that run side by side.

/**
 * The same promise, which may fail before anybody awaits it: of several operations under way, the first that fails
 * is reported, and the others fail with it.
 */
export function quiet<T>(operation: Promise<T>): Promise<T> {
  operation.catch(() => {});
  return operation;
}
