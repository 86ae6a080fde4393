// Giving way: long local work lets the process handle what has arrived meanwhile.

/** Resolves after waiting input and output have been processed. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
