// How a session ends when somebody lied.

/** A party did not follow the protocol. Nothing of the session is revealed; the message has no value in it. */
export class AbortError extends Error {
  override readonly name = "AbortError";
}
