/**
 * Some party did not follow the protocol. The session ends, nothing of it is revealed; the message names what did
 * not fit, without any value.
 */
export class AbortError extends Error {
  override readonly name = "AbortError";
}
